/*
 * See websocket.h. The socket's side: reading, writing, closing. One function, watch, decides what
 * the loop watches.
 *
 * The end of a websocket: after its last frame has left, our side of the connection is shut down.
 * What the peer still sends is thrown away until it closes, or until WEBSOCKET_CLOSE_WAIT is over.
 * To close with unread input would reset the connection, which could take the last frames with it.
 */
#include "sessiond/websocket/websocket.h"

#include "common/log_limit.h"
#include "common/memory.h"
#include "sessiond/session/session.h"
#include "sessiond/session/session_set.h"
#include "sessiond/session/turn.h"
#include "sessiond/websocket/websocket_deflate.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	TURN_WORK = 4 * WEBSOCKET_WORK, /* of all that wait, before others have their turn */
	CONGESTED = 256 * 1024,		/* bytes */
	KEEP_OUTPUT =
	    1024 * 1024, /* bytes of the shared output buffer that are kept between turns */
};

static void on_events(uv_poll_t *poll, int status, int events);
static void closing_fire(struct timer *timer, void *ctx);
static void unfinished_fire(struct timer *timer, void *ctx);
static void on_next_turn(uv_idle_t *idle);

void
websockets_init(struct websockets *all, uv_loop_t *loop, struct sessions *sessions)
{
	*all = (struct websockets){.loop = loop, .sessions = sessions, .output = BUFFER_INIT};
	all->input = xcalloc(1, WEBSOCKET_INPUT);
	timer_queue_add(&sessions->timers, &all->unfinished, UINT32_MAX, unfinished_fire, all);
	TAILQ_INIT(&all->waiting);
	uv_idle_init(loop, &all->next_turn);
	all->next_turn.data = all;
	timer_queue_add(&sessions->timers, &all->closings, WEBSOCKET_CLOSE_WAIT, closing_fire, all);
}

void
websockets_set_message_timeout(struct websockets *all, uint64_t ms)
{
	timer_queue_set_delay(&all->unfinished, ms);
}

static struct limits *
limits_of(const struct websocket *websocket)
{
	return &websocket->all->sessions->limits;
}

/* What the peer does not take counts among what waits for all clients. */
static void
count_out(struct websocket *websocket, size_t before)
{
	limits_of(websocket)->queued.taken += websocket->out.len - before;
}

static void
drop_out(struct websocket *websocket)
{
	size_t before = websocket->out.len;

	buffer_free(&websocket->out);
	count_out(websocket, before);
}

static void
on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

/* Frees everything but the struct, which libuv gives back later. */
static void
discard(struct websocket *websocket)
{
	if (websocket->state == WEBSOCKET_GONE)
		return;
	websocket->state = WEBSOCKET_GONE;
	timer_stop(&websocket->timer);
	LIST_REMOVE(websocket, entry);
	if (websocket->is_waiting)
		TAILQ_REMOVE(&websocket->all->waiting, websocket, wait_entry);
	websocket->all->count--;
	buffer_free(&websocket->unparsed);
	buffer_free(&websocket->message);
	buffer_free(&websocket->undelivered);
	drop_out(websocket);
	limits_give_input(limits_of(websocket), &websocket->input);
	if (websocket->deflate_place != NULL)
		limit_give(websocket->deflate_place, 1);
	websocket_deflate_destroy(&websocket->deflate);
	address_count_drop(&limits_of(websocket)->addresses, websocket->address);
	free(websocket->rates);
	uv_close((uv_handle_t *)&websocket->poll, on_closed);
	close(websocket->fd);
}

/* The connection is of no more use: the session hears of it, everything is freed. */
static void
lose(struct websocket *websocket)
{
	session_receiver_broke(&websocket->receiver);
	discard(websocket);
}

void
websockets_renew_limits(struct websockets *all)
{
	struct websocket *websocket;

	LIST_FOREACH(websocket, &all->list, entry)
		if (websocket->receiver.session != NULL)
			websocket->limits.message =
			    websocket->receiver.session->service->protocol.options.message_limit;
}

