/*
 * sessiond/system/notify.h against a socket as a service manager has it; and what the built daemon
 * says to it, alone and under its supervisor (SOCKJS_BUILDDIR names the build folder).
 */
#include "sessiond/system/notify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WAIT_MS = 30000 }; /* longer than anything here takes */

static char folder[64], name[128], text[256];
static int manager;
static pid_t sender;

/* Listens at name: a path, or with '@' first an abstract name. */
static void
open_manager(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
	const int on = 1;

	memcpy(address.sun_path, name, strlen(name));
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_not_equal(manager, -1);
	assert_int_equal(bind(manager, (struct sockaddr *)&address, len), 0);
	assert_int_equal(setsockopt(manager, SOL_SOCKET, SO_PASSCRED, &on, sizeof on), 0);
	setenv("NOTIFY_SOCKET", name, 1);
}

/* The next datagram into text, its sender into sender. */
static void
receive(void)
{
	struct pollfd polled = {.fd = manager, .events = POLLIN};
	union {
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} control;
	struct iovec to = {text, sizeof text - 1};
	struct msghdr message = {
	    .msg_iov = &to,
	    .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    .msg_controllen = sizeof control.bytes,
	};
	struct ucred credentials;
	ssize_t n;

	assert_int_equal(poll(&polled, 1, WAIT_MS), 1);
	n = recvmsg(manager, &message, 0);
	assert_true(n >= 0);
	text[n] = '\0';
	memcpy(&credentials, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof credentials);
	sender = credentials.pid;
}

static bool
is_silent(void)
{
	char byte;

	return recv(manager, &byte, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN;
}

static int
begin(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/sockjs-notify-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(name, sizeof name, "%s/manager", folder);
	manager = -1;
	return 0;
}

static int
finish(void **state)
{
	char path[128];

	(void)state;
	if (manager != -1)
		close(manager);
	unsetenv("NOTIFY_SOCKET");
	snprintf(path, sizeof path, "%s/manager", folder);
	unlink(path);
	snprintf(path, sizeof path, "%s/conf", folder);
	unlink(path);
	return rmdir(folder);
}

static void
says_everything(void)
{
	unsigned long long first, second;

	notify(NOTIFY_READY);
	receive();
	assert_string_equal(text, "READY=1");
	assert_int_equal(sender, getpid());
	notify(NOTIFY_RELOADING);
	receive();
	assert_int_equal(sscanf(text, "RELOADING=1\nMONOTONIC_USEC=%llu", &first), 1);
	notify(NOTIFY_RELOADING);
	receive();
	assert_int_equal(sscanf(text, "RELOADING=1\nMONOTONIC_USEC=%llu", &second), 1);
	assert_true(first > 0 && second >= first);
	notify(NOTIFY_STOPPING);
	receive();
	assert_string_equal(text, "STOPPING=1");
	assert_true(is_silent());
}

static void
test_path(void **state)
{
	(void)state;
	open_manager();
	says_everything();
}

static void
test_abstract(void **state)
{
	(void)state;
	snprintf(name, sizeof name, "@sockjs-notify-%ld", (long)getpid());
	open_manager();
	says_everything();
}

/* Nobody to tell, or nonsense: nothing happens, and errno stays. */
static void
test_nobody(void **state)
{
	static char long_name[300] = "/";
	const char *const names[] = {
	    NULL, "", "/", "@", "relative", "vsock:1:2", "/no/such/folder/x", long_name};
	size_t i;

	(void)state;
	memset(long_name + 1, 'x', sizeof long_name - 2);
	for (i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (names[i] != NULL)
			setenv("NOTIFY_SOCKET", names[i], 1);
		errno = 7;
		notify(NOTIFY_READY);
		assert_int_equal(errno, 7);
	}
}

/* A manager that does not read costs us nothing but its own news. */
static void
test_full(void **state)
{
	int i;

	(void)state;
	open_manager();
	for (i = 0; i < 10000; i++)
		notify(NOTIFY_READY);
	receive();
	assert_string_equal(text, "READY=1");
}

/* In a child, since it is for good. */
static void
test_descriptor(void **state)
{
	unsigned char bytes[4];
	int ends[2], status;
	pid_t child;

	(void)state;
	open_manager();
	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		notify_set_descriptor(ends[1]);
		notify(NOTIFY_READY);
		notify(NOTIFY_STOPPING);
		_exit(0);
	}
	close(ends[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(read(ends[0], bytes, sizeof bytes), 2);
	assert_int_equal(bytes[0], NOTIFY_READY);
	assert_int_equal(bytes[1], NOTIFY_STOPPING);
	close(ends[0]);
	assert_true(is_silent());
}

/* --- the built program ------------------------------------------------------------------------ */

/* *output is what it prints. */
static pid_t
start(const char *program, char *option, FILE **output)
{
	int ends[2];
	char path[128];
	FILE *conf;
	pid_t child;

	snprintf(path, sizeof path, "%s/conf", folder);
	conf = fopen(path, "w");
	assert_non_null(conf);
	fprintf(conf, "[server]\nlisten = 127.0.0.1:0\nlog_level = error\n");
	fclose(conf);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	child = fork();
	if (child == 0) {
		dup2(ends[1], STDOUT_FILENO);
		execl(program, "sockjs-sessiond", "--config", path, option, (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	*output = fdopen(ends[0], "r");
	return child;
}

static void
wait_ready(FILE *output)
{
	char line[256];

	assert_non_null(fgets(line, sizeof line, output));
	assert_int_equal(strncmp(line, "ready ", 6), 0);
}

/*
 * Its main process, and nobody else, is ready once and stops once, though its daemon was another
 * one in between.
 */
static void
test_daemon(void **state)
{
	static char *const options[] = {NULL, "--supervise"};
	const char *build = getenv("SOCKJS_BUILDDIR");
	char program[512];
	int status;
	size_t i;

	(void)state;
	snprintf(
	    program, sizeof program, "%s/sessiond/sockjs-sessiond", build == NULL ? "." : build);
	assert_int_equal(access(program, X_OK), 0);
	open_manager();
	for (i = 0; i < sizeof options / sizeof options[0]; i++) {
		FILE *output;
		pid_t main_process = start(program, options[i], &output);

		wait_ready(output);
		receive();
		assert_string_equal(text, "READY=1");
		assert_int_equal(sender, main_process);
		if (options[i] != NULL) {
			kill(main_process, SIGUSR2);
			wait_ready(output);
		}
		kill(main_process, SIGTERM);
		receive();
		assert_string_equal(text, "STOPPING=1");
		assert_int_equal(sender, main_process);
		assert_int_equal(waitpid(main_process, &status, 0), main_process);
		assert_int_equal(status, 0);
		assert_true(is_silent());
		fclose(output);
	}
}

int
main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, finish)
	const struct CMUnitTest tests[] = {
	    TEST(test_path),
	    TEST(test_abstract),
	    TEST(test_nobody),
	    TEST(test_full),
	    TEST(test_descriptor),
	    TEST(test_daemon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
