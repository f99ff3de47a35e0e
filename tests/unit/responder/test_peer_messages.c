/*
 * sessiond/responder/peer_messages.h: the handshake, which message may come when, and the end.
 */
#include "tests/unit/responder/responder_fixture.h"
#include "tests/unit/log_capture.h"

/* --- the handshake ---------------------------------------------------------------------------- */

static void
test_handshake(void **state)
{
	uint64_t first;

	(void)state;
	open_responder();
	first = link_id;
	assert_int_not_equal(first, 0);
	close_responder();
	open_responder();
	assert_int_not_equal(link_id, first);
}

/* What breaks the protocol ends the connection, with a line in the log. */
static void
expect_broken(const char *heard_before, const char *file, int line)
{
	char expected[100];

	snprintf(expected, sizeof expected, "%sclosed ", heard_before);
	capture_begin_later();
	expect_heard(expected, file, line);
	_assert_true(strstr(capture_end(), "breaks the protocol") != NULL, "the log", file, line);
	_assert_true(LIST_EMPTY(&peers.list), "no peer is left", file, line);
}

#define assert_broken(heard_before) expect_broken(heard_before, __FILE__, __LINE__)

static void
test_request_before_hello(void **state)
{
	(void)state;
	connect_responder();
	say_poll(1, "s");
	assert_broken("");
	assert_false(is_known("s"));
}

static void
test_second_hello(void **state)
{
	(void)state;
	open_responder();
	encode_hello(0, 0);
	say();
	assert_broken("");
}

static void
test_other_version(void **state)
{
	const struct wire_hello hello = {.role = WIRE_RESPONDER, .major = WIRE_MAJOR + 1};

	(void)state;
	connect_responder();
	wire_encode_hello(&out, &hello);
	say();
	capture_begin_later();
	assert_heard("HELLO bye(another version of the protocol) closed ");
	assert_non_null(strstr(capture_end(), "is refused"));
}

/* Whom the system says to be at the other end; -1: who is there. */
static uid_t user = (uid_t)-1;

int __real_link_peer_user(int fd, uid_t *user);
int __wrap_link_peer_user(int fd, uid_t *user);

int
__wrap_link_peer_user(int fd, uid_t *found)
{
	int status = __real_link_peer_user(fd, found);

	if (status == 0 && user != (uid_t)-1)
		*found = user;
	return status;
}

static void
test_other_user(void **state)
{
	(void)state;
	config->server.socket_users = strdup("root");
	user = geteuid() + 1;
	capture_begin_later();
	connect_responder();
	assert_non_null(strstr(capture_end(), "may not use the socket (socket_users)"));
	assert_true(LIST_EMPTY(&peers.list));
	assert_heard("HELLO bye(this user may not use the socket) closed ");
	user = 0;
	open_responder();
	user = (uid_t)-1;
}

/* A peer that says nothing, or that stays although it was refused, is dropped in time. */
static void
test_greeting_takes_too_long(void **state)
{
	(void)state;
	connect_responder();
	run_for(PEER_GREETING_WAIT - 1);
	assert_heard("");
	run_for(1);
	assert_heard("closed ");
	open_responder();
	run_for(PEER_GREETING_WAIT + 1);
	assert_heard("");
}

/* --- requests --------------------------------------------------------------------------------- */

static void
test_unknown_service(void **state)
{
	(void)state;
	open_responder();
	services.number_count = 0;
	say_poll(1, "s");
	assert_broken("");
	open_responder();
	say_send(1, "s", 1, "x");
	assert_broken("");
}

/* It was taken out of the configuration while the request was under way. */
static void
test_retired_service(void **state)
{
	(void)state;
	open_responder();
	number_of_service.service = NULL;
	say_poll(1, "s");
	assert_heard("1!404 ");
	say_send(2, "s", 1, "x");
	assert_heard("2=none ");
}

static void
test_bad_callback(void **state)
{
	static const char *const no_headers[] = {NULL};
	const struct wire_receive receive = {
	    .transport = TRANSPORT_JSONP_POLLING,
	    .session = "s",
	    .session_len = 1,
	    .callback = "alert(1)",
	    .cookie = "",
	};

	(void)state;
	open_responder();
	wire_encode_receive(&out, 1, &receive, &fake_source, no_headers);
	say();
	assert_broken("");
}

