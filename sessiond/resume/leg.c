/*
 * See leg.h. A leg's own session has no receiver's congestion to look at: its queue is kept short,
 * and its drain event brings more.
 */
#include "sessiond/resume/leg.h"

#include "common/memory.h"
#include "sessiond/resume/leg_message.h"
#include "sessiond/session/admission.h"
#include "sessiond/session/session.h"
#include "sessiond/session/store_share.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct leg *
leg_of(struct receiver *receiver)
{
	return container_of(receiver, struct leg, receiver);
}

/* --- life ------------------------------------------------------------------------------------- */

static void
await(struct leg *leg)
{
	timer_start(&leg->all->hellos, &leg->hello, sessions_now(leg->all->sessions));
}

/* Who says nothing may have no network, and comes again. */
static void
hello_fire(struct timer *timer, void *ctx)
{
	struct leg *leg = container_of(timer, struct leg, hello);

	(void)ctx;
	/* What it says is not read. */
	if (leg->session->service->refuses_sends)
		await(leg);
	else if (leg->state == LEG_ENDING)
		leg_close(leg, SESSION_CODE_NORMAL, "Normal closure");
	else if (leg->state == LEG_SILENT)
		leg_close(leg, SERVICE_CODE_GOING_AWAY, "No first message");
	else
		leg_close(leg, SERVICE_CODE_GOING_AWAY, "No answer");
}

static void
ack_fire(struct timer *timer, void *ctx)
{
	struct leg *leg = container_of(timer, struct leg, ack);

	(void)ctx;
	leg->must_ack = true;
	leg_owe(leg);
}

void
legs_init(struct legs *all, struct sessions *sessions, const struct services *services)
{
	*all = (struct legs){.sessions = sessions, .services = services};
	timer_queue_add(&sessions->timers, &all->hellos, LEG_HELLO_DELAY, hello_fire, all);
	timer_queue_add(&sessions->timers, &all->acks, LEG_ACK_DELAY, ack_fire, all);
}

void
legs_clear(struct legs *all)
{
	timer_queue_remove(&all->sessions->timers, &all->hellos);
	timer_queue_remove(&all->sessions->timers, &all->acks);
}

static const struct receiver_ops leg_receiver;

struct leg *
leg_create(struct legs *all, struct session *session)
{
	struct leg *leg = xcalloc(1, sizeof *leg);

	leg->receiver = (struct receiver){&leg_receiver, session->transport, NULL};
	leg->all = all;
	leg->session = session;
	await(leg);
	return leg;
}

static void
owe_nothing(struct leg *leg)
{
	if (leg->is_owing)
		LIST_REMOVE(leg, owing);
	leg->is_owing = false;
}

static void
let_go(struct leg *leg)
{
	timer_stop(&leg->hello);
	timer_stop(&leg->ack);
	owe_nothing(leg);
	leg->state = LEG_CLOSED;
	session_receiver_broke(&leg->receiver);
}

void
leg_destroy(struct leg **leg)
{
	if (*leg == NULL)
		return;
	let_go(*leg);
	free(*leg);
	*leg = NULL;
}

void
leg_close(struct leg *leg, int code, const char *reason)
{
	size_t len = strcspn(reason, "\n");

	let_go(leg);
	session_close(
	    leg->session, code, reason, len < SESSION_REASON_MAX ? len : SESSION_REASON_MAX);
}

/* --- what is sent ----------------------------------------------------------------------------- */

/* To its own queue, however long that is. False: there was no memory, and the leg is closed. */
static bool
push(struct leg *leg, struct message *message)
{
	bool done = message != NULL && message_queue_push(&leg->session->queue, message) == 0;

	message_unref(&message);
	if (!done) {
		leg_close(leg, SERVICE_CODE_GOING_AWAY, "Out of memory");
		return false;
	}
	if (session_queued_bytes(leg->session) > LEG_WINDOW)
		leg->session->is_over_mark = true;
	session_continue(leg->session);
	return true;
}

