/*
 * Preloaded into a program (LD_PRELOAD): makes the nth of a kind of calls fail. What fails, and
 * which, stands in the file that SOCKJS_FAULT_FILE names, five numbers of 32 bits that a test
 * writes while the program runs and reads again:
 *
 *	call       a letter: m allocations of `least` bytes or more, a accept4, s send and sendmsg,
 *	           o open and openat, with their 64s; 0: nothing fails
 *	countdown  the call that makes it 0 fails
 *	error      errno; 0 for s: one byte is taken
 *	least      see m
 *	fired      set to 1 when a call failed
 *
 * No module of the daemon: it is here because it is built like one.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* A module hides what it has; here it is to be found by everybody. */
#pragma GCC visibility push(default)

struct control {
	int32_t call, countdown, error, least, fired;
};

static struct control *control;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);

__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("SOCKJS_FAULT_FILE");
	int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
	void *map;

	if (fd == -1)
		return;
	map = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	control = map == MAP_FAILED ? NULL : map;
}

/* For who reads why a program has ended. The file is closed to further failures meanwhile. */
static void
say_where(void)
{
	void *frames[16];
	int call = control->call;

	control->call = 0;
	if (getenv("SOCKJS_FAULT_TRACE") != NULL)
		backtrace_symbols_fd(frames, backtrace(frames, 16), STDERR_FILENO);
	control->call = call;
}

/* True if this call fails; errno is set. */
static bool
strikes(int call)
{
	if (control == NULL || control->call != call || control->countdown <= 0 ||
	    --control->countdown > 0)
		return false;
	control->fired = 1;
	say_where();
	errno = control->error;
	return true;
}

/* --- allocations ------------------------------------------------------------------------------ */

/* A sanitizer has its own. */
#ifndef SANITIZED

static bool
strikes_size(size_t size)
{
	return control != NULL && control->call == 'm' && size >= (size_t)control->least &&
	    strikes('m');
}

void *
malloc(size_t size)
{
	return strikes_size(size) ? NULL : __libc_malloc(size);
}

void *
calloc(size_t n, size_t size)
{
	return strikes_size(n * size) ? NULL : __libc_calloc(n, size);
}

void *
realloc(void *old, size_t size)
{
	return strikes_size(size) ? NULL : __libc_realloc(old, size);
}

#endif

/* --- sockets ---------------------------------------------------------------------------------- */

int
accept4(int fd, struct sockaddr *restrict address, socklen_t *restrict len, int flags)
{
	static int (*real)(int, struct sockaddr *, socklen_t *, int);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "accept4");
	return strikes('a') ? -1 : real(fd, address, len, flags);
}

/*
 * Whoever is told EAGAIN waits for an edge that would not come, for there is room: a new size of
 * the socket's buffer makes one.
 */
static void
make_edge(int fd)
{
	int error = errno, size = 0;
	socklen_t len = sizeof size;

	if (getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, &len) == 0) {
		size /= 2;
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	}
	errno = error;
}

ssize_t
send(int fd, const void *data, size_t len, int flags)
{
	static ssize_t (*real)(int, const void *, size_t, int);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "send");
	if (!strikes('s'))
		return real(fd, data, len, flags);
	if (control->error == 0 && len > 0) {
		len = (size_t)real(fd, data, 1, flags);
		make_edge(fd);
		return (ssize_t)len;
	}
	make_edge(fd);
	return -1;
}

ssize_t
sendmsg(int fd, const struct msghdr *message, int flags)
{
	static ssize_t (*real)(int, const struct msghdr *, int);
	struct msghdr cut = *message;
	struct iovec first;
	ssize_t n;

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "sendmsg");
	if (!strikes('s'))
		return real(fd, message, flags);
	if (control->error == 0 && message->msg_iovlen > 0 && message->msg_iov[0].iov_len > 0) {
		first = (struct iovec){message->msg_iov[0].iov_base, 1};
		cut.msg_iov = &first;
		cut.msg_iovlen = 1;
		n = real(fd, &cut, flags);
		make_edge(fd);
		return n;
	}
	make_edge(fd);
	return -1;
}

/* --- files ------------------------------------------------------------------------------------ */

static mode_t
mode_of(int flags, va_list args)
{
	return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(args, mode_t) : 0;
}

int
open(const char *path, int flags, ...)
{
	static int (*real)(const char *, int, ...);
	va_list args;
	mode_t mode;

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "open");
	va_start(args, flags);
	mode = mode_of(flags, args);
	va_end(args);
	return strikes('o') ? -1 : real(path, flags, mode);
}

int
openat(int folder, const char *path, int flags, ...)
{
	static int (*real)(int, const char *, int, ...);
	va_list args;
	mode_t mode;

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "openat");
	va_start(args, flags);
	mode = mode_of(flags, args);
	va_end(args);
	return strikes('o') ? -1 : real(folder, path, flags, mode);
}

int
open64(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = mode_of(flags, args);
	va_end(args);
	return open(path, flags, mode);
}

int
openat64(int folder, const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = mode_of(flags, args);
	va_end(args);
	return openat(folder, path, flags, mode);
}
