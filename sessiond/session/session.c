/*
 * See session.h. A session has a receiver exactly in the two ATTACHED states. Its one timer runs in
 * the queue that the state names: heartbeats or pongs with a receiver, timeouts or returns without.
 */
#include "sessiond/session/session.h"

#include "common/memory.h"
#include "sessiond/session/uuid.h"
#include "sessiond/service/application.h"
#include "sessiond/service/watch.h"
#include "sessiond/session/sent_ids.h"
#include "sessiond/session/session_set.h"
#include "sockjs/message_array.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void handle_event(struct session *session, enum session_event event);

static struct session *
session_of_timer(struct timer *timer)
{
	return container_of(timer, struct session, timer);
}

struct session *
session_create(struct sockjs_service *service, const char *id, size_t id_len)
{
	struct sessions *sessions = service->sessions;
	struct session *session = xcalloc(1, sizeof *session + id_len);

	session->application = session->service = service_hold(service);
	if (id != NULL) {
		memcpy(session->id, id, id_len);
		session->by_id.key = session->id;
		session->by_id.len = id_len;
		hash_table_add(&service->table, &session->by_id);
		session->is_listed = true;
		if (memchr(id, '.', id_len) != NULL)
			session->counted = xcalloc(1, sizeof *session->counted);
	}
	session->counts = &sessions->counts.of[0]; /* until it has a transport */
	session->handle = handle_table_add(&sessions->handles, session);
	session->number = ++sessions->last_number;
	session->began = (uint32_t)(sessions_now(sessions) / 1000);
	uuid_make(session->uuid);
	session->by_uuid = (struct hash_entry){.key = session->uuid, .len = UUID_SIZE - 1};
	hash_table_add(&sessions->by_uuid, &session->by_uuid);
	sessions->count++;
	service->tally.sessions++;
	return session;
}

struct session *
session_find(const struct sockjs_service *service, const char *id, size_t len)
{
	struct hash_entry *entry = hash_table_find(&service->table, id, len);

	return entry == NULL ? NULL : container_of(entry, struct session, by_id);
}

bool
session_info_is_too_large(
    const struct sockjs_service *service, size_t id_len, const struct connection_info *info)
{
	return connection_info_size(info) + id_len > service->protocol.options.headers_limit;
}

void
session_must_wait(struct session *session)
{
	handle_event(session, SESSION_MUST_WAIT);
}

static void
drop_waiter(struct session *session)
{
	if (session->waiter != NULL)
		session->waiter->session = NULL;
	session->waiter = NULL;
}

void
session_may_enter(struct session *session)
{
	timer_stop(&session->timer);
	drop_waiter(session);
	handle_event(session, SESSION_MAY_ENTER);
}

void
session_count_address(struct session *session, const struct sockaddr *address)
{
	struct sessions *sessions = session->service->sessions;

	if (sessions->limit_per_address > 0 || (sessions->journal.is_kept && session->is_listed))
		session->address = address_count_add(&sessions->addresses, address);
}

void
session_destroy(struct session **session)
{
	struct session *s = *session;

	*session = NULL;
	if (s == NULL)
		return;
	message_queue_clear(&s->queue);
	connection_info_destroy(&s->info);
	sent_ids_destroy(&s->sent_ids);
	free(s->counted);
	free(s->close_reason);
	service_drop(&s->service);
	free(s);
}

void
session_mark_stored(const struct session *session, enum change change)
{
	journal_mark(&session->service->sessions->journal, session->journal, change);
}

void
session_owe_open(struct session *session, bool owes)
{
	session->owes_open = owes;
	session_mark(session, CHANGE_SENT);
}

static void
mark_dirty(struct session *session)
{
	struct sessions *sessions = session->service->sessions;

	if (session->is_dirty || session->state == SESSION_ENDED)
		return;
	session->is_dirty = true;
	STAILQ_INSERT_TAIL(&sessions->dirty, session, turn_next);
}

static void
start_heartbeat(struct session *session)
{
	session->awaits_pong = false;
	timer_start(&session->service->heartbeats, &session->timer,
	    sessions_now(session->service->sessions));
}

void
session_sent(struct session *session, enum receiver_result result)
{
	/* It has let go meanwhile (session_receiver_broke). */
	if (session->receiver == NULL)
		return;
	if (result == RECEIVER_DONE)
		handle_event(session, SESSION_RECEIVER_ENDS);
	else if (!session->receiver->ops->single)
		start_heartbeat(session);
}

