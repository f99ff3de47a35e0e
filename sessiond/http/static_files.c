/*
 * See static_files.h. open_beneath keeps paths inside the folder, so that nothing here has to
 * understand them. Files are sent by sendfile.
 */
#include "sessiond/http/static_files.h"

#include "common/memory.h"
#include "system/open_beneath.h"
#include "sockjs/form.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

struct static_files {
	int folder;
};

static const struct {
	const char *extension, *type;
} types[] = {
    {".html", "text/html; charset=UTF-8"},
    {".js", "text/javascript; charset=UTF-8"},
    {".css", "text/css; charset=UTF-8"},
    {".json", "application/json"},
    {".map", "application/json"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".jpg", "image/jpeg"},
    {".gif", "image/gif"},
    {".ico", "image/vnd.microsoft.icon"},
    {".txt", "text/plain; charset=UTF-8"},
    {".woff2", "font/woff2"},
    {".wasm", "application/wasm"},
};

struct static_files *
static_files_open(const char *folder, struct error *err)
{
	struct static_files *files;
	int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd == -1) {
		error_set(err, EX_CONFIG, "static: %s: %s", folder, strerror(errno));
		return NULL;
	}
	/* Without this right nothing in it would be found. */
	if (faccessat(fd, ".", X_OK, AT_EACCESS) == -1) {
		error_set(err, EX_CONFIG, "static: %s: %s", folder, strerror(errno));
		close(fd);
		return NULL;
	}
	files = xcalloc(1, sizeof *files);
	files->folder = fd;
	return files;
}

void
static_files_close(struct static_files **files)
{
	if (*files == NULL)
		return;
	close((*files)->folder);
	free(*files);
	*files = NULL;
}

static const char *
type_of(const char *path)
{
	const char *extension = strrchr(path, '.');
	size_t i;

	for (i = 0; extension != NULL && i < sizeof types / sizeof types[0]; i++)
		if (strcmp(types[i].extension, extension) == 0)
			return types[i].type;
	return "application/octet-stream";
}

/*
 * True if a part of the path begins with a dot: what tools leave beside what is to be seen (.git,
 * .htpasswd). RFC 8615 has one for everybody.
 */
static bool
is_hidden(const char *path)
{
	static const char *const shown[] = {".", "..", ".well-known"};
	size_t len, i;

	for (; *path != '\0'; path += len + (path[len] == '/')) {
		len = strcspn(path, "/");
		for (i = 0; i < sizeof shown / sizeof shown[0]; i++)
			if (strlen(shown[i]) == len && memcmp(path, shown[i], len) == 0)
				break;
		if (path[0] == '.' && i == sizeof shown / sizeof shown[0])
			return true;
	}
	return false;
}

/*
 * The path in the folder, decoded; index.html is added to a folder's. Returns -1 if it can't be a
 * file's name.
 */
static int
file_path(const char *url, char *path, size_t size)
{
	size_t len;

	while (*url == '/')
		url++;
	len = strlen(url);
	if (len + sizeof "index.html" > size)
		return -1;
	memcpy(path, url, len);
	len = form_decode_path(path, len);
	if (memchr(path, '\0', len) != NULL)
		return -1;
	path[len] = '\0';
	if (is_hidden(path))
		return -1;
	if (len == 0 || path[len - 1] == '/')
		strcpy(path + len, "index.html");
	return 0;
}

static struct MHD_Response *
plain_response(const char *text)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
	    strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);

	if (response != NULL && text[0] != '\0')
		MHD_add_response_header(
		    response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain; charset=UTF-8");
	return response;
}

static struct MHD_Response *
not_found(unsigned *status)
{
	*status = MHD_HTTP_NOT_FOUND;
	return plain_response("404 Error: Page not found\n");
}

static struct MHD_Response *
method_not_allowed(unsigned *status)
{
	struct MHD_Response *response = plain_response("");

	*status = MHD_HTTP_METHOD_NOT_ALLOWED;
	if (response != NULL)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	return response;
}

static struct MHD_Response *
redirect_to_folder(const char *url, unsigned *status)
{
	struct MHD_Response *response = plain_response("");
	char *location = NULL;

	*status = MHD_HTTP_MOVED_PERMANENTLY;
	/* One slash at the start: two would name another host. */
	if (response == NULL || asprintf(&location, "/%s/", url + strspn(url, "/")) == -1)
		return response;
	MHD_add_response_header(response, MHD_HTTP_HEADER_LOCATION, location);
	free(location);
	return response;
}

static struct MHD_Response *
file_response(int fd, const struct stat *st, const char *path, const struct request_head *head,
    unsigned *status)
{
	struct MHD_Response *response;
	char etag[64];

	snprintf(etag, sizeof etag, "\"%llx-%llx-%lx\"", (unsigned long long)st->st_size,
	    (unsigned long long)st->st_mtim.tv_sec, (unsigned long)st->st_mtim.tv_nsec);
	if (reply_etag_is_known(head, etag)) {
		close(fd);
		*status = MHD_HTTP_NOT_MODIFIED;
		response = plain_response("");
	} else {
		*status = MHD_HTTP_OK;
		/* It owns the descriptor from here. */
		response = MHD_create_response_from_fd64((uint64_t)st->st_size, fd);
		if (response == NULL)
			close(fd);
		else
			MHD_add_response_header(
			    response, MHD_HTTP_HEADER_CONTENT_TYPE, type_of(path));
	}
	if (response == NULL)
		return NULL;
	MHD_add_response_header(response, MHD_HTTP_HEADER_ETAG, etag);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	return response;
}

struct MHD_Response *
static_files_respond(struct static_files *files, const struct request_head *head, unsigned *status)
{
	char path[1024];
	struct stat st;
	int fd;

	if (strcmp(head->method, "GET") != 0 && strcmp(head->method, "HEAD") != 0)
		return method_not_allowed(status);
	if (file_path(head->path, path, sizeof path) == -1)
		return not_found(status);
	fd = open_beneath(files->folder, path, O_RDONLY | O_NONBLOCK);
	if (fd == -1)
		return not_found(status);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return file_response(fd, &st, path, head, status);
	close(fd);
	return S_ISDIR(st.st_mode) ? redirect_to_folder(head->path, status) : not_found(status);
}
