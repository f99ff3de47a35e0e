/*
 * wire/link.h: reading, writing, and the end.
 */
#include "tests/unit/wire/link_fixture.h"

/* --- reading ---------------------------------------------------------------------------------- */

static void
test_messages_of_one_read(void **state)
{
	struct buffer bytes = BUFFER_INIT;

	(void)state;
	wire_encode_abort(&bytes, 1, 0);
	wire_encode_goodbye(&bytes, "bye");
	wire_encode_written(&bytes, 7);
	say(bytes.data, bytes.len);
	turn();
	assert_int_equal(told.messages, 3);
	assert_int_equal(told.batches, 1);
	assert_int_equal(told.last_request, 7);
	assert_int_equal(told.gones, 0);
	buffer_free(&bytes);
}

static void
test_byte_by_byte(void **state)
{
	struct buffer bytes = BUFFER_INIT;

	(void)state;
	wire_encode_goodbye(&bytes, "bye");
	wire_encode_written(&bytes, 2);
	for (size_t i = 0; i < bytes.len; i++) {
		assert_int_equal(told.messages, i >= bytes.len - WIRE_HEADER_SIZE);
		say(bytes.data + i, 1);
		turn();
	}
	assert_int_equal(told.messages, 2);
	assert_int_equal(told.last_request, 2);
	buffer_free(&bytes);
}

/* More than one read takes. */
static void
test_large_message(void **state)
{
	struct buffer bytes = BUFFER_INIT;
	size_t mark, sent = 0;
	ssize_t n;

	(void)state;
	link_set_payload_max(end, 1 << 20);
	wire_begin(&bytes, WIRE_SEND, 0, 5, &mark);
	for (size_t i = 0; i < 1 << 20; i++)
		buffer_append_char(&bytes, i + 1 == 1 << 20 ? '!' : '.');
	assert_int_equal(wire_end(&bytes, mark), 0);
	while (sent < bytes.len) {
		n = send(other, bytes.data + sent, bytes.len - sent, MSG_NOSIGNAL);
		if (n > 0)
			sent += (size_t)n;
		assert_int_equal(told.messages, 0);
		turn();
	}
	for (int i = 0; i < 100 && told.messages == 0; i++)
		turn();
	assert_int_equal(told.messages, 1);
	assert_int_equal(told.last_length, 1 << 20);
	assert_int_equal(told.last_byte, '!');
	buffer_free(&bytes);
}

/* --- the end ---------------------------------------------------------------------------------- */

static void
check_broken(const char *bytes, size_t len, const char *why)
{
	say(bytes, len);
	turn();
	assert_int_equal(told.gones, 1);
	assert_true(told.is_broken);
	assert_string_equal(told.why, why);
	/* It is over: nothing of what comes is looked at, and nothing is written. */
	wire_encode_sent(link_output(end), 1, WIRE_SENT_OK);
	link_flush(end);
	assert_int_equal(send(other, bytes, len, MSG_NOSIGNAL), len);
	turn();
	assert_int_equal(told.gones, 1);
	assert_int_equal(hear((char[100]){0}, 100), 0);
}

#define BYTES(literal) (literal), sizeof(literal) - 1

static void
test_unknown_type(void **state)
{
	(void)state;
	check_broken(BYTES("\0\0\0\0\0\x99\0\0\0\0\0\0\0\0\0\1"),
	    "bad message unknown: unknown type of message");
	assert_int_equal(told.messages, 0);
}

/* One byte more than is allowed; it is found before the payload is there. */
static void
test_oversized(void **state)
{
	(void)state;
	check_broken(
	    BYTES("\0\0\x03\xe9\0\x21\0\0\0\0\0\0\0\0\0\1"), "bad message SEND: message too long");
	assert_int_equal(told.messages, 0);
}

static void
test_wrong_role(void **state)
{
	(void)state;
	check_broken(BYTES("\0\0\0\1\0\x31\0\0\0\0\0\0\0\0\0\1\0"),
	    "bad message SENT: message that this peer may not send");
	assert_int_equal(told.messages, 0);
}

/* The owner does not take it; those behind it are not given to it. */
static void
test_refused_by_owner(void **state)
{
	(void)state;
	told.status = -1;
	check_broken(BYTES("\0\0\0\0\0\x23\0\0\0\0\0\0\0\0\0\1"
			   "\0\0\0\0\0\x23\0\0\0\0\0\0\0\0\0\2"),
	    "bad message WRITTEN");
	assert_int_equal(told.messages, 1);
	assert_int_equal(told.batches, 0);
}

/* What came before the end is taken first. */
static void
test_closed(void **state)
{
	(void)state;
	say(BYTES("\0\0\0\0\0\x23\0\0\0\0\0\0\0\0\0\1\0\0"));
	close(other);
	other = -1;
	turn();
	turn();
	assert_int_equal(told.messages, 1);
	assert_int_equal(told.gones, 1);
	assert_false(told.is_broken);
	assert_string_equal(told.why, "it closed the connection");
}

/* A write fails: the owner hears of it from the loop, not from the write. */
static void
test_write_fails(void **state)
{
	(void)state;
	close(other);
	other = -1;
	wire_encode_sent(link_output(end), 1, WIRE_SENT_OK);
	link_flush(end);
	assert_int_equal(link_output(end)->len, 0);
	assert_int_equal(told.gones, 0);
	turn();
	assert_int_equal(told.gones, 1);
	assert_false(told.is_broken);
}

