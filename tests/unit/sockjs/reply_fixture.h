/*
 * For the tests of replies: a service, a request with the headers a test gives it, and the answer
 * with its headers as text.
 */
#ifndef TESTS_REPLY_FIXTURE_H
#define TESTS_REPLY_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "common/buffer.h"
#include "sockjs/reply.h"

static char url[] = "http://cdn/sockjs.js";
static struct protocol_service service;
static char reply_text[REPLY_TEXT_SIZE];
static struct reply reply;
static struct buffer headers; /* `Name: value\n` of each, then a NUL */
static bool is_whole;

/* The request's headers: name, value, name, value, ... NULL. */
static const char *request[16];

static inline const char *
find_header(const void *context, const char *name)
{
	const char *const *pair;

	assert_ptr_equal(context, &request);
	for (pair = request; pair[0] != NULL; pair += 2)
		if (strcasecmp(pair[0], name) == 0)
			return pair[1];
	return NULL;
}

static inline void
add_header(void *context, const char *name, const char *value)
{
	assert_ptr_equal(context, &headers);
	buffer_printf(&headers, "%s: %s\n", name, value);
}

static inline int
set_up(void **state)
{
	(void)state;
	memset(&service, 0, sizeof service);
	memset(request, 0, sizeof request);
	service.options.sockjs_url = url;
	service.options.websocket = true;
	service.options.transports = TRANSPORTS_ALL;
	protocol_service_prepare(&service);
	buffer_init(&headers);
	return 0;
}

static inline int
tear_down(void **state)
{
	(void)state;
	protocol_service_clear(&service);
	buffer_free(&headers);
	return 0;
}

static inline void
ask(const char *method, const char *path)
{
	struct request_head head = {
	    .method = method, .path = path, .header = find_header, .context = &request, .now = 0};
	const char *session;
	size_t len;

	memset(&reply, 0xff, sizeof reply);
	reply.text = reply_text;
	is_whole = reply_decide(
	    &service, route_find(path, strlen(path), &session, &len), &head, 4294967295u, &reply);
	buffer_clear(&headers);
	reply_headers(&reply, &service, &head, add_header, &headers);
	buffer_append_char(&headers, '\0');
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

#endif
