/*
 * sessiond/responder/remote_request.h and receiver_remote.h: from a RECEIVE to what becomes of its
 * answer.
 */
#include "tests/unit/responder/responder_fixture.h"

#include "sessiond/session/admission.h"
#include "tests/unit/log_capture.h"
#include "wire/write_log.h"

/* --- frames ----------------------------------------------------------------------------------- */

static void
test_poll(void **state)
{
	(void)state;
	open_responder();
	open_session();
	say_poll(2, "s");
	assert_heard("");
	write_to("s", "x");
	write_to("s", "y");
	assert_heard("2<a[\"x\"];. ");
	say_written(2);
	say_poll(3, "s");
	assert_heard("3<a[\"y\"];. ");
}

/* Its frames are escaped, for which they are made elsewhere first. */
static void
test_jsonp(void **state)
{
	(void)state;
	open_responder();
	open_session();
	write_to("s", "x");
	write_to("s", "y");
	encode_receive(2, "s", TRANSPORT_JSONP_POLLING, 0);
	say();
	assert_heard("2</**/cb(\"a[\\\"x\\\",\\\"y\\\"]\");\r;. ");
}

/* Until so many bytes are sent; the frame with which they are is the last. */
static void
test_stream(void **state)
{
	(void)state;
	service->protocol.options.response_limit = 16;
	open_responder();
	encode_receive(1, "s", TRANSPORT_XHR_STREAMING, 0);
	say();
	assert_heard("1<o; ");
	write_to("s", "x");
	assert_heard("1<a[\"x\"]; ");
	write_to("s", "y");
	assert_heard("1<a[\"y\"];. ");
	/* These were given away: nothing is to be confirmed. */
	assert_int_equal(LIST_FIRST(&peers.list)->requests.count, 0);
}

static void
test_stream_of_one_frame(void **state)
{
	(void)state;
	open_responder();
	encode_receive(1, "s", TRANSPORT_XHR_STREAMING, WIRE_RECEIVE_ONE_FRAME);
	say();
	assert_heard("1<o;. ");
}

/* A frame larger than a message of the local socket comes in parts. */
static void
test_large_frame(void **state)
{
	enum { SIZE = WIRE_FRAME_MAX + 10 };
	char *text = malloc(SIZE + 1);

	(void)state;
	assert_non_null(text);
	memset(text, 'x', SIZE);
	text[SIZE] = '\0';
	service->protocol.options.queue_limit = 2 * SIZE;
	open_responder();
	open_session();
	say_poll(2, "s");
	write_to("s", text);
	for (int i = 0; i < 100 && heard.len < SIZE; i++) {
		run();
		hear();
	}
	/* 2<a["x...x 2<x..."];. */
	assert_int_equal(heard.len, SIZE + strlen("2<a[\"") + strlen(" 2<") + strlen("\"];. "));
	assert_memory_equal(heard.data + heard.len - 5, "\"];. ", 5);
	buffer_clear(&heard);
	/* The second counts, too: it did not arrive, so the whole comes again. */
	close_responder();
	return_responder(link_id, frames_on_link - 1);
	say_poll(3, "s");
	for (int i = 0; i < 100 && heard.len < SIZE; i++) {
		run();
		hear();
	}
	assert_memory_equal(heard.data, "HELLO SERVICES(1) 3<a[", 22);
	buffer_clear(&heard);
	free(text);
}

/* Larger allocations fail. */
static size_t memory = SIZE_MAX;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

void *
__wrap_malloc(size_t size)
{
	return size > memory ? NULL : __real_malloc(size);
}

/* No memory for a frame: its request is refused, others go on, and the message stays. */
static void
test_no_memory_for_a_frame(void **state)
{
	enum { SIZE = 300000 };
	static char text[SIZE + 1];
	static const enum transport_id transports[] = {
	    TRANSPORT_XHR_POLLING, TRANSPORT_JSONP_POLLING};

	(void)state;
	memset(text, 'x', SIZE);
	service->protocol.options.queue_limit = 2 * SIZE;
	open_responder();
	open_session();
	write_to("s", text);
	for (unsigned i = 0; i < 2; i++) {
		encode_receive(2, "s", transports[i], 0);
		say();
		say_poll(3 + i, i == 0 ? "t" : "u");
		memory = SIZE / 2;
		run();
		memory = SIZE_MAX;
		assert_heard(i == 0 ? "2!503 3<o;. " : "2!503 4<o;. ");
	}
	say_poll(5, "s");
	for (int i = 0; i < 100 && heard.len == 0; i++) {
		run();
		hear();
	}
	assert_true(heard.len > SIZE);
	assert_memory_equal(heard.data, "5<a[\"x", 6);
	buffer_clear(&heard);
}

