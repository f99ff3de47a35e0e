/*
 * For the tests of what is stored of sessions: session_fixture.h with a store, on each of its
 * backends, and the end of the daemon. What the store is told is written down, too; assert_written
 * compares and forgets:
 *
 *	S1        the session of key 1 is put     F1        ... is deleted
 *	D1        its delivery is put             M1@0=TEXT its message at position 0 is put
 *	X1<=4     its messages up to position 4 are deleted
 *	R1:2.3=TEXT a record of kind 1, number 2, part 3 is put
 *	Y1:2.0-3  such records with parts from 0 to 3 are deleted
 *	.         commit                          !         a call that failed, as it was told to
 *	(anew)    the store is replaced
 *
 * To `seen` come `~ ` and `_ ` for the application's resume and suspend.
 */
#ifndef TESTS_PERSISTENCE_FIXTURE_H
#define TESTS_PERSISTENCE_FIXTURE_H

#include "sessiond/store/store_sqlite.h"
#include "tests/unit/session/session_fixture.h"
#include "tests/unit/store/store_fixture.h"

#include "sessiond/persistence/persistence.h"
#include "sessiond/session/delivery.h"
#include "sessiond/session/sent_ids.h"
#include "sessiond/session/session_set.h"
#include "sessiond/session/turn.h"
#include "sessiond/persistence/session_restore.h"
#include "sessiond/store/store_backend.h"
#include "tests/unit/store/store_memory.h"

enum { LATE_DELAY = JOURNAL_LATE_DELAY, RETRY_DELAY = 1000 };

/* --- a store that writes down ----------------------------------------------------------------- */

static struct {
	struct store base;
	struct store *real;
	bool is_memory;
	unsigned fail_at; /* 0: no call fails; 1: the next */
	enum store_result fail_as;
	bool is_damaged; /* until it is replaced */
	enum store_result after_replacing;
} spy;

static struct persistence persistence;
static struct buffer written;

static inline enum store_result
spy_fail(void)
{
	if (spy.is_damaged)
		return STORE_DAMAGED;
	if (spy.fail_at == 0 || --spy.fail_at > 0)
		return STORE_OK;
	buffer_append_str(&written, "! ");
	spy.is_damaged = spy.fail_as == STORE_DAMAGED;
	return spy.fail_as;
}

/* A failure ends the transaction of the real one as well. */
#define SPY(call, ...)                                                                             \
	do {                                                                                       \
		enum store_result result = spy_fail();                                             \
		if (result != STORE_OK)                                                            \
			return store_fail(&spy.base, result, "as it was told to");                 \
		buffer_printf(&written, __VA_ARGS__);                                              \
		result = call;                                                                     \
		assert_int_equal(result, STORE_OK);                                                \
		return result;                                                                     \
	} while (0)

static inline enum store_result
spy_load(struct store *store, const struct store_loader *loader)
{
	(void)store;
	return store_load(spy.real, loader);
}

static inline enum store_result
spy_begin(struct store *store)
{
	(void)store;
	SPY(store_begin(spy.real), "%s", "");
}

static inline enum store_result
spy_put_session(struct store *store, const struct stored_session *session)
{
	(void)store;
	SPY(store_put_session(spy.real, session), "S%u ", (unsigned)session->key);
}

static inline enum store_result
spy_put_delivery(struct store *store, uint64_t key, const struct stored_delivery *delivery)
{
	(void)store;
	SPY(store_put_delivery(spy.real, key, delivery), "D%u ", (unsigned)key);
}

static inline enum store_result
spy_put_message(struct store *store, uint64_t key, uint64_t position, const char *data, size_t len)
{
	(void)store;
	SPY(store_put_message(spy.real, key, position, data, len), "M%u@%u=%.*s ", (unsigned)key,
	    (unsigned)position, (int)len, data);
}

static inline enum store_result
spy_delete_messages(struct store *store, uint64_t key, uint64_t last)
{
	(void)store;
	SPY(store_delete_messages(spy.real, key, last), "X%u<=%u ", (unsigned)key, (unsigned)last);
}

static inline enum store_result
spy_delete_session(struct store *store, uint64_t key)
{
	(void)store;
	SPY(store_delete_session(spy.real, key), "F%u ", (unsigned)key);
}

static inline enum store_result
spy_put_record(struct store *store, const struct stored_record *record)
{
	(void)store;
	SPY(store_put_record(spy.real, record), "R%u:%u.%u=%.*s ", (unsigned)record->kind,
	    (unsigned)record->number, (unsigned)record->part, (int)record->len, record->data);
}

