/*
 * sessiond/session/message.h: references, the shared JSON form, and the queue against a plain
 * array.
 */
#include "sessiond/session/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct message *
text_message(const char *text)
{
	struct message *message = message_create(text, strlen(text), false);

	assert_non_null(message);
	return message;
}

static void
assert_appended(struct buffer *out, const char *expected)
{
	assert_false(buffer_failed(out));
	assert_int_equal(out->len, strlen(expected));
	assert_memory_equal(out->data, expected, out->len);
	buffer_free(out);
}

static void
test_copies(void **state)
{
	char data[] = {'a', '\0', (char)0xff};
	struct message *message = message_create(data, sizeof data, true);

	(void)state;
	data[0] = 'x';
	assert_int_equal(message->len, 3);
	assert_memory_equal(message->data, "a\0\xff", 3);
	assert_true(message->binary);
	message_unref(&message);
	assert_null(message);
	message_unref(&message);
	message = message_create(NULL, 0, false);
	assert_int_equal(message->len, 0);
	assert_false(message->binary);
	message_unref(&message);
	assert_null(message_create("", SIZE_MAX, false));
}

/* What is known of a text, and whether it is one. */
static void
test_text(void **state)
{
	static const struct {
		const char *text;
		bool is_ascii, is_text;
	} cases[] = {
	    {"", true, true},
	    {"plain", true, true},
	    {"\xc3\xa9", false, true},
	    {"\xed\xa0\x80", false, true}, /* a lone surrogate */
	    {"\xc3", false, false},
	};
	struct message *message;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		message = text_message(cases[i].text);
		assert_int_equal(message->is_ascii, cases[i].is_ascii);
		assert_int_equal(message_is_text(message), cases[i].is_text);
		message_unref(&message);
	}
	message = message_create("a", 1, true);
	assert_false(message->is_ascii);
	message_unref(&message);
}

/* ASan tells if the last reference does not free it, or an earlier one does. */
static void
test_references(void **state)
{
	struct message *first = text_message("x"), *second = message_ref(first),
		       *third = message_ref(second);

	(void)state;
	assert_ptr_equal(first, second);
	message_unref(&first);
	assert_memory_equal(second->data, "x", 1);
	message_unref(&second);
	assert_memory_equal(third->data, "x", 1);
	message_unref(&third);
}

/* Only what has another holder is worth a copy. */
static void
test_json_form(void **state)
{
	struct message *message = text_message("a\"\n\xed\xa0\xbd"), *other;
	struct buffer out = BUFFER_INIT;
	const char *kept;

	(void)state;
	message_append_json(message, &out);
	assert_null(message->frame);
	assert_appended(&out, "\"a\\\"\\n\\ud83d\"");
	other = message_ref(message);
	message_append_json(message, &out);
	kept = message->frame;
	assert_non_null(kept);
	message_append_json(other, &out);
	assert_ptr_equal(message->frame, kept);
	assert_appended(&out, "\"a\\\"\\n\\ud83d\"\"a\\\"\\n\\ud83d\"");
	message_unref(&other);
	message_append_json(message, &out);
	assert_appended(&out, "\"a\\\"\\n\\ud83d\"");
	message_unref(&message);
}

static void
test_empty_queue(void **state)
{
	struct message_queue queue = {.items = NULL};

	(void)state;
	assert_null(message_queue_shift(&queue));
	message_queue_clear(&queue);
	message_queue_clear(&queue);
	assert_null(queue.items);
}

/* What the pages of long messages take beyond these, whichever way they come and go. */
static void
test_paged(void **state)
{
	struct message_queue queue = {.items = NULL};
	static char data[20000];
	struct message *large = message_create(data, sizeof data, false), *taken;

	(void)state;
	assert_int_equal(message_paged(0), 0);
	assert_int_equal(message_paged(1000), 0);
	assert_in_range(message_paged(1001) + 1001, 4096 + 400, 4096 + 700);
	assert_in_range(message_paged(4500) + 4500, 4096 + 400, 4096 + 700);
	assert_in_range(message_paged(4600) + 4600, 8192 + 400, 8192 + 700);
	assert_int_equal(message_queue_push(&queue, large), 0);
	assert_int_equal(queue.paged, message_paged(sizeof data));
	taken = message_queue_shift(&queue);
	assert_int_equal(queue.paged, 0);
	message_queue_put_back(&queue, &taken, 1);
	assert_int_equal(queue.paged, message_paged(sizeof data));
	message_queue_clear(&queue);
	assert_int_equal(queue.paged, 0);
	message_unref(&large);
}