/* The id of a request that is held, or that is answered and not confirmed. */
static void
test_receive_with_an_id_in_use(void **state)
{
	(void)state;
	open_responder();
	open_session();
	say_poll(2, "s");
	assert_heard("");
	say_poll(2, "other");
	assert_broken("");
	assert_false(is_known("other"));
	open_responder();
	say_poll(3, "third");
	assert_heard("3<o;. ");
	say_poll(3, "fourth");
	assert_broken("");
	assert_false(is_known("fourth"));
}

/* An id is free again when its answer is confirmed. */
static void
test_receive_with_an_id_used_before(void **state)
{
	(void)state;
	open_responder();
	open_session();
	say_poll(1, "s");
	write_to("s", "x");
	assert_heard("1<a[\"x\"];. ");
}

static void
test_send_that_is_no_text(void **state)
{
	(void)state;
	open_responder();
	open_session();
	say_send(2, "s", 1, "\xc0\x80");
	assert_broken("");
	assert_seen("");
}

/* A message of the daemon's. */
static void
test_message_of_the_wrong_role(void **state)
{
	(void)state;
	open_responder();
	wire_encode_sent(&out, 1, WIRE_SENT_OK);
	say();
	assert_broken("");
}

static void
test_written_for_a_held_poll(void **state)
{
	(void)state;
	open_responder();
	open_session();
	say_poll(2, "s");
	assert_heard("");
	say_written(2);
	assert_broken("");
}

/* Most answers carry nothing that has to be known to have arrived. */
static void
test_written_for_no_request(void **state)
{
	(void)state;
	open_responder();
	say_written(77);
	assert_heard("");
	say_abort(78, 0);
	assert_heard("");
	say_poll(1, "s");
	assert_heard("1<o;. ");
}

/* --- cookies ---------------------------------------------------------------------------------- */

static bool
make_cookie(void *context, const char *cookie, char *value, size_t size)
{
	assert_ptr_equal(context, service);
	assert_string_equal(cookie, "a");
	snprintf(value, size, "made");
	return true;
}

/* The application makes it, for each request; the daemon passes it on. */
static void
test_cookie(void **state)
{
	(void)state;
	service->protocol.options.jsessionid = JSESSIONID_MODULE;
	service->protocol.jsessionid = make_cookie;
	open_responder();
	say_poll(1, "s");
	assert_heard("1$made 1<o;. ");
	say_send(2, "s", 1, "x");
	assert_heard("2$made 2=ok ");
	service->protocol.jsessionid = NULL;
	say_poll(3, "s");
	assert_heard("3$ ");
}

/* --- the end ---------------------------------------------------------------------------------- */

/* What it holds it is given back; then, when everything is confirmed, the connection ends. */
static void
test_goodbye(void **state)
{
	(void)state;
	open_responder();
	open_session();
	say_poll(2, "s");
	assert_heard("");
	say_poll(3, "t");
	assert_heard("3<o;. ");
	say_goodbye();
	assert_heard("2<h;. ");
	say_written(3);
	assert_heard("closed ");
	run();
}

static void
test_goodbye_with_nothing_held(void **state)
{
	(void)state;
	open_responder();
	say_goodbye();
	assert_heard("closed ");
	/* Our end is closed; the peer is when the other end is, too. */
	run();
	assert_true(LIST_EMPTY(&peers.list));
}

/* It sends them again, to the next daemon: here nothing comes of them. */
static void
test_requests_after_goodbye(void **state)
{
	(void)state;
	open_responder();
	open_session();
	say_poll(2, "t");
	assert_heard("2<o;. ");
	say_goodbye();
	assert_heard("");
	buffer_clear(&seen);
	say_poll(3, "u");
	say_send(4, "s", 1, "x");
	assert_heard("");
	assert_seen("");
	assert_false(is_known("u"));
	say_written(2);
	assert_heard("closed ");
}

/* The next daemon finds the sessions: their requests get no word. */
static void
test_daemon_stops(void **state)
{
	(void)state;
	open_responder();
	open_session();
	say_poll(2, "s");
	say_poll(3, "t");
	assert_heard("3<o;. ");
	peer_messages_say_goodbye(LIST_FIRST(&peers.list));
	assert_heard("bye(stopping) ");
	say_written(3);
	assert_heard("closed ");
}

