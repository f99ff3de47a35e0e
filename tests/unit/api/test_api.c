/*
 * sessiond/api/api.c: what sockjs.h promises of each call, above all when it is misused: an error
 * code, and nothing else happens.
 */
#include "tests/unit/session/session_fixture.h"

#include "sessiond/api/api_timer.h"

#include <arpa/inet.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>

static const sockjs_connection strangers[] = {
    {0}, {1}, {2}, {UINT32_MAX}, {UINT64_MAX}, {UINT64_C(1) << 32}};

/* --- handles ---------------------------------------------------------------------------------- */

static void
expect_nothing(sockjs_connection connection)
{
	assert_int_equal(sockjs_write(connection, "x", 1), SOCKJS_GONE);
	assert_int_equal(sockjs_write(connection, NULL, 0), SOCKJS_GONE);
	assert_int_equal(sockjs_write_binary(connection, "x", 1), SOCKJS_GONE);
	assert_int_equal(sockjs_close(connection, 7, "\xff"), SOCKJS_GONE);
	assert_int_equal(sockjs_end(connection, "x", 1), SOCKJS_GONE);
	assert_int_equal(sockjs_end(connection, NULL, 0), SOCKJS_GONE);
	sockjs_set_user_data(connection, &seen);
	assert_null(sockjs_user_data(connection));
	assert_null(sockjs_id(connection));
	assert_int_equal(sockjs_ready_state(connection), SOCKJS_CLOSED);
	assert_false(sockjs_readable(connection));
	assert_false(sockjs_writable(connection));
	assert_null(sockjs_protocol(connection));
	assert_null(sockjs_prefix(connection));
	assert_null(sockjs_url(connection));
	assert_null(sockjs_pathname(connection));
	assert_null(sockjs_remote_address(connection));
	assert_int_equal(sockjs_remote_port(connection), 0);
	assert_null(sockjs_address(connection));
	assert_int_equal(sockjs_port(connection), 0);
	assert_null(sockjs_header(connection, "user-agent"));
	assert_null(sockjs_service_of(connection));
}

static void
test_strange_handles(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof strangers / sizeof strangers[0]; i++)
		expect_nothing(strangers[i]);
	api_bind(NULL);
	expect_nothing(strangers[1]);
}

/* The next session may live in the same place: it is not to be had by the old handle. */
static void
test_stale_handle(void **state)
{
	sockjs_connection old;

	(void)state;
	session_abort(arrive(NULL, fake_websocket('1')));
	old = latest;
	expect_nothing(old);
	turn();
	arrive(NULL, fake_websocket('2'));
	assert_true(latest.handle != old.handle);
	expect_nothing(old);
	turn();
	assert_seen("1<o + 1. - 2<o + ");
	assert_null(sockjs_user_data(latest));
}

/* --- write ------------------------------------------------------------------------------------ */

