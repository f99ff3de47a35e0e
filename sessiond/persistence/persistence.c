/*
 * See persistence.h. Marked by session.c and in_flight.c, committed by the loop.
 */
#include "sessiond/persistence/persistence.h"

#include "common/log.h"
#include "sessiond/persistence/persistence_plan.h"
#include "sessiond/session/sent_ids.h"
#include "sessiond/session/session.h"
#include "sessiond/store/store.h"

#include <stdlib.h>

#define LATE_DELAY  50	 /* ms a change that can wait does so */
#define RETRY_DELAY 1000 /* ms between two tries of a store that fails */
#define TIDY_DELAY  1000 /* ms between two steps of its housekeeping, while it is written */

static void
late_fire(struct timer *timer, void *ctx)
{
	(void)timer;
	((struct sessions *)ctx)->persistence.is_late_due = true;
}

static void
retry_fire(struct timer *timer, void *ctx)
{
	(void)timer;
	((struct sessions *)ctx)->persistence.is_retry_due = true;
}

static void
tidy_fire(struct timer *timer, void *ctx)
{
	struct persistence *p = &((struct sessions *)ctx)->persistence;

	if (store_tidy(p->store))
		timer_start(&p->tidies, timer, sessions_now(ctx));
}

void
persistence_init(struct sessions *sessions)
{
	struct persistence *p = &sessions->persistence;

	*p = (struct persistence){NULL};
	timer_queue_add(&sessions->timers, &p->late_delays, LATE_DELAY, late_fire, sessions);
	timer_queue_add(&sessions->timers, &p->retries, RETRY_DELAY, retry_fire, sessions);
	timer_queue_add(&sessions->timers, &p->tidies, TIDY_DELAY, tidy_fire, sessions);
}

void
persistence_clear(struct sessions *sessions)
{
	struct persistence *p = &sessions->persistence;

	timer_queue_remove(&sessions->timers, &p->late_delays);
	timer_queue_remove(&sessions->timers, &p->retries);
	timer_queue_remove(&sessions->timers, &p->tidies);
	free(p->ended.keys);
	store_close(&p->store);
}

void
persistence_use(struct sessions *sessions, struct store *store)
{
	sessions->persistence.store = store;
}

/* --- which sessions ----------------------------------------------------------------------------------------------- */

static void
add_changed(struct persistence *p, struct persistent *persistent)
{
	if (persistent->link != NULL)
		return;
	persistent->next = p->changed;
	persistent->link = &p->changed;
	if (persistent->next != NULL)
		persistent->next->link = &persistent->next;
	p->changed = persistent;
}

static void
remove_changed(struct persistent *persistent)
{
	if (persistent->link == NULL)
		return;
	*persistent->link = persistent->next;
	if (persistent->next != NULL)
		persistent->next->link = persistent->link;
	persistent->link = NULL;
}

static void
add_late(struct persistence *p, struct persistent *persistent)
{
	if (persistent->late_link != NULL)
		return;
	persistent->late_next = p->late;
	persistent->late_link = &p->late;
	if (persistent->late_next != NULL)
		persistent->late_next->late_link = &persistent->late_next;
	p->late = persistent;
}

static void
remove_late(struct persistent *persistent)
{
	if (persistent->late_link == NULL)
		return;
	*persistent->late_link = persistent->late_next;
	if (persistent->late_next != NULL)
		persistent->late_next->late_link = persistent->late_link;
	persistent->late_link = NULL;
}

static struct persistent *
create(struct session *session, uint64_t key)
{
	struct persistent *persistent = calloc(1, sizeof *persistent);

	if (persistent == NULL)
		abort();
	persistent->session = session;
	persistent->key = key;
	session->persistent = persistent;
	return persistent;
}

void
persistence_begin(struct session *session)
{
	struct persistence *p = &session->service->sessions->persistence;

	if (p->store == NULL)
		return;
	create(session, ++p->last_key);
	persistence_mark(session, CHANGE_SESSION);
}

