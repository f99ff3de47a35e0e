/*
 * fcgi/answer.h: the head of an answer, as a web server takes it from FastCGI.
 */
#include "fcgi/answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *
no_header(const void *context, const char *name)
{
	(void)context;
	(void)name;
	return NULL;
}

static const char *
some_headers(const void *context, const char *name)
{
	(void)context;
	return strcmp(name, "Origin") == 0 ? "http://example.com" : NULL;
}

static const struct request_head plain = {
    .method = "GET", .path = "/echo/info", .header = no_header};

/* The head of a reply, as a string that the caller frees. */
static char *
head_of(const struct reply *reply, const struct protocol_service *service,
    const struct request_head *head, ssize_t body_len)
{
	struct buffer out = BUFFER_INIT;

	answer_head(&out, reply, service, head, body_len);
	assert_false(buffer_failed(&out));
	buffer_append_char(&out, '\0');
	return out.data;
}

static void
assert_head(const struct reply *reply, const struct request_head *head, ssize_t body_len,
    const char *expected)
{
	static const struct protocol_service service;
	char *text = head_of(reply, &service, head, body_len);

	assert_string_equal(text, expected);
	free(text);
}

static void
test_plain(void **state)
{
	const struct reply reply = {.status = 200, .content_type = "text/plain; charset=UTF-8"};

	(void)state;
	assert_head(&reply, &plain, 12,
	    "Status: 200 OK\r\nContent-Type: text/plain; charset=UTF-8\r\n"
	    "Content-Length: 12\r\n\r\n");
}

/* A stream's length is not known; a body that is empty has a length. */
static void
test_length(void **state)
{
	const struct reply reply = {.status = 200};

	(void)state;
	assert_head(&reply, &plain, -1, "Status: 200 OK\r\n\r\n");
	assert_head(&reply, &plain, 0, "Status: 200 OK\r\nContent-Length: 0\r\n\r\n");
}

/* RFC 9110, 8.6: these have no body, and so no length of one. */
static void
test_no_body(void **state)
{
	static const struct {
		int status;
		const char *head;
	} cases[] = {
	    {204, "Status: 204 No Content\r\n\r\n"},
	    {304, "Status: 304 Not Modified\r\n\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct reply reply = {.status = cases[i].status};

		assert_head(&reply, &plain, 0, cases[i].head);
	}
}

/* Whatever sessiond refuses with: a status has a phrase, and a 503 says when to come again. */
static void
test_errors(void **state)
{
	static const struct {
		int status;
		const char *head;
	} cases[] = {
	    {404, "Status: 404 Not Found\r\nContent-Length: 1\r\n\r\n"},
	    {413, "Status: 413 Content Too Large\r\nContent-Length: 1\r\n\r\n"},
	    {431, "Status: 431 Request Header Fields Too Large\r\nContent-Length: 1\r\n\r\n"},
	    {401,
		"Status: 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\nContent-Length: 1\r\n\r\n"},
	    {403, "Status: 403 Forbidden\r\nContent-Length: 1\r\n\r\n"},
	    {429, "Status: 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 1\r\n\r\n"},
	    {503, "Status: 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 1\r\n\r\n"},
	    {599, "Status: 599 Other\r\nContent-Length: 1\r\n\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct reply reply = {.status = cases[i].status};

		assert_head(&reply, &plain, 1, cases[i].head);
	}
}

static void
test_reply_headers(void **state)
{
	const struct request_head head = {
	    .method = "POST", .path = "/echo/0/s/xhr", .header = some_headers, .now = 0};
	const struct reply reply = {
	    .status = 200, .cors = true, .cache = REPLY_CACHED, .nosniff = true};
	static const char *const lines[] = {
	    "\r\nAccess-Control-Allow-Origin: http://example.com\r\n",
	    "\r\nAccess-Control-Allow-Credentials: true\r\n",
	    "\r\nX-Content-Type-Options: nosniff\r\n",
	    /* A year after the time that was given. */
	    "\r\nExpires: Fri, 01 Jan 1971 00:00:00 GMT\r\n",
	};
	char *text = head_of(&reply, NULL, &head, 3);

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
		assert_non_null(strstr(text, lines[i]));
	/* The empty line is the last, and the only one. */
	assert_ptr_equal(strstr(text, "\r\n\r\n"), text + strlen(text) - 4);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_plain),
	    cmocka_unit_test(test_length),
	    cmocka_unit_test(test_no_body),
	    cmocka_unit_test(test_errors),
	    cmocka_unit_test(test_reply_headers),
	};

	return cmocka_run_group_tests_name("answer", tests, NULL, NULL);
}