void
websockets_clear(struct websockets *all)
{
	while (!LIST_EMPTY(&all->list))
		lose(LIST_FIRST(&all->list));
	timer_queue_remove(&all->sessions->timers, &all->closings);
	timer_queue_remove(&all->sessions->timers, &all->unfinished);
	uv_close((uv_handle_t *)&all->next_turn, NULL);
	buffer_free(&all->output);
	free(all->input);
	all->input = NULL;
}

static void
closing_fire(struct timer *timer, void *ctx)
{
	(void)ctx;
	lose(container_of(timer, struct websocket, timer));
}

/*
 * Decides what the loop watches: input (a close must be seen), but while it waits for the next
 * turn; output only while something is left to write.
 */
static void
watch(struct websocket *websocket)
{
	int events = websocket->is_waiting ? 0 : UV_READABLE;

	if (websocket->out.len > 0)
		events |= UV_WRITABLE;
	if (websocket->state == WEBSOCKET_GONE || events == websocket->events)
		return;
	websocket->events = events;
	uv_poll_start(&websocket->poll, events, on_events);
}

struct websocket *
websocket_create(struct websockets *all, int fd, const struct websocket_kind *kind,
    const struct transport *transport, const struct websocket_framing *framing,
    size_t message_limit, const struct ws_deflate_params *deflate)
{
	struct websocket *websocket = xcalloc(1, sizeof *websocket);

	if (uv_poll_init(all->loop, &websocket->poll, fd) != 0)
		abort();
	websocket->receiver = (struct receiver){&kind->receiver, transport, NULL};
	websocket->poll.data = websocket;
	websocket->all = all;
	websocket->kind = kind;
	websocket->framing = framing;
	websocket->fd = fd;
	websocket->limits =
	    (struct ws_limits){.message = message_limit, .deflate = deflate != NULL};
	framing->init(&websocket->parser);
	if (deflate != NULL)
		websocket->deflate = websocket_deflate_create(deflate);
	LIST_INSERT_HEAD(&all->list, websocket, entry);
	all->count++;
	watch(websocket);
	return websocket;
}

/* --- writing ---------------------------------------------------------------------------------- */

/* Our side is finished once everything has left. */
static void
end_output(struct websocket *websocket)
{
	if (websocket->state != WEBSOCKET_CLOSING || websocket->out.len > 0 ||
	    !websocket->peer_closed)
		return;
	websocket->state = WEBSOCKET_DRAINING;
	shutdown(websocket->fd, SHUT_WR);
}

/* Writes what it can of data; returns what was written, -1 if the connection is broken. */
static ssize_t
write_some(struct websocket *websocket, const char *data, size_t len)
{
	size_t written = 0;

	while (written < len) {
		ssize_t n = send(websocket->fd, data + written, len - written, MSG_NOSIGNAL);

		if (n >= 0)
			written += (size_t)n;
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			break;
		else if (errno != EINTR)
			return -1;
	}
	return (ssize_t)written;
}

void
websocket_drop(struct websocket *websocket)
{
	drop_out(websocket);
	buffer_clear(&websocket->all->output);
	shutdown(websocket->fd, SHUT_RDWR);
}

void
websocket_push(struct websocket *websocket)
{
	static struct log_limit limit;
	struct buffer *output = &websocket->all->output;
	ssize_t written = 0;
	size_t before;

	if (buffer_failed(output)) {
		log_limited(&limit, SEVERITY_ERROR,
		    "out of memory for a websocket's message: connection dropped");
		buffer_free(output);
		websocket_drop(websocket);
		return;
	}
	if (output->len == 0)
		return;
	if (websocket->out.len == 0)
		written = write_some(websocket, output->data, output->len);
	if (written == -1) {
		websocket_drop(websocket);
		return;
	}
	before = websocket->out.len;
	buffer_append(&websocket->out, output->data + written, output->len - (size_t)written);
	count_out(websocket, before);
	if (output->room > KEEP_OUTPUT)
		buffer_free(output);
	else
		buffer_clear(output);
	if (buffer_failed(&websocket->out))
		websocket_drop(websocket);
	watch(websocket);
	end_output(websocket);
}