static void
open_connection(struct session *session)
{
	if (session->is_listed && !session->service->is_passing && !session_is_leg(session))
		session->journal = journal_begin(&session->service->sessions->journal, session);
	session->counts->opened++;
	if (watch_is_on())
		watch_session(session->service, session, WATCH_OPENED);
	session_sent(session, receiver_send_open(session->receiver));
	application_connection(session->application, session->handle);
}

/* The only place where a session gets or loses its receiver: who is connected is counted. */
static void
hold(struct session *session, struct receiver *receiver)
{
	size_t *connections = session->service->tally.connections;

	if (session->receiver != NULL && !session_is_leg(session))
		connections[session->transport->id]--;
	session->receiver = receiver;
	if (receiver != NULL && !session_is_leg(session))
		connections[session->transport->id]++;
}

static void
release_receiver(struct session *session)
{
	struct receiver *receiver = session->receiver;

	timer_stop(&session->timer);
	hold(session, NULL);
	/* A receiver that broke has let go itself. */
	if (receiver != NULL && receiver->session != NULL) {
		receiver->session = NULL;
		receiver->ops->end(receiver);
	}
}

/* The frame in flight too: it could not come back before messages that are dropped. */
static void
drop_messages(struct session *session)
{
	in_flight_destroy(&session->in_flight);
	message_queue_clear(&session->queue);
	session_mark(session, CHANGE_MESSAGES);
}

static void
tell_close(struct session *session)
{
	assert(!session->close_told);
	session->close_told = true;
	if (watch_is_on())
		watch_session(session->service, session, WATCH_CLOSED);
	application_close(session->application, session->handle);
	session->is_forgotten = true;
	membership_leave_all(&session->memberships);
	drop_messages(session);
}

/* Before the journal's entry is let go. */
static void
drop_address(struct session *session)
{
	if (session->address != NULL && session->journal != NULL)
		session->address->stored -= session->journal->taken;
	address_count_drop(&session->service->sessions->addresses, session->address);
}

static void
end_session(struct session *session, bool forget)
{
	struct sessions *sessions = session->service->sessions;

	timer_stop(&session->timer);
	drop_waiter(session);
	in_flight_destroy(&session->in_flight);
	drop_address(session);
	journal_end(&sessions->journal, &session->journal, forget);
	handle_table_remove(&sessions->handles, session->handle);
	if (session->is_listed) {
		hash_table_remove(&session->service->table, &session->by_id);
		session->is_listed = false;
	}
	hash_table_remove(&sessions->by_uuid, &session->by_uuid);
	sessions->count--;
	session->service->tally.sessions -= !session_is_leg(session);
	/* One that is still in such a list is freed when it is taken from there. */
	if (!session->is_dirty)
		STAILQ_INSERT_TAIL(&sessions->dead, session, turn_next);
}

static void
set_state(struct session *session, enum session_state next, enum session_event event)
{
	if (session->state == next)
		return;
	session_log(session, SEVERITY_DEBUG, "%s -> %s (%s)", session_state_name(session->state),
	    session_state_name(next), session_event_name(event));
	if (session_lasting_state(next) != session_lasting_state(session->state))
		session_mark(session, CHANGE_SESSION);
	session->state = next;
}

void
session_start_timeout(struct session *session)
{
	timer_start(session->counted != NULL ? &session->service->resume_timeouts
					     : &session->service->timeouts,
	    &session->timer, sessions_now(session->service->sessions));
}

/*
 * Carries out what the table says. What it says of a newcomer or a message, session_arrive and
 * session_receive do.
 */
static void
handle_event(struct session *session, enum session_event event)
{
	const struct session_transition *transition = session_transition(session->state, event);
	unsigned actions = transition->actions;

	set_state(session, transition->next, event);
	if (actions & SESSION_TAKE)
		start_heartbeat(session);
	if (actions & SESSION_OPEN)
		open_connection(session);
	if (actions & SESSION_RELEASE)
		release_receiver(session);
	if (actions & SESSION_START_TIMEOUT)
		session_start_timeout(session);
	if (actions & SESSION_FLUSH)
		mark_dirty(session);
	if (actions & SESSION_TELL_CLOSE)
		tell_close(session);
	if (actions & SESSION_END)
		end_session(session, true);
}

