/* sessiond/redis/redis_message.h: what is written is read again, and all else is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sessiond/redis/redis_message.h"

#include <stdio.h>
#include <string.h>

#define EPOCH "0123456789abcdef"

/* A message of which every beginning is read, too: it may be anything but what was not there. */
static enum redis_message_kind
read_text(const char *text, size_t len, struct redis_message *message)
{
	size_t i;

	for (i = 0; i < len; i++) {
		char *part = test_malloc(i + 1);

		memcpy(part, text, i);
		redis_message_read(part, i, message);
		test_free(part);
	}
	redis_message_read(text, len, message);
	return message->kind;
}

static void
check_publication(const char *event, const char *except, const char *data, size_t len)
{
	struct publishing publishing = {.event = event,
	    .event_len = event == NULL ? 0 : strlen(event),
	    .data = data,
	    .len = len,
	    .except = except};
	struct buffer out = BUFFER_INIT;
	struct redis_message message;
	const struct publishing *read = &message.publication.publishing;

	buffer_append_str(&out, "P7 " EPOCH " 1234 ");
	redis_message_put(&out, &publishing);
	assert_int_equal(read_text(out.data, out.len, &message), REDIS_PUBLISHED);
	assert_int_equal(message.publication.position.offset, 7);
	assert_int_equal(message.publication.position.epoch, 0x0123456789abcdef);
	assert_int_equal(message.publication.time, 1234);
	assert_int_equal(read->len, len);
	assert_memory_equal(read->data, data, len);
	assert_int_equal(read->event == NULL, event == NULL);
	assert_int_equal(read->event_len, publishing.event_len);
	if (event != NULL)
		assert_memory_equal(read->event, event, read->event_len);
	assert_int_equal(read->except == NULL, except == NULL);
	if (except != NULL)
		assert_string_equal(read->except, except);
	buffer_free(&out);
}

static void
test_publications(void **state)
{
	(void)state;
	check_publication(NULL, NULL, "", 0);
	check_publication(NULL, NULL, "5 5 a\0b", 7);
	check_publication("", NULL, "data", 4);
	check_publication("an event", "11111111-2222-3333-4444-555555555555", "- 1 ", 4);
	check_publication(NULL, "x", "data", 4);
}

static void
test_texts(void **state)
{
	struct buffer out = BUFFER_INIT;
	struct redis_message message;

	(void)state;
	redis_message_put_text(&out, "1 hello", 7, "me");
	assert_int_equal(read_text(out.data, out.len, &message), REDIS_SENT);
	assert_memory_equal(message.text, "1 hello", 7);
	assert_int_equal(message.len, 7);
	assert_string_equal(message.publication.publishing.except, "me");
	buffer_clear(&out);
	redis_message_put_text(&out, "", 0, NULL);
	assert_int_equal(read_text(out.data, out.len, &message), REDIS_SENT);
	assert_null(message.publication.publishing.except);
	buffer_free(&out);
}

static void
test_others(void **state)
{
	struct redis_message message;

	(void)state;
	assert_int_equal(read_text("+12 3 ann{}", 11, &message), REDIS_JOINED);
	assert_int_equal(message.number, 12);
	assert_memory_equal(message.text, "ann", 3);
	assert_memory_equal(message.info, "{}", 2);
	assert_int_equal(message.info_len, 2);
	assert_int_equal(read_text("-13 3 ann", 9, &message), REDIS_PARTED);
	assert_int_equal(message.info_len, 0);
	assert_int_equal(read_text("#5", 2, &message), REDIS_COUNTED);
	assert_int_equal(message.number, 5);
	assert_int_equal(read_text("X", 1, &message), REDIS_SIGNALLED);
}

static void
test_strange(void **state)
{
	static const char *const texts[] = {"", "Q", "P", "P1", "P0 " EPOCH " 1 0 - x",
	    "P1 " EPOCH "1 0 - x", "P1 xx23456789abcdef 1 0 - x", "P1 0000000000000000 1 0 - x",
	    "P1 " EPOCH " 1 0 9 short", "P1 " EPOCH " 1 99 - x", "P1 " EPOCH " 1 0 x",
	    "P99999999999999999999 " EPOCH " 1 0 - x", "P-1 " EPOCH " 1 0 - x", "S", "S9 short",
	    "S37 1111111111111111111111111111111111111", "+1 0 ", "+1 9 ann", "+ 3 ann", "-", "#",
	    "#x", "#1x", "#99999999999999999999999999", "XX"};
	struct redis_message message;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (read_text(texts[i], strlen(texts[i]), &message) != REDIS_STRANGE)
			fail_msg("\"%s\"", texts[i]);
}

static void
test_ids(void **state)
{
	(void)state;
	assert_int_equal(redis_message_read_id("12-0", 4), 12);
	assert_int_equal(redis_message_read_id("12", 2), 0);
	assert_int_equal(redis_message_read_id("", 0), 0);
	assert_int_equal(redis_message_read_id("x-0", 3), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_publications),
	    cmocka_unit_test(test_texts),
	    cmocka_unit_test(test_others),
	    cmocka_unit_test(test_strange),
	    cmocka_unit_test(test_ids),
	};

	return cmocka_run_group_tests_name("redis_message", tests, NULL, NULL);
}