static void
write_backlog(struct websocket *websocket)
{
	ssize_t written = write_some(websocket, websocket->out.data, websocket->out.len);

	if (written == -1) {
		websocket_drop(websocket);
		return;
	}
	buffer_consume(&websocket->out, (size_t)written);
	limit_give(&limits_of(websocket)->queued, (size_t)written);
	watch(websocket);
	end_output(websocket);
	if (!websocket_is_congested(websocket))
		session_receiver_drained(&websocket->receiver);
}

void
websocket_add_message(struct websocket *websocket, bool binary, const char *data, size_t len)
{
	if (websocket->deflate != NULL &&
	    websocket_deflate_append(
		websocket->deflate, &websocket->all->output, binary, data, len))
		return;
	websocket->framing->append_message(&websocket->all->output, binary, false, data, len);
}

void
websocket_add_ping(struct websocket *websocket)
{
	websocket->framing->append_control(&websocket->all->output, WS_PING, "", 0);
}

size_t
websocket_backlog(const struct websocket *websocket)
{
	return websocket->out.len;
}

bool
websocket_is_congested(const struct websocket *websocket)
{
	return websocket->out.len > CONGESTED;
}

/* --- closing ---------------------------------------------------------------------------------- */

void
websocket_close(struct websocket *websocket, unsigned code, const char *reason, size_t reason_len)
{
	if (websocket->state != WEBSOCKET_OPEN)
		return;
	websocket->state = WEBSOCKET_CLOSING;
	timer_start(
	    &websocket->all->closings, &websocket->timer, sessions_now(websocket->all->sessions));
	websocket->framing->append_close(&websocket->all->output, code, reason, reason_len);
	websocket_push(websocket);
}

/* The session's part ends, after what its application has answered so far. */
static void
end_session(struct websocket *websocket)
{
	if (websocket->receiver.session != NULL)
		turn_flush_session(websocket->receiver.session);
	session_receiver_broke(&websocket->receiver);
}

void
websocket_fail(struct websocket *websocket, unsigned code, const char *reason)
{
	end_session(websocket);
	/* The rules end here for the peer: its close frame is not waited for. */
	websocket->peer_closed = true;
	websocket_close(websocket, code, reason, strlen(reason));
}

/* --- reading ---------------------------------------------------------------------------------- */

static void
handle_close(struct websocket *websocket, const struct ws_event *event)
{
	end_session(websocket);
	websocket->peer_closed = true;
	websocket_close(websocket, event->code, event->data, event->len);
	end_output(websocket);
}

static void
unfinished_fire(struct timer *timer, void *ctx)
{
	(void)ctx;
	websocket_fail(container_of(timer, struct websocket, timer), WS_CODE_POLICY,
	    "The message takes too long");
}