/* Answers a receiver that the session does not take. */
static void
answer_with_close(struct receiver *receiver, int code, const char *reason, size_t reason_len)
{
	receiver_send_close(receiver, code, reason, reason_len);
	receiver->ops->end(receiver);
}

static void
renew_info(struct session *session, const struct connection_source *source)
{
	struct connection_info *info = connection_info_create(source);

	if (session->info != NULL &&
	    session_info_is_too_large(session->service, session->by_id.len, info)) {
		connection_info_destroy(&info);
		return;
	}
	connection_info_destroy(&session->info);
	session->info = info;
}

void
session_set_transport(struct session *session, const struct transport *transport)
{
	session->transport = transport;
	session->counts = session_is_leg(session)
	    ? &session->service->sessions->counts.legs
	    : &session->service->sessions->counts.of[transport->id];
}

/* Its client may open another receiver for it while it has one, or when that has broken. */
static bool
is_resumable(const struct session *session)
{
	return (session->service->protocol.is_resumable || session->counted != NULL) &&
	    session->receiver != NULL && !session->receiver->ops->single;
}

void
session_arrive(
    struct session *session, struct receiver *receiver, const struct connection_source *source)
{
	static const char still_open[] = "Another connection still open";
	unsigned actions;

	if (is_resumable(session))
		session_release_receiver(session);
	actions = session_transition(session->state, SESSION_RECEIVER_ARRIVES)->actions;
	if (actions & SESSION_REFUSE) {
		answer_with_close(
		    receiver, SESSION_CODE_STILL_OPEN, still_open, strlen(still_open));
		return;
	}
	if (actions & SESSION_REPEAT_CLOSE) {
		answer_with_close(receiver, session->close_code, session->close_reason,
		    session->close_reason_len);
		return;
	}
	/* Of a new one it is there, if it was admitted. */
	if (source != NULL && (session->state != SESSION_NEW || session->info == NULL))
		renew_info(session, source);
	session_set_transport(session, receiver->transport);
	hold(session, receiver);
	receiver->session = session;
	handle_event(session, SESSION_RECEIVER_ARRIVES);
}

void
session_receive(struct session *session, const char *data, size_t len, bool binary)
{
	if (!(session_transition(session->state, SESSION_MESSAGE)->actions & SESSION_DELIVER))
		return;
	session->counts->received++;
	session->counts->received_bytes += len;
	if (watch_is_on())
		watch_message(session->service, session, WATCH_RECEIVED, data, len, binary);
	application_data(session->application, session->handle, data, len, binary);
}

void
session_receive_all(struct session *session, const char *messages, size_t len)
{
	const char *cursor = messages, *message;
	size_t message_len;

	while (len > 0 && message_array_next(&cursor, messages + len, &message, &message_len))
		session_receive(session, message, message_len, false);
}

void
session_receiver_broke(struct receiver *receiver)
{
	struct session *session = receiver->session;

	if (session == NULL)
		return;
	receiver->session = NULL;
	handle_event(
	    session, is_resumable(session) ? SESSION_RECEIVER_ENDS : SESSION_RECEIVER_BREAKS);
}

void
session_receiver_alive(struct receiver *receiver)
{
	struct session *session = receiver->session;

	if (session != NULL && session->awaits_pong)
		start_heartbeat(session);
}

void
session_receiver_drained(struct receiver *receiver)
{
	if (receiver->session != NULL)
		mark_dirty(receiver->session);
}

size_t
session_queued_bytes(const struct session *session)
{
	size_t backlog =
	    session->receiver == NULL ? 0 : session->receiver->ops->backlog(session->receiver);

	return session->queue.bytes + backlog;
}

void
session_close_too_slow(struct session *session)
{
	static const char reason[] = "Messages are not read fast enough";

	drop_messages(session);
	session_close(session, SESSION_CODE_TOO_SLOW, reason, strlen(reason));
}

bool
session_close(struct session *session, int code, const char *reason, size_t reason_len)
{
	if (session_ready_state(session) != SOCKJS_OPEN)
		return false;
	assert(reason_len <= SESSION_REASON_MAX);
	session->close_code = (uint16_t)code;
	session->close_reason_len = (uint8_t)reason_len;
	session->close_reason = xcalloc(1, reason_len + 1);
	memcpy(session->close_reason, reason, reason_len);
	handle_event(session, SESSION_APP_CLOSES);
	return true;
}

