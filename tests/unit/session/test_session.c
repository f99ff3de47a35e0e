/*
 * sessiond/session/session.h: receivers come and go, frames, limits. Heartbeats are in
 * test_session_heartbeat.c, how sessions end in test_session_end.c.
 */
#include "sessiond/session/session_set.h"
#include "tests/unit/session/session_fixture.h"

#include <netinet/in.h>
#include <stdio.h>
#include <sys/types.h>

#include "sockjs/message_array.h"

/* --- opening ---------------------------------------------------------------------------------- */

static void
test_opens_with_poll(void **state)
{
	struct fake_receiver *poll = fake_poll('1');
	struct session *session;

	(void)state;
	session = arrive("s", poll);
	assert_seen("1<o 1. + ");
	assert_null(poll->receiver.session);
	assert_null(session->receiver);
	assert_int_equal(session_ready_state(session), SOCKJS_OPEN);
	assert_ptr_equal(session_find(service, "s", 1), session);
	assert_int_equal(sessions.count, 1);
}

static void
test_opens_with_stream(void **state)
{
	struct fake_receiver *stream = fake_stream('1');
	struct session *session;

	(void)state;
	session = arrive("s", stream);
	assert_seen("1<o + ");
	assert_ptr_equal(stream->receiver.session, session);
	turn();
	assert_seen("");
}

static void
test_websockets_are_not_found(void **state)
{
	(void)state;
	assert_true(arrive(NULL, fake_websocket('1')) != arrive(NULL, fake_websocket('2')));
	assert_seen("1<o + 2<o + ");
	assert_int_equal(sessions.count, 2);
	assert_int_equal(service->table.count, 0);
}

static void
write_hello(sockjs_connection connection)
{
	assert_int_equal(sockjs_ready_state(connection), SOCKJS_OPEN);
	assert_int_equal(write_text(connection, "hello"), SOCKJS_OK);
	assert_int_equal(write_text(connection, "you"), SOCKJS_OK);
}

static void
test_write_in_connection(void **state)
{
	(void)state;
	hooks.connection = write_hello;
	arrive("stream", fake_stream('1'));
	assert_seen("1<o + 1<a[\"hello\",\"you\"] ");
	arrive("poll", fake_poll('2'));
	turn();
	assert_seen("2<o 2. + ");
	arrive("poll", fake_poll('3'));
	assert_seen("3<a[\"hello\",\"you\"] 3. ");
	arrive(NULL, fake_websocket('4'));
	assert_seen("4<o + 4<a[\"hello\",\"you\"] ");
}

/* --- receivers -------------------------------------------------------------------------------- */

static void
test_second_receiver(void **state)
{
	struct fake_receiver *first = fake_stream('1'), *second = fake_stream('2');
	struct session *session;

	(void)state;
	session = arrive("s", first);
	assert_seen("1<o + ");
	pass(1000);
	assert_ptr_equal(arrive("s", second), session);
	assert_seen("2<c[2010,\"Another connection still open\"] 2. ");
	assert_null(second->receiver.session);
	assert_ptr_equal(session->receiver, &first->receiver);
	write_text(latest, "x");
	turn();
	assert_seen("1<a[\"x\"] ");
	/* Not of this session: its end says nothing. */
	session_receiver_broke(&second->receiver);
	session_receiver_alive(&second->receiver);
	session_receiver_drained(&second->receiver);
	turn();
	assert_seen("");
}

static void
test_second_receiver_leaves_heartbeat(void **state)
{
	(void)state;
	arrive("s", fake_stream('1'));
	pass(HEARTBEAT_DELAY - 1);
	arrive("s", fake_poll('2'));
	assert_seen("1<o + 2<c[2010,\"Another connection still open\"] 2. ");
	pass(1);
	assert_seen("1<h ");
}

static void
test_messages_wait_for_poll(void **state)
{
	(void)state;
	arrive("s", fake_poll('1'));
	assert_seen("1<o 1. + ");
	write_text(latest, "a");
	write_text(latest, "b");
	turn();
	assert_seen("");
	arrive("s", fake_poll('2'));
	assert_seen("2<a[\"a\",\"b\"] 2. ");
	turn();
	assert_seen("");
}

static void
test_poll_waits_for_messages(void **state)
{
	(void)state;
	arrive("s", fake_poll('1'));
	arrive("s", fake_poll('2'));
	turn();
	assert_seen("1<o 1. + ");
	write_text(latest, "a");
	write_text(latest, "b");
	assert_seen(""); /* leaves at the end of the turn */
	turn();
	assert_seen("2<a[\"a\",\"b\"] 2. ");
}