static bool __attribute__((format(printf, 2, 3))) say(struct leg *leg, const char *format, ...)
{
	char text[SESSION_REASON_MAX + 32];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text, sizeof text, format, args);
	va_end(args);
	return push(leg, message_create(text, (size_t)len, false));
}

static struct message *
message_behind(const char *head, size_t head_len, const struct message *message)
{
	struct buffer bytes = BUFFER_INIT;
	struct message *made;

	buffer_append(&bytes, head, head_len);
	buffer_append(&bytes, message->data, message->len);
	made = buffer_failed(&bytes) ? NULL : message_create(bytes.data, bytes.len, false);
	buffer_free(&bytes);
	return made;
}

/* The application's message, with its number, or with another mark if it begins with one. */
static bool
pass_on(struct leg *leg, struct message *message, uint64_t number)
{
	char head[32] = {LEG_MARK};
	int len = 1;

	if (leg->receiver.transport->id != TRANSPORT_WEBSOCKET)
		len = snprintf(head, sizeof head, "~%" PRIu64 " ", number);
	else if (message->len == 0 || message->data[0] != LEG_MARK)
		return push(leg, message_ref(message));
	return push(leg, message_behind(head, (size_t)len, message));
}

static bool
acknowledge(struct leg *leg, const struct session *carried)
{
	leg->told = carried->counted->received;
	leg->untold = 0;
	leg->must_ack = false;
	timer_stop(&leg->ack);
	return say(
	    leg, "~a%" PRIu64 " %" PRIu64, leg->told, carried->counted->confirmed + leg->sent);
}

static bool
greet(struct leg *leg, const struct session *carried)
{
	bool is_new = leg->state == LEG_BEGINS;

	leg->state = LEG_OPEN;
	leg->told = carried->counted->received;
	if (!is_new)
		return say(leg, "~r%" PRIu64, leg->told);
	return say(leg, "~o%" PRIu64 " %.*s", carried->service->protocol.options.resume_timeout,
	    LEG_KEY_LEN, carried->id + carried->by_id.len - LEG_KEY_LEN);
}

static bool
has_more(const struct leg *leg, const struct session *carried)
{
	return leg->sent < carried->queue.count && !leg->session->is_over_mark;
}

static bool
send_messages(struct leg *leg, struct session *carried)
{
	const struct message_queue *queue = &carried->queue;

	while (has_more(leg, carried)) {
		uint32_t at = (queue->head + leg->sent++) & (queue->room - 1);

		if (!pass_on(leg, queue->items[at], carried->counted->confirmed + leg->sent))
			return false;
	}
	return true;
}

static void
send_owed(struct leg *leg)
{
	struct session *carried = leg->receiver.session;

	if (carried == NULL)
		return;
	if ((leg->state == LEG_BEGINS || leg->state == LEG_RESUMES) && !greet(leg, carried))
		return;
	if (leg->told < carried->counted->received && has_more(leg, carried))
		leg->must_ack = true;
	/* Who asks and does not read is answered once it has read. */
	if (leg->must_ack && !leg->session->is_over_mark && !acknowledge(leg, carried))
		return;
	if (!send_messages(leg, carried) || !leg->asks || leg->sent < carried->queue.count)
		return;
	leg->asks = false;
	leg->is_asked = say(leg, "~?");
}

void
leg_owe(struct leg *leg)
{
	const struct session *carried = leg->receiver.session;

	if (carried == NULL || leg->is_owing)
		return;
	/* Of one that is not stored nothing has to be known to the next daemon. */
	if (carried->journal == NULL) {
		send_owed(leg);
		return;
	}
	leg->is_owing = true;
	LIST_INSERT_HEAD(&leg->all->owing, leg, owing);
}

void
legs_send(struct legs *all)
{
	struct leg *leg;

	while ((leg = LIST_FIRST(&all->owing)) != NULL) {
		owe_nothing(leg);
		send_owed(leg);
	}
}

/* --- what has arrived ------------------------------------------------------------------------- */

