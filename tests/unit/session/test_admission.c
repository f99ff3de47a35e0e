/*
 * sessiond/session/admission.h: who gets a session, and that nothing remains of who does not.
 */
#include "tests/unit/session/session_fixture.h"

#include "sessiond/session/admission.h"
#include "tests/unit/log_capture.h"

static struct sockjs_module asking; /* the fake application, with authorize */
static int answer;		    /* of authorize */
static unsigned asked;
static void (*act)(sockjs_connection connection); /* what authorize does; NULL: nothing */
static struct admission_refusal refusal;

static int
app_authorize(sockjs_connection connection)
{
	candidate = connection;
	asked++;
	if (act != NULL)
		act(connection);
	return answer;
}

static int
set_up(void **state)
{
	fixture_set_up(state);
	asking = fake_application;
	asking.authorize = app_authorize;
	service->application = &asking;
	sessions.limit = 100;
	answer = 0;
	asked = 0;
	act = NULL;
	return 0;
}

static struct session *
obtain(const char *id)
{
	refusal = (struct admission_refusal){0, NULL};
	return admission_obtain(
	    service, id, strlen(id), transport_get(TRANSPORT_XHR_POLLING), &fake_source, &refusal);
}

static struct session *
open_websocket(void)
{
	refusal = (struct admission_refusal){0, NULL};
	return admission_open_websocket(
	    service, transport_get(TRANSPORT_WEBSOCKET), &fake_source, &refusal);
}

static void
assert_refused(const struct session *session, int status, const char *text)
{
	assert_null(session);
	assert_int_equal(refusal.status, status);
	assert_string_equal(refusal.text, text);
	turn_flush(&sessions);
	assert_int_equal(sessions.count, 0);
	assert_int_equal(service->users, 0);
	assert_null(session_find(service, "s", 1));
	assert_seen("");
}

static void
test_the_module_is_asked_once(void **state)
{
	struct fake_receiver *poll = fake_receiver('1', TRANSPORT_XHR_POLLING, &shared_ops);
	struct session *session = obtain("s");

	(void)state;
	assert_non_null(session);
	assert_int_equal(asked, 1);
	assert_seen("");
	session_arrive(session, &poll->receiver, &fake_source);
	assert_seen("1<o + ");
	assert_ptr_equal(obtain("s"), session);
	assert_int_equal(asked, 1);
	assert_int_equal(latest.handle, candidate.handle);
}

static void
test_refusals(void **state)
{
	static const struct {
		int status;
		const char *text;
	} cases[] = {{400, "Refused\n"}, {401, "Unauthorized\n"}, {403, "Forbidden\n"},
	    {429, "Refused\n"}, {599, "Refused\n"}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		answer = cases[i].status;
		assert_refused(obtain("s"), cases[i].status, cases[i].text);
		assert_refused(open_websocket(), cases[i].status, cases[i].text);
	}
	assert_int_equal(sockjs_ready_state(candidate), SOCKJS_CLOSED);
	assert_int_equal(sockjs_write(candidate, "x", 1), SOCKJS_GONE);
}

static void
test_statuses_that_are_none(void **state)
{
	static const int statuses[] = {-1, 2, 101, 200, 302, 399, 600};

	(void)state;
	for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
		answer = statuses[i];
		capture_begin_later();
		assert_refused(obtain("s"), 403, "Forbidden\n");
		capture_end();
		assert_non_null(strstr(captured, "/echo: authorize returned "));
	}
}

static void
look_around(sockjs_connection connection)
{
	assert_int_equal(sockjs_ready_state(connection), SOCKJS_CONNECTING);
	assert_string_equal(sockjs_protocol(connection), "xhr-polling");
	assert_string_equal(sockjs_url(connection), "/echo/000/s/xhr?q=1");
	assert_string_equal(sockjs_header(connection, "user-agent"), "cmocka");
	assert_ptr_equal(sockjs_service_of(connection), service);
	assert_int_equal(sockjs_set_user_data(connection, &asked), SOCKJS_OK);
	assert_int_equal(sockjs_write(connection, "early", 5), SOCKJS_OK);
	assert_int_equal(sockjs_close(connection, 0, NULL), SOCKJS_GONE);
}

