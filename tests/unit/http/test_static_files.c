/*
 * sessiond/http/static_files.h: what is served of a folder, and that nothing leads out of it.
 */
#include "tests/unit/http/http_fixture.h"

#include <ftw.h>
#include <limits.h>
#include <sys/stat.h>
#include <time.h>

static char top[] = "/tmp/static_files.XXXXXX";
static char folder[PATH_MAX / 2];

static void
write_file(const char *name, const char *text)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", top, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void
make(const char *name, const char *target)
{
	char path[PATH_MAX];

	snprintf(path, sizeof path, "%s/%s", top, name);
	assert_int_equal(target == NULL ? mkdir(path, 0700) : symlink(target, path), 0);
}

static int
make_folder(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(top));
	snprintf(folder, sizeof folder, "%s/www", top);
	make("www", NULL);
	make("www/sub", NULL);
	make("www/empty", NULL);
	write_file("outside.txt", "outside");
	write_file("www/index.html", "index");
	write_file("www/a.txt", "a text");
	write_file("www/a b.js", "script");
	write_file("www/c+d.js", "plus");
	make("www/.git", NULL);
	make("www/.well-known", NULL);
	write_file("www/.git/config", "hidden");
	write_file("www/sub/.htpasswd", "hidden");
	write_file("www/.well-known/a.txt", "known");
	write_file("www/none", "no extension");
	write_file("www/sub/index.html", "sub");
	make("www/out.txt", "../outside.txt");
	make("www/in.txt", "a.txt");
	make("www/absolute.txt", "/etc/passwd");
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st, (void)type, (void)walk;
	return remove(path);
}

