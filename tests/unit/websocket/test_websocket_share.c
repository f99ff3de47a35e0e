/*
 * sessiond/websocket/websocket.h, the share of a turn: what one websocket may cost before the
 * others have their turn, whatever it sends. A turn here is one round of the loop.
 */
#include "tests/unit/websocket/websocket_fixture.h"

#include "common/memory.h"
#include "sockjs/ws_deflate.h"

enum {
	FLOOD = 20000, /* frames */
	ITEMS = WEBSOCKET_WORK / WEBSOCKET_WORK_ITEM,
	BLANKS = 4 << 20,
};

static const struct ws_deflate_params deflated = {true, true, 15, 15};

static size_t heard; /* messages */

static void
count(sockjs_connection connection, const sockjs_message *message)
{
	(void)connection;
	(void)message;
	heard++;
	buffer_clear(&seen);
}

static void
one_turn(void)
{
	uv_run(&loop, UV_RUN_NOWAIT);
	turn();
}

/* Writes what fits into the socket, and runs no turn. */
static void
pour(int fd, const char *bytes, size_t len)
{
	int size = 1 << 20;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	assert_int_equal(write(fd, bytes, len), len);
}

/* Frames of one kind, one after the other. */
static char *
make_flood(int first, const char *payload, size_t len, size_t *size)
{
	char *flood = xcalloc(FLOOD, len + 16);
	int i;

	*size = 0;
	for (i = 0; i < FLOOD; i++)
		*size += make_frame(flood + *size, first, payload, len);
	return flood;
}

/* Reads what the server sent. Returns how many bytes. */
static size_t
drain_client(char *last, size_t keep)
{
	static char got[1 << 20];
	ssize_t n = recv(client, got, sizeof got, MSG_DONTWAIT);

	if (n >= (ssize_t)keep)
		memcpy(last, got + n - keep, keep);
	return n < 0 ? 0 : (size_t)n;
}

/* Of many pings a turn answers one, with one write. */
static void
test_pings(void **state)
{
	size_t size, got = 0, answered = 0, turns = 0;
	char *flood = make_flood(0x89, "p", 1, &size), last[3];

	(void)state;
	open_raw();
	pour(client, flood, size);
	do {
		one_turn();
		got = drain_client(last, sizeof last);
		assert_true(got <= sizeof last * 5);
		answered += got;
		turns++;
	} while (got > 0 || !TAILQ_EMPTY(&websockets.waiting));
	assert_memory_equal(last, "\x8a\x01p", sizeof last);
	assert_true(turns >= FLOOD / ITEMS);
	assert_true(answered > 0);
	free(flood);
}

/* The last ping of a read is the one that is answered. */
static void
test_last_ping(void **state)
{
	(void)state;
	open_raw();
	say(BYTES("\x89\x80\0\0\0\0\x89\x81\0\0\0\0a\x81\x81\0\0\0\0x\x89\x81\0\0\0\0b"));
	assert_got("\x8a\x01"
		   "b");
	assert_seen("=x ");
}

/* While one floods, another's message is heard in the turn in which it comes. */
static void
check_flood(const char *begin, size_t begin_len, int first, const char *payload, size_t len)
{
	size_t size, turns = 0;
	char *flood = make_flood(first, payload, len, &size), frame[32];
	int other, flooder;

	open_raw();
	other = client;
	open_raw();
	flooder = client;
	hooks.data = count;
	heard = 0;
	say(begin, begin_len);
	pour(flooder, flood, size);
	one_turn();
	assert_true(heard <= ITEMS);
	assert_false(TAILQ_EMPTY(&websockets.waiting));
	pour(other, frame, make_frame(frame, 0x81, "me", 2));
	hooks.data = NULL;
	buffer_clear(&seen);
	one_turn();
	buffer_append_char(&seen, '\0');
	assert_non_null(strstr(seen.data, "=me "));
	buffer_clear(&seen);
	hooks.data = count;
	do {
		size_t before = heard;

		one_turn();
		/* The end of one share, and one that begins with a read. */
		assert_true(heard - before <= 2 * ITEMS);
		turns++;
	} while (!TAILQ_EMPTY(&websockets.waiting));
	assert_true(turns >= FLOOD / ITEMS / 2);
	free(flood);
	close(other);
}