/* What the callback writes comes after the open frame, if the connection is let in. */
static void
test_what_is_known(void **state)
{
	struct fake_receiver *poll = fake_receiver('1', TRANSPORT_XHR_POLLING, &shared_ops);
	struct session *session;

	(void)state;
	act = look_around;
	session = obtain("s");
	assert_non_null(session);
	session_arrive(session, &poll->receiver, &fake_source);
	turn_flush(&sessions);
	assert_seen("1<o + 1<a[\"early\"] ");
	assert_ptr_equal(sockjs_user_data(latest), &asked);
	answer = 403;
	assert_non_null(obtain("s"));
	act = NULL;
	assert_null(obtain("t"));
}

static sockjs_group *group;

static void
make_traces(sockjs_connection connection)
{
	assert_int_equal(sockjs_write(connection, "lost", 4), SOCKJS_OK);
	assert_int_equal(sockjs_group_add(group, connection), SOCKJS_OK);
}

static void
test_nothing_remains(void **state)
{
	(void)state;
	sessions.limit_per_address = 1;
	service->started = true;
	group = sockjs_group_create(service);
	assert_non_null(group);
	act = make_traces;
	answer = 401;
	assert_refused(obtain("s"), 401, "Unauthorized\n");
	assert_int_equal(sockjs_group_size(group), 0);
	assert_int_equal(address_count_get(&sessions.addresses, NULL), 0);
	assert_int_equal(sockjs_group_destroy(&group), SOCKJS_OK);
}

/* Its client went after it was let in: the module, which may have user data, hears of both. */
static void
test_a_client_that_goes_meanwhile(void **state)
{
	(void)state;
	session_abort(open_websocket());
	turn_flush(&sessions);
	assert_seen("+ - ");
	assert_int_equal(sessions.count, 0);
	service->application = &fake_application;
	session_abort(open_websocket());
	turn_flush(&sessions);
	assert_seen("");
	assert_int_equal(sessions.count, 0);
}

static void
test_room_comes_first(void **state)
{
	static const struct sockaddr_in one = {
	    .sin_family = AF_INET, .sin_addr.s_addr = 0x0100000a};
	struct connection_source source = fake_source;

	(void)state;
	sessions.limit = 0;
	assert_refused(obtain("s"), 503, "Too many sessions.\n");
	assert_refused(open_websocket(), 503, "Too many sessions.\n");
	sessions.limit = SIZE_MAX;
	sessions.is_draining = true;
	assert_refused(obtain("s"), 503, "The server is draining.\n");
	assert_refused(open_websocket(), 503, "The server is draining.\n");
	sessions.is_draining = false;
	assert_int_equal(asked, 0);
	sessions.limit = 10;
	sessions.limit_per_address = 1;
	source.peer = (const struct sockaddr *)(const void *)&one;
	assert_non_null(admission_obtain(
	    service, "a", 1, transport_get(TRANSPORT_XHR_POLLING), &source, &refusal));
	assert_null(admission_obtain(
	    service, "b", 1, transport_get(TRANSPORT_XHR_POLLING), &source, &refusal));
	assert_string_equal(refusal.text, "Too many sessions from your address.\n");
	assert_non_null(obtain("c"));
	sessions.closing = true;
	assert_non_null(obtain("a"));
	assert_null(obtain("d"));
	assert_string_equal(refusal.text, "The server is stopping.\n");
}

static const char *
large_header(const void *context, const char *name)
{
	return strcmp(name, "referer") == 0 ? context : NULL;
}

