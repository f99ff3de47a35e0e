/*
 * The receivers of fuzz_session.c: of each kind that the daemon has, with what is peculiar to it.
 */
#include "tests/fuzz/session_world.h"

#include "sessiond/session/delivery.h"

#include <string.h>

const char awaiting;
struct fake fakes[RECEIVERS];

static unsigned last_serial;

static struct fake *
fake_of(struct receiver *receiver)
{
	return (struct fake *)(void *)receiver;
}

bool
fake_is_remote(const struct fake *fake)
{
	return fake->conn != NULL && (fake->kind == REMOTE_POLL || fake->kind == REMOTE_STREAM);
}

static enum receiver_result
sent(struct fake *fake)
{
	if (fake_is_remote(fake))
		fake->index = ++responder.frames;
	return --fake->frames_left == 0 ? RECEIVER_DONE : RECEIVER_MORE;
}

static void
put_line(struct fake *fake, const char *frame, size_t len)
{
	TRACE("receiver %u (kind %d) of %.8s: %.*s", fake->serial, (int)fake->kind,
	    fake->conn->uuid, (int)len, frame);
	buffer_append(&fake->out, frame, len);
	buffer_append_char(&fake->out, '\n');
	/* A websocket is written at once. */
	if (fake->kind == WEBSOCKET) {
		model_arrive(fake->conn, fake->out.data, fake->out.len);
		buffer_clear(&fake->out);
	}
}

/* A frame whose fate will be told. */
static void
note_flight(struct fake *fake, bool must_store)
{
	fake->flight->link_id = fake_is_remote(fake) ? responder.id : 0;
	fake->flight->index = fake_is_remote(fake) ? responder.frames : 0;
	fake->link_id = fake->flight->link_id;
	fake->flight_turn = world.turn;
	fake->must_store = must_store;
	fake->has_left = fake->has_arrived = false;
}

void
fake_note_unanswered(struct conn *conn)
{
	unsigned i;

	for (i = 0; i < RECEIVERS; i++)
		if (fakes[i].conn == conn && fakes[i].pinged &&
		    world.now - fakes[i].pinged_at >= SESSION_PONG_DELAY) {
			model_drop(conn);
			conn->has_closed = true;
		}
}

/* The session is attached unless the receiver is refused. */
static void
check_close(struct fake *fake, const struct receiver_frame *frame)
{
	if (fake->receiver.session == NULL) {
		REQUIRE(frame->code == SESSION_CODE_STILL_OPEN || fake->conn->close_sent);
		fake->is_refused = true;
		return;
	}
	fake_note_unanswered(fake->conn);
	model_close_sent(fake->conn);
}

static enum receiver_result
fake_frame(struct receiver *receiver, const struct receiver_frame *frame)
{
	struct fake *fake = fake_of(receiver);
	enum receiver_result result;

	if (world.is_dying || fake->is_dead)
		return fake->kind == WEBSOCKET ? RECEIVER_AWAITS_PONG : RECEIVER_DONE;
	REQUIRE(!fake->is_over && fake->frames_left > 0);
	if (frame->kind == RECEIVER_FRAME_CLOSE)
		check_close(fake, frame);
	if (frame->kind == RECEIVER_FRAME_HEARTBEAT && fake->kind == WEBSOCKET) {
		fake->pinged = true;
		fake->pinged_at = world.now;
		return RECEIVER_AWAITS_PONG;
	}
	/* It may be sent again, to a receiver of another kind. */
	if (frame->kind == RECEIVER_FRAME_OPEN)
		fake->conn->is_open_told = fake->kind == REMOTE_POLL;
	if (frame->kind == RECEIVER_FRAME_OPEN && fake->kind == REMOTE_POLL)
		delivery_take_open(receiver->session, &fake->flight);
	/* The refusal of a second receiver tells nothing about the session. */
	if (frame->kind != RECEIVER_FRAME_CLOSE || frame->code != SESSION_CODE_STILL_OPEN)
		put_line(fake, frame->bytes, frame->len);
	result = sent(fake);
	if (fake->flight != NULL)
		note_flight(fake, true);
	return result;
}

bool
fake_takes_all(const struct fake *fake)
{
	return fake->kind == POLL || fake->kind == REMOTE_POLL;
}

/* A frame of which it will be told whether it arrived. */
static void
take_flight(struct fake *fake, struct buffer *frame)
{
	struct in_flight *flight = delivery_take(fake->receiver.session, &fake->flight);

	REQUIRE(flight != NULL && flight == fake->flight);
	message_append_frame(flight->messages, flight->count, frame);
}

