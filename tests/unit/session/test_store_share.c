/*
 * sessiond/session/store_share.h: what is counted, for whom, and who is refused. What commits and
 * restarts count is in tests/unit/persistence.
 */
#include "sessiond/session/store_share.h"
#include "tests/unit/session/session_fixture.h"

#include "tests/unit/log_capture.h"

#include "common/log.h"
#include "sessiond/session/admission.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#define TOO_SLOW "c[1008,\"Messages are not read fast enough\"] "

enum { SHARE = 1000, TEXT = 300 };

static const char text[QUEUE_LIMIT * 100 + 1];

static const struct sockaddr *
address_of(const char *ip)
{
	static struct sockaddr_in address;

	address = (struct sockaddr_in){.sin_family = AF_INET};
	inet_pton(AF_INET, ip, &address.sin_addr);
	return (const struct sockaddr *)(const void *)&address;
}

static int
set_up(void **state)
{
	fixture_set_up(state);
	service->protocol.options.queue_limit = sizeof text;
	sessions.journal.is_kept = true;
	sessions.limit = 100;
	return 0;
}

/*
 * A session that a client at that address asks for (NULL: unknown); NULL and *refusal: it gets
 * none.
 */
static struct session *
obtain(const char *id, const char *ip, struct admission_refusal *refusal)
{
	struct connection_source source = fake_source;

	source.peer = ip == NULL ? NULL : address_of(ip);
	return admission_obtain(
	    service, id, strlen(id), transport_get(TRANSPORT_XHR_POLLING), &source, refusal);
}

/* The same, after its client had its open frame; it waits for nothing. */
static struct session *
open_at(const char *id, const char *ip)
{
	struct admission_refusal refusal;
	struct session *session = obtain(id, ip, &refusal);

	assert_non_null(session);
	session_arrive(session, &fake_poll('0')->receiver, NULL);
	store_share_note(session);
	turn_flush_session(session);
	buffer_clear(&seen);
	return session;
}

static int
write_bytes(struct session *session, size_t len)
{
	return sockjs_write((sockjs_connection){session->handle}, text, len);
}

static uint64_t
stored_of(const char *ip)
{
	const struct address_entry *entry = address_count_find(&sessions.addresses, address_of(ip));

	return entry == NULL ? 0 : entry->stored;
}

/* Sends are refused over its share; it is closed at twice its share. */
static void
test_session(void **state)
{
	struct session *session = open_at("secret", "192.0.2.1");
	const char *log;

	(void)state;
	sessions.store_session_limit = SHARE;
	assert_int_equal(write_bytes(session, TEXT), SOCKJS_OK);
	assert_int_equal(write_bytes(session, TEXT), SOCKJS_OK);
	assert_false(store_share_refuses(session));
	assert_int_equal(write_bytes(session, TEXT), SOCKJS_OK);
	capture_begin();
	assert_true(store_share_refuses(session));
	assert_int_equal(write_bytes(session, TEXT), SOCKJS_OK);
	assert_int_equal(write_bytes(session, TEXT), SOCKJS_OK);
	assert_int_equal(write_bytes(session, TEXT), SOCKJS_FULL);
	log = capture_end();
	assert_non_null(strstr(log, "store_session_limit (1000 bytes) reached by a session of"));
	assert_non_null(strstr(log, ": sends get 503"));
	assert_non_null(strstr(log, ": it is closed"));
	assert_null(strstr(log, "secret"));
	assert_int_equal(write_bytes(session, 1), SOCKJS_GONE);
	assert_int_equal(session->queue.count, 0);
	arrive("secret", fake_poll('1'));
	turn();
	assert_seen("1<" TOO_SLOW "1. - ");
}

/* One message alone may be twice its share. */
static void
test_one_message(void **state)
{
	struct session *session = open_at("s", "192.0.2.1");

	(void)state;
	sessions.store_session_limit = SHARE;
	capture_begin();
	assert_int_equal(write_bytes(session, SHARE), SOCKJS_OK);
	assert_true(store_share_refuses(session));
	assert_int_equal(write_bytes(open_at("t", "192.0.2.1"), 5 * SHARE), SOCKJS_FULL);
	capture_end();
}

/* What leaves at once never comes into the store. */
static void
test_reader(void **state)
{
	struct session *session = open_at("s", "192.0.2.1");
	uint64_t before = stored_of("192.0.2.1");
	struct fake_receiver *stream = fake_stream('1');

	(void)state;
	sessions.store_session_limit = sessions.store_address_limit = SHARE;
	arrive("s", stream);
	assert_int_equal(write_bytes(session, 100 * SHARE), SOCKJS_OK);
	assert_int_equal(stored_of("192.0.2.1"), before);
	assert_false(store_share_refuses(session));
	/* A stream that takes no more is none that reads. */
	session->journal->until = 1;
	capture_begin();
	assert_true(store_share_refuses(session));
	assert_int_equal(write_bytes(session, 1), SOCKJS_FULL);
	capture_end();
}