static void
test_close(void **state)
{
	(void)state;
	open_responder();
	open_session();
	encode_receive(2, "s", TRANSPORT_XHR_STREAMING, 0);
	say();
	run();
	session_close(find("s"), 3000, "Go away!", 8);
	assert_heard("2<c[3000,\"Go away!\"];. ");
	assert_int_equal(LIST_FIRST(&peers.list)->requests.count, 0);
}

static void
test_no_room_for_a_session(void **state)
{
	(void)state;
	sessions.limit = 1;
	open_responder();
	open_session();
	say_poll(2, "t");
	capture_begin();
	assert_heard("2!503 ");
	capture_end();
	assert_false(is_known("t"));
}

/* --- what becomes of an answer ---------------------------------------------------------------- */

/* Nothing else is sent to the client until it is known. */
static void
test_written(void **state)
{
	(void)state;
	open_responder();
	open_session();
	write_to("s", "x");
	say_poll(2, "s");
	assert_heard("2<a[\"x\"];. ");
	write_to("s", "y");
	say_poll(3, "s");
	assert_heard("");
	say_written(2);
	assert_heard("3<a[\"y\"];. ");
}

static void
test_unwritten(void **state)
{
	(void)state;
	open_responder();
	open_session();
	write_to("s", "x");
	say_poll(2, "s");
	assert_heard("2<a[\"x\"];. ");
	say_abort(2, WIRE_ABORT_UNWRITTEN);
	assert_heard("");
	say_poll(3, "s");
	assert_heard("3<a[\"x\"];. ");
}

/* The client of a held poll is gone, and its session ends. */
static void
test_aborted(void **state)
{
	(void)state;
	open_responder();
	open_session();
	say_poll(2, "s");
	assert_heard("");
	say_abort(2, 0);
	assert_heard("");
	assert_seen("- ");
	assert_false(is_known("s"));
	assert_int_equal(LIST_FIRST(&peers.list)->requests.count, 0);
}

/* The connection breaks, but not the client's: the session waits for it to ask again. */
static void
test_lost_while_held(void **state)
{
	(void)state;
	open_responder();
	open_session();
	say_poll(2, "s");
	assert_heard("");
	close_responder();
	assert_seen("");
	write_to("s", "x");
	open_responder();
	say_poll(2, "s");
	assert_heard("2<a[\"x\"];. ");
}

/* --- a responder that died, and its log ------------------------------------------------------- */

/* As open_responder, with a log. */
static void
open_responder_with(const struct write_log *log)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)),
			 .cmsg_level = SOL_SOCKET,
			 .cmsg_type = SCM_RIGHTS}};
	struct iovec part;
	struct msghdr message = {.msg_iov = &part,
	    .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    .msg_controllen = sizeof control.bytes};

	connect_responder();
	encode_hello(0, 0);
	part = (struct iovec){out.data, out.len};
	memcpy(CMSG_DATA(&control.header), &log->fd, sizeof(int));
	assert_int_equal(sendmsg(responder, &message, MSG_NOSIGNAL), out.len);
	buffer_clear(&out);
	assert_heard("HELLO SERVICES(1) ");
}

/* It noted one answer and not the other: the one has arrived, the other has not. */
static void
test_write_log(void **state)
{
	struct write_log log;

	(void)state;
	write_log_create(&log);
	open_responder_with(&log);
	open_session();
	say_poll(2, "t");
	assert_heard("2<o;. ");
	say_written(2);
	write_to("s", "x");
	write_to("t", "y");
	say_poll(3, "s");
	say_poll(4, "t");
	assert_heard("3<a[\"x\"];. 4<a[\"y\"];. ");
	write_log_put(&log, 3);
	close_responder();
	write_log_destroy(&log);
	open_responder();
	say_poll(5, "s");
	say_poll(6, "t");
	run_for(SESSION_GRACE_DELAY);
	assert_heard("6<a[\"y\"];. ");
}

/* That it noted a request which is held says nothing: it may be an earlier one of that id. */
static void
test_write_log_of_a_held_request(void **state)
{
	struct write_log log;

	(void)state;
	write_log_create(&log);
	open_responder_with(&log);
	open_session();
	say_poll(2, "s");
	assert_heard("");
	write_log_put(&log, 2);
	close_responder();
	write_log_destroy(&log);
	write_to("s", "x");
	open_responder();
	say_poll(3, "s");
	assert_heard("3<a[\"x\"];. ");
}