/* The id counts, too. What a later request has too much is not kept, and costs it nothing. */
static void
test_what_is_kept_is_limited(void **state)
{
	static char referer[HEADERS_LIMIT + 1];
	struct connection_source source = fake_source;
	struct connection_info *info;
	struct fake_receiver *poll = fake_receiver('1', TRANSPORT_XHR_POLLING, &shared_ops);
	const struct transport *transport = transport_get(TRANSPORT_XHR_POLLING);
	struct session *session;
	size_t left;

	(void)state;
	source.header = large_header;
	source.context = referer;
	info = connection_info_create(&source);
	left = HEADERS_LIMIT - connection_info_size(info);
	connection_info_destroy(&info);
	memset(referer, 'r', left);
	assert_refused(admission_obtain(service, "s", 1, transport, &source, &refusal), 431,
	    "The request's head is too large.\n");
	assert_non_null(admission_open_websocket(service, transport, &source, &refusal));
	referer[left - 1] = '\0';
	session = admission_obtain(service, "s", 1, transport, &source, &refusal);
	assert_non_null(session);
	assert_null(admission_obtain(service, "ss", 2, transport, &source, &refusal));
	session_arrive(session, &poll->receiver, &source);
	session_release_receiver(session);
	poll = fake_receiver('2', TRANSPORT_XHR_POLLING, &shared_ops);
	referer[left - 1] = 'r';
	session_arrive(session, &poll->receiver, &source);
	assert_ptr_equal(session->receiver, &poll->receiver);
	assert_int_equal(strlen(connection_info_header(session->info, "referer")), left - 1);
	session_release_receiver(session);
	poll = fake_receiver('3', TRANSPORT_XHR_POLLING, &shared_ops);
	referer[1] = '\0';
	session_arrive(session, &poll->receiver, &source);
	assert_string_equal(connection_info_header(session->info, "referer"), "r");
}

static struct sockaddr_in guesser = {.sin_family = AF_INET, .sin_addr.s_addr = 0x0100000a},
			  owner = {.sin_family = AF_INET, .sin_addr.s_addr = 0x0200000a};
#define GUESSER ((const struct sockaddr *)(const void *)&guesser)
#define OWNER	((const struct sockaddr *)(const void *)&owner)

static int
status_of_send(const char *id, const struct sockaddr *client)
{
	refusal.status = 0;
	admission_find(service, id, strlen(id), client, &refusal);
	return refusal.status;
}

static int
status_of_request(const char *id, const struct sockaddr *client)
{
	struct connection_source source = fake_source;

	source.peer = client;
	refusal.status = 0;
	admission_obtain(
	    service, id, strlen(id), transport_get(TRANSPORT_XHR_POLLING), &source, &refusal);
	return refusal.status;
}

static void
test_guesses(void **state)
{
	(void)state;
	sessions.limits.guesses.a_minute = 3;
	assert_int_equal(status_of_request("s", OWNER), 0);
	assert_int_equal(status_of_request("g", GUESSER), 0);
	assert_int_equal(status_of_send("s", GUESSER), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(status_of_send("x", GUESSER), 404);
	assert_int_equal(status_of_send("x", GUESSER), 429);
	assert_int_equal(status_of_send("s", GUESSER), 429);
	assert_int_equal(status_of_request("s", GUESSER), 429);
	assert_int_equal(status_of_send("g", GUESSER), 0);
	assert_int_equal(status_of_request("g", GUESSER), 0);
	assert_int_equal(status_of_send("s", OWNER), 0);
	/* This module would have to judge; another lets everybody in. */
	assert_int_equal(status_of_request("new", GUESSER), 429);
	service->application = &fake_application;
	assert_int_equal(status_of_request("new", GUESSER), 0);
	now += 20000;
	assert_int_equal(status_of_send("s", GUESSER), 0);
	assert_int_equal(status_of_send("x", GUESSER), 404);
	assert_int_equal(status_of_send("x", GUESSER), 429);
}

static void
test_refusals_are_guesses(void **state)
{
	static const int statuses[] = {401, 400, 403, 503, 403};

	(void)state;
	sessions.limits.guesses.a_minute = 3;
	for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
		answer = statuses[i];
		assert_int_equal(status_of_request("s", GUESSER), statuses[i]);
	}
	asked = 0;
	assert_int_equal(status_of_request("s", GUESSER), 429);
	assert_int_equal(asked, 0);
	assert_int_equal(status_of_request("s", OWNER), 403);
	assert_int_equal(asked, 1);
}

#define ADMISSION_TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, fixture_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    ADMISSION_TEST(the_module_is_asked_once),
	    ADMISSION_TEST(refusals),
	    ADMISSION_TEST(statuses_that_are_none),
	    ADMISSION_TEST(what_is_known),
	    ADMISSION_TEST(nothing_remains),
	    ADMISSION_TEST(a_client_that_goes_meanwhile),
	    ADMISSION_TEST(room_comes_first),
	    ADMISSION_TEST(guesses),
	    ADMISSION_TEST(refusals_are_guesses),
	    ADMISSION_TEST(what_is_kept_is_limited),
	};

	return cmocka_run_group_tests_name("admission", tests, NULL, NULL);
}