static void
test_address(void **state)
{
	struct session *greedy = open_at("greedy", "192.0.2.1"), *small, *other;
	struct admission_refusal refusal;
	const char *log;

	(void)state;
	small = open_at("small", "192.0.2.1");
	other = open_at("other", "192.0.2.2");
	sessions.store_address_limit = 20 * SHARE;
	while (stored_of("192.0.2.1") <= sessions.store_address_limit)
		assert_int_equal(write_bytes(greedy, TEXT), SOCKJS_OK);
	capture_begin();
	assert_true(store_share_refuses(greedy));
	assert_null(obtain("t", "192.0.2.1", &refusal));
	assert_string_equal(refusal.text, "Too much is stored for your address.\n");
	log = capture_end();
	assert_non_null(strstr(log, "store_address_limit (20000 bytes) reached by"));
	assert_non_null(strstr(log, "reached by 192.0.2.1: a session is refused"));
	/* It has less than an even part; and other addresses nothing to do with it. */
	assert_int_equal(write_bytes(small, TEXT), SOCKJS_OK);
	assert_false(store_share_refuses(small));
	assert_int_equal(write_bytes(other, 10 * SHARE), SOCKJS_OK);
	assert_false(store_share_refuses(other));
	assert_non_null(obtain("t", "192.0.2.2", &refusal));
	assert_null(sessions_refusal(&sessions, address_of("192.0.2.1"), false));
	/* Twice an even part is too much. */
	capture_begin();
	assert_int_equal(write_bytes(greedy, TEXT), SOCKJS_FULL);
	capture_end();
	assert_non_null(obtain("u", "192.0.2.1", &refusal));
}

/* Everybody may be behind an address that is unknown. */
static void
test_unknown_address(void **state)
{
	struct session *session = open_at("s", NULL);
	struct admission_refusal refusal;

	(void)state;
	sessions.store_address_limit = SHARE;
	assert_int_equal(write_bytes(session, 3 * SHARE), SOCKJS_OK);
	assert_false(store_share_refuses(session));
	assert_non_null(obtain("t", NULL, &refusal));
}

/* A session of a long id, without messages, and its end. */
static void
test_row(void **state)
{
	char id[2 * SHARE + 1];
	struct session *session;

	(void)state;
	memset(id, 'x', sizeof id);
	id[sizeof id - 1] = '\0';
	sessions.store_session_limit = sessions.store_address_limit = SHARE;
	session = open_at(id, "192.0.2.1");
	assert_true(stored_of("192.0.2.1") > 2 * SHARE);
	assert_non_null(open_at("other", "192.0.2.2"));
	capture_begin();
	assert_string_equal(sessions_refusal(&sessions, address_of("192.0.2.1"), true),
	    "Too much is stored for your address.\n");
	capture_end();
	/* New sessions are; those that are there go on, if nothing waits for them. */
	assert_false(store_share_refuses(session));
	pass(DISCONNECT_DELAY);
	assert_int_equal(stored_of("192.0.2.1"), 0);
	assert_int_equal(sessions.addresses.table.count, 0);
}

/* Who is counted for sessions_per_address alone takes nothing. */
static void
test_websocket(void **state)
{
	struct session *session;

	(void)state;
	sessions.store_session_limit = sessions.store_address_limit = SHARE;
	sessions.limit_per_address = 1;
	session = session_create(service, NULL, 0);
	session_count_address(session, address_of("192.0.2.1"));
	session_arrive(session, &fake_websocket('1')->receiver, &fake_source);
	store_share_note(session);
	assert_int_equal(write_bytes(session, 5 * SHARE), SOCKJS_OK);
	assert_false(store_share_refuses(session));
	assert_int_equal(stored_of("192.0.2.1"), 0);
}

static void
test_without_store(void **state)
{
	struct session *session;

	(void)state;
	sessions.journal.is_kept = false;
	sessions.store_session_limit = sessions.store_address_limit = SHARE;
	session = open_at("s", "192.0.2.1");
	assert_int_equal(write_bytes(session, 5 * SHARE), SOCKJS_OK);
	assert_false(store_share_refuses(session));
	assert_null(session->address);
}

#undef SESSION_TEST
#define SESSION_TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, fixture_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    SESSION_TEST(session),
	    SESSION_TEST(one_message),
	    SESSION_TEST(reader),
	    SESSION_TEST(address),
	    SESSION_TEST(unknown_address),
	    SESSION_TEST(row),
	    SESSION_TEST(websocket),
	    SESSION_TEST(without_store),
	};

	log_open("test_store_share", SEVERITY_ERROR);
	return cmocka_run_group_tests_name("store_share", tests, NULL, NULL);
}