/* The payload is looked at after that; the second message is not given to anybody. */
static void
test_destroyed_in_message(void **state)
{
	(void)state;
	told.destroys = true;
	say(BYTES("\0\0\0\5\0\x02\0\0\0\0\0\0\0\0\0\0\0\2by\0"
		  "\0\0\0\0\0\x23\0\0\0\0\0\0\0\0\0\2"));
	turn();
	assert_null(end);
	assert_int_equal(told.messages, 1);
	assert_int_equal(told.last_length, 5);
	assert_int_equal(told.batches, 0);
	assert_int_equal(told.gones, 0);
}

static void
test_destroyed_in_gone(void **state)
{
	unsigned before = open_descriptors();

	(void)state;
	told.destroys = true;
	say(BYTES("\0\0\0\0\0\x99\0\0\0\0\0\0\0\0\0\1"));
	turn();
	assert_null(end);
	assert_int_equal(told.gones, 1);
	assert_int_equal(open_descriptors(), before - 1);
}

/* --- writing ---------------------------------------------------------------------------------- */

/* Nothing leaves before the owner says so. */
static void
test_flush(void **state)
{
	char got[100];

	(void)state;
	wire_encode_sent(link_output(end), 1, WIRE_SENT_OK);
	wire_encode_sent(link_output(end), 2, WIRE_SENT_OK);
	turn();
	assert_int_equal(hear(got, sizeof got), 0);
	link_flush(end);
	assert_int_equal(hear(got, sizeof got), 2 * (WIRE_HEADER_SIZE + 1));
	assert_int_equal(link_output(end)->len, 0);
}

/* More than the socket takes: the rest leaves as soon as there is room, without another flush. */
static void
test_partial_writes(void **state)
{
	enum { SIZE = 1 << 20 };
	char *sent = malloc(SIZE), *got = malloc(SIZE);
	size_t len = 0;

	(void)state;
	assert_non_null(sent);
	assert_non_null(got);
	for (size_t i = 0; i < SIZE; i++)
		sent[i] = (char)(i * 7 + i / 256);
	buffer_append(link_output(end), sent, SIZE);
	link_flush(end);
	assert_true(link_output(end)->len > 0);
	while (link_output(end)->len > 0) {
		len += hear(got + len, SIZE - len);
		turn();
	}
	len += hear(got + len, SIZE - len);
	while (len < SIZE)
		len += hear(got + len, SIZE - len);
	assert_memory_equal(got, sent, SIZE);
	free(sent);
	free(got);
}

static void
count_turn(uv_check_t *check)
{
	++*(unsigned *)check->data;
}

static void
stop_loop(uv_timer_t *timer)
{
	uv_stop(timer->loop);
}

/* A socket with room is not watched for room: the loop would turn without an end. */
static void
test_watches_for_room_only_when_blocked(void **state)
{
	unsigned turns = 0;
	uv_check_t check = {.data = &turns};
	uv_timer_t timer;

	(void)state;
	wire_encode_sent(link_output(end), 1, WIRE_SENT_OK);
	link_flush(end);
	uv_check_init(&loop, &check);
	uv_check_start(&check, count_turn);
	uv_timer_init(&loop, &timer);
	uv_timer_start(&timer, stop_loop, 20, 0);
	uv_run(&loop, UV_RUN_DEFAULT);
	/* The timer's, and one or two that the loop needs for itself. */
	assert_true(turns <= 3);
	uv_close((uv_handle_t *)&check, NULL);
	uv_close((uv_handle_t *)&timer, NULL);
	turn();
}

/* The other end hears of it when everything is written, not before. */
static void
test_finish(void **state)
{
	enum { SIZE = 1 << 20 };
	char *got = malloc(SIZE);
	size_t len = 0;
	ssize_t n;

	(void)state;
	assert_non_null(got);
	assert_non_null(buffer_reserve(link_output(end), SIZE));
	memset(link_output(end)->data, 'x', SIZE);
	buffer_added(link_output(end), SIZE);
	link_finish(end);
	assert_true(link_output(end)->len > 0);
	while ((n = recv(other, got, SIZE, MSG_DONTWAIT)) != 0) {
		if (n > 0)
			len += (size_t)n;
		turn();
	}
	assert_int_equal(len, SIZE);
	/* The other direction is open. */
	say(BYTES("\0\0\0\0\0\x23\0\0\0\0\0\0\0\0\0\1"));
	turn();
	assert_int_equal(told.messages, 1);
	free(got);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    LINK_TEST(test_messages_of_one_read),
	    LINK_TEST(test_byte_by_byte),
	    LINK_TEST(test_large_message),
	    LINK_TEST(test_unknown_type),
	    LINK_TEST(test_oversized),
	    LINK_TEST(test_wrong_role),
	    LINK_TEST(test_refused_by_owner),
	    LINK_TEST(test_closed),
	    LINK_TEST(test_write_fails),
	    LINK_TEST(test_destroyed_in_message),
	    LINK_TEST(test_destroyed_in_gone),
	    LINK_TEST(test_flush),
	    LINK_TEST(test_partial_writes),
	    LINK_TEST(test_watches_for_room_only_when_blocked),
	    LINK_TEST(test_finish),
	};

	return cmocka_run_group_tests_name("link", tests, NULL, NULL);
}