static void
test_frame(void **state)
{
	struct message_queue queue = {.items = NULL};
	struct message *message = text_message("m\\");
	struct buffer out = BUFFER_INIT;

	(void)state;
	assert_int_equal(message_queue_push(&queue, message), 0);
	message_queue_append_frame(&queue, &out);
	assert_appended(&out, "a[\"m\\\\\"]");
	assert_int_equal(queue.count, 0);
	assert_int_equal(queue.bytes, 0);
	assert_int_equal(message_queue_push(&queue, message), 0);
	assert_int_equal(message_queue_push(&queue, message), 0);
	message_unref(&message);
	message = text_message("");
	assert_int_equal(message_queue_push(&queue, message), 0);
	message_unref(&message);
	message_queue_append_frame(&queue, &out);
	assert_appended(&out, "a[\"m\\\\\",\"m\\\\\",\"\"]");
	message_queue_clear(&queue);
}

/* What found no memory is there still. */
static void
test_frame_without_memory(void **state)
{
	struct message_queue queue = {NULL, 0, 0, 0, 0, 0};
	struct message *message = text_message("m");
	struct buffer out = {.failed = true};

	(void)state;
	assert_int_equal(message_queue_push(&queue, message), 0);
	message_unref(&message);
	message_queue_append_frame(&queue, &out);
	assert_int_equal(queue.count, 1);
	buffer_free(&out);
	message_queue_append_frame(&queue, &out);
	assert_appended(&out, "a[\"m\"]");
	assert_int_equal(queue.count, 0);
	message_queue_clear(&queue);
}

static void
test_clear_drops(void **state)
{
	struct message_queue queue = {.items = NULL};
	struct message *message = text_message("x");
	int i;

	(void)state;
	for (i = 0; i < 9; i++)
		assert_int_equal(message_queue_push(&queue, message), 0);
	assert_int_equal(message->refs, 10);
	assert_true(queue.bytes > 9);
	message_queue_clear(&queue);
	assert_int_equal(message->refs, 1);
	assert_null(queue.items);
	assert_int_equal(queue.bytes, 0);
	message_unref(&message);
}

static void
push_number(struct message_queue *queue, unsigned number)
{
	struct message *message = message_create((const char *)&number, sizeof number, true);

	assert_non_null(message);
	assert_int_equal(message_queue_push(queue, message), 0);
	message_unref(&message);
}

static void
expect_number(struct message_queue *queue, unsigned number)
{
	struct message *message = message_queue_shift(queue);

	assert_non_null(message);
	assert_int_equal(message->refs, 1); /* the queue's own is ours now */
	assert_memory_equal(message->data, &number, sizeof number);
	message_unref(&message);
}

/* Grows and shrinks, with its start everywhere in the ring. */
static void
test_first_in_first_out(void **state)
{
	struct message_queue queue = {.items = NULL};
	unsigned pushed = 0, shifted = 0, target, round;
	size_t cost;

	(void)state;
	push_number(&queue, pushed++);
	cost = queue.bytes;
	assert_true(cost > sizeof pushed); /* a message costs more than its bytes */
	srand(2);
	for (round = 0; round < 400; round++) {
		target = (unsigned)rand() % (round % 20 == 0 ? 3000 : 40);
		while (queue.count < target)
			push_number(&queue, pushed++);
		while (queue.count > target)
			expect_number(&queue, shifted++);
		assert_int_equal(queue.count, pushed - shifted);
		assert_int_equal(queue.bytes, queue.count * cost);
	}
	while (queue.count > 0)
		expect_number(&queue, shifted++);
	assert_int_equal(shifted, pushed);
	assert_int_equal(queue.bytes, 0);
	message_queue_clear(&queue);
}

/* Once empty, a large ring is given back: an idle session costs little. */
static void
test_large_ring_is_given_back(void **state)
{
	struct message_queue queue = {.items = NULL};
	unsigned i;

	(void)state;
	for (i = 0; i < 5000; i++)
		push_number(&queue, i);
	for (i = 0; i < 5000; i++)
		expect_number(&queue, i);
	assert_null(queue.items);
	push_number(&queue, 7);
	expect_number(&queue, 7);
	message_queue_clear(&queue);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_copies),
	    cmocka_unit_test(test_text),
	    cmocka_unit_test(test_references),
	    cmocka_unit_test(test_json_form),
	    cmocka_unit_test(test_empty_queue),
	    cmocka_unit_test(test_paged),
	    cmocka_unit_test(test_frame),
	    cmocka_unit_test(test_frame_without_memory),
	    cmocka_unit_test(test_clear_drops),
	    cmocka_unit_test(test_first_in_first_out),
	    cmocka_unit_test(test_large_ring_is_given_back),
	};

	return cmocka_run_group_tests_name("message", tests, NULL, NULL);
}