/* A peer that is too fast is closed. */
static bool
is_within_rate(struct websocket *websocket, enum rate_kind kind)
{
	if (limits_rate(limits_of(websocket), websocket->rates, websocket->client, kind, 1,
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
}

/* `message` has a whole one. The websocket may be closed by what it causes. */
static void
hand_on(struct websocket *websocket, bool binary)
{
	struct buffer whole = websocket->message;

	buffer_init(&websocket->message);
	limits_give_input(limits_of(websocket), &websocket->input);
	timer_stop(&websocket->timer);
	websocket->work -= (long)whole.len;
	websocket->kind->message(websocket, whole.data, whole.len, binary);
	buffer_free(&whole);
}

static bool
has_memory(struct websocket *websocket)
{
	static struct log_limit limit;

	if (buffer_failed(&websocket->message)) {
		log_limited(&limit, SEVERITY_ERROR,
		    "out of memory for a websocket's message of %zu bytes", websocket->message.len);
		websocket_fail(websocket, WS_CODE_INTERNAL, "");
		return false;
	}
	if (limits_take_input(limits_of(websocket), &websocket->input, websocket->message.room))
		return true;
	websocket_fail(websocket, WS_CODE_TRY_AGAIN, "The server is busy");
	return false;
}

/* result: of websocket_deflate_receive, or more; before: the length of `message` before that. */
static void
take_inflated(struct websocket *websocket, int result, size_t before)
{
	websocket->work -= (long)(websocket->message.len - before);
	if (result < 0)
		websocket_fail(websocket, (unsigned)-result, "");
	else if (has_memory(websocket) && result == 0 &&
	    websocket_deflate_ends_message(websocket->deflate))
		hand_on(websocket, websocket_deflate_is_binary(websocket->deflate));
}

static void
inflate(struct websocket *websocket, const struct ws_event *event)
{
	size_t before = websocket->message.len, most = websocket->work > 0 ? websocket->work : 1;

	take_inflated(websocket,
	    event == NULL ? websocket_deflate_more(websocket->deflate, websocket->limits.message,
				most, &websocket->message)
			  : websocket_deflate_receive(websocket->deflate, event,
				websocket->limits.message, most, &websocket->message),
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
		buffer_append(&websocket->message, event->data, event->len);
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
	websocket->framing->append_control(&websocket->all->output, WS_PONG, payload, len);
	websocket_push(websocket);
}

/* An earlier frame has left something to do. */
static inline bool
is_behind(const struct websocket *websocket)
{
	return (websocket->undelivered.len > 0 ||
		   (websocket->deflate != NULL && websocket_deflate_is_busy(websocket->deflate))) &&
	    websocket->state == WEBSOCKET_OPEN;
}

static void
go_on(struct websocket *websocket)
{
	if (websocket->undelivered.len > 0)
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

/* Who has done its share waits for the next turn, behind the others. */
static void
end_share(struct websocket *websocket)
{
	struct websockets *all = websocket->all;

	if (websocket->work > 0 || websocket->state == WEBSOCKET_GONE || websocket->is_waiting)
		return;
	if (TAILQ_EMPTY(&all->waiting))
		uv_idle_start(&all->next_turn, on_next_turn);
	TAILQ_INSERT_TAIL(&all->waiting, websocket, wait_entry);
	websocket->is_waiting = true;
	watch(websocket);
}

/* What it had to make up for is taken off its new share. Returns how much of it was used. */
static long
begin_share(struct websocket *websocket)
{
	long before = websocket->work += WEBSOCKET_WORK;

	TAILQ_REMOVE(&websocket->all->waiting, websocket, wait_entry);
	websocket->is_waiting = false;
	if (websocket->work > 0)
		buffer_consume(&websocket->unparsed,
		    parse(websocket, websocket->unparsed.data, websocket->unparsed.len));
	if (websocket->unparsed.len == 0)
		buffer_free(&websocket->unparsed);
	end_share(websocket);
	watch(websocket);
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

	buffer_append(&websocket->unparsed, data, len);
	if (!buffer_failed(&websocket->unparsed))
		return;
	log_limited(
	    &limit, SEVERITY_ERROR, "out of memory for what a websocket sends: connection dropped");
	websocket_drop(websocket);
}

/* Reads once. Returns false when there is nothing more for now, or ever. */
static bool
read_once(struct websocket *websocket)
{
	char *input = websocket->all->input;
	size_t kept = websocket->unparsed.len, len, taken;
	ssize_t n;

	if (kept > 0)
		memcpy(input, websocket->unparsed.data, kept);
	n = recv(websocket->fd, input + kept, WEBSOCKET_INPUT - kept, 0);
	if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return false;
	if (n <= 0) {
		lose(websocket);
		return false;
	}
	buffer_free(&websocket->unparsed);
	session_receiver_alive(&websocket->receiver);
	websocket->work -= n;
	len = kept + (size_t)n;
	taken = parse(websocket, input, len);
	if (taken < len)
		keep(websocket, input + taken, len - taken);
	return websocket->state != WEBSOCKET_GONE && len == WEBSOCKET_INPUT;
}

void
websocket_feed(struct websocket *websocket, const char *data, size_t len)
{
	assert(websocket->unparsed.len == 0);
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

	if (status < 0) {
		lose(websocket);
		return;
	}
	if ((events & UV_WRITABLE) && websocket->out.len > 0)
		write_backlog(websocket);
	if (!(events & UV_READABLE) || websocket->is_waiting)
		return;
	websocket->work = WEBSOCKET_WORK;
	while (read_once(websocket) && websocket->work > 0)
		continue;
	if (websocket->work <= 0)
		end_share(websocket);
}