static void
test_write_misuse(void **state)
{
	static const char *const not_utf8[] = {"\xff", "\x80", "a\xc3", "\xc0\x80", "\xe2\x82",
	    "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "ok\xfe"};
	size_t i;

	(void)state;
	arrive("s", fake_stream('1'));
	assert_int_equal(sockjs_write(latest, NULL, 0), SOCKJS_INVALID);
	assert_int_equal(sockjs_write(latest, NULL, 5), SOCKJS_INVALID);
	for (i = 0; i < sizeof not_utf8 / sizeof not_utf8[0]; i++)
		assert_int_equal(write_text(latest, not_utf8[i]), SOCKJS_INVALID);
	turn();
	assert_seen("1<o + ");
	assert_int_equal(sockjs_ready_state(latest), SOCKJS_OPEN);
}

static void
test_write_what_is_allowed(void **state)
{
	char exact[3] = {'a', '\0', 'b'}; /* no NUL after it */

	(void)state;
	arrive("s", fake_stream('1'));
	assert_int_equal(sockjs_write(latest, "", 0), SOCKJS_OK);
	assert_int_equal(sockjs_write(latest, exact, sizeof exact), SOCKJS_OK);
	assert_int_equal(write_text(latest, "\xed\xa0\xbd"), SOCKJS_OK);
	memset(exact, 'x', sizeof exact); /* it was copied */
	turn();
	assert_seen("1<o + 1<a[\"\",\"a\\u0000b\",\"\\ud83d\"] ");
}

static void
test_write_binary(void **state)
{
	struct fake_receiver *raw = fake_receiver('2', TRANSPORT_WEBSOCKET_RAW, &single_ops);

	(void)state;
	arrive("s", fake_stream('1'));
	assert_int_equal(sockjs_write_binary(latest, "x", 1), SOCKJS_UNSUPPORTED);
	assert_int_equal(sockjs_write_binary(latest, NULL, 1), SOCKJS_INVALID);
	arrive(NULL, fake_websocket('3'));
	assert_int_equal(sockjs_write_binary(latest, "x", 1), SOCKJS_UNSUPPORTED);
	arrive(NULL, raw);
	assert_int_equal(sockjs_write_binary(latest, NULL, 0), SOCKJS_INVALID);
	assert_int_equal(sockjs_write_binary(latest, "\xff", 1), SOCKJS_OK);
	assert_true(raw->receiver.session->queue.items[0]->binary);
	assert_memory_equal(raw->receiver.session->queue.items[0]->data, "\xff", 1);
	assert_int_equal(write_text(latest, "t"), SOCKJS_OK);
	assert_false(raw->receiver.session->queue.items[1]->binary);
	assert_int_equal(write_text(latest, "\xff"), SOCKJS_INVALID);
	session_abort(raw->receiver.session);
	assert_seen("1<o + 3<o + 2<o + 2. - ");
}

static void
test_after_close(void **state)
{
	(void)state;
	arrive("s", fake_stream('1'));
	assert_int_equal(sockjs_close(latest, 3001, "first"), SOCKJS_OK);
	assert_int_equal(write_text(latest, "x"), SOCKJS_GONE);
	assert_int_equal(sockjs_close(latest, 3002, "second"), SOCKJS_GONE);
	assert_int_equal(sockjs_end(latest, "x", 1), SOCKJS_GONE);
	assert_int_equal(sockjs_ready_state(latest), SOCKJS_CLOSING);
	assert_false(sockjs_writable(latest));
	assert_non_null(sockjs_id(latest));
	turn();
	assert_seen("1<o + 1<c[3001,\"first\"] 1. - ");
	expect_nothing(latest);
}

/* --- close ------------------------------------------------------------------------------------ */

static void
test_close_codes(void **state)
{
	static const int bad[] = {
	    INT_MIN, -1000, -1, 1, 999, 1001, 1005, 1006, 1015, 2999, 5000, 65536 + 3000, INT_MAX};
	static const int good[] = {1000, 3000, 3999, 4000, 4999};
	char expected[80];
	size_t i;

	(void)state;
	arrive("s", fake_stream('1'));
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(sockjs_close(latest, bad[i], "x"), SOCKJS_INVALID);
	turn();
	assert_seen("1<o + ");
	assert_int_equal(sockjs_ready_state(latest), SOCKJS_OPEN);
	for (i = 0; i < sizeof good / sizeof good[0]; i++) {
		arrive(NULL, fake_websocket('2'));
		assert_int_equal(sockjs_close(latest, good[i], "x"), SOCKJS_OK);
		turn();
		snprintf(expected, sizeof expected, "2<o + 2<c[%d,\"x\"] 2. - ", good[i]);
		assert_seen(expected);
	}
}

static void
test_close_reasons(void **state)
{
	char reason[SESSION_REASON_MAX + 2], expected[SESSION_REASON_MAX + 80];

	(void)state;
	memset(reason, 'r', sizeof reason);
	reason[sizeof reason - 1] = '\0';
	arrive("s", fake_stream('1'));
	assert_int_equal(sockjs_close(latest, 3000, reason), SOCKJS_INVALID);
	assert_int_equal(sockjs_close(latest, 3000, "\xff"), SOCKJS_INVALID);
	assert_int_equal(
	    sockjs_close(latest, 3000, "\xed\xa0\xbd"), SOCKJS_INVALID); /* strictly UTF-8 */
	assert_int_equal(sockjs_ready_state(latest), SOCKJS_OPEN);
	reason[SESSION_REASON_MAX] = '\0';
	assert_int_equal(sockjs_close(latest, 3000, reason), SOCKJS_OK);
	arrive(NULL, fake_websocket('2'));
	assert_int_equal(sockjs_close(latest, 3000, "\xc3\xa4 \"q\""), SOCKJS_OK);
	turn();
	snprintf(expected, sizeof expected,
	    "1<o + 2<o + 1<c[3000,\"%s\"] 1. - 2<c[3000,\"\xc3\xa4 \\\"q\\\"\"] 2. - ", reason);
	assert_seen(expected);
}

static void
test_close_defaults(void **state)
{
	(void)state;
	arrive(NULL, fake_websocket('1'));
	assert_int_equal(sockjs_close(latest, 0, NULL), SOCKJS_OK);
	turn();
	assert_seen("1<o + 1<c[1000,\"Normal closure\"] 1. - ");
	arrive(NULL, fake_websocket('2'));
	assert_int_equal(sockjs_end(latest, "last", 4), SOCKJS_OK);
	turn();
	assert_seen("2<o + 2<a[\"last\"] 2<c[1000,\"Normal closure\"] 2. - ");
	arrive(NULL, fake_websocket('3'));
	assert_int_equal(sockjs_end(latest, "\xff", 1), SOCKJS_INVALID);
	assert_int_equal(sockjs_ready_state(latest), SOCKJS_OPEN);
	assert_int_equal(sockjs_end(latest, NULL, 99), SOCKJS_OK);
	turn();
	assert_seen("3<o + 3<c[1000,\"Normal closure\"] 3. - ");
}

/* --- getters ---------------------------------------------------------------------------------- */

static void
expect_uuid(const char *id)
{
	static const char form[] = "xxxxxxxx-xxxx-4xxx-Vxxx-xxxxxxxxxxxx"; /* RFC 9562, version 4 */
	size_t i;

	assert_non_null(id);
	assert_int_equal(strlen(id), strlen(form));
	for (i = 0; form[i] != '\0'; i++) {
		if (form[i] == 'x')
			assert_non_null(strchr("0123456789abcdef", id[i]));
		else if (form[i] == 'V')
			assert_non_null(strchr("89ab", id[i]));
		else
			assert_int_equal(id[i], form[i]);
	}
}

/* Each id stays valid beside the others (sockjs.h: until the callback returns). */
static void
test_ids(void **state)
{
	sockjs_connection connections[3];
	const char *ids[3];
	char first[40];
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		arrive(NULL, fake_websocket('1'));
		connections[i] = latest;
		ids[i] = sockjs_id(connections[i]);
		expect_uuid(ids[i]);
		if (i == 0)
			strcpy(first, ids[0]);
	}
	assert_string_not_equal(ids[0], ids[1]);
	assert_string_not_equal(ids[1], ids[2]);
	assert_string_not_equal(ids[0], ids[2]);
	assert_string_equal(sockjs_id(connections[0]), first);
	assert_string_equal(ids[0], first);
}

