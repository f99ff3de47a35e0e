/*
 * See websocket.h. One function, watch, decides what the loop watches.
 */
#include "sessiond/websocket/websocket.h"

#include "common/memory.h"
#include "sessiond/session/session.h"
#include "sessiond/session/session_set.h"
#include "sessiond/websocket/websocket_deflate.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void closing_fire(struct timer *timer, void *ctx);

void
websockets_init(struct websockets *all, uv_loop_t *loop, struct sessions *sessions,
    const struct websocket_calls *calls)
{
	*all = (struct websockets){.loop = loop, .sessions = sessions, .calls = calls};
	all->input = xcalloc(1, WEBSOCKET_INPUT);
	sessions->write = calls->write;
	sessions->writer = all;
	timer_queue_add(&sessions->timers, &all->unfinished, UINT32_MAX, calls->unfinished, all);
	TAILQ_INIT(&all->waiting);
	TAILQ_INIT(&all->paused);
	uv_idle_init(loop, &all->next_turn);
	all->next_turn.data = all;
	timer_queue_add(&sessions->timers, &all->closings, WEBSOCKET_CLOSE_WAIT, closing_fire, all);
}

void
websockets_set_message_timeout(struct websockets *all, uint64_t ms)
{
	timer_queue_set_delay(&all->unfinished, ms);
}

/* What the peer does not take counts among what waits for all clients. */
void
websocket_count_out(struct websocket *websocket, size_t before)
{
	websocket_limits(websocket)->queued.taken += websocket->rest->out.len - before;
}

void
websocket_drop_out(struct websocket *websocket)
{
	size_t before = websocket->rest->out.len;

	buffer_free(&websocket->rest->out);
	websocket_count_out(websocket, before);
}

struct websocket_rest *
websocket_own_rest(struct websocket *websocket)
{
	if (websocket->rest == &websocket->all->nothing)
		websocket->rest = xcalloc(1, sizeof *websocket->rest);
	return websocket->rest;
}

static void
drop_rest(struct websocket *websocket)
{
	struct websocket_rest *rest = websocket->rest;

	if (rest == &websocket->all->nothing)
		return;
	websocket_drop_out(websocket);
	buffer_free(&rest->unparsed);
	buffer_free(&rest->message);
	buffer_free(&rest->undelivered);
	limits_give_input(websocket_limits(websocket), &rest->input);
	free(rest);
	websocket->rest = &websocket->all->nothing;
}

void
websocket_trim_rest(struct websocket *websocket)
{
	const struct websocket_rest *rest = websocket->rest;

	if (rest->unparsed.len + rest->message.len + rest->undelivered.len + rest->out.len == 0)
		drop_rest(websocket);
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
	assert(websocket->all->output.count == 0);
	websocket->state = WEBSOCKET_GONE;
	timer_stop(&websocket->timer);
	LIST_REMOVE(websocket, entry);
	if (websocket->queue != NULL)
		TAILQ_REMOVE(websocket->queue, websocket, wait_entry);
	websocket->all->count--;
	drop_rest(websocket);
	if (websocket->has_deflate_place)
		limit_give(&websocket_limits(websocket)->deflate, 1);
	websocket_deflate_destroy(&websocket->deflate);
	address_count_drop(&websocket_limits(websocket)->addresses, websocket->address);
	free(websocket->rates);
	uv_close((uv_handle_t *)&websocket->poll, on_closed);
	close(websocket->fd);
}

/* The connection is of no more use: the session hears of it, everything is freed. */
void
websocket_lose(struct websocket *websocket)
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
		websocket_lose(LIST_FIRST(&all->list));
	timer_queue_remove(&all->sessions->timers, &all->closings);
	timer_queue_remove(&all->sessions->timers, &all->unfinished);
	uv_close((uv_handle_t *)&all->next_turn, NULL);
	buffer_free(&all->output.bytes);
	free(all->input);
	all->input = NULL;
}

static void
closing_fire(struct timer *timer, void *ctx)
{
	(void)ctx;
	websocket_lose(container_of(timer, struct websocket, timer));
}

/*
 * Decides what the loop watches: input (a close must be seen), but while it waits in a
 * queue; output only while something is left to write.
 */
void
websocket_watch(struct websocket *websocket)
{
	int events = websocket->queue != NULL ? 0 : UV_READABLE;

	if (websocket->rest->out.len > 0)
		events |= UV_WRITABLE;
	if (websocket->state == WEBSOCKET_GONE || events == websocket->events)
		return;
	websocket->events = (unsigned char)events;
	uv_poll_start(&websocket->poll, events, websocket->all->calls->events);
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
	websocket->rest = &all->nothing;
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
	websocket_watch(websocket);
	return websocket;
}
