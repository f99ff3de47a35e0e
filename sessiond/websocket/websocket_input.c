/*
 * See websocket_input.h. What was read and not handled yet waits in `unparsed`; of a frame that was
 * begun, in `message`, in `undelivered` or in its inflater.
 */
#include "sessiond/websocket/websocket_input.h"

#include "common/loop.h"
#include "common/log_limit.h"
#include "common/memory.h"
#include "sessiond/session/session.h"
#include "sessiond/session/session_set.h"
#include "sessiond/websocket/websocket_deflate.h"
#include "sessiond/websocket/websocket_end.h"
#include "sessiond/websocket/websocket_output.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

enum { TURN_WORK = 4 * WEBSOCKET_WORK }; /* of all that wait, before others have their turn */

static void on_next_turn(uv_idle_t *idle);

static void
handle_close(struct websocket *websocket, const struct ws_event *event)
{
	websocket_end_session(websocket);
	websocket->peer_closed = true;
	websocket_close(websocket, event->code, event->data, event->len);
	websocket_end_output(websocket);
}

/* Its service takes no messages now. */
static inline bool
is_refused(const struct websocket *websocket)
{
	const struct session *session = websocket->receiver.session;

	return session != NULL && session->service->refuses_sends;
}

static void
unfinished_fire(struct timer *timer, void *ctx)
{
	struct websocket *websocket = container_of(timer, struct websocket, timer);
	struct websockets *all = ctx;

	/* The rest may be there, unread. */
	if (is_refused(websocket))
		timer_start(&all->unfinished, timer, sessions_now(all->sessions));
	else
		websocket_fail(websocket, WS_CODE_POLICY, "The message takes too long");
}

/* A peer that is too fast is closed. */
static bool
is_within_rate(struct websocket *websocket, enum rate_kind kind)
{
	if (limits_rate(websocket_limits(websocket), websocket->rates, websocket->client, kind, 1,
		sessions_now(websocket->all->sessions)))
		return true;
	websocket_fail(websocket, WS_CODE_POLICY, "Too many messages");
	return false;
}

void
websocket_receive(struct websocket *websocket, const char *data, size_t len, bool binary)
{
	struct session *session = websocket->receiver.session;
	size_t before;

	if (session == NULL ||
	    (websocket->rates != NULL && !is_within_rate(websocket, RATE_MESSAGE)))
		return;
	before = session->queue.bytes;
	session_receive(session, data, len, binary);
	websocket->work -= WEBSOCKET_WORK_ITEM + (long)len;
	/* It is not freed before the turn ends. */
	if (session->queue.bytes > before)
		websocket->work -= (long)(session->queue.bytes - before);
	/* This one was too much: the next has to wait. */
	if (session->service->refuses_sends && websocket->work > 0)
		websocket->work = 0;
}

/*
 * What it has sent and nobody has heard yet, counted among that of all. False if there is no room
 * for so much.
 */
static bool
count_input(struct websocket *websocket)
{
	struct websocket_rest *rest = websocket->rest;
	size_t all = rest->message.room + rest->unparsed.room + rest->undelivered.room;

	return all == rest->input ||
	    limits_take_input(websocket_limits(websocket), &rest->input, all);
}

static void
refuse_input(struct websocket *websocket)
{
	websocket_fail(websocket, WS_CODE_TRY_AGAIN, "The server is busy");
}

/* What waits for the next turn, or for its rest, is counted when its share is over. */
static void
count_rest(struct websocket *websocket)
{
	websocket_trim_rest(websocket);
	if (websocket->state == WEBSOCKET_OPEN && !count_input(websocket))
		refuse_input(websocket);
}

/* `message` has a whole one. The websocket may be closed by what it causes. */
static void
hand_on(struct websocket *websocket, bool binary)
{
	struct buffer whole = websocket->rest->message;

	buffer_init(&websocket->rest->message);
	timer_stop(&websocket->timer);
	websocket->work -= (long)whole.len;
	websocket->kind->message(websocket, whole.data, whole.len, binary);
	buffer_free(&whole);
}

static bool
has_memory(struct websocket *websocket)
{
	static struct log_limit limit;

	const struct buffer *message = &websocket->rest->message;

	if (buffer_failed(message)) {
		log_limited(&limit, SEVERITY_ERROR,
		    "out of memory for a websocket's message of %zu bytes", message->len);
		websocket_fail(websocket, WS_CODE_INTERNAL, "");
		return false;
	}
	if (count_input(websocket))
		return true;
	refuse_input(websocket);
	return false;
}

/* result: of websocket_deflate_receive, or more; before: the length of `message` before that. */
static void
take_inflated(struct websocket *websocket, int result, size_t before)
{
	websocket->work -= (long)(websocket->rest->message.len - before);
	if (result < 0)
		websocket_fail(websocket, (unsigned)-result, "");
	else if (has_memory(websocket) && result == 0 &&
	    websocket_deflate_ends_message(websocket->deflate))
		hand_on(websocket, websocket_deflate_is_binary(websocket->deflate));
}

