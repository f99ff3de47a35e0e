/*
 * sessiond/session/store_share.h with a store: what is counted is what the store has, after each
 * commit and each restart.
 */
#include "tests/unit/persistence/persistence_fixture.h"

#include "tests/unit/log_capture.h"

#include "common/log.h"
#include "sessiond/session/admission.h"
#include "sessiond/session/store_share.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

enum { NAMES = 6, STEPS = 3000, COST = 64 };

#define ADDRESSES 2

static struct sockaddr_in addresses[ADDRESSES];

static void
make_addresses(void)
{
	for (size_t i = 0; i < ADDRESSES; i++) {
		addresses[i] = (struct sockaddr_in){.sin_family = AF_INET};
		addresses[i].sin_addr.s_addr = htonl((uint32_t)(0x0a000001 + i));
	}
}

static const struct sockaddr *
address_at(size_t i)
{
	return (const struct sockaddr *)(const void *)&addresses[i];
}

static uint64_t
stored_at(size_t i)
{
	const struct address_entry *entry = address_count_find(&sessions.addresses, address_at(i));

	return entry == NULL ? 0 : entry->stored;
}

/* A request on a session, which is made if it is not there: at an address by its name. */
static struct session *
arrive_at(const char *id, struct fake_receiver *fake)
{
	struct connection_source source = fake_source;
	struct session *session;
	struct admission_refusal refusal;

	source.peer = address_at((size_t)id[0] % ADDRESSES);
	session =
	    admission_obtain(service, id, strlen(id), fake->receiver.transport, &source, &refusal);
	assert_non_null(session);
	session_arrive(session, &fake->receiver, &source);
	store_share_note(session);
	turn_flush_session(session);
	return session;
}

/* --- what the store has ----------------------------------------------------------------------- */

static struct {
	uint64_t messages; /* bytes, with COST for each */
	uint64_t key;	   /* of the session that is looked for */
} found;

static void
on_session(
    void *context, const struct stored_session *session, const struct stored_delivery *delivery)
{
	(void)context;
	(void)session;
	(void)delivery;
}

static void
on_message(void *context, uint64_t key, uint64_t position, const char *data, size_t len)
{
	(void)context;
	(void)position;
	(void)data;
	if (key == found.key)
		found.messages += len + COST;
}

static void
on_record(void *context, const struct stored_record *record)
{
	(void)context;
	(void)record;
}

static uint64_t
messages_in_store(uint64_t key)
{
	const struct store_loader loader = {on_session, on_message, on_record, NULL};

	found.key = key;
	found.messages = 0;
	assert_int_equal(store_load(spy.real, &loader), STORE_OK);
	return found.messages;
}

static uint64_t sums[ADDRESSES];

static void
assert_one(void *object, void *context)
{
	const struct session *session = object;
	const struct journal_entry *entry = session->journal;
	uint64_t ids = session->sent_ids == NULL ? 0 : 384;

	(void)context;
	assert_non_null(entry);
	assert_true(entry->row > COST);
	if (entry->place == JOURNAL_SETTLED) /* what is late is counted until it is deleted */
		assert_int_equal(entry->taken - entry->row - ids, messages_in_store(entry->key));
	sums[(size_t)session->id[0] % ADDRESSES] += entry->taken;
}

/* At the end of a turn. */
static void
assert_counted(void)
{
	memset(sums, 0, sizeof sums);
	sessions_each(&sessions, assert_one, NULL);
	for (size_t i = 0; i < ADDRESSES; i++)
		assert_int_equal(stored_at(i), sums[i]);
}

/* --- the tests -------------------------------------------------------------------------------- */

static struct session *
settled_at(const char *id)
{
	struct session *session = arrive_at(id, remote_poll('0'));

	end_turn();
	delivery_confirm(&flight);
	pass_turns(LATE_DELAY);
	buffer_clear(&seen);
	return session;
}

/* Queued, on its way, delivered. */
static void
test_message(void **state)
{
	struct session *session = settled_at("a");
	uint64_t before = session->journal->taken;

	(void)state;
	assert_counted();
	write_text(latest, "12345");
	end_turn();
	assert_int_equal(session->journal->taken, before + 5 + COST);
	assert_counted();
	arrive_at("a", remote_poll('1'));
	end_turn();
	assert_int_equal(session->journal->taken, before + 5 + COST);
	delivery_confirm(&flight);
	pass_turns(LATE_DELAY);
	assert_int_equal(session->journal->taken, before);
	assert_counted();
}

/* What leaves in its turn is not in the store. */
static void
test_delivered_in_its_turn(void **state)
{
	struct session *session = settled_at("a");
	uint64_t before = session->journal->taken;

	(void)state;
	arrive_at("a", remote_poll('1'));
	write_text(latest, "12345");
	end_turn();
	assert_int_equal(session->journal->taken, before);
	assert_false(store_share_refuses(session));
	/* What follows waits for that frame. */
	write_text(latest, "12");
	end_turn();
	assert_int_equal(session->journal->taken, before + 2 + COST);
	assert_counted();
}