/* Without a store they are held on: their sessions end with the daemon, and say so. */
static void
test_daemon_stops_without_a_store(void **state)
{
	(void)state;
	sessions.journal.is_kept = false;
	open_responder();
	say_poll(1, "s");
	assert_heard("1<o;. ");
	say_written(1);
	say_poll(2, "s");
	assert_heard("");
	peer_messages_say_goodbye(LIST_FIRST(&peers.list));
	assert_heard("bye(stopping) ");
	session_close(find("s"), SERVICE_CODE_GOING_AWAY, "x", 1);
	assert_heard("2<c[1001,\"x\"];. closed ");
}

/* A service was added, or options changed. */
/* Those that are there are told when it changes, newcomers if it is not well. */
static void
test_state_is_told(void **state)
{
	(void)state;
	open_responder();
	messages.state = "the disk is full";
	peer_messages_send_state(LIST_FIRST(&peers.list));
	assert_heard("STATE(the disk is full) ");
	close_responder();
	return_responder(0, 0);
	assert_heard("HELLO STATE(the disk is full) SERVICES(1) ");
}

static void
test_services_are_told(void **state)
{
	(void)state;
	open_responder();
	assert_int_equal(peer_messages_send_services(LIST_FIRST(&peers.list)), 0);
	assert_heard("SERVICES(1) ");
}

/* --- what a lost responder has taken ---------------------------------------------------------- */

/* A message is on its way in an answer that is not confirmed. */
static void
send_in_flight(void)
{
	open_session();
	write_to("s", "x");
	say_poll(2, "s");
	assert_heard("2<a[\"x\"];. ");
}

/* It took the frame: the message does not come again. */
static void
test_returns_with_the_frame(void **state)
{
	(void)state;
	open_responder();
	send_in_flight();
	close_responder();
	return_responder(link_id, frames_on_link);
	assert_heard("HELLO SERVICES(1) ");
	say_poll(3, "s");
	assert_heard("");
}

/* It did not: the message comes again, at once when it says so. */
static void
test_returns_without_the_frame(void **state)
{
	(void)state;
	open_responder();
	send_in_flight();
	close_responder();
	return_responder(link_id, frames_on_link - 1);
	say_poll(3, "s");
	assert_heard("HELLO SERVICES(1) 3<a[\"x\"];. ");
}

/* Its first connection: it knows nothing of any other. */
static void
test_another_comes(void **state)
{
	(void)state;
	open_responder();
	send_in_flight();
	close_responder();
	open_responder();
	say_poll(3, "s");
	assert_heard("");
	run_for(SESSION_GRACE_DELAY);
	assert_heard("3<a[\"x\"];. ");
}

/*
 * That a frame arrived can wait to be stored, as long as the responder can be asked. When it is
 * gone it is stored at once.
 */
static void
test_hurries_when_lost(void **state)
{
	(void)state;
	open_responder();
	send_in_flight();
	buffer_clear(&written);
	say_written(2);
	run();
	assert_written("");
	close_responder();
	assert_written("X1<=0 D1 . ");
}

#define TEST(name) RESPONDER_TEST(name)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(handshake),
	    TEST(request_before_hello),
	    TEST(second_hello),
	    TEST(other_version),
	    TEST(other_user),
	    TEST(greeting_takes_too_long),
	    TEST(unknown_service),
	    TEST(retired_service),
	    TEST(bad_callback),
	    TEST(receive_with_an_id_in_use),
	    TEST(receive_with_an_id_used_before),
	    TEST(send_that_is_no_text),
	    TEST(message_of_the_wrong_role),
	    TEST(written_for_a_held_poll),
	    TEST(written_for_no_request),
	    TEST(cookie),
	    TEST(goodbye),
	    TEST(goodbye_with_nothing_held),
	    TEST(requests_after_goodbye),
	    TEST(daemon_stops),
	    TEST(daemon_stops_without_a_store),
	    TEST(state_is_told),
	    TEST(services_are_told),
	    TEST(returns_with_the_frame),
	    TEST(returns_without_the_frame),
	    TEST(another_comes),
	    TEST(hurries_when_lost),
	};

	log_open("test_peer_messages", SEVERITY_ERROR);
	return cmocka_run_group_tests_name("peer_messages", tests, folder_setup, folder_teardown);
}