void
persistence_resume(struct session *session, uint64_t key)
{
	struct persistence *p = &session->service->sessions->persistence;

	create(session, key)->is_stored = true;
	if (p->last_key < key)
		p->last_key = key;
}

static void
add_ended(struct persistence *p, uint64_t key)
{
	if (p->ended.count == p->ended.room) {
		p->ended.room = p->ended.room == 0 ? 64 : p->ended.room * 2;
		p->ended.keys = realloc(p->ended.keys, p->ended.room * sizeof *p->ended.keys);
		if (p->ended.keys == NULL)
			abort();
	}
	p->ended.keys[p->ended.count++] = key;
}

void
persistence_forget_key(struct sessions *sessions, uint64_t key)
{
	struct persistence *p = &sessions->persistence;

	add_ended(p, key);
	p->is_touched = true;
	if (p->last_key < key)
		p->last_key = key;
}

void
persistence_end(struct session *session, bool forget)
{
	struct persistence *p = &session->service->sessions->persistence;
	struct persistent *persistent = session->persistent;

	if (persistent == NULL)
		return;
	if (forget && persistent->is_stored) {
		add_ended(p, persistent->key);
		p->is_touched = true;
	}
	remove_changed(persistent);
	remove_late(persistent);
	free(persistent);
	session->persistent = NULL;
}

/* --- marks -------------------------------------------------------------------------------------------------------- */

void
persistence_mark(struct session *session, enum change change)
{
	struct persistence *p = &session->service->sessions->persistence;

	if (session->persistent == NULL)
		return;
	session->persistent->changes |= change;
	add_changed(p, session->persistent);
	p->is_touched = true;
}

void
persistence_mark_delivered(struct session *session, enum change_urgency urgency)
{
	struct sessions *sessions = session->service->sessions;
	struct persistent *persistent = session->persistent;

	if (persistent == NULL || persistent->connection == 0)
		return;
	if (urgency == CHANGE_NOW) {
		persistence_mark(session, CHANGE_MESSAGES);
		return;
	}
	add_late(&sessions->persistence, persistent);
	if (!timer_is_running(&sessions->persistence.late_timer))
		timer_start(&sessions->persistence.late_delays, &sessions->persistence.late_timer,
		    sessions_now(sessions));
}

void
persistence_hurry(struct sessions *sessions)
{
	if (sessions->persistence.late != NULL)
		sessions->persistence.is_late_due = true;
}

void
persistence_note_way(struct sessions *sessions, const void *way)
{
	struct persistence *p = &sessions->persistence;

	if (p->way == NULL)
		p->way = way;
	else if (p->way != way)
		p->is_mixed = true;
}

void
persistence_note_send(struct session *session, const void *way)
{
	struct sessions *sessions = session->service->sessions;

	sessions->persistence.has_sends = true;
	persistence_note_way(sessions, way);
	persistence_mark(session, CHANGE_SENT);
}

void
persistence_note_large(struct sessions *sessions)
{
	sessions->persistence.is_mixed = true;
}

bool
persistence_is_pending(const struct sessions *sessions)
{
	return sessions->persistence.is_touched;
}

bool
persistence_is_failing(const struct sessions *sessions)
{
	return sessions->persistence.is_failing;
}

/* --- the transaction ---------------------------------------------------------------------------------------------- */

static enum store_result
put_session(struct store *store, const struct persistent *persistent)
{
	const struct session *session = persistent->session;
	struct stored_session stored = {
	    .key = persistent->key,
	    .service = session->service->name,
	    .id = session->id,
	    .id_len = session->by_id.len,
	    .uuid = session->uuid,
	    .transport = (int)session->transport->id,
	    .state = (int)session_lasting_state(session->state),
	    .close_code = session->close_code,
	    .close_reason = session->close_reason,
	    .close_reason_len = session->close_reason_len,
	};

	if (session->info != NULL)
		stored.info = connection_info_bytes(session->info, &stored.info_len);
	return store_put_session(store, &stored);
}

static enum store_result
put_delivery(
    struct store *store, const struct persistent *persistent, const struct persistence_plan *plan)
{
	const struct in_flight *flight = persistent->session->in_flight;
	struct stored_delivery delivery = {0};