static inline enum store_result
spy_delete_records(
    struct store *store, enum store_kind kind, uint64_t number, uint64_t first, uint64_t last)
{
	(void)store;
	SPY(store_delete_records(spy.real, kind, number, first, last), "Y%u:%u.%u-%u ",
	    (unsigned)kind, (unsigned)number, (unsigned)first, (unsigned)last);
}

static inline enum store_result
spy_commit(struct store *store)
{
	(void)store;
	SPY(store_commit(spy.real), ". ");
}

static inline void
spy_rollback(struct store *store)
{
	(void)store;
	store_rollback(spy.real);
}

static inline enum store_result
spy_replace(struct store *store)
{
	(void)store;
	buffer_append_str(&written, "(anew) ");
	spy.is_damaged = false;
	if (spy.after_replacing != STORE_OK) {
		spy.fail_at = 2;
		spy.fail_as = spy.after_replacing;
	}
	return store_replace(spy.real);
}

static inline bool
spy_tidy(struct store *store)
{
	(void)store;
	return store_tidy(spy.real);
}

static inline uint64_t
spy_size(const struct store *store)
{
	(void)store;
	return store_size(spy.real);
}

/* What is there after a crash is another's. */
static inline void
spy_close(struct store *store)
{
	(void)store;
	if (spy.is_memory)
		spy.real = store_memory_reopen(&spy.real);
	else
		store_close(&spy.real);
}

static const struct store_backend spy_backend = {
    .close = spy_close,
    .load = spy_load,
    .begin = spy_begin,
    .put_session = spy_put_session,
    .put_delivery = spy_put_delivery,
    .put_message = spy_put_message,
    .delete_messages = spy_delete_messages,
    .delete_session = spy_delete_session,
    .put_record = spy_put_record,
    .delete_records = spy_delete_records,
    .commit = spy_commit,
    .rollback = spy_rollback,
    .replace = spy_replace,
    .tidy = spy_tidy,
    .size = spy_size,
};

#define assert_written(expected) expect_written(expected, __FILE__, __LINE__)

static inline void
expect_written(const char *expected, const char *file, int line)
{
	buffer_append_char(&written, '\0');
	_assert_string_equal(written.data, expected, file, line);
	buffer_clear(&written);
}

/* The nth call from now on (1: the next) fails so. */
static inline void
fail_store(unsigned nth, enum store_result result)
{
	spy.fail_at = nth;
	spy.fail_as = result;
}

/* --- applications that outlive the daemon ----------------------------------------------------- */

static inline void
app_resume(sockjs_connection connection)
{
	latest = connection;
	buffer_append_str(&seen, "~ ");
}

/* What a test adds to the event; NULL: nothing. */
static void (*suspended)(sockjs_connection connection);

static inline void
app_suspend(sockjs_connection connection)
{
	latest = connection;
	buffer_append_str(&seen, "_ ");
	if (suspended != NULL)
		suspended(connection);
}

static const struct sockjs_module lasting_application = {
    .abi = SOCKJS_ABI,
    .name = "fake",
    .connection = app_connection,
    .data = app_data,
    .close = app_close,
    .resume = app_resume,
    .suspend = app_suspend,
};

/* What the service has, from the next restart on too. */
static const struct sockjs_module *lasting;

static inline void
echo(sockjs_connection connection, const sockjs_message *message)
{
	assert_int_equal(sockjs_write(connection, message->data, message->len), SOCKJS_OK);
}

/* --- a receiver whose responder tells of its frame -------------------------------------------- */

enum { LINK = 7, OTHER_LINK = 9 };

static struct in_flight *flight; /* of the last that sent one */
static uint64_t frames;		 /* sent on LINK */

static inline void
mark_flight(void)
{
	assert_non_null(flight);
	flight->link_id = LINK;
	flight->index = ++frames;
}

static inline enum receiver_result
remote_frame(struct receiver *receiver, const struct receiver_frame *frame)
{
	if (frame->kind == RECEIVER_FRAME_OPEN) {
		delivery_take_open(receiver->session, &flight);
		mark_flight();
	}
	return fake_frame(receiver, frame);
}

static inline enum receiver_result
remote_messages(struct receiver *receiver, struct message_queue *queue)
{
	struct buffer frame = BUFFER_INIT;
	enum receiver_result result;

	assert_int_not_equal(queue->count, 0);
	delivery_take(receiver->session, &flight);
	mark_flight();
	message_append_frame(flight->messages, flight->count, &frame);
	result = fake_bytes(receiver, frame.data, frame.len);
	buffer_free(&frame);
	return result;
}