/* What a client has fetched is counted no more, also before the next commit. */
static void
test_refused_until_it_reads(void **state)
{
	struct session *session = settled_at("a");

	(void)state;
	sessions.store_session_limit = 100;
	write_text(latest, "12345678901234567890");
	write_text(latest, "12345678901234567890");
	end_turn();
	capture_begin();
	assert_true(store_share_refuses(session));
	arrive_at("a", remote_poll('1'));
	end_turn();
	assert_true(store_share_refuses(session));
	capture_end();
	delivery_confirm(&flight);
	assert_false(store_share_refuses(session));
}

/* What waits behind a frame is stored, also if a poll waits for it. */
static void
test_behind_a_frame(void **state)
{
	struct session *session = settled_at("a");

	(void)state;
	sessions.store_session_limit = 100;
	arrive_at("a", remote_poll('1'));
	write_text(latest, "1");
	end_turn();
	assert_int_equal(session->journal->first, session->journal->until);
	arrive_at("a", remote_poll('2'));
	assert_int_equal(write_text(latest, "2"), SOCKJS_OK);
	assert_int_equal(write_text(latest, "3"), SOCKJS_OK);
	capture_begin();
	assert_true(store_share_refuses(session));
	assert_int_equal(write_text(latest, "4567890 "), SOCKJS_FULL);
	capture_end();
}

/* The row is what was put last, not what the latest request would make of it. */
static void
test_row(void **state)
{
	static const char reason[] = "a reason that is longer than what was counted before";
	struct session *session = settled_at("a");
	uint64_t before = session->journal->row;

	(void)state;
	arrive("a", remote_poll('1')); /* from an address whose text is shorter */
	write_text(latest, "1");
	end_turn();
	assert_int_equal(session->journal->row, before);
	sockjs_close(latest, 3000, reason);
	end_turn();
	assert_true(session->journal->row > before);
	assert_counted();
}

static void
test_restart(void **state)
{
	struct session *session;
	uint64_t taken, first, second;

	(void)state;
	settled_at("b");
	session = settled_at("a");
	write_text(latest, "1");
	send_text(session, 1, "x");
	end_turn();
	arrive_at("a", remote_poll('1'));
	write_text(latest, "23");
	end_turn();
	taken = session->journal->taken;
	first = stored_at(0);
	second = stored_at(1);
	assert_counted();
	restart();
	end_turn();
	assert_int_equal(find("a")->journal->taken, taken);
	assert_int_equal(stored_at(0), first);
	assert_int_equal(stored_at(1), second);
	assert_counted();
}

/* --- at random -------------------------------------------------------------------------------- */

static unsigned
choose(unsigned n)
{
	return (unsigned)rand() % n;
}

/* Its queue may be full. */
static void
answer(sockjs_connection connection, const sockjs_message *message)
{
	sockjs_write(connection, message->data, message->len);
}

static void
do_something_to(struct session *session)
{
	static uint64_t sequence;

	switch (choose(7)) {
	case 0:
	case 1:
		if (session_ready_state(session) == SOCKJS_OPEN)
			sockjs_write((sockjs_connection){session->handle}, "1234567", choose(8));
		break;
	case 2:
		send_text(session, ++sequence, "x");
		break;
	case 3:
	case 4:
		delivery_confirm(&session->in_flight);
		break;
	case 5:
		delivery_put_back(&session->in_flight);
		break;
	default:
		if (choose(20) == 0)
			sockjs_close((sockjs_connection){session->handle}, 3000, "x");
	}
}

static void
do_something(void)
{
	char id[2] = {(char)('a' + (int)choose(NAMES)), '\0'};
	struct session *session = session_find(service, id, 1);

	if (receiver_count > 20)
		receiver_count = 0;
	if (session == NULL || (session->receiver == NULL && choose(4) == 0))
		arrive_at(id, remote_poll('0'));
	else
		do_something_to(session);
}

static void
test_random(void **state)
{
	(void)state;
	srand(1);
	hooks.data = answer;
	for (unsigned i = 0; i < STEPS; i++) {
		do_something();
		if (choose(3) == 0)
			end_turn();
		if (choose(20) == 0) {
			end_turn();
			assert_counted();
		}
		if (choose(100) == 0)
			pass_turns(choose(2) == 0 ? LATE_DELAY : DISCONNECT_DELAY);
		buffer_clear(&seen);
		buffer_clear(&written);
	}
}

#define TEST(name) PERSISTENCE_TEST(name)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(message),
	    TEST(delivered_in_its_turn),
	    TEST(refused_until_it_reads),
	    TEST(behind_a_frame),
	    TEST(row),
	    TEST(restart),
	    TEST(random),
	};

	make_addresses();
	log_open("test_stored_shares", SEVERITY_ERROR);
	return cmocka_run_group_tests_name("stored_shares", tests, folder_setup, folder_teardown);
}