/* What has come and was not heard before the connection broke costs nothing more. */
static void
test_broken(void **state)
{
	size_t size;
	char *flood = make_flood(0x82, "x", 1, &size);

	(void)state;
	open_raw();
	hooks.data = count;
	heard = 0;
	pour(client, flood, size);
	one_turn();
	send_error = EPIPE;
	write_text(latest, "a");
	turn();
	assert_false(TAILQ_EMPTY(&websockets.waiting));
	run();
	assert_true(heard > 0);
	assert_true(heard <= 2 * ITEMS);
	assert_int_equal(websockets.count, 0);
	free(flood);
}

static void
test_messages(void **state)
{
	(void)state;
	check_flood("", 0, 0x82, "x", 1);
}

static void
test_fragments(void **state)
{
	(void)state;
	check_flood(BYTES("\x01\x80\0\0\0\0"), 0x00, "", 0);
}

/* What a flood said is all heard, in order. */
static void
test_nothing_is_lost(void **state)
{
	size_t size;
	char *flood = make_flood(0x82, "x", 1, &size);

	(void)state;
	open_raw();
	hooks.data = count;
	heard = 0;
	pour(client, flood, size);
	run();
	assert_int_equal(heard, FLOOD);
	say_text("last");
	assert_int_equal(heard, FLOOD + 1);
	free(flood);
}

/* The messages of one frame are spread over turns. */
static void
test_array(void **state)
{
	struct buffer array = BUFFER_INIT;
	static char frame[1 << 16];
	size_t i, before;

	(void)state;
	service->protocol.options.messages_limit = 4 * ITEMS;
	open_sockjs();
	for (i = 0; i < 4 * ITEMS; i++)
		buffer_printf(&array, "%s\"%zu\"", i == 0 ? "[" : ",", i);
	buffer_append_char(&array, ']');
	hooks.data = count;
	heard = 0;
	pour(client, frame, make_frame(frame, 0x81, array.data, array.len));
	pour(client, frame, make_frame(frame, 0x81, "\"then\"", 6));
	for (before = 0; heard < 4 * ITEMS + 1; before = heard) {
		one_turn();
		assert_true(heard > before && heard - before <= ITEMS);
	}
	buffer_free(&array);
}

/* One message as long as the limit lets it be, in many strings. */
static void
pour_array(void)
{
	static char frame[1 << 16];
	struct buffer array = BUFFER_INIT;
	size_t i;

	service->protocol.options.messages_limit = 4 * ITEMS;
	for (i = 0; i < 4 * ITEMS; i++)
		buffer_printf(&array, "%s\"%040zu\"", i == 0 ? "[" : ",", i);
	buffer_append_char(&array, ']');
	pour(client, frame, make_frame(frame, 0x81, array.data, array.len));
	buffer_free(&array);
}

/* What waits to be heard counts for input_limit, as what is not complete does. */
static void
test_waiting_counts(void **state)
{
	struct websocket *websocket = open_sockjs();
	const struct limit *input = &sessions.limits.input;

	(void)state;
	hooks.data = count;
	pour_array();
	one_turn();
	assert_true(websocket->rest->undelivered.len > LIMITS_SMALL_INPUT);
	assert_true(input->taken >= websocket->rest->undelivered.len);
	run();
	assert_int_equal(input->taken, 0);
	sessions.limits.input.most = 2 * LIMITS_SMALL_INPUT;
	pour_array();
	run();
	assert_got("\x88\x14\x03\xf5The server is busy");
	hang_up();
	assert_int_equal(input->taken, 0);
}