static const struct receiver_ops remote_ops = {
    .frame = remote_frame,
    .messages = remote_messages,
    .end = fake_end,
    .backlog = fake_backlog,
};

/* A poll through a responder. */
static inline struct fake_receiver *
remote_poll(char name)
{
	struct fake_receiver *fake = fake_receiver(name, TRANSPORT_XHR_POLLING, &remote_ops);

	fake->frames_left = 1;
	return fake;
}

/* --- what happens ----------------------------------------------------------------------------- */

/* Ends the turn as the loop does. What the last commit said. */
static inline enum commit_result
end_turn(void)
{
	enum commit_result result;

	do {
		turn();
		result = persistence_commit(&persistence);
	} while (turn_flush(&sessions));
	return result;
}

/* As pass(), with commits. */
static inline void
pass_turns(uint64_t ms)
{
	uint64_t deadline, end = now + ms;

	while (timers_next(&sessions.timers, &deadline) && deadline <= end) {
		now = deadline;
		timers_run(&sessions.timers, now);
		end_turn();
	}
	now = end;
}

/* A send with the id {1, sequence}. */
static inline void
send_text(struct session *session, uint64_t sequence, const char *text)
{
	sent_ids_add(&session->sent_ids, 1, sequence);
	journal_mark_send(&sessions.journal, session->journal);
	receive_text(session, text);
}

static inline struct session *
find(const char *id)
{
	struct session *session = session_find(service, id, strlen(id));

	assert_non_null(session);
	return session;
}

/* A session that is open for its client and stored, without anything else to be stored of it. */
static inline struct session *
settled(const char *id)
{
	struct session *session = arrive(id, remote_poll('0'));

	end_turn();
	delivery_confirm(&flight);
	pass_turns(LATE_DELAY);
	buffer_clear(&seen);
	buffer_clear(&written);
	return session;
}

/* --- before, between and after ---------------------------------------------------------------- */

static inline void
use_store(void)
{
	struct error err = ERROR_INIT;

	if (!spy.is_memory) {
		spy.real = store_open_sqlite(store_path, STORE_SYNC_OFF, STORE_LIMIT_MIN, &err);
		assert_string_equal(err.text, "");
	}
	spy.base = (struct store){.backend = &spy_backend};
	spy.fail_at = 0;
	spy.is_damaged = false;
	persistence_init(&persistence, &sessions);
	persistence_use(&persistence, &spy.base);
	service->application = lasting;
	frames = 0;
}

/* What another room stores: before its restore, and after it; NULL: nothing. */
static void (*before_restore)(void), (*after_restore)(void);

static inline void
leave_one(void *session, void *context)
{
	(void)context;
	session_leave(session);
}

/*
 * The daemon ends as by kill -9; another begins, with no service or with the one there is. The
 * clock goes on from its beginning.
 */
static inline void
restart_with(size_t services)
{
	struct error err = ERROR_INIT;

	sessions_each(&sessions, leave_one, NULL);
	turn();
	if (end_of_service != NULL)
		end_of_service();
	api_bind(NULL);
	service_destroy(&service);
	persistence_clear(&persistence);
	sessions_clear(&sessions);
	buffer_free(&seen);
	fixture_set_up(NULL);
	use_store();
	if (before_restore != NULL)
		before_restore();
	assert_int_equal(sessions_restore(&persistence, &service, services, &err), 0);
	if (after_restore != NULL)
		after_restore();
	buffer_clear(&written);
}

static inline void
restart(void)
{
	restart_with(1);
}

static inline int
set_up_backend(void **state, bool is_memory)
{
	buffer_init(&written);
	memset(&spy, 0, sizeof spy);
	spy.is_memory = is_memory;
	lasting = &lasting_application;
	suspended = NULL;
	folder_clear();
	if (is_memory)
		spy.real = store_memory_create();
	fixture_set_up(state);
	use_store();
	return 0;
}

static inline int
set_up_memory(void **state)
{
	return set_up_backend(state, true);
}

static inline int
set_up_sqlite(void **state)
{
	return set_up_backend(state, false);
}

static inline int
tear_down_store(void **state)
{
	spy.fail_at = 0;
	persistence_clear(&persistence);
	fixture_tear_down(state);
	store_close(&spy.real);
	buffer_free(&written);
	return 0;
}

#define PERSISTENCE_TEST(name)                                                                     \
	{#name " (memory)", test_##name, set_up_memory, tear_down_store, NULL},                    \
	{                                                                                          \
#name " (SQLite)", test_##name, set_up_sqlite, tear_down_store, NULL               \
	}

#endif