static void
inflate(struct websocket *websocket, const struct ws_event *event)
{
	struct websocket_rest *rest = websocket_own_rest(websocket);
	size_t before = rest->message.len, most = websocket->work > 0 ? websocket->work : 1;

	take_inflated(websocket,
	    event == NULL ? websocket_deflate_more(
				websocket->deflate, websocket->limits.message, most, &rest->message)
			  : websocket_deflate_receive(websocket->deflate, event,
				websocket->limits.message, most, &rest->message),
	    before);
}

/*
 * A message in several pieces is put together here; one in a single piece is used where it was
 * read.
 */
static void
handle_data(struct websocket *websocket, const struct ws_event *event)
{
	bool binary = event->opcode == WS_BINARY;

	if (event->first && !event->last)
		timer_start(&websocket->all->unfinished, &websocket->timer,
		    sessions_now(websocket->all->sessions));
	if (event->compressed) {
		inflate(websocket, event);
	} else if (event->first && event->last) {
		websocket->kind->message(websocket, event->data, event->len, binary);
	} else {
		buffer_append(&websocket_own_rest(websocket)->message, event->data, event->len);
		if (has_memory(websocket) && event->last)
			hand_on(websocket, binary);
	}
}

static void
handle_event(struct websocket *websocket, const struct ws_event *event)
{
	switch (event->type) {
	case WS_EVENT_DATA:
		if (websocket->state == WEBSOCKET_OPEN)
			handle_data(websocket, event);
		break;
	case WS_EVENT_CLOSE:
		handle_close(websocket, event);
		break;
	case WS_EVENT_PING: /* see parse */
	case WS_EVENT_NONE:
	case WS_EVENT_PONG:
	case WS_EVENT_IGNORED:
		break;
	}
}

static void
answer_ping(struct websocket *websocket, const char *payload, size_t len)
{
	if (websocket->state != WEBSOCKET_OPEN || websocket_is_congested(websocket))
		return;
	websocket_add_control(websocket, WS_PONG, payload, len);
	websocket_push(websocket);
}

/* An earlier frame has left something to do. */
static inline bool
is_behind(const struct websocket *websocket)
{
	return (websocket->rest->undelivered.len > 0 ||
		   (websocket->deflate != NULL && websocket_deflate_is_busy(websocket->deflate))) &&
	    websocket->state == WEBSOCKET_OPEN;
}

static void
go_on(struct websocket *websocket)
{
	if (websocket->rest->undelivered.len > 0)
		websocket->kind->deliver(websocket);
	else
		inflate(websocket, NULL);
}

/* Behind a close frame or a fault nothing is a frame any more: it is thrown away. */
static bool
is_heard(const struct websocket *websocket)
{
	return websocket->state < WEBSOCKET_DRAINING && !websocket->peer_closed;
}

/* What has come is no frame: the peer is told so, unless it was to answer our close frame. */
static void
break_off(struct websocket *websocket, unsigned code)
{
	if (websocket->state == WEBSOCKET_CLOSING)
		websocket_drop(websocket);
	else
		websocket_fail(websocket, code, "");
}

/*
 * Handles len bytes, and what was left to do before them, as far as the turn's work goes. Of the
 * pings only the last one is answered (RFC 6455 5.5.3). Returns how many bytes were taken; the rest
 * is to be kept.
 */
static size_t
parse(struct websocket *websocket, char *data, size_t len)
{
	const char *ping = NULL;
	struct ws_event event;
	size_t at = 0, ping_len = 0;
	ssize_t n = 1;

	while (websocket->work > 0 && is_heard(websocket)) {
		if (is_behind(websocket)) {
			go_on(websocket);
			continue;
		}
		if (at == len)
			break;
		n = websocket->framing->parse(
		    &websocket->parser, data + at, len - at, &websocket->limits, &event);
		if (n <= 0)
			break;
		at += (size_t)n;
		websocket->work -= WEBSOCKET_WORK_ITEM;
		if (event.type == WS_EVENT_PING &&
		    (websocket->rates == NULL || is_within_rate(websocket, RATE_PING))) {
			ping = event.len == 0 ? "" : event.data;
			ping_len = event.len;
		} else {
			handle_event(websocket, &event);
		}
	}
	if (ping != NULL)
		answer_ping(websocket, ping, ping_len);
	if (n < 0)
		break_off(websocket, (unsigned)-n);
	return n >= 0 && is_heard(websocket) ? at : len;
}

static void
enter(struct websocket *websocket, struct websocket_queue *queue)
{
	struct websockets *all = websocket->all;

	if (queue == &all->waiting && TAILQ_EMPTY(queue))
		uv_idle_start(&all->next_turn, on_next_turn);
	TAILQ_INSERT_TAIL(queue, websocket, wait_entry);
	websocket->queue = queue;
	websocket_watch(websocket);
}

static void
leave(struct websocket *websocket)
{
	TAILQ_REMOVE(websocket->queue, websocket, wait_entry);
	websocket->queue = NULL;
}