void
session_abort(struct session *session)
{
	bool is_known;

	if (session->state == SESSION_ENDED)
		return;
	if (session->state == SESSION_NEW && session->is_admitted) {
		set_state(session, SESSION_DETACHED, SESSION_RECEIVER_BREAKS);
		application_connection(session->application, session->handle);
	}
	/* Of a session that never opened, the application knows nothing. */
	is_known = session->state != SESSION_NEW && !session->close_told;
	set_state(session, SESSION_ENDED, SESSION_RECEIVER_BREAKS);
	if (session->receiver != NULL)
		release_receiver(session);
	if (is_known)
		tell_close(session);
	membership_leave_all(&session->memberships);
	end_session(session, true);
}

void
session_suspend(struct session *session)
{
	if (session->close_told)
		return;
	session->is_suspended = !application_can_resume(session->application);
	application_suspend(session->application, session->handle);
}

void
session_leave(struct session *session)
{
	set_state(session, SESSION_ENDED, SESSION_RECEIVER_ENDS);
	if (session->receiver != NULL)
		release_receiver(session);
	membership_leave_all(&session->memberships);
	end_session(session, false);
}

void
session_lose_receiver(struct session *session)
{
	session->receiver->session = NULL;
	hold(session, NULL);
	handle_event(session, SESSION_RECEIVER_ENDS);
}

void
session_send_close(struct session *session)
{
	struct receiver *receiver = session->receiver;

	receiver_send_close(
	    receiver, session->close_code, session->close_reason, session->close_reason_len);
	handle_event(
	    session, receiver->ops->single ? SESSION_CLOSE_SENT_TO_LAST : SESSION_CLOSE_SENT);
}

void
session_continue(struct session *session)
{
	if (session->receiver != NULL)
		mark_dirty(session);
}

void
session_send_heartbeat(struct session *session)
{
	struct sessions *sessions = session->service->sessions;
	enum receiver_result result = receiver_send_heartbeat(session->receiver);

	if (result == RECEIVER_DONE) {
		handle_event(session, SESSION_RECEIVER_ENDS);
		return;
	}
	start_heartbeat(session);
	if (result == RECEIVER_AWAITS_PONG) {
		session->awaits_pong = true;
		timer_start(&sessions->pongs, &session->timer, sessions_now(sessions));
	}
}

void
session_turn_away(struct session *session)
{
	struct sessions *sessions = session->service->sessions;

	session_release_receiver(session);
	if (session->state == SESSION_DETACHED &&
	    session->service->protocol.options.disconnect_delay < SESSION_RETURN_DELAY)
		timer_start(&sessions->returns, &session->timer, sessions_now(sessions));
}

void
session_release_receiver(struct session *session)
{
	if (receiver_send_heartbeat(session->receiver) != RECEIVER_AWAITS_PONG)
		handle_event(session, SESSION_RECEIVER_ENDS);
}

void
session_heartbeat_fire(struct timer *timer, void *ctx)
{
	(void)ctx;
	session_send_heartbeat(session_of_timer(timer));
}

void
session_pong_fire(struct timer *timer, void *ctx)
{
	static const char reason[] = "No response from heartbeat";
	struct session *session = session_of_timer(timer);

	(void)ctx;
	/* What it sends is not read: its answer may be there. */
	if (session->service->refuses_sends) {
		start_heartbeat(session);
		return;
	}
	session->service->sessions->counts.heartbeats_missed++;
	/*
	 * Who answers no ping does not read either. The close frame, or that of an earlier close,
	 * must not wait behind what is queued.
	 */
	message_queue_clear(&session->queue);
	if (!session_close(session, session->service->code_no_pong, reason, strlen(reason)))
		mark_dirty(session);
}

void
session_timeout_fire(struct timer *timer, void *ctx)
{
	struct session *session = session_of_timer(timer);
	struct sessions *sessions = ctx;

	/* While the daemon stops nobody can come back: the next one gives it the whole time. */
	if (sessions->closing && session->journal != NULL)
		session_start_timeout(session);
	else
		handle_event(session, SESSION_TIMES_OUT);
}
