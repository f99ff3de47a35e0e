/*
 * sessiond/resume/leg_message.c: what a client may say on a leg, and what it may not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sessiond/resume/leg_message.h"

#define KEY "0123456789abcdef0123456789abcdef"

static struct leg_message
read_text(const char *text)
{
	return leg_message_read(text, strlen(text));
}

static void
assert_data(const char *text, const char *data)
{
	struct leg_message message = read_text(text);

	assert_int_equal(message.kind, LEG_MESSAGE_DATA);
	assert_int_equal(message.len, strlen(data));
	assert_memory_equal(message.data, data, message.len);
}

static void
test_data(void **state)
{
	(void)state;
	assert_data("", "");
	assert_data("hello", "hello");
	assert_data("a~n", "a~n");
	assert_data("~~", "~");
	assert_data("~~n", "~n");
	assert_data("~~~", "~~");
	assert_data("~1 ", "");
	assert_data("~12 ab c", "ab c");
	assert_data("~3 ~n", "~n");
	assert_int_equal(read_text("~12 ab c").count, 12);
	assert_int_equal(read_text("~~12 a").count, 0);
}

static void
test_words(void **state)
{
	struct leg_message message;

	(void)state;
	assert_int_equal(read_text("~n").kind, LEG_MESSAGE_NEW);
	assert_int_equal(read_text("~?").kind, LEG_MESSAGE_ASK);
	assert_int_equal(read_text("~c").kind, LEG_MESSAGE_CLOSE);
	message = read_text("~a0");
	assert_int_equal(message.kind, LEG_MESSAGE_ACK);
	assert_int_equal(message.count, 0);
	message = read_text("~a9007199254740992");
	assert_int_equal(message.kind, LEG_MESSAGE_ACK);
	assert_int_equal(message.count, LEG_COUNT_MAX);
	message = read_text("~r17 " KEY);
	assert_int_equal(message.kind, LEG_MESSAGE_RESUME);
	assert_int_equal(message.count, 17);
	assert_memory_equal(message.key, KEY, LEG_KEY_LEN);
}

static void
test_broken(void **state)
{
	static const char *const texts[] = {"~", "~x", "~0 a", "~1", "~1a", "~01 a",
	    "~9007199254740993 a", "~o", "~n ", "~nn", "~?1", "~c1", "~a", "~a ", "~a-1", "~a+1",
	    "~a01", "~a00", "~a1 ", "~a1.5", "~a1e3", "~a9007199254740993",
	    "~a18446744073709551616", "~a99999999999999999999999999", "~r", "~r1", "~r1 ",
	    "~r " KEY, "~r-1 " KEY, "~r1  " KEY, "~r1 " KEY "0",
	    "~r1 0123456789ABCDEF0123456789abcdef", "~r1 0123456789abcdef0123456789abcde",
	    "~r1 0123456789abcdef0123456789abcde."};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (read_text(texts[i]).kind != LEG_MESSAGE_BROKEN)
			fail_msg("%s is taken", texts[i]);
	/* Not NUL-terminated: a NUL is a character as others are. */
	assert_int_equal(leg_message_read("~n\0", 3).kind, LEG_MESSAGE_BROKEN);
	assert_int_equal(leg_message_read("~a1\0", 4).kind, LEG_MESSAGE_BROKEN);
	assert_int_equal(leg_message_read("~a12", 3).count, 1);
}

static void
test_key(void **state)
{
	char text[4 + LEG_KEY_LEN + 1] = "~r0 ", other[LEG_KEY_LEN];

	(void)state;
	leg_key_make(text + 4);
	assert_int_equal(leg_message_read(text, 4 + LEG_KEY_LEN).kind, LEG_MESSAGE_RESUME);
	leg_key_make(other);
	assert_memory_not_equal(text + 4, other, LEG_KEY_LEN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_data),
	    cmocka_unit_test(test_words),
	    cmocka_unit_test(test_broken),
	    cmocka_unit_test(test_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