/* Who has done its share waits for the next turn, behind the others. */
static void
end_share(struct websocket *websocket)
{
	if (websocket->work > 0 || websocket->state == WEBSOCKET_GONE || websocket->queue != NULL)
		return;
	enter(websocket, &websocket->all->waiting);
}

void
websockets_go_on(struct websockets *all)
{
	struct websocket *websocket, *next;

	for (websocket = TAILQ_FIRST(&all->paused); websocket != NULL; websocket = next) {
		next = TAILQ_NEXT(websocket, wait_entry);
		if (is_refused(websocket))
			continue;
		leave(websocket);
		enter(websocket, &all->waiting);
	}
}

/* What it had to make up for is taken off its new share. Returns how much of it was used. */
static long
begin_share(struct websocket *websocket)
{
	const struct buffer *unparsed;
	size_t taken;
	long before;

	leave(websocket);
	if (is_refused(websocket)) {
		enter(websocket, &websocket->all->paused);
		return 0;
	}
	before = websocket->work += WEBSOCKET_WORK;
	if (websocket->work > 0) {
		unparsed = &websocket->rest->unparsed;
		taken = parse(websocket, unparsed->data, unparsed->len);
		buffer_consume(&websocket->rest->unparsed, taken);
	}
	if (websocket->rest->unparsed.len == 0)
		buffer_free(&websocket->rest->unparsed);
	count_rest(websocket);
	end_share(websocket);
	websocket_watch(websocket);
	return before - websocket->work;
}

/*
 * Those that wait have their turn one after the other, until they have had TURN_WORK together: one
 * that puts a large message together makes the others wait for the next turn, and what else there
 * is to do comes first.
 */
static void
on_next_turn(uv_idle_t *idle)
{
	struct websockets *all = idle->data;
	struct websocket *last = TAILQ_LAST(&all->waiting, websocket_queue), *websocket = NULL;
	long done = 0;

	while (websocket != last && done < TURN_WORK) {
		websocket = TAILQ_FIRST(&all->waiting);
		done += begin_share(websocket);
	}
	if (TAILQ_EMPTY(&all->waiting))
		uv_idle_stop(idle);
}

static void
keep(struct websocket *websocket, const char *data, size_t len)
{
	static struct log_limit limit;

	buffer_append(&websocket_own_rest(websocket)->unparsed, data, len);
	if (!buffer_failed(&websocket->rest->unparsed))
		return;
	log_limited(
	    &limit, SEVERITY_ERROR, "out of memory for what a websocket sends: connection dropped");
	websocket_drop(websocket);
}

/* What may have to wait is not read where there is no room for it: the peer has to keep it. */
static size_t
room_to_read(const struct websocket *websocket)
{
	size_t kept = websocket->rest->unparsed.len;

	return kept < LIMITS_SMALL_INPUT &&
		limits_input_is_scarce(websocket_limits(websocket), WEBSOCKET_INPUT)
	    ? LIMITS_SMALL_INPUT - kept
	    : WEBSOCKET_INPUT - kept;
}

/* Reads once. Returns false when there is nothing more for now, or ever. */
static bool
read_once(struct websocket *websocket)
{
	char *input = websocket->all->input;
	size_t kept = websocket->rest->unparsed.len, len, taken;
	ssize_t n;

	if (kept > 0)
		memcpy(input, websocket->rest->unparsed.data, kept);
	/* Not recv: http_intake.c has that. */
	n = recvfrom(websocket->fd, input + kept, room_to_read(websocket), 0, NULL, NULL);
	if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return false;
	if (n <= 0) {
		websocket_lose(websocket);
		return false;
	}
	buffer_free(&websocket->rest->unparsed);
	session_receiver_alive(&websocket->receiver);
	websocket->work -= n;
	len = kept + (size_t)n;
	taken = parse(websocket, input, len);
	if (taken < len)
		keep(websocket, input + taken, len - taken);
	count_rest(websocket);
	return websocket->state != WEBSOCKET_GONE && len == WEBSOCKET_INPUT;
}

void
websocket_feed(struct websocket *websocket, const char *data, size_t len)
{
	assert(websocket->rest->unparsed.len == 0);
	if (len == 0)
		return;
	keep(websocket, data, len);
	websocket->work = 0;
	end_share(websocket);
}

static void
on_events(uv_poll_t *poll, int status, int events)
{
	struct websocket *websocket = poll->data;

	loop_note_wake(poll->loop);
	if (status < 0) {
		websocket_lose(websocket);
		return;
	}
	if ((events & UV_WRITABLE) && websocket->rest->out.len > 0)
		websocket_write_backlog(websocket);
	if (!(events & UV_READABLE) || websocket->queue != NULL)
		return;
	if (is_refused(websocket)) {
		enter(websocket, &websocket->all->paused);
		return;
	}
	websocket->work = WEBSOCKET_WORK;
	while (read_once(websocket) && websocket->work > 0)
		continue;
	if (websocket->work <= 0)
		end_share(websocket);
}

const struct websocket_calls websocket_calls = {on_events, unfinished_fire, websocket_output_write};
