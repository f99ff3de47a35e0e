/*
 * sessiond/service/service.h and sockjs/prefix.h: which service a path belongs to, and how services
 * come and go.
 */
#include "sessiond/service/service.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <cmocka.h>

/* --- prefixes --------------------------------------------------------------------------------- */

static void
assert_match(const char *name, const char *path, long len)
{
	struct error err = ERROR_INIT;
	struct prefix prefix;
	long actual;

	assert_int_equal(prefix_init(&prefix, name, &err), 0);
	assert_string_equal(prefix.name, name);
	actual = prefix_match(&prefix, path);
	if (actual != len)
		fail_msg("[%s] takes %ld bytes of %s, not %ld", name, actual, path, len);
	prefix_clear(&prefix);
	prefix_clear(&prefix);
}

static void
test_plain_prefix(void **state)
{
	(void)state;
	assert_match("/echo", "/echo", 5);
	assert_match("/echo", "/echo/", 5);
	assert_match("/echo", "/echo/a/b/xhr", 5);
	assert_match("/echo", "/echo//", 5);
	assert_match("/echo", "/echox", -1);
	assert_match("/echo", "/ech", -1);
	assert_match("/echo", "/Echo", -1);
	assert_match("/echo", "/x/echo", -1);
	assert_match("/echo", "", -1);
	assert_match("/echo", "/echo%2f", -1);
	assert_match("/a/b", "/a/b/info", 4);
	assert_match("/a/b", "/a", -1);
	assert_match("/a.c", "/abc", -1); /* no pattern */
	assert_match("/echo/", "/echo/info", 5);
	assert_match("/echo///", "/echo", 5);
	assert_match("/", "/", 0);
	assert_match("/", "/info", 0);
	assert_match("//", "/anything", 0);
}

static void
test_pattern(void **state)
{
	(void)state;
	assert_match("~ /chat[0-9]+", "/chat12", 7);
	assert_match("~ /chat[0-9]+", "/chat12/info", 7);
	assert_match("~ /chat[0-9]+", "/chat12/", 7);
	assert_match("~ /chat[0-9]+", "/chat", -1);
	assert_match("~ /chat[0-9]+", "/chat12x", -1);
	assert_match("~ /chat[0-9]+", "/x/chat12", -1);
	assert_match("~/chat[0-9]+", "/chat1", 6);
	assert_match("~ \t^/chat", "/chat", 5);
	assert_match("~ /a|/b", "/b/info", 2);
	assert_match("~ /a|/b", "/x/b", -1);
	assert_match("~ /a|/a/b", "/a/b/c", 4);
	assert_match("~ /[^/]+/sock", "/room/sock/info", 10);
	/* Parentheses that undo ours do not undo the anchor. */
	assert_match("~ /a)|(/b", "/x/b", -1);
	assert_match("~ /a)|(/b", "/a/x", 2);
}

static void
assert_no_prefix(const char *name, const char *text)
{
	struct error err = ERROR_INIT;
	struct prefix prefix;

	assert_int_equal(prefix_init(&prefix, name, &err), -1);
	assert_int_equal(err.code, EX_CONFIG);
	assert_non_null(strstr(err.text, text));
	assert_null(prefix.name);
	prefix_clear(&prefix);
	assert_null(service_create(name, NULL));
}

static void
test_bad_prefixes(void **state)
{
	(void)state;
	assert_no_prefix("echo",
	    "[service echo]: a service is named by its prefix, \"/path\", or by \"~ REGEX\"");
	assert_no_prefix("", "a service is named by its prefix");
	assert_no_prefix(
	    "~", "[service ~]: a POSIX extended regular expression is expected after ~");
	assert_no_prefix("~ ", "is expected after ~");
	assert_no_prefix("~ ^", "is expected after ~");
	assert_no_prefix("~ /a(", "[service ~ /a(]: ");
	assert_no_prefix("~ /a[", "[service ~ /a[]: ");
	assert_no_prefix("~ /a{2,1}", "[service ~ /a{2,1}]: ");
}

/* --- finding a service ------------------------------------------------------------------------ */

static struct sockjs_service *services[8];
static size_t service_count;

static void
add_service(const char *name)
{
	struct error err = ERROR_INIT;

	services[service_count] = service_create(name, &err);
	assert_non_null(services[service_count]);
	service_count++;
}

static int
tear_down(void **state)
{
	(void)state;
	while (service_count > 0) {
		service_destroy(&services[--service_count]);
		assert_null(services[service_count]);
	}
	return 0;
}