static int
remove_folder(void **state)
{
	(void)state;
	return nftw(top, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static int
set_up(void **state)
{
	struct error err = ERROR_INIT;

	http_set_up(state);
	server.requests.files = static_files_open(folder, &err);
	assert_non_null(server.requests.files);
	return 0;
}

static void
assert_file(const char *path, const char *body, const char *type)
{
	char header[128];
	int client = connect_client();

	ask(client, "GET", path, "");
	assert_heard(client, 200, body);
	snprintf(header, sizeof header, "Content-Type: %s", type);
	assert_true(has_header(header));
	assert_true(has_header("Cache-Control: no-cache"));
	assert_true(has_header("X-Content-Type-Options: nosniff"));
	hang_up(client);
}

static void
assert_none(const char *path)
{
	int client = connect_client();

	ask(client, "GET", path, "");
	assert_heard(client, 404, "404 Error: Page not found\n");
	hang_up(client);
}

static void
test_files(void **state)
{
	(void)state;
	assert_file("/", "index", "text/html; charset=UTF-8");
	assert_file("/index.html", "index", "text/html; charset=UTF-8");
	assert_file("/a.txt", "a text", "text/plain; charset=UTF-8");
	assert_file("/a.txt?query", "a text", "text/plain; charset=UTF-8");
	assert_file("///a.txt", "a text", "text/plain; charset=UTF-8");
	assert_file("/a%20b.js", "script", "text/javascript; charset=UTF-8");
	assert_file("/sub/", "sub", "text/html; charset=UTF-8");
	assert_file("/sub/../a.txt", "a text", "text/plain; charset=UTF-8");
	assert_file("/in.txt", "a text", "text/plain; charset=UTF-8");
	assert_file("/c+d.js", "plus", "text/javascript; charset=UTF-8");
	assert_file("/c%2bd.js", "plus", "text/javascript; charset=UTF-8");
	assert_file("/.well-known/a.txt", "known", "text/plain; charset=UTF-8");
	assert_file("/sub/./../a.txt", "a text", "text/plain; charset=UTF-8");
	assert_file("/none", "no extension", "application/octet-stream");
}

static void
test_none(void **state)
{
	char longest[1100];

	(void)state;
	assert_none("/b.txt");
	assert_none("/empty/");
	assert_none("/a.txt/");
	assert_none("/a+b.js"); /* in a path `+` is itself */
	assert_none("/.git/config");
	assert_none("/sub/.htpasswd");
	assert_none("/sub/%2ehtpasswd");
	assert_none("/a.txt%00.js");
	memset(longest, 'x', sizeof longest);
	longest[0] = '/';
	longest[900] = '\0';
	assert_none(longest);
}

static void
test_never_leaves(void **state)
{
	(void)state;
	assert_none("/../outside.txt");
	assert_none("/%2e%2e/outside.txt");
	assert_none("/sub/../../outside.txt");
	assert_none("/out.txt");
	assert_none("/absolute.txt");
	assert_none("//etc/passwd");
}

static void
test_methods(void **state)
{
	int client = connect_client();

	(void)state;
	ask(client, "HEAD", "/a.txt", "");
	assert_heard(client, 200, "");
	assert_true(has_header("Content-Length: 6"));
	post(client, "/a.txt", "");
	assert_heard(client, 405, "");
	assert_true(has_header("Allow: GET, HEAD"));
	hang_up(client);
}

static void
test_redirection(void **state)
{
	int client = connect_client();

	(void)state;
	ask(client, "GET", "/sub?query", "");
	assert_heard(client, 301, "");
	assert_true(has_header("Location: /sub/"));
	ask(client, "GET", "//sub", ""); /* two slashes would name another host */
	assert_heard(client, 301, "");
	assert_true(has_header("Location: /sub/"));
	hang_up(client);
}

static void
test_etag(void **state)
{
	char headers[256], *etag, path[PATH_MAX];
	struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	int client = connect_client();

	(void)state;
	ask(client, "GET", "/a.txt", "");
	assert_heard(client, 200, "a text");
	etag = strstr(heard.head, "\nETag: ");
	assert_non_null(etag);
	snprintf(headers, sizeof headers, "If-None-Match: %.*s\r\n", (int)strcspn(etag + 7, "\n"),
	    etag + 7);
	ask(client, "GET", "/a.txt", headers);
	assert_heard(client, 304, "");
	ask(client, "GET", "/a.txt", "If-None-Match: *\r\n");
	assert_heard(client, 304, "");
	ask(client, "GET", "/none", headers);
	assert_heard(client, 200, "no extension");
	/* Of the same length, and changed: it is another. */
	snprintf(path, sizeof path, "%s/a.txt", folder);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	ask(client, "GET", "/a.txt", headers);
	assert_heard(client, 200, "a text");
	hang_up(client);
}

static void
test_services_come_first(void **state)
{
	int client = connect_client();

	(void)state;
	ask(client, "GET", "/echo", "");
	assert_heard(client, 200, "Welcome to SockJS!\n");
	ask(client, "GET", "/echo/none", "");
	assert_heard(client, 404, "404 Error: Page not found\n");
	hang_up(client);
}

static void
test_replaced(void **state)
{
	int client = connect_client();

	(void)state;
	http_server_reconfigure(&server, &server_options, CONNECTION_LIMIT, NULL);
	ask(client, "GET", "/a.txt", "");
	assert_heard(client, 404, "404 Error: Page not found\n");
	hang_up(client);
}

static void
test_open_fails(void **state)
{
	struct static_files *files = NULL;
	struct error err = ERROR_INIT;

	(void)state;
	assert_null(static_files_open("/does/not/exist", &err));
	assert_string_equal(err.text, "static: /does/not/exist: No such file or directory");
	static_files_close(&files);
	assert_null(files);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, http_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(files),
	    TEST(none),
	    TEST(never_leaves),
	    TEST(methods),
	    TEST(redirection),
	    TEST(etag),
	    TEST(services_come_first),
	    TEST(replaced),
	    TEST(open_fails),
	};

	return cmocka_run_group_tests_name("static_files", tests, make_folder, remove_folder);
}