	delivery.sent_ids = sent_ids_bytes(persistent->session->sent_ids, &delivery.sent_ids_len);
	if (plan->is_flight_stored) {
		delivery.in_flight_connection = flight->connection;
		delivery.in_flight_index = flight->index;
		delivery.in_flight_last = flight->first + flight->count - 1;
	}
	return store_put_delivery(store, persistent->key, &delivery);
}

/* The message at that position: in flight, or queued. */
static const struct message *
message_at(const struct session *session, uint64_t position)
{
	const struct message_queue *queue = &session->queue;

	if (position < queue->first)
		return session->in_flight->messages[position - session->in_flight->first];
	return queue
	    ->items[(queue->head + (uint32_t)(position - queue->first)) & (queue->room - 1)];
}

static enum store_result
put_messages(struct store *store, const struct persistent *persistent, uint64_t from, uint64_t to)
{
	enum store_result result = STORE_OK;

	for (; result == STORE_OK && from < to; from++) {
		const struct message *message = message_at(persistent->session, from);

		result =
		    store_put_message(store, persistent->key, from, message->data, message->len);
	}
	return result;
}

/* What is deleted makes room for what is put: it goes first. */
static enum store_result
delete_delivered(struct store *store, const struct persistent *persistent, bool with_sends)
{
	struct persistence_plan plan = persistence_plan(persistent, with_sends);

	return plan.deletes ? store_delete_messages(store, persistent->key, plan.low - 1)
			    : STORE_OK;
}

static enum store_result
put_changes(struct store *store, const struct persistent *persistent, bool with_sends)
{
	struct persistence_plan plan = persistence_plan(persistent, with_sends);
	enum store_result result = STORE_OK;

	if (plan.session)
		result = put_session(store, persistent);
	if (result == STORE_OK && plan.delivery)
		result = put_delivery(store, persistent, &plan);
	if (result == STORE_OK)
		result = put_messages(store, persistent, plan.low, plan.below);
	if (result == STORE_OK)
		result = put_messages(store, persistent, plan.above, plan.high);
	return result;
}

/* The store has it: or nothing was to be stored. */
static void
settle(struct persistent *persistent, bool with_sends)
{
	struct in_flight *flight = persistent->session->in_flight;
	struct persistence_plan plan = persistence_plan(persistent, with_sends);

	persistent->is_stored = true;
	persistent->changes = 0;
	persistent->first = plan.low;
	persistent->until = plan.high;
	persistent->connection = plan.is_flight_stored ? flight->connection : 0;
	persistent->index = plan.is_flight_stored ? flight->index : 0;
	if (flight != NULL) {
		flight->must_store = plan.is_flight_stored;
		flight->is_fresh = false;
	}
	remove_changed(persistent);
	remove_late(persistent);
}

typedef enum store_result
write_one(struct store *store, const struct persistent *persistent, bool with_sends);

static enum store_result
write_each(const struct persistence *p, write_one *write, bool with_sends)
{
	enum store_result result = STORE_OK;
	const struct persistent *persistent;

	for (persistent = p->changed; result == STORE_OK && persistent != NULL;
	     persistent = persistent->next)
		result = write(p->store, persistent, with_sends);
	for (persistent = p->late; result == STORE_OK && persistent != NULL;
	     persistent = persistent->late_next)
		if (persistent->link == NULL)
			result = write(p->store, persistent, with_sends);
	return result;
}

static enum store_result
write_all(struct persistence *p, bool with_sends)
{
	enum store_result result = store_begin(p->store);
	size_t i;

	for (i = 0; result == STORE_OK && i < p->ended.count; i++)
		result = store_delete_session(p->store, p->ended.keys[i]);
	if (result == STORE_OK)
		result = write_each(p, delete_delivered, with_sends);
	if (result == STORE_OK)
		result = write_each(p, put_changes, with_sends);
	if (result == STORE_OK)
		result = store_commit(p->store);
	return result;
}