/* Some messages of the queue, or all. */
static void
take_some(struct message_queue *queue, struct buffer *frame)
{
	struct message_queue some = {NULL, 0, 0, 0, 0, 0};
	uint32_t n = 1 + choose(queue->count);

	while (n-- > 0) {
		struct message *message = message_queue_shift(queue);

		REQUIRE(message_queue_push(&some, message) == 0);
		message_unref(&message);
	}
	message_queue_append_frame(&some, frame);
	message_queue_clear(&some);
}

static enum receiver_result
fake_messages(struct receiver *receiver, struct message_queue *queue)
{
	struct fake *fake = fake_of(receiver);
	struct buffer frame = BUFFER_INIT;
	enum receiver_result result;
	bool must_store = false;

	REQUIRE(!world.is_dying && !fake->is_dead && !fake->is_over && fake->frames_left > 0);
	REQUIRE(queue->count > 0 && receiver->session->in_flight == NULL);
	if (fake->is_congested)
		return RECEIVER_MORE;
	model_return(fake->conn, &awaiting);
	if (fake_takes_all(fake))
		take_flight(fake, &frame);
	else
		take_some(queue, &frame);
	if (fake_takes_all(fake))
		must_store = model_fly(fake->conn, frame.data, frame.len, fake);
	else
		model_give(fake->conn, frame.data, frame.len);
	put_line(fake, frame.data, frame.len);
	result = sent(fake);
	if (fake_takes_all(fake))
		note_flight(fake, must_store);
	buffer_free(&frame);
	return result;
}

static void
fake_end(struct receiver *receiver)
{
	struct fake *fake = fake_of(receiver);

	REQUIRE(receiver->session == NULL && !fake->is_over);
	fake->is_over = true;
	if (!fake->is_refused)
		fake->conn->detached_since = world.now;
}

static size_t
fake_backlog(const struct receiver *receiver)
{
	return ((const struct fake *)(const void *)receiver)->backlog;
}

#define OPS .frame = fake_frame, .messages = fake_messages, .end = fake_end, .backlog = fake_backlog
static const struct receiver_ops own_ops = {OPS};
static const struct receiver_ops remote_ops = {.is_remote = true, OPS};
static const struct receiver_ops single_ops = {.single = true, OPS};

void
fake_destroy(struct fake *fake)
{
	REQUIRE(fake->flight == NULL && fake->receiver.session == NULL);
	buffer_free(&fake->out);
	*fake = (struct fake){.conn = NULL};
}

bool
fake_is_done(const struct fake *fake)
{
	return fake->receiver.session == NULL && fake->flight == NULL && fake->out.len == 0;
}

struct fake *
fake_pick(unsigned n)
{
	unsigned i, count = 0;

	for (i = 0; i < RECEIVERS; i++)
		count += fakes[i].conn != NULL;
	if (count == 0)
		return NULL;
	for (n %= count, i = 0;; i++)
		if (fakes[i].conn != NULL && n-- == 0)
			return &fakes[i];
}

struct fake *
fake_create(enum kind kind)
{
	static const enum transport_id transports[KINDS] = {TRANSPORT_XHR_POLLING,
	    TRANSPORT_XHR_STREAMING, TRANSPORT_XHR_POLLING, TRANSPORT_XHR_STREAMING,
	    TRANSPORT_WEBSOCKET};
	static const struct receiver_ops *const ops[KINDS] = {
	    &own_ops, &own_ops, &remote_ops, &remote_ops, &single_ops};
	unsigned i;

	for (i = 0; i < RECEIVERS && fakes[i].conn != NULL; i++)
		continue;
	if (i == RECEIVERS)
		return NULL;
	fakes[i] = (struct fake){
	    .receiver = {.transport = transport_get(transports[kind])},
	    .kind = kind,
	    .out = BUFFER_INIT,
	    .serial = ++last_serial,
	    .frames_left = UINT32_MAX,
	};
	fakes[i].receiver.ops = ops[kind];
	if (fake_takes_all(&fakes[i]))
		fakes[i].frames_left = 1;
	else if (kind != WEBSOCKET)
		fakes[i].frames_left = 2 + choose(6);
	return &fakes[i];
}

struct fake *
fake_after(unsigned *serial)
{
	struct fake *first = NULL;
	unsigned i;

	for (i = 0; i < RECEIVERS; i++)
		if (fakes[i].conn != NULL && fakes[i].serial > *serial &&
		    (first == NULL || fakes[i].serial < first->serial))
			first = &fakes[i];
	if (first != NULL)
		*serial = first->serial;
	return first;
}