static const char *
full_header(const void *context, const char *name)
{
	(void)context;
	return strcmp(name, "origin") == 0 ? "http://o"
	    : strcmp(name, "cookie") == 0  ? "secret"
					   : NULL;
}

static void
test_getters(void **state)
{
	struct fake_receiver *poll = fake_poll('2');
	struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons(54321)};
	struct sockaddr_in6 local = {
	    .sin6_family = AF_INET6, .sin6_port = htons(8080), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct connection_source source = {
	    .path = "/echo/000/s/jsonp",
	    .prefix_len = 5,
	    .peer = (const struct sockaddr *)(const void *)&peer,
	    .local = (const struct sockaddr *)(const void *)&local,
	    .header = full_header,
	};
	struct session *session;

	(void)state;
	inet_pton(AF_INET, "192.0.2.7", &peer.sin_addr);
	session = arrive("s", fake_poll('1'));
	assert_string_equal(sockjs_protocol(latest), "xhr-polling");
	assert_string_equal(sockjs_url(latest), "/echo/000/s/xhr?q=1");
	assert_string_equal(sockjs_pathname(latest), "/echo/000/s/xhr");
	assert_string_equal(sockjs_remote_address(latest), "");
	assert_int_equal(sockjs_remote_port(latest), 0);
	assert_string_equal(sockjs_address(latest), "");
	assert_int_equal(sockjs_port(latest), 0);
	assert_true(sockjs_readable(latest));
	assert_true(sockjs_writable(latest));
	/* The last receiving request is what counts. */
	poll->receiver.transport = transport_get(TRANSPORT_JSONP_POLLING);
	session_arrive(session, &poll->receiver, &source);
	assert_string_equal(sockjs_protocol(latest), "jsonp-polling");
	assert_string_equal(sockjs_prefix(latest), "/echo");
	assert_string_equal(sockjs_url(latest), "/echo/000/s/jsonp");
	assert_string_equal(sockjs_remote_address(latest), "192.0.2.7");
	assert_int_equal(sockjs_remote_port(latest), 54321);
	assert_string_equal(sockjs_address(latest), "::1");
	assert_int_equal(sockjs_port(latest), 8080);
	assert_string_equal(sockjs_header(latest, "origin"), "http://o");
	assert_null(sockjs_header(latest, "user-agent"));
	assert_null(sockjs_header(latest, "cookie"));
	assert_null(sockjs_header(latest, "Origin"));
	assert_null(sockjs_header(latest, ""));
	assert_null(sockjs_header(latest, NULL));
	assert_ptr_equal(sockjs_service_of(latest), service);
}