/* A fresh store knows nothing: all is stored anew, what had been stored before included. */
static void
forget_stored(void *object, void *context)
{
	struct session *session = object;
	struct persistent *persistent = session->persistent;

	(void)context;
	if (persistent == NULL)
		return;
	persistent->is_stored = false;
	persistent->first = persistent->until = 0;
	persistent->connection = persistent->index = 0;
	persistence_mark(session, CHANGE_SESSION);
	persistence_mark(session, CHANGE_SENT);
}

static enum store_result
begin_anew(struct sessions *sessions)
{
	struct persistence *p = &sessions->persistence;
	enum store_result result;

	log_error(
	    "the store is damaged (%s): it is set aside and begun anew", store_error(p->store));
	result = store_replace(p->store);
	if (result != STORE_OK)
		return result;
	p->ended.count = 0;
	sessions_each(sessions, forget_stored, NULL);
	return write_all(p, true);
}

static void
settle_changed(struct persistence *p, bool with_sends)
{
	while (p->changed != NULL)
		settle(p->changed, with_sends);
	timer_stop(&p->retry_timer);
	p->is_retry_due = false;
	if (p->is_failing)
		log_error("the store can be written again");
	p->is_failing = false;
}

static void
succeed(struct persistence *p, bool with_sends)
{
	while (p->late != NULL)
		settle(p->late, with_sends);
	p->ended.count = 0;
	p->is_late_due = p->owes_sends = false;
	timer_stop(&p->late_timer);
	settle_changed(p, with_sends);
}

/* What is to be stored stays marked, and is tried again. */
static void
fail(struct sessions *sessions, enum store_result result)
{
	struct persistence *p = &sessions->persistence;
	struct persistent *persistent;

	store_rollback(p->store);
	if (!p->is_failing)
		log_error(
		    "the store cannot be written (%s): sends and new sessions are refused with 503 until it can",
		    result == STORE_FULL ? "it is full, or the disk is" : store_error(p->store));
	p->is_failing = true;
	for (persistent = p->changed; persistent != NULL; persistent = persistent->next)
		if (persistent->session->in_flight != NULL)
			persistent->session->in_flight->is_fresh = false;
	timer_start(&p->retries, &p->retry_timer, sessions_now(sessions));
	p->is_retry_due = false;
}

/* True if anything of what changed is to be stored. */
static bool
has_work(const struct persistence *p, bool with_sends)
{
	const struct persistent *persistent;

	if (p->ended.count > 0 || p->is_late_due)
		return true;
	for (persistent = p->changed; persistent != NULL; persistent = persistent->next) {
		struct persistence_plan plan = persistence_plan(persistent, with_sends);

		if (!persistence_plan_is_empty(&plan))
			return true;
	}
	return false;
}

static void
end_turn(struct persistence *p)
{
	p->is_touched = p->has_sends = p->is_mixed = false;
	p->way = NULL;
}

enum commit_result
persistence_commit(struct sessions *sessions)
{
	struct persistence *p = &sessions->persistence;
	bool has_sends = p->has_sends, is_mixed = p->is_mixed, with_sends;
	enum store_result result;

	end_turn(p);
	if (p->changed == NULL && p->ended.count == 0 && !p->is_late_due && !p->is_retry_due)
		return COMMIT_DONE;
	if (p->is_failing && !p->is_retry_due)
		return COMMIT_FAILED;
	/* What a send has caused may be among what is stored: then its id has to be. */
	with_sends = p->owes_sends || (has_sends && (is_mixed || has_work(p, false)));
	if (!with_sends && !has_work(p, false)) {
		settle_changed(p, false);
		return COMMIT_DONE;
	}
	result = write_all(p, with_sends);
	if (result == STORE_DAMAGED) {
		with_sends = true;
		result = begin_anew(sessions);
	}
	if (result != STORE_OK) {
		p->owes_sends = with_sends;
		fail(sessions, result);
		return COMMIT_FAILED;
	}
	succeed(p, with_sends);
	if (!timer_is_running(&p->tidy_timer))
		timer_start(&p->tidies, &p->tidy_timer, sessions_now(sessions));
	return COMMIT_DONE;
}