/* The same for frames; but they are not even read where there is no room. */
static void
test_waiting_frames_count(void **state)
{
	size_t size;
	char *flood = make_flood(0x82, "x", 1, &size);
	struct websocket *websocket = open_raw();

	(void)state;
	hooks.data = count;
	pour(client, flood, size);
	one_turn();
	assert_true(websocket->rest->unparsed.len > LIMITS_SMALL_INPUT);
	assert_true(sessions.limits.input.taken >= websocket->rest->unparsed.len);
	run();
	assert_int_equal(sessions.limits.input.taken, 0);
	heard = 0;
	sessions.limits.input.most = 2 * LIMITS_SMALL_INPUT;
	pour(client, flood, size);
	one_turn();
	assert_in_range(websocket->rest->unparsed.len, 1, LIMITS_SMALL_INPUT);
	run();
	assert_int_equal(heard, FLOOD);
	free(flood);
}

/* What was not heard yet when the session is closed is not heard any more. */
static void
test_closed_meanwhile(void **state)
{
	size_t size, before;
	char *flood = make_flood(0x82, "x", 1, &size);

	(void)state;
	open_raw();
	hooks.data = count;
	heard = 0;
	pour(client, flood, size);
	one_turn();
	before = heard;
	assert_int_equal(sockjs_close(latest, 1000, "enough"), SOCKJS_OK);
	run();
	assert_int_equal(heard, before);
	free(flood);
}

static unsigned until_too_much;

static void
refuse_more(sockjs_connection connection, const sockjs_message *message)
{
	count(connection, message);
	if (heard == until_too_much)
		service_refuse_sends(service, true);
}

/* While its service takes no messages, nothing is read, and nothing is lost; not even its end. */
static void
test_refused(void **state)
{
	size_t size;
	char *flood = make_flood(0x82, "x", 1, &size);
	int other;

	(void)state;
	open_raw();
	other = client;
	open_raw();
	hooks.data = refuse_more;
	heard = 0;
	until_too_much = 10;
	pour(client, flood, size);
	run();
	assert_int_equal(heard, 10);
	assert_true(TAILQ_EMPTY(&websockets.waiting)); /* the loop may sleep */
	say_text("later");
	pour(other, BYTES("\x81\x81\0\0\0\0y"));
	hang_up();
	assert_int_equal(heard, 10);
	assert_int_equal(websockets.count, 2);
	until_too_much = 15;
	service_refuse_sends(service, false);
	run();
	assert_int_equal(heard, 15);
	service_refuse_sends(service, false);
	run();
	assert_int_equal(heard, FLOOD + 2);
	assert_int_equal(websockets.count, 1);
	service_refuse_sends(service, true);
	client = other;
	say_text("z");
	assert_int_equal(heard, FLOOD + 2);
	free(flood);
}

/*
 * A message of which the rest is not read is not too late; a session that is closed waits no more.
 */
static void
test_refused_unfinished(void **state)
{
	struct websocket *websocket = open_raw();

	(void)state;
	websockets_set_message_timeout(&websockets, 1000);
	say_frame(0x01, "a", 1);
	service_refuse_sends(service, true);
	say_frame(0x80, "b", 1);
	pass(5000);
	assert_seen("");
	assert_int_equal(websocket->state, WEBSOCKET_OPEN);
	service_refuse_sends(service, false);
	run();
	assert_seen("=ab ");
	service_refuse_sends(service, true);
	say_text("c");
	assert_int_equal(sockjs_close(latest, 1000, "enough"), SOCKJS_OK);
	run();
	assert_seen("- ");
	say(BYTES("\x88\x82\0\0\0\0\x03\xe8"));
	assert_int_equal(websocket->state, WEBSOCKET_DRAINING);
}

/* The peer goes while its messages wait: they are heard, then the end. */
static void
test_peer_goes(void **state)
{
	size_t size;
	char *flood = make_flood(0x82, "x", 1, &size);

	(void)state;
	open_raw();
	hooks.data = count;
	heard = 0;
	pour(client, flood, size);
	one_turn();
	hang_up();
	assert_int_equal(heard, FLOOD);
	assert_int_equal(websockets.count, 0);
	free(flood);
}

