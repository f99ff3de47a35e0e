/*
 * sessiond/service/application.c: which callback of a module each event calls.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sessiond/service/application.h"

enum { HANDLE = 77 };

static char seen[100];

static void
see(sockjs_connection connection, const char *event)
{
	size_t n = strlen(seen);

	assert_int_equal(connection.handle, HANDLE);
	snprintf(seen + n, sizeof seen - n, "%s ", event);
}

#define SEES(event)                                                                                \
	static void on_##event(sockjs_connection connection)                                       \
	{                                                                                          \
		see(connection, #event);                                                           \
	}

SEES(connection)
SEES(resume)
SEES(suspend)
SEES(drain)
SEES(close)

static void
on_data(sockjs_connection connection, const sockjs_message *message)
{
	char text[20];

	snprintf(text, sizeof text, "%.*s%s", (int)message->len, message->data,
	    message->binary ? "!" : "");
	see(connection, text);
}

static struct sockjs_module module;
static struct sockjs_service service = {.application = &module};

/* Every event once, in this order: connection, resume, suspend, data twice, drain, close. */
static void
assert_all(const struct sockjs_module *callbacks, const char *expected)
{
	module = *callbacks;
	seen[0] = '\0';
	application_connection(&service, HANDLE);
	application_resume(&service, HANDLE);
	application_suspend(&service, HANDLE);
	application_data(&service, HANDLE, "ab", 2, false);
	application_data(&service, HANDLE, "abc", 2, true);
	application_drain(&service, HANDLE);
	application_close(&service, HANDLE);
	assert_string_equal(seen, expected);
}

static void
test_events(void **state)
{
	static const struct sockjs_module all = {
	    .connection = on_connection,
	    .resume = on_resume,
	    .suspend = on_suspend,
	    .data = on_data,
	    .drain = on_drain,
	    .close = on_close,
	};

	(void)state;
	assert_all(&all, "connection resume suspend ab ab! drain close ");
	assert_all(&(struct sockjs_module){.abi = SOCKJS_ABI}, "");
}

/* A module that does not know daemons apart sees an end and a beginning. */
static void
test_neither_resume_nor_suspend(void **state)
{
	static const struct sockjs_module simple = {.connection = on_connection, .close = on_close};

	(void)state;
	assert_all(&simple, "connection connection close close ");
	assert_false(application_can_resume(&service));
}

static void
test_resume_or_suspend(void **state)
{
	static const struct sockjs_module resumes = {.connection = on_connection,
					      .close = on_close,
					      .resume = on_resume},
					  suspends = {.connection = on_connection,
					      .close = on_close,
					      .suspend = on_suspend};

	(void)state;
	assert_all(&resumes, "connection resume close ");
	assert_true(application_can_resume(&service));
	assert_all(&suspends, "connection connection suspend close ");
	assert_true(application_can_resume(&service));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_events),
	    cmocka_unit_test(test_neither_resume_nor_suspend),
	    cmocka_unit_test(test_resume_or_suspend),
	};

	return cmocka_run_group_tests_name("application", tests, NULL, NULL);
}