void
leg_note_received(struct leg *leg, size_t len)
{
	const struct session *carried = leg->receiver.session;

	/* What it said has closed it. */
	if (carried == NULL)
		return;
	leg->untold += len;
	if (carried->counted->received - leg->told >= LEG_ACK_MESSAGES ||
	    leg->untold >= LEG_ACK_BYTES) {
		leg->must_ack = true;
		leg_owe(leg);
	} else if (!timer_is_running(&leg->ack)) {
		timer_start(&leg->all->acks, &leg->ack, sessions_now(leg->all->sessions));
	}
}

bool
leg_confirm(struct leg *leg, struct session *carried, uint64_t count)
{
	uint64_t n = count - carried->counted->confirmed;
	struct message *message;

	if (count < carried->counted->confirmed)
		return true;
	if (n > leg->sent)
		return false;
	leg->is_asked = false;
	if (n == 0)
		return true;
	carried->counted->confirmed = count;
	leg->sent -= (uint32_t)n;
	/* Fewer are there if they were dropped: the session is being closed. */
	for (; n > 0 && (message = message_queue_shift(&carried->queue)) != NULL; n--)
		message_unref(&message);
	session_mark(carried, CHANGE_MESSAGES);
	session_mark(carried, CHANGE_SENT);
	session_continue(carried);
	return true;
}

/* --- the receiver ----------------------------------------------------------------------------- */

/* It may be the last that is heard of the session: so its client is to say that it knows. */
static void
tell_close(struct leg *leg, const struct receiver_frame *frame)
{
	/* It may be closed before it has heard that it is open. */
	if (leg->state == LEG_BEGINS && !greet(leg, leg->receiver.session))
		return;
	if (!say(leg, "~c%d %.*s", frame->code, (int)frame->reason_len, frame->reason))
		return;
	owe_nothing(leg);
	leg->state = LEG_ENDING;
	await(leg);
}

static enum receiver_result
on_frame(struct receiver *receiver, const struct receiver_frame *frame)
{
	struct leg *leg = leg_of(receiver);

	switch (frame->kind) {
	case RECEIVER_FRAME_OPEN:
		leg->state = LEG_BEGINS;
		leg_owe(leg);
		break;
	case RECEIVER_FRAME_CLOSE:
		tell_close(leg, frame);
		break;
	case RECEIVER_FRAME_HEARTBEAT: /* its own session has them */
		break;
	}
	return RECEIVER_MORE;
}

/*
 * They stay in the queue. Once the session is closing it waits for them to be confirmed, and is
 * here again whenever some were.
 */
static enum receiver_result
on_messages(struct receiver *receiver, struct message_queue *queue)
{
	struct leg *leg = leg_of(receiver);

	leg->asks = receiver->session->state == SESSION_CLOSING_ATTACHED && !leg->is_asked;
	if (leg->asks)
		await(leg);
	if (leg->sent < queue->count || leg->asks)
		leg_owe(leg);
	return RECEIVER_MORE;
}

static void
on_end(struct receiver *receiver)
{
	struct leg *leg = leg_of(receiver);

	if (leg->state != LEG_ENDING && leg->state != LEG_CLOSED)
		leg_close(leg, SERVICE_CODE_GOING_AWAY, "The session waits for you to come again");
}

static size_t
on_backlog(const struct receiver *receiver)
{
	(void)receiver;
	return 0;
}

static void
on_decided(
    struct receiver *receiver, struct session *session, const struct admission_refusal *refusal)
{
	struct leg *leg = leg_of(receiver);

	if (session != NULL)
		leg_join(leg, session, NULL);
	else
		leg_close(leg, LEG_CODE_REFUSED, refusal->text);
}

static const struct receiver_ops leg_receiver = {
    .decided = on_decided,
    .frame = on_frame,
    .messages = on_messages,
    .end = on_end,
    .backlog = on_backlog,
};

void
leg_join(struct leg *leg, struct session *carried, const struct connection_source *source)
{
	leg->carried = carried->handle;
	leg->state = LEG_RESUMES;
	session_arrive(carried, &leg->receiver, source);
	if (leg->receiver.session == NULL)
		return;
	leg_owe(leg);
	store_share_note(carried);
}
