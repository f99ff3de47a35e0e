/*
 * A FastCGI server that a test scripts, and the owner of the requests that it is asked.
 */
#ifndef TESTS_UNIT_FASTCGI_FASTCGI_FIXTURE_H
#define TESTS_UNIT_FASTCGI_FASTCGI_FIXTURE_H

#include "sessiond/fastcgi/fastcgi_client.h"

#include "common/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/log_capture.h"

#define HEAD "\1\6\0\1\0\10\0\0A: b\r\n\r\n"
#define BODY "\1\6\0\1\0\2\0\0[]"
#define END  "\1\3\0\1\0\10\0\0\0\0\0\0\0\0\0\0"

enum { LIMIT = 300000, TIMEOUT = 5000 };

static uv_loop_t loop;
static struct timers timers;
static struct fastcgi_client *client;
static char folder[64], address[100];
static int listener, server; /* server: its end of a connection; -1: none */

/* --- the server ------------------------------------------------------------------------------- */

static int
listen_at(const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&to, sizeof to), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

static int
listen_on_port(uint16_t *port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof to;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&to, len), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&to, &len), 0);
	*port = ntohs(to.sin_port);
	return fd;
}

static void
accept_one(void)
{
	server = -1;
	while (server == -1) {
		uv_run(&loop, UV_RUN_NOWAIT);
		server = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	}
}

/* Until the empty record of its input, which is the last of a request. */
static void
read_request(void)
{
	static const char end[] = {1, 5, 0, 1, 0, 0, 0, 0};
	char bytes[65536 + sizeof end];
	ssize_t n, kept = 0;

	do {
		uv_run(&loop, UV_RUN_NOWAIT);
		n = read(server, bytes + kept, 65536);
		if (n > 0 && kept + n >= (ssize_t)sizeof end) {
			memmove(bytes, bytes + kept + n - (ssize_t)sizeof end, sizeof end);
			kept = sizeof end;
		}
	} while (kept == 0 || memcmp(bytes, end, sizeof end) != 0);
}

/* --- the owner -------------------------------------------------------------------------------- */

static int told;
static struct fastcgi_outcome outcome;
static char why[600], body[100];

static void
on_done(void *owner, const struct fastcgi_outcome *is)
{
	assert_ptr_equal(owner, &told);
	told++;
	outcome = *is;
	snprintf(why, sizeof why, "%s", is->why == NULL ? "" : is->why);
	snprintf(body, sizeof body, "%.*s", (int)is->response.body_len,
	    is->response.body == NULL ? "" : is->response.body);
}

static struct fastcgi_call *
ask_with(const char *input, size_t len)
{
	const struct fastcgi_param params[] = {{"REQUEST_METHOD", "POST"}};

	told = 0;
	return fastcgi_client_ask(client, params, 1, input, len, on_done, &told);
}

static void
wait_for_outcome(void)
{
	while (told == 0) {
		uv_run(&loop, UV_RUN_NOWAIT);
		/* Only those that are due at once. */
		timers_run(&timers, uv_now(&loop));
	}
	assert_int_equal(told, 1);
}

static void
expect_failure(enum fastcgi_result result, const char *expected)
{
	wait_for_outcome();
	assert_int_equal(outcome.result, result);
	if (strstr(why, expected) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", expected, why);
}

static struct fastcgi_client *
try_client(const char *at, struct error *err)
{
	const struct fastcgi_options options = {at, "service /chat", TIMEOUT, LIMIT};

	return fastcgi_client_create(&loop, &timers, &options, err);
}

static void
create_client(const char *at)
{
	struct error err = ERROR_INIT;

	client = try_client(at, &err);
	assert_string_equal(err.text, "");
	assert_non_null(client);
}

#endif
