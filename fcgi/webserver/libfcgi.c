/*
 * See libfcgi.h.
 *
 * libfcgi is given the descriptor (FCGX_Request.ipcFd) in place of one that it accepted, as it does
 * for a kept connection. It never closes one that is still used: the connection counts as kept for
 * it, and when a request ends it has no descriptor at all.
 */
#include "fcgi/webserver/libfcgi.h"

#include "common/log_limit.h"
#include "common/memory.h"

#include <errno.h>
#include <fcgiapp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

struct libfcgi {
	FCGX_Request request;
	bool is_kept;
};

/*
 * The file in memory that libfcgi reads each request from, and writes a response to that no socket
 * has room for; -1: there is none yet.
 */
static int memory_file = -1;

int
libfcgi_start(struct error *err)
{
	/* It would wait for the web server's side at each close. */
	setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", "0", 1);
	if (FCGX_Init() != 0)
		return error_set(err, EX_OSERR, "libfcgi could not be initialised");
	return 0;
}

struct libfcgi *
libfcgi_create(void)
{
	struct libfcgi *libfcgi = xcalloc(1, sizeof *libfcgi);

	/* It must not accept by itself: without a listening socket it cannot. */
	FCGX_InitRequest(&libfcgi->request, -1, 0);
	libfcgi->request.keepConnection = 1;
	return libfcgi;
}

void
libfcgi_destroy(struct libfcgi **libfcgi)
{
	struct libfcgi *l = *libfcgi;

	*libfcgi = NULL;
	if (l == NULL)
		return;
	FCGX_Free(&l->request, 0);
	free(l);
}

/* --- a request -------------------------------------------------------------------------------- */

/* Makes the file hold just data, to be read, or written over, from its start. */
static int
fill_memory_file(const char *data, size_t len)
{
	size_t written = 0;

	if (memory_file == -1)
		memory_file = memfd_create("request", MFD_CLOEXEC);
	if (memory_file == -1 || ftruncate(memory_file, (off_t)len) == -1 ||
	    lseek(memory_file, 0, SEEK_SET) == -1)
		return -1;
	while (written < len) {
		ssize_t n = pwrite(memory_file, data + written, len - written, (off_t)written);

		if (n <= 0)
			return -1;
		written += (size_t)n;
	}
	return 0;
}

/* So that the last of two that have one name is found first. */
static void
reverse(char **params)
{
	char **last = params, *first;

	while (*last != NULL)
		last++;
	for (; params < --last; params++) {
		first = *params;
		*params = *last;
		*last = first;
	}
}

int
libfcgi_read(struct libfcgi *libfcgi, const char *data, size_t len)
{
	static struct log_limit limit;
	FCGX_Request *request = &libfcgi->request;
	int status;

	if (fill_memory_file(data, len) == -1) {
		log_limited(&limit, SEVERITY_ERROR, "a request could not be put into memory: %s",
		    strerror(errno));
		return -1;
	}
	request->ipcFd = memory_file;
	status = FCGX_Accept_r(request);
	/* On an error it has closed the file. */
	if (request->ipcFd == -1)
		memory_file = -1;
	request->ipcFd = -1;
	libfcgi->is_kept = request->keepConnection;
	request->keepConnection = 1;
	if (status != 0)
		return -1;
	reverse(request->envp);
	/* Nothing is in the standard input but its end. */
	request->ipcFd = memory_file;
	status = FCGX_GetChar(request->in) == -1 && FCGX_GetError(request->in) == 0 ? 0 : -1;
	request->ipcFd = -1;
	return status;
}

bool
libfcgi_is_kept(const struct libfcgi *libfcgi)
{
	return libfcgi->is_kept;
}

char **
libfcgi_params(const struct libfcgi *libfcgi)
{
	return libfcgi->request.envp;
}

/*
 * As FCGX_GetParam, which calls strncmp for each variable. A poll asks for so many headers that
 * this was a fifth of what it costs the responder.
 */
const char *
libfcgi_param(const char *name, char *const *params)
{
	const char *at, *wanted;

	for (; (at = *params) != NULL; params++) {
		/* Most differ at once, and each request is asked for a dozen. */
		if (*at != *name)
			continue;
		for (wanted = name; *wanted != '\0' && *at == *wanted; wanted++)
			at++;
		if (*wanted == '\0' && *at == '=')
			return at + 1;
	}
	return NULL;
}

/* --- its response ----------------------------------------------------------------------------- */

void
libfcgi_write_to(struct libfcgi *libfcgi, int socket)
{
	libfcgi->request.ipcFd = socket;
}

int
libfcgi_write_to_memory(struct libfcgi *libfcgi)
{
	if (fill_memory_file(NULL, 0) == -1)
		return -1;
	libfcgi->request.ipcFd = memory_file;
	return 0;
}

int
libfcgi_take_memory(struct buffer *to)
{
	off_t size = lseek(memory_file, 0, SEEK_CUR);
	char *space = size == -1 ? NULL : buffer_reserve(to, (size_t)size);

	if (space == NULL || pread(memory_file, space, (size_t)size, 0) != size)
		return -1;
	buffer_added(to, (size_t)size);
	return 0;
}

int
libfcgi_put(struct libfcgi *libfcgi, const char *bytes, size_t len)
{
	return len == 0 || FCGX_PutStr(bytes, (int)len, libfcgi->request.out) == (int)len ? 0 : -1;
}

int
libfcgi_flush(struct libfcgi *libfcgi)
{
	return FCGX_FFlush(libfcgi->request.out) == 0 ? 0 : -1;
}

int
libfcgi_end(struct libfcgi *libfcgi)
{
	FCGX_Request *request = &libfcgi->request;
	/*
	 * FCGX_Finish_r closes them too, and does not say how it went. The last one writes the end.
	 */
	bool failed = FCGX_FClose(request->err) != 0;

	failed = FCGX_FClose(request->out) != 0 || failed;
	request->ipcFd = -1;
	FCGX_Finish_r(request);
	return failed ? -1 : 0;
}