static void
test_stream_reaches_limit(void **state)
{
	struct fake_receiver *stream = fake_stream('1');

	(void)state;
	stream->frames_left = 2;
	arrive("s", stream);
	write_text(latest, "a");
	turn();
	write_text(latest, "b");
	turn();
	assert_seen("1<o + 1<a[\"a\"] 1. ");
	arrive("s", fake_stream('2'));
	assert_seen("2<a[\"b\"] ");
}

static void
test_congested_receiver(void **state)
{
	struct fake_receiver *stream = fake_stream('1');

	(void)state;
	arrive("s", stream);
	stream->congested = true;
	write_text(latest, "a");
	turn();
	write_text(latest, "b");
	turn();
	assert_seen("1<o + ");
	stream->congested = false;
	session_receiver_drained(&stream->receiver);
	turn();
	assert_seen("1<a[\"a\",\"b\"] ");
}

/* As a raw websocket does, which ends when the queue is empty, not before. */
static void
test_one_message_at_a_time(void **state)
{
	struct fake_receiver *raw = fake_receiver('1', TRANSPORT_WEBSOCKET_RAW, &single_ops);

	(void)state;
	raw->takes_one = true;
	arrive(NULL, raw);
	write_text(latest, "a");
	write_text(latest, "b");
	sockjs_close(latest, 0, NULL);
	turn();
	assert_seen("1<o + 1<a[\"a\"] 1<a[\"b\"] 1<c[1000,\"Normal closure\"] 1. - ");
}

static void
test_data_in_order(void **state)
{
	struct session *session;

	(void)state;
	session = arrive("s", fake_poll('1'));
	receive_text(session, "1");
	receive_text(session, "2");
	arrive("s", fake_stream('2'));
	receive_text(session, "3");
	session_receive(session, "\0\xff", 2, true);
	receive_text(session, "");
	buffer_append_char(&seen, '\0');
	assert_int_equal(seen.len, strlen("1<o 1. + =1 =2 =3 =<..> = ") + 1);
	assert_memory_equal(seen.data, "1<o 1. + =1 =2 =3 =<\0\xff> = ", seen.len);
	buffer_clear(&seen);
}

static void
close_at_b(sockjs_connection connection, const sockjs_message *message)
{
	if (memcmp(message->data, "b", 1) == 0)
		sockjs_close(connection, 0, NULL);
}

static void
test_receive_all(void **state)
{
	char body[] = "[\"a\",\"\",\"b\",\"c\"]", empty[] = "[]";
	ssize_t len;
	size_t count;
	struct session *session;

	(void)state;
	session = arrive("s", fake_stream('1'));
	len = message_array_decode(empty, strlen(empty), 0, 100, &count);
	assert_int_equal(len, 0);
	session_receive_all(session, empty, 0);
	session_receive_all(session, NULL, 0);
	assert_seen("1<o + ");
	len = message_array_decode(body, strlen(body), 0, 100, &count);
	assert_true(len > 0);
	session_receive_all(session, body, (size_t)len);
	assert_seen("=a = =b =c ");
	hooks.data = close_at_b; /* what follows is not delivered */
	session_receive_all(session, body, (size_t)len);
	assert_seen("=a = =b ");
}

static void
echo(sockjs_connection connection, const sockjs_message *message)
{
	sockjs_write(connection, message->data, message->len);
}

static void
test_echo(void **state)
{
	struct session *session;

	(void)state;
	hooks.data = echo;
	session = arrive("s", fake_stream('1'));
	receive_text(session, "a");
	receive_text(session, "\xed\xa0\xbd"); /* a lone surrogate */
	turn();
	assert_seen("1<o + =a =\xed\xa0\xbd 1<a[\"a\",\"\\ud83d\"] ");
}

/* --- limits ----------------------------------------------------------------------------------- */

static char large[QUEUE_LIMIT + 1]; /* of `x` once it is used */

static int
write_large(size_t len)
{
	memset(large, 'x', sizeof large);
	return sockjs_write(latest, large, len);
}

#define TOO_SLOW "c[1008,\"Messages are not read fast enough\"] "

