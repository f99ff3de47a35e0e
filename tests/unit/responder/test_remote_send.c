/*
 * sessiond/responder/remote_send.h: sends, when they are answered, and what is stored of them.
 */
#include "tests/unit/responder/responder_fixture.h"
#include "tests/unit/log_capture.h"

#include <netinet/in.h>

static void
test_send(void **state)
{
	(void)state;
	open_responder();
	open_session();
	say_send(2, "s", 1, "x");
	assert_heard("2=ok ");
	assert_seen("=x ");
}

static void
test_no_session(void **state)
{
	(void)state;
	open_responder();
	say_send(2, "s", 1, "x");
	assert_heard("2=none ");
	assert_seen("");
}

/* It is sent again, as after a connection that broke: it is answered, and does nothing. */
static void
test_send_again(void **state)
{
	(void)state;
	open_responder();
	open_session();
	say_send(2, "s", 1, "x");
	assert_heard("2=ok ");
	close_responder();
	open_responder();
	buffer_clear(&seen);
	say_send(3, "s", 1, "x");
	assert_heard("3=ok ");
	assert_seen("");
	say_send(4, "s", 2, "y");
	assert_heard("4=ok ");
	assert_seen("=y ");
}

/* What it causes is stored before its answer leaves, with the send's id: though a poll takes it. */
static void
test_echo_to_a_poll(void **state)
{
	(void)state;
	hooks.data = echo;
	open_responder();
	open_session();
	say_poll(2, "s");
	run();
	say_send(3, "s", 1, "x");
	assert_heard("2<a[\"x\"];. 3=ok ");
	assert_written("D1 M1@0=x . ");
}

static void
test_echo_to_nobody(void **state)
{
	(void)state;
	hooks.data = echo;
	open_responder();
	open_session();
	say_send(3, "s", 1, "x");
	assert_heard("3=ok ");
	assert_written("D1 M1@0=x . ");
}

static void
test_echo_to_another(void **state)
{
	int first;

	(void)state;
	hooks.data = echo;
	open_responder();
	open_session();
	say_poll(2, "s");
	assert_heard("");
	first = responder;
	open_responder();
	say_send(3, "s", 1, "x");
	assert_heard("3=ok ");
	close(responder);
	responder = first;
	assert_heard("2<a[\"x\"];. ");
}

/*
 * The store fails: the send whose turn it was is not acknowledged, and later ones are not
 * delivered.
 */
static void
test_store_fails(void **state)
{
	(void)state;
	hooks.data = echo;
	open_responder();
	open_session();
	capture_begin();
	fail_store(1, STORE_FULL);
	say_send(2, "s", 1, "x");
	assert_heard("2=busy ");
	assert_seen("=x ");
	say_send(3, "s", 2, "y");
	assert_heard("3=busy ");
	assert_seen("");
	capture_end();
}

/* Only the session that takes more than its share is refused; a repeated send has been taken. */
static void
test_over_its_share(void **state)
{
	(void)state;
	hooks.data = echo;
	open_responder();
	open_session();
	say_poll(2, "t");
	assert_heard("2<o;. ");
	sessions.store_session_limit = 100;
	/* 64 bytes beside its own. */
	say_send(3, "s", 1, "0123456789 123456789 123456789 123456789");
	assert_heard("3=ok ");
	buffer_clear(&seen);
	capture_begin();
	say_send(4, "s", 2, "x");
	assert_heard("4=busy ");
	assert_seen("");
	say_send(5, "s", 1, "0123456789 123456789 123456789 123456789");
	say_send(6, "t", 3, "y");
	assert_heard("5=ok 6=ok ");
	assert_seen("=y ");
	assert_non_null(strstr(capture_end(), "store_session_limit (100 bytes) reached"));
	say_poll(7, "s");
	assert_heard("7<a[\"0123456789 123456789 123456789 123456789\"];. ");
	say_written(7);
	say_send(8, "s", 2, "x");
	assert_heard("8=ok ");
}

/* It is told so, and not that the session cannot take it. A repeated send has been taken. */
static void
test_refused_by_the_service(void **state)
{
	(void)state;
	open_responder();
	open_session();
	say_send(2, "s", 1, "x");
	assert_heard("2=ok ");
	service_refuse_sends(service, true);
	say_send(3, "s", 1, "x");
	say_send(4, "s", 2, "y");
	assert_heard("3=ok 4!503 ");
	service_refuse_sends(service, false);
	say_send(5, "s", 2, "y");
	assert_heard("5=ok ");
	assert_seen("=x =y ");
}

/* Two new sessions of one address in one turn: the first has taken its share. */
static void
test_sessions_at_once(void **state)
{
	static const struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {0x0a000001}};
	struct connection_source source = fake_source;

	(void)state;
	source.peer = (const struct sockaddr *)(const void *)&address;
	sessions.store_address_limit = 100;
	open_responder();
	encode_receive_of(2, "s", TRANSPORT_XHR_POLLING, 0, &source);
	encode_receive_of(3, "t", TRANSPORT_XHR_POLLING, 0, &source);
	say();
	capture_begin();
	assert_heard("2<o;. 3!503 ");
	capture_end();
}

static void
drop_heard(void)
{
	run();
	hear();
	buffer_clear(&heard);
}

/*
 * An address that sends too fast is told so, and is not heard; a send that comes again is no new
 * one.
 */
static void
test_rate(void **state)
{
	unsigned i;

	(void)state;
	sessions.limits.of_address.a_second[RATE_SEND] = 1;
	open_responder();
	open_session();
	for (i = 0; i < RATE_BURST_S; i++)
		say_send(10 + i, "s", 1 + i, "x");
	capture_begin();
	drop_heard();
	buffer_clear(&seen);
	say_send(30, "s", 100, "y");
	assert_heard("30=many ");
	assert_seen("");
	say_send(31, "s", 1, "x");
	assert_heard("31=ok ");
	sessions.limits.of_address.a_second[RATE_REQUEST] = 1;
	for (i = 0; i < RATE_BURST_S; i++)
		say_poll(40 + i, "s");
	drop_heard();
	say_poll(60, "t");
	assert_heard("60!429 ");
	capture_end();
}

/*
 * Its responder is lost in the turn in which it came. Nobody is to be told, and what it caused is
 * stored, since nothing of it leaves.
 */
static void
test_lost_at_once(void **state)
{
	(void)state;
	hooks.data = echo;
	open_responder();
	open_session();
	say_poll(2, "s");
	assert_heard("");
	say_send(3, "s", 1, "x");
	uv_run(&loop, UV_RUN_NOWAIT);
	assert_seen("=x ");
	peer_drop(LIST_FIRST(&peers.list));
	run();
	assert_written("D1 M1@0=x . ");
}

#define TEST(name) RESPONDER_TEST(name)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(send),
	    TEST(no_session),
	    TEST(send_again),
	    TEST(echo_to_a_poll),
	    TEST(echo_to_nobody),
	    TEST(echo_to_another),
	    TEST(store_fails),
	    TEST(over_its_share),
	    TEST(refused_by_the_service),
	    TEST(sessions_at_once),
	    TEST(rate),
	    TEST(lost_at_once),
	};

	log_open("test_remote_send", SEVERITY_ERROR);
	return cmocka_run_group_tests_name("remote_send", tests, folder_setup, folder_teardown);
}
