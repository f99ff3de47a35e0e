/*
 * See resume.h. Nothing is written to the store here: what the two sides have is part of a session
 * (session_counted), and so is stored with what it caused. But it is the store's word that all is
 * committed after which legs may send.
 */
#include "sessiond/resume/resume.h"

#include "sessiond/resume/leg_begin.h"
#include "sessiond/service/service.h"
#include "sessiond/session/session.h"

static struct resume *bound;

static struct session *
session_of(sockjs_connection connection)
{
	return handle_table_find(&bound->legs.sessions->handles, connection.handle);
}

static struct leg *
leg_of(sockjs_connection connection)
{
	return session_of(connection)->user_data;
}

/* --- messages --------------------------------------------------------------------------------- */

/*
 * What it causes is stored with the count of it, or not at all. One that has come before was in a
 * request that a browser has repeated.
 */
static void
receive(struct leg *leg, struct session *carried, const struct leg_message *message)
{
	uint64_t next = carried->counted->received + 1;

	if (message->count != 0 && message->count < next)
		return;
	if (message->count > next) {
		leg_close(leg, SERVICE_CODE_GOING_AWAY, "A message is missing");
		return;
	}
	carried->counted->received++;
	journal_mark_send(&leg->all->sessions->journal, carried->journal);
	session_receive(carried, message->data, message->len, false);
	leg_note_received(leg, message->len);
}

static void
take(struct leg *leg, struct session *carried, const struct leg_message *message)
{
	switch (message->kind) {
	case LEG_MESSAGE_DATA:
		receive(leg, carried, message);
		break;
	case LEG_MESSAGE_ACK:
		if (!leg_confirm(leg, carried, message->count))
			leg_close(leg, LEG_CODE_BROKEN, "Never sent");
		break;
	case LEG_MESSAGE_NEW:
	case LEG_MESSAGE_RESUME: /* repeated, too */
		break;
	case LEG_MESSAGE_ASK:
		leg->must_ack = true;
		leg_owe(leg);
		break;
	case LEG_MESSAGE_CLOSE:
		leg_close(leg, SESSION_CODE_NORMAL, "Normal closure");
		session_abort(carried);
		break;
	default:
		leg_close(leg, LEG_CODE_BROKEN, "Broken framing");
	}
}

/* Its client knows of the close, which need not be repeated to anybody. */
static void
end(struct leg *leg, const struct leg_message *message)
{
	struct session *carried = handle_table_find(&leg->all->sessions->handles, leg->carried);

	if (message->kind != LEG_MESSAGE_CLOSE)
		return;
	leg_close(leg, SESSION_CODE_NORMAL, "Normal closure");
	if (carried != NULL)
		session_abort(carried);
}

static void
on_data(sockjs_connection connection, const sockjs_message *data)
{
	struct leg_message message = leg_message_read(data->data, data->len);
	struct leg *leg = leg_of(connection);

	switch (leg->state) {
	case LEG_SILENT:
		leg_begin(leg, &message);
		break;
	case LEG_WAITING:
		if (message.kind != LEG_MESSAGE_NEW)
			leg_close(leg, LEG_CODE_BROKEN, "Not open yet");
		break;
	case LEG_ENDING:
		end(leg, &message);
		break;
	case LEG_CLOSED:
		break;
	default:
		take(leg, leg->receiver.session, &message);
	}
}

/* --- its own session -------------------------------------------------------------------------- */

static void
on_connection(sockjs_connection connection)
{
	struct session *session = session_of(connection);

	session->user_data = leg_create(&bound->legs, session);
}

static void
on_drain(sockjs_connection connection)
{
	leg_owe(leg_of(connection));
}

static void
on_close(sockjs_connection connection)
{
	struct leg *leg = leg_of(connection);

	leg_destroy(&leg);
	session_of(connection)->user_data = NULL;
}

static const struct sockjs_module module = {
    .abi = SOCKJS_ABI,
    .name = "resume",
    .connection = on_connection,
    .data = on_data,
    .drain = on_drain,
    .close = on_close,
};

/* Not a service: what sessions call in the place of one. */
static const struct sockjs_service caller = {
    .application = &module, .owner = {.section = "resume", .module = "resume"}};

/* --- the end of a turn ------------------------------------------------------------------------ */

static bool
is_changed(const void *owner)
{
	return !LIST_EMPTY(&((const struct resume *)owner)->legs.owing);
}

static enum store_result
write_nothing(void *owner, struct store *store)
{
	(void)owner;
	(void)store;
	return STORE_OK;
}

static void
settle(void *owner)
{
	legs_send(&((struct resume *)owner)->legs);
}

static void
forget(void *owner)
{
	(void)owner;
}

static void
read_nothing(void *owner, const struct stored_record *record, struct session *session)
{
	(void)owner;
	(void)record;
	(void)session;
}

void
resume_init(struct resume *resume, struct sessions *sessions, const struct services *services)
{
	resume->part = (struct persistence_part){
	    resume, is_changed, write_nothing, settle, forget, read_nothing};
	legs_init(&resume->legs, sessions, services);
	sessions->legs = &caller;
	bound = resume;
}

void
resume_clear(struct resume *resume)
{
	resume->legs.sessions->legs = NULL;
	legs_clear(&resume->legs);
	bound = NULL;
}