static void
test_user_data(void **state)
{
	sockjs_connection first;

	(void)state;
	arrive("s", fake_poll('1'));
	first = latest;
	assert_null(sockjs_user_data(first));
	sockjs_set_user_data(first, &seen);
	arrive("t", fake_poll('2'));
	assert_null(sockjs_user_data(latest));
	assert_ptr_equal(sockjs_user_data(first), &seen);
	sockjs_set_user_data(first, NULL);
	assert_null(sockjs_user_data(first));
	assert_string_equal(sockjs_service_prefix(service), "/echo");
	assert_null(sockjs_service_user_data(service));
	sockjs_service_set_user_data(service, &now);
	assert_ptr_equal(sockjs_service_user_data(service), &now);
}

/* --- timers ----------------------------------------------------------------------------------- */

static uv_loop_t loop;
static sockjs_timer *timer;
static int fires;

static void
count_fire(void *data)
{
	assert_ptr_equal(data, &fires);
	fires++;
}

static void
stop_at_three(void *data)
{
	count_fire(data);
	if (fires == 3)
		sockjs_timer_stop(&timer);
}

static void
test_timers(void **state)
{
	sockjs_timer *others[3];

	(void)state;
	assert_int_equal(uv_loop_init(&loop), 0);
	api_timer_bind(&loop);
	fires = 0;
	timer = sockjs_timer_start(service, 0, 0, count_fire, &fires);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(fires, 1);
	sockjs_timer_stop(&timer);
	assert_null(timer);
	sockjs_timer_stop(&timer);
	fires = 0;
	timer = sockjs_timer_start(service, 0, 1, stop_at_three, &fires);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(fires, 3);
	assert_null(timer);
	others[0] = sockjs_timer_start(service, 0, 1, count_fire, &fires);
	others[1] = sockjs_timer_start(service, 0, 1, count_fire, &fires);
	others[2] = sockjs_timer_start(service, 0, 1, count_fire, &fires);
	sockjs_timer_stop(&others[1]);
	api_timer_stop_all(service); /* what the module left */
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(fires, 3);
	assert_null(LIST_FIRST(&service->timers));
	assert_int_equal(uv_loop_close(&loop), 0);
	api_timer_bind(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    SESSION_TEST(strange_handles),
	    SESSION_TEST(stale_handle),
	    SESSION_TEST(write_misuse),
	    SESSION_TEST(write_what_is_allowed),
	    SESSION_TEST(write_binary),
	    SESSION_TEST(after_close),
	    SESSION_TEST(close_codes),
	    SESSION_TEST(close_reasons),
	    SESSION_TEST(close_defaults),
	    SESSION_TEST(ids),
	    SESSION_TEST(getters),
	    SESSION_TEST(user_data),
	    SESSION_TEST(timers),
	};

	return cmocka_run_group_tests_name("api", tests, NULL, NULL);
}