static void
assert_found(const char *path, const char *name, size_t len)
{
	size_t prefix_len = 77;
	struct sockjs_service *found = service_find(services, service_count, path, &prefix_len);

	if (name == NULL) {
		assert_null(found);
		return;
	}
	assert_non_null(found);
	assert_string_equal(sockjs_service_prefix(found), name);
	assert_int_equal(prefix_len, len);
}

static void
test_longest_prefix(void **state)
{
	(void)state;
	assert_found("/a", NULL, 0);
	add_service("/a");
	add_service("/a/b/c");
	add_service("/a/b");
	assert_found("/a/x", "/a", 2);
	assert_found("/a/b/x", "/a/b", 4);
	assert_found("/a/b/c", "/a/b/c", 6);
	assert_found("/a/bx", "/a", 2);
	assert_found("/b", NULL, 0);
	add_service("/");
	assert_found("/b", "/", 0);
	assert_found("/a/b/c/d", "/a/b/c", 6);
}

static void
test_paths_before_patterns(void **state)
{
	(void)state;
	add_service("~ /a.*");
	add_service("~ /a/b");
	add_service("/a");
	add_service("~ /c");
	assert_found("/a/b", "/a", 2);
	assert_found("/ab", "~ /a.*", 3);
	assert_found("/c/x", "~ /c", 2);
	assert_found("/d", NULL, 0);
}

static void
test_first_pattern(void **state)
{
	(void)state;
	add_service("~ /a");
	add_service("~ /a/b");
	assert_found("/a/b", "~ /a", 2);
}

/* --- a service's life ------------------------------------------------------------------------- */

static struct timers timers;

/* Nobody looks into it, or fires. */
static struct sessions *const sessions = (struct sessions *)(void *)&timers;

static void
fire(struct timer *timer, void *ctx)
{
	(void)timer;
	(void)ctx;
}

static void
prepare(void)
{
	service_prepare(services[0], &timers, fire, fire, sessions);
}

static char cookie_seen[20];

static bool
give_cookie(sockjs_service *service, const char *cookie, char *value, size_t size)
{
	assert_ptr_equal(service, services[0]);
	snprintf(cookie_seen, sizeof cookie_seen, "%s", cookie == NULL ? "none" : cookie);
	snprintf(value, size, "given");
	return true;
}

static size_t
queue_count(const struct timers *set)
{
	const struct timer_queue *queue;
	size_t n = 0;

	for (queue = set->first; queue != NULL; queue = queue->next)
		n++;
	return n;
}

static void
test_prepare_and_release(void **state)
{
	static char url[] = "/sockjs.js";
	struct sockjs_service *none = NULL;
	size_t own;

	(void)state;
	service_destroy(&none);
	timers_init(&timers);
	own = queue_count(&timers);
	add_service("/a");
	services[0]->protocol.options.sockjs_url = url;
	service_release(services[0]); /* never prepared */
	prepare();
	assert_ptr_equal(services[0]->sessions, sessions);
	assert_int_not_equal(services[0]->protocol.iframe.len, 0);
	service_release(services[0]);
	service_release(services[0]);
	assert_null(services[0]->sessions);
	assert_int_equal(queue_count(&timers), own);
	prepare();
	assert_int_equal(queue_count(&timers), own + 3);
	service_destroy(&services[0]);
	service_count = 0;
	assert_int_equal(queue_count(&timers), own);
}

/* jsessionid = module: the application is asked, if it has the callback. */
static void
test_cookie_callback(void **state)
{
	static const struct sockjs_module without = {.abi = SOCKJS_ABI},
					  with = {.abi = SOCKJS_ABI, .jsessionid = give_cookie};
	static char url[] = "/sockjs.js";
	struct protocol_service *protocol;
	char value[20] = "";

	(void)state;
	timers_init(&timers);
	add_service("/a");
	protocol = &services[0]->protocol;
	protocol->options.sockjs_url = url;
	prepare();
	services[0]->application = &without;
	assert_false(
	    protocol->jsessionid(protocol->jsessionid_context, "old", value, sizeof value));
	services[0]->application = &with;
	assert_true(protocol->jsessionid(protocol->jsessionid_context, "old", value, sizeof value));
	assert_string_equal(value, "given");
	assert_string_equal(cookie_seen, "old");
	assert_true(protocol->jsessionid(protocol->jsessionid_context, NULL, value, sizeof value));
	assert_string_equal(cookie_seen, "none");
	service_release(services[0]);
}

#define TEST(name) cmocka_unit_test_teardown(test_##name, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(plain_prefix),
	    TEST(pattern),
	    TEST(bad_prefixes),
	    TEST(longest_prefix),
	    TEST(paths_before_patterns),
	    TEST(first_pattern),
	    TEST(prepare_and_release),
	    TEST(cookie_callback),
	};

	return cmocka_run_group_tests_name("service", tests, NULL, NULL);
}
