/*
 * See persistence.h. The journal has what changed, persistence_plan what of it the store has to be
 * told.
 */
#include "sessiond/persistence/persistence.h"

#include "common/log.h"
#include "common/log_limit.h"
#include "common/loop.h"
#include "common/memory.h"
#include "sessiond/persistence/persistence_plan.h"
#include "sessiond/session/sent_ids.h"
#include "sessiond/session/session.h"
#include "sessiond/session/session_set.h"
#include "sessiond/session/store_share.h"
#include "sessiond/store/store.h"

#include <assert.h>

#define RETRY_DELAY 1000 /* ms between two tries of a store that fails */
#define TIDY_DELAY  1000 /* ms between two steps of its housekeeping, while it is written */

static void
retry_fire(struct timer *timer, void *ctx)
{
	(void)timer;
	((struct persistence *)ctx)->is_retry_due = true;
}

static void
tidy_fire(struct timer *timer, void *ctx)
{
	struct persistence *p = ctx;

	if (store_tidy(p->store))
		timer_start(&p->tidies, timer, sessions_now(p->sessions));
}

void
persistence_init(struct persistence *p, struct sessions *sessions)
{
	*p = (struct persistence){.sessions = sessions, .journal = &sessions->journal};
	timer_queue_add(&sessions->timers, &p->retries, RETRY_DELAY, retry_fire, p);
	timer_queue_add(&sessions->timers, &p->tidies, TIDY_DELAY, tidy_fire, p);
}

void
persistence_clear(struct persistence *p)
{
	timer_queue_remove(&p->sessions->timers, &p->retries);
	timer_queue_remove(&p->sessions->timers, &p->tidies);
	store_close(&p->store);
}

void
persistence_use(struct persistence *p, struct store *store)
{
	p->store = store;
	p->journal->is_kept = true;
}

void
persistence_add(struct persistence *p, const struct persistence_part *part)
{
	assert(p->part_count < PERSISTENCE_PARTS_MAX);
	p->parts[p->part_count++] = part;
}

/* What is stored beside sessions has changed. */
static bool
part_has_changed(const struct persistence *p)
{
	size_t i;

	for (i = 0; p->store != NULL && i < p->part_count; i++)
		if (p->parts[i]->is_changed(p->parts[i]->owner))
			return true;
	return false;
}

static enum store_result
write_parts(struct persistence *p)
{
	enum store_result result = STORE_OK;
	size_t i;

	for (i = 0; result == STORE_OK && i < p->part_count; i++)
		if (p->parts[i]->is_changed(p->parts[i]->owner))
			result = p->parts[i]->write(p->parts[i]->owner, p->store);
	return result;
}

static void
each_part(struct persistence *p, void (*call)(const struct persistence_part *part))
{
	size_t i;

	for (i = 0; i < p->part_count; i++)
		call(p->parts[i]);
}

static void
settle_part(const struct persistence_part *part)
{
	part->settle(part->owner);
}

static void
forget_part(const struct persistence_part *part)
{
	part->forget(part->owner);
}

/* --- the transaction -------------------------------------------------------------------------- */