/* --- a module that answers later -------------------------------------------------------------- */

static void
wait_for_module(void)
{
	open_responder();
	service->application = &later_application;
	say_poll(1, "s");
	assert_heard("");
}

static void
assert_nobody_is_left(const char *expected)
{
	assert_heard(expected);
	assert_seen("- ");
	assert_int_equal(sessions.count, 0);
	assert_int_equal(service->users, 0);
}

static void
test_answered_later(void **state)
{
	(void)state;
	wait_for_module();
	say_poll(2, "s");
	say_send(3, "s", 1, "x");
	assert_heard("2<c[2010,\"Another connection still open\"];. 3=none ");
	assert_int_equal(sockjs_admit(candidate, 0), SOCKJS_OK);
	assert_heard("1<o;. ");
	assert_seen("+ ");
	say_written(1);
	encode_receive(4, "t", TRANSPORT_XHR_STREAMING, 0);
	say();
	assert_heard("");
	assert_int_equal(sockjs_admit(candidate, 0), SOCKJS_OK);
	assert_heard("4<o; ");
}

static void
test_refused_later(void **state)
{
	(void)state;
	wait_for_module();
	assert_int_equal(sockjs_admit(candidate, 403), SOCKJS_OK);
	assert_nobody_is_left("1!403 ");
	assert_int_equal(LIST_FIRST(&peers.list)->requests.count, 0);
	say_poll(1, "s");
	run();
	run_for(AUTHORIZE_TIMEOUT);
	assert_nobody_is_left("1!503 ");
}

static void
test_client_leaves_while_it_waits(void **state)
{
	(void)state;
	wait_for_module();
	say_abort(1, 0);
	assert_nobody_is_left("");
	assert_int_equal(LIST_FIRST(&peers.list)->requests.count, 0);
}

/* The responder asks again, and so does the daemon. */
static void
test_lost_while_it_waits(void **state)
{
	sockjs_connection former;

	(void)state;
	wait_for_module();
	former = candidate;
	close_responder();
	assert_nobody_is_left("");
	open_responder();
	encode_receive(1, "s", TRANSPORT_XHR_POLLING, WIRE_RECEIVE_REISSUED);
	say();
	assert_heard("");
	assert_int_not_equal(candidate.handle, former.handle);
	assert_int_equal(sockjs_admit(former, 0), SOCKJS_GONE);
	assert_int_equal(sockjs_admit(candidate, 0), SOCKJS_OK);
	assert_heard("1<o;. ");
}

static void
test_responder_stops_while_it_waits(void **state)
{
	(void)state;
	wait_for_module();
	say_goodbye();
	assert_nobody_is_left("1!503 closed ");
	run();
}

/* The responder asks the next daemon, if there is one. */
static void
test_daemon_stops_while_it_waits(void **state)
{
	(void)state;
	wait_for_module();
	peer_messages_say_goodbye(LIST_FIRST(&peers.list));
	admission_end_all(&sessions, "x");
	assert_nobody_is_left("bye(stopping) closed ");
	run();
	sessions.journal.is_kept = false;
	wait_for_module();
	peer_messages_say_goodbye(LIST_FIRST(&peers.list));
	admission_end_all(&sessions, "x");
	assert_nobody_is_left("bye(stopping) 1!503 closed ");
}

#define TEST(name) RESPONDER_TEST(name)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(poll),
	    TEST(jsonp),
	    TEST(stream),
	    TEST(stream_of_one_frame),
	    TEST(large_frame),
	    TEST(no_memory_for_a_frame),
	    TEST(close),
	    TEST(no_room_for_a_session),
	    TEST(written),
	    TEST(unwritten),
	    TEST(aborted),
	    TEST(lost_while_held),
	    TEST(write_log),
	    TEST(write_log_of_a_held_request),
	    TEST(answered_later),
	    TEST(refused_later),
	    TEST(client_leaves_while_it_waits),
	    TEST(lost_while_it_waits),
	    TEST(responder_stops_while_it_waits),
	    TEST(daemon_stops_while_it_waits),
	};

	log_open("test_remote_request", SEVERITY_ERROR);
	return cmocka_run_group_tests_name("remote_request", tests, folder_setup, folder_teardown);
}