static void
test_queue_limit(void **state)
{
	(void)state;
	arrive("s", fake_poll('1'));
	assert_int_equal(write_large(QUEUE_LIMIT / 2), SOCKJS_OK);
	assert_int_equal(write_large(QUEUE_LIMIT / 2), SOCKJS_FULL);
	assert_int_equal(sockjs_ready_state(latest), SOCKJS_CLOSING);
	assert_int_equal(write_text(latest, ""), SOCKJS_GONE);
	turn();
	assert_seen("1<o 1. + ");
	arrive("s", fake_poll('2')); /* the queue is dropped: who does not read shall not cost */
	assert_seen("2<" TOO_SLOW "2. - ");
}

static void
test_queue_limit_is_allowed(void **state)
{
	struct fake_receiver *stream = fake_stream('1');

	(void)state;
	arrive("s", stream);
	assert_int_equal(write_large(QUEUE_LIMIT), SOCKJS_OK);
	turn();
	assert_int_equal(write_large(QUEUE_LIMIT), SOCKJS_OK);
	turn();
	buffer_clear(&seen);
	assert_int_equal(write_large(QUEUE_LIMIT + 1), SOCKJS_FULL);
	turn();
	assert_seen("1<" TOO_SLOW "1. - ");
}

static void
test_queue_limit_counts_backlog(void **state)
{
	struct fake_receiver *websocket = fake_websocket('1');

	(void)state;
	arrive(NULL, websocket);
	websocket->backlog = QUEUE_LIMIT - 1;
	assert_int_equal(write_text(latest, "1"), SOCKJS_OK);
	turn();
	assert_seen("1<o + 1<a[\"1\"] ");
	websocket->backlog = QUEUE_LIMIT;
	assert_int_equal(write_text(latest, "2"), SOCKJS_FULL);
	turn();
	assert_seen("1<" TOO_SLOW "1. - ");
	assert_int_equal(sessions.count, 0);
}

/* Many messages of no bytes cost memory too. */
static void
test_queue_limit_counts_empty_messages(void **state)
{
	size_t n;

	(void)state;
	arrive("s", fake_poll('1'));
	for (n = 0; write_text(latest, "") == SOCKJS_OK; n++)
		assert_true(n < QUEUE_LIMIT);
	assert_true(n > 2);
	assert_int_equal(sockjs_ready_state(latest), SOCKJS_CLOSING);
}

/* --- services --------------------------------------------------------------------------------- */

static void
test_services_do_not_mix(void **state)
{
	struct error err = ERROR_INIT;
	struct sockjs_service *first = service, *other = service_create("/other", &err);
	struct session *session;

	(void)state;
	other->application = &fake_application;
	other->protocol.options = service->protocol.options;
	service_prepare(
	    other, &sessions.timers, session_heartbeat_fire, session_timeout_fire, &sessions);
	session = arrive("s", fake_poll('1'));
	service = other;
	assert_true(arrive("s", fake_poll('2')) != session);
	service = first;
	assert_seen("1<o 1. + 2<o 2. + ");
	pass(DISCONNECT_DELAY);
	assert_seen("- - ");
	service_destroy(&other);
}

/* Callbacks that are not needed are NULL. */
static void
test_application_without_callbacks(void **state)
{
	static const struct sockjs_module none = {.abi = SOCKJS_ABI, .name = "none"};
	struct session *session;

	(void)state;
	service->application = &none;
	session = arrive("s", fake_poll('1'));
	receive_text(session, "x");
	pass(DISCONNECT_DELAY);
	assert_seen("1<o 1. ");
	assert_int_equal(sessions.count, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    SESSION_TEST(opens_with_poll),
	    SESSION_TEST(opens_with_stream),
	    SESSION_TEST(websockets_are_not_found),
	    SESSION_TEST(write_in_connection),
	    SESSION_TEST(second_receiver),
	    SESSION_TEST(second_receiver_leaves_heartbeat),
	    SESSION_TEST(messages_wait_for_poll),
	    SESSION_TEST(poll_waits_for_messages),
	    SESSION_TEST(stream_reaches_limit),
	    SESSION_TEST(congested_receiver),
	    SESSION_TEST(one_message_at_a_time),
	    SESSION_TEST(data_in_order),
	    SESSION_TEST(receive_all),
	    SESSION_TEST(echo),
	    SESSION_TEST(queue_limit),
	    SESSION_TEST(queue_limit_is_allowed),
	    SESSION_TEST(queue_limit_counts_backlog),
	    SESSION_TEST(queue_limit_counts_empty_messages),
	    SESSION_TEST(services_do_not_mix),
	    SESSION_TEST(application_without_callbacks),
	};

	return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