/* --- inflating -------------------------------------------------------------------------------- */

static size_t
make_bomb(char *frame)
{
	struct ws_deflater *deflater = ws_deflater_create(&deflated, 9);
	struct buffer packed = BUFFER_INIT;
	char *blanks = xcalloc(1, BLANKS);
	size_t n;

	memset(blanks, ' ', BLANKS);
	memcpy(blanks, "[\"a\"", 4);
	memcpy(blanks + BLANKS - 5, ",\"b\"]", 5);
	assert_int_equal(ws_deflate(deflater, blanks, BLANKS, &packed), 0);
	n = make_frame(frame, 0xc1, packed.data, packed.len);
	buffer_free(&packed);
	ws_deflater_destroy(&deflater);
	free(blanks);
	return n;
}

/* A few KB that become megabytes are inflated over many turns. */
static void
test_inflating(void **state)
{
	static char frame[1 << 16];
	struct websocket *websocket;
	size_t turns = 0, before = 0;

	(void)state;
	service->protocol.options.message_limit = BLANKS;
	websocket = open_with(TRANSPORT_WEBSOCKET, &deflated, "", 0);
	assert_seen("+ ");
	pour(client, frame, make_bomb(frame));
	while (seen.len == 0) {
		one_turn();
		assert_true(websocket->rest->message.len <= before + WEBSOCKET_WORK);
		before = websocket->rest->message.len;
		turns++;
	}
	/* What was put together is made up for, too, before anything is heard. */
	assert_true(turns >= 2 * BLANKS / WEBSOCKET_WORK);
	assert_seen("=a =b ");
	say_text("\"again\"");
	assert_seen("=again ");
}

/* The peer's close is answered behind what it had sent before. */
static void
test_close_behind(void **state)
{
	static char frame[1 << 16];

	(void)state;
	service->protocol.options.message_limit = BLANKS;
	open_with(TRANSPORT_WEBSOCKET, &deflated, "", 0);
	buffer_clear(&seen);
	pour(client, frame, make_bomb(frame));
	pour(client, frame, make_frame(frame, 0x88, "\x03\xe8", 2));
	run();
	assert_seen("=a =b - ");
	assert_int_equal(sessions.count, 0);
}

/* One that goes away in the middle of inflating takes everything with it. */
static void
test_gone_within(void **state)
{
	static char frame[1 << 16];

	(void)state;
	service->protocol.options.message_limit = BLANKS;
	open_with(TRANSPORT_WEBSOCKET, &deflated, "", 0);
	pour(client, frame, make_bomb(frame));
	one_turn();
	assert_false(TAILQ_EMPTY(&websockets.waiting));
	websockets_clear(&websockets);
	assert_true(TAILQ_EMPTY(&websockets.waiting));
	uv_run(&loop, UV_RUN_NOWAIT);
	websockets_init(&websockets, &loop, &sessions, &websocket_calls);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WEBSOCKET_TEST(pings),
	    WEBSOCKET_TEST(last_ping),
	    WEBSOCKET_TEST(broken),
	    WEBSOCKET_TEST(messages),
	    WEBSOCKET_TEST(fragments),
	    WEBSOCKET_TEST(nothing_is_lost),
	    WEBSOCKET_TEST(array),
	    WEBSOCKET_TEST(waiting_counts),
	    WEBSOCKET_TEST(waiting_frames_count),
	    WEBSOCKET_TEST(closed_meanwhile),
	    WEBSOCKET_TEST(peer_goes),
	    WEBSOCKET_TEST(refused),
	    WEBSOCKET_TEST(refused_unfinished),
	    WEBSOCKET_TEST(inflating),
	    WEBSOCKET_TEST(close_behind),
	    WEBSOCKET_TEST(gone_within),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