static enum store_result
put_session(struct store *store, const struct journal_entry *entry)
{
	const struct session *session = entry->owner;
	struct stored_session stored = {
	    .key = entry->key,
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
    struct store *store, const struct journal_entry *entry, const struct persistence_plan *plan)
{
	const struct session *session = entry->owner;
	const struct in_flight *flight = session->in_flight;
	struct stored_delivery delivery = {0};

	delivery.sent_ids = sent_ids_bytes(session->sent_ids, &delivery.sent_ids_len);
	if (session->counted != NULL) {
		delivery.sent_ids = session->counted;
		delivery.sent_ids_len = sizeof *session->counted;
	}
	delivery.owes_open = session->owes_open;
	if (plan->is_flight_stored) {
		delivery.in_flight_link_id = flight->link_id;
		delivery.in_flight_index = flight->index;
		delivery.in_flight_last = flight->first + flight->count - 1;
	}
	return store_put_delivery(store, entry->key, &delivery);
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
put_messages(struct store *store, const struct journal_entry *entry, uint64_t from, uint64_t to)
{
	enum store_result result = STORE_OK;

	for (; result == STORE_OK && from < to; from++) {
		const struct message *message = message_at(entry->owner, from);

		result = store_put_message(store, entry->key, from, message->data, message->len);
	}
	return result;
}

/* What is deleted makes room for what is put: it goes first. */
static enum store_result
delete_delivered(struct store *store, const struct journal_entry *entry)
{
	struct persistence_plan plan = persistence_plan(entry);

	return plan.deletes ? store_delete_messages(store, entry->key, plan.low - 1) : STORE_OK;
}

static enum store_result
put_changes(struct store *store, const struct journal_entry *entry)
{
	struct persistence_plan plan = persistence_plan(entry);
	enum store_result result = STORE_OK;

	if (plan.session)
		result = put_session(store, entry);
	if (result == STORE_OK && plan.delivery)
		result = put_delivery(store, entry, &plan);
	if (result == STORE_OK)
		result = put_messages(store, entry, plan.low, plan.below);
	if (result == STORE_OK)
		result = put_messages(store, entry, plan.above, plan.high);
	return result;
}

/* The store has it: or nothing was to be stored. */
static void
settle(struct journal_entry *entry)
{
	const struct session *session = entry->owner;
	struct in_flight *flight = session->in_flight;
	struct persistence_plan plan = persistence_plan(entry);

	entry->is_stored = true;
	entry->first = plan.low;
	entry->until = plan.high;
	entry->link_id = plan.is_flight_stored ? flight->link_id : 0;
	entry->index = plan.is_flight_stored ? flight->index : 0;
	store_share_note(entry->owner);
	if (flight != NULL) {
		flight->must_store = plan.is_flight_stored;
		flight->is_fresh = false;
	}
	journal_settle(entry);
}

typedef enum store_result write_one(struct store *store, const struct journal_entry *entry);

static enum store_result
write_each(struct store *store, const struct journal_list *list, write_one *write)
{
	enum store_result result = STORE_OK;
	const struct journal_entry *entry;

	LIST_FOREACH(entry, list, next) {
		result = write(store, entry);
		if (result != STORE_OK)
			break;
	}
	return result;
}

static enum store_result
write_both(const struct persistence *p, write_one *write)
{
	enum store_result result = write_each(p->store, &p->journal->changed, write);

	if (result == STORE_OK)
		result = write_each(p->store, &p->journal->late, write);
	return result;
}

static enum store_result
write_all(struct persistence *p)
{
	enum store_result result;
	size_t i;

	loop_note_work();
	result = store_begin(p->store);
	for (i = 0; result == STORE_OK && i < p->journal->ended.count; i++)
		result = store_delete_session(p->store, p->journal->ended.keys[i]);
	if (result == STORE_OK)
		result = write_both(p, delete_delivered);
	if (result == STORE_OK)
		result = write_both(p, put_changes);
	if (result == STORE_OK)
		result = write_parts(p);
	if (result == STORE_OK)
		result = store_commit(p->store);
	return result;
}

/* A fresh store knows nothing: all is stored anew, what had been stored before included. */
static void
forget_stored(void *object, void *context)
{
	struct journal *journal = context;
	struct session *session = object;
	struct journal_entry *entry = session->journal;

	if (entry == NULL)
		return;
	/* By its messages, which were stored; these are forgotten below. */
	if (persistence_plan(entry).is_flight_stored)
		session->in_flight->must_store = true;
	entry->is_stored = false;
	entry->first = entry->until = 0;
	entry->link_id = entry->index = 0;
	journal_mark(journal, entry, CHANGE_SESSION);
	journal_mark(journal, entry, CHANGE_SENT);
}

static enum store_result
begin_anew(struct persistence *p)
{
	enum store_result result;

	log_error("the store is damaged (%s): it is begun anew, with all there is",
	    store_error(p->store));
	result = store_replace(p->store);
	if (result != STORE_OK)
		return result;
	p->journal->ended.count = 0;
	sessions_each(p->sessions, forget_stored, p->journal);
	each_part(p, forget_part);
	return write_all(p);
}

static void
settle_changed(struct persistence *p)
{
	static struct log_limit limit;

	while (!LIST_EMPTY(&p->journal->changed))
		settle(LIST_FIRST(&p->journal->changed));
	timer_stop(&p->retry_timer);
	p->is_retry_due = false;
	if (p->journal->is_failing)
		log_limited(&limit, SEVERITY_ERROR, "the store can be written again");
	p->journal->is_failing = false;
}

static void
succeed(struct persistence *p)
{
	while (!LIST_EMPTY(&p->journal->late))
		settle(LIST_FIRST(&p->journal->late));
	p->journal->ended.count = 0;
	p->journal->is_late_due = false;
	timer_stop(&p->journal->late_timer);
	each_part(p, settle_part);
	settle_changed(p);
}

/* What is to be stored stays marked, and is tried again. */
static void
fail(struct persistence *p, enum store_result result)
{
	static struct log_limit limit;
	struct journal_entry *entry;

	store_rollback(p->store);
	if (!p->journal->is_failing)
		log_limited(&limit, SEVERITY_ERROR,
		    "the store cannot be written (%s): sends and new sessions are refused with 503 until it can",
		    result == STORE_FULL ? "it is full, or the disk is" : store_error(p->store));
	p->journal->is_failing = true;
	LIST_FOREACH(entry, &p->journal->changed, next) {
		const struct session *session = entry->owner;

		if (session->in_flight != NULL)
			session->in_flight->is_fresh = false;
	}
	timer_start(&p->retries, &p->retry_timer, sessions_now(p->sessions));
	p->is_retry_due = false;
}

/* True if anything of what changed is to be stored. */
static bool
has_work(const struct persistence *p)
{
	const struct journal *journal = p->journal;
	const struct journal_entry *entry;

	if (journal->ended.count > 0 || journal->is_late_due || part_has_changed(p))
		return true;
	LIST_FOREACH(entry, &journal->changed, next) {
		struct persistence_plan plan = persistence_plan(entry);

		if (!persistence_plan_is_empty(&plan))
			return true;
	}
	return false;
}

/* Stores what changed; a damaged store is begun anew, with all there is. */
static enum commit_result
store_changes(struct persistence *p)
{
	enum store_result result = write_all(p);

	if (result == STORE_DAMAGED)
		result = begin_anew(p);
	if (result != STORE_OK) {
		fail(p, result);
		return COMMIT_FAILED;
	}
	succeed(p);
	if (!timer_is_running(&p->tidy_timer))
		timer_start(&p->tidies, &p->tidy_timer, sessions_now(p->sessions));
	return COMMIT_DONE;
}

/*
 * What a send has caused is stored with its id, or before its answer leaves by another way, even if
 * it leaves in the same turn: a daemon that is killed in between has acknowledged it.
 */
static void
require_flights(struct journal *journal)
{
	struct journal_entry *entry;

	LIST_FOREACH(entry, &journal->changed, next) {
		const struct session *session = entry->owner;

		if (session->in_flight != NULL && session->in_flight->is_fresh)
			session->in_flight->must_store = true;
	}
}

enum commit_result
persistence_commit(struct persistence *p)
{
	struct journal *journal = p->journal;
	bool has_sends = journal->has_sends;

	journal_end_turn(journal);
	if (LIST_EMPTY(&journal->changed) && journal->ended.count == 0 && !journal->is_late_due &&
	    !p->is_retry_due && !part_has_changed(p))
		return COMMIT_DONE;
	if (journal->is_failing && !p->is_retry_due)
		return COMMIT_FAILED;
	if (has_sends)
		require_flights(journal);
	if (has_work(p))
		return store_changes(p);
	settle_changed(p);
	return COMMIT_DONE;
}
