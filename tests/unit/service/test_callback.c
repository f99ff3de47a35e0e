/*
 * service/callback.h: what the log is told of callbacks that block the loop, and what a handler of
 * signals is told of the one that runs.
 */
#include "sessiond/service/callback.h"

#include "common/log_limit.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/log_capture.h"

#define DESCRIBED "callback data of module ./chat.so in [service /chat]"

static const struct callback_owner chat = {"service /chat", "./chat.so"},
				   echo = {"service /echo", "echo"};

uint64_t __wrap_uv_hrtime(void);
static uint64_t now = 1000000; /* ns */

uint64_t
__wrap_uv_hrtime(void)
{
	return now;
}

static void
call(const struct callback_owner *owner, enum callback callback)
{
	callback_end(callback_begin(owner, callback));
}

static int
begin(void **state)
{
	(void)state;
	callbacks_end_turn();
	callbacks_end_turn();
	log_limits_flush();
	capture_begin();
	return 0;
}

static void
end_slow_turn(uint64_t ms)
{
	callbacks_end_turn();
	callbacks_slow_turn(ms, 1000);
}

static void
test_one(void **state)
{
	(void)state;
	call(&chat, CALLBACK_DATA);
	call(&chat, CALLBACK_DATA);
	end_slow_turn(1234);
	assert_non_null(strstr(capture_end(),
	    "error: module ./chat.so of [service /chat] blocked the loop for 1.234 s, in data "
	    "(slow_callback is 1000 ms): nobody else was served meanwhile\n"));
	assert_false(callbacks_are_timed);
}

/* None was called in this turn, though in the one before. */
static void
test_none(void **state)
{
	(void)state;
	call(&chat, CALLBACK_DATA);
	callbacks_end_turn();
	end_slow_turn(1234);
	assert_string_equal(capture_end(), "");
}

static void
test_freed(void **state)
{
	(void)state;
	call(&chat, CALLBACK_STOP);
	callbacks_end_turn();
	callbacks_forget(&chat);
	callbacks_slow_turn(1234, 1000);
	assert_string_equal(capture_end(), "");
}

static void
test_several_of_one(void **state)
{
	(void)state;
	call(&chat, CALLBACK_CONNECTION);
	call(&chat, CALLBACK_AUTHORIZE);
	end_slow_turn(2000);
	assert_non_null(strstr(capture_end(), " for 2.000 s, in authorize or connection ("));
}

/* From then on each is timed, and the one that takes long is told of, once. */
static void
test_several_services(void **state)
{
	struct callback_call outer;
	const char *lines;

	(void)state;
	call(&chat, CALLBACK_DATA);
	call(&echo, CALLBACK_DATA);
	callbacks_end_turn();
	callbacks_slow_turn(50, 5);
	assert_true(callbacks_are_timed);
	call(&echo, CALLBACK_DATA);
	outer = callback_begin(&chat, CALLBACK_TIMER);
	call(&echo, CALLBACK_LOG);
	now += 20 * 1000000;
	callback_end(outer);
	call(&echo, CALLBACK_DATA);
	callbacks_end_turn();
	callbacks_slow_turn(50, 5);
	lines = capture_end();
	assert_non_null(
	    strstr(lines, "callbacks of [service /echo] and of other services blocked "));
	lines = strstr(lines,
	    "module ./chat.so of [service /chat] blocked the loop for 0.020 s, in a timer's (");
	assert_non_null(lines);
	assert_null(strstr(lines, "echo"));
}

static void *
describe_elsewhere(void *to)
{
	*(size_t *)to = callback_describe((char[100]){""}, 100);
	return NULL;
}

static void
test_describe(void **state)
{
	struct callback_call outer, inner;
	char text[100] = "";
	pthread_t thread;
	size_t elsewhere = 1;

	(void)state;
	assert_int_equal(callback_describe(text, sizeof text), 0);
	outer = callback_begin(&chat, CALLBACK_DATA);
	inner = callback_begin(&chat, CALLBACK_LOG);
	callback_end(inner);
	assert_int_equal(callback_describe(text, sizeof text), strlen(DESCRIBED));
	assert_string_equal(text, DESCRIBED);
	assert_int_equal(callback_describe(text, 10), 10);
	pthread_create(&thread, NULL, describe_elsewhere, &elsewhere);
	pthread_join(thread, NULL);
	assert_int_equal(elsewhere, 0);
	callback_end(outer);
	assert_int_equal(callback_describe(text, sizeof text), 0);
	capture_end();
}

#define TEST(name) cmocka_unit_test_setup(test_##name, begin)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(one),
	    TEST(none),
	    TEST(freed),
	    TEST(several_of_one),
	    TEST(several_services),
	    TEST(describe),
	};

	return cmocka_run_group_tests_name("callback", tests, NULL, NULL);
}
