/*
 * See responder.h.
 */
#include "fcgi/responder.h"

#include "common/descriptor_limit.h"
#include "common/log.h"
#include "common/log_limit.h"
#include "common/loop.h"
#include "common/memory.h"
#include "fcgi/daemon/backends.h"
#include "fcgi/daemon/request_counts.h"
#include "fcgi/request.h"
#include "fcgi/webserver/connection.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <uv.h>

enum {
	OWN_DESCRIPTORS = 32,
	PAUSE_MS = 100,
	GATHERED_MAX = 32, /* requests that sessiond hears of at once */
};

struct responder {
	const struct responder_config *config;
	struct loop loop;
	struct timers timers;
	const struct listen_set *listen;
	uv_poll_t listen_polls[LISTEN_MAX];
	uv_timer_t pause; /* of accepting, without a descriptor for a connection */
	bool is_accepting;
	struct connections connections;
	uv_poll_t connections_poll;
	struct requests requests;
	uint64_t last_seen; /* request, at the end of the turn before */
	uint64_t last_told; /* request, of those that sessiond was told of */
	struct request_counts counts;
	struct backends backends;
};

/* --- turns ------------------------------------------------------------------------------------ */

static void
stop_accepting(struct responder *responder)
{
	for (size_t i = 0; i < responder->listen->count; i++)
		uv_poll_stop(&responder->listen_polls[i]);
	responder->is_accepting = false;
}

/* The end of the turn accepts again. */
static void
on_pause_over(uv_timer_t *timer)
{
	(void)timer;
}

static void
on_listen(uv_poll_t *poll, int status, int events)
{
	struct responder *responder = poll->data;
	struct connections *connections = &responder->connections;
	static struct log_limit limit, exhausted;

	(void)status;
	(void)events;
	/* The web server's requests wait in the backlog until there is room. */
	if (!connections_accept(
		connections, responder->listen->sockets[poll - responder->listen_polls].fd)) {
		log_limited(&exhausted, SEVERITY_ERROR,
		    "out of file descriptors or memory: new requests wait");
		stop_accepting(responder);
		uv_timer_start(&responder->pause, on_pause_over, PAUSE_MS, 0);
	}
	if (!connections_are_full(connections))
		return;
	log_limited(&limit, SEVERITY_ERROR, "connection_limit (%zu) reached: new requests wait",
	    connections->count);
	stop_accepting(responder);
}

static void
accept_again(struct responder *responder)
{
	if (responder->is_accepting || responder->loop.is_draining ||
	    uv_is_active((uv_handle_t *)&responder->pause) ||
	    connections_are_full(&responder->connections))
		return;
	responder->is_accepting = true;
	for (size_t i = 0; i < responder->listen->count; i++)
		uv_poll_start(&responder->listen_polls[i], UV_READABLE, on_listen);
}

static void
on_connections(uv_poll_t *poll, int status, int events)
{
	struct responder *responder = poll->data;

	(void)status;
	(void)events;
	connections_dispatch(&responder->connections);
}

/*
 * A request seldom comes alone. While others come turn by turn, sessiond is not told of any: it is
 * woken once for all of them. Nobody waits for it, for those turns do not. True if the next turn is
 * one.
 */
static bool
gather(struct responder *responder)
{
	bool is_to_look = connections_end_turn(&responder->connections);
	uint64_t last = responder->requests.last_id;

	is_to_look |= last != responder->last_seen;
	responder->last_seen = last;
	if (is_to_look && last - responder->last_told < GATHERED_MAX &&
	    !responder->loop.is_draining)
		return true;
	responder->last_told = last;
	return false;
}

static bool
end_turn(void *owner)
{
	struct responder *responder = owner;

	if (gather(responder))
		return true;
	backends_flush(&responder->backends);
	connections_reap(&responder->connections);
	accept_again(responder);
	/* sessiond hears what became of its answers. */
	if (responder->loop.is_draining && responder->requests.count == 0 &&
	    backends_are_flushed(&responder->backends))
		loop_stop(&responder->loop);
	return false;
}

/* What is held is finished: polls end with `h`, sends with their answer. */
static void
drain(void *owner, int signal)
{
	struct responder *responder = owner;

	(void)signal;
	stop_accepting(responder);
	connections_drop_idle(&responder->connections);
	request_counts_tell(&responder->counts);
	backends_say_goodbye(&responder->backends);
}

/* --- the start, and the end ------------------------------------------------------------------- */

static void
watch(struct responder *responder, uv_poll_t *poll, int fd, uv_poll_cb call)
{
	if (uv_poll_init(&responder->loop.uv, poll, fd) != 0)
		fatal(EX_OSERR, "a socket cannot be watched");
	poll->data = responder;
	uv_poll_start(poll, UV_READABLE, call);
}

static int
start(struct responder *responder, struct error *err)
{
	const struct fcgi_options *options = &responder->config->options;
	size_t limit = descriptor_limit_raise(options->connection_limit, OWN_DESCRIPTORS);

	backends_start(&responder->backends, responder->config, &responder->loop,
	    &responder->timers, &request_backend_calls);
	if (connections_init(&responder->connections, &responder->loop, &responder->timers, limit,
		&responder->backends.share.body_limit, options->request_timeout,
		&request_connection_calls, &responder->requests, err) == -1) {
		backends_stop(&responder->backends);
		return -1;
	}
	request_counts_init(
	    &responder->counts, &responder->backends, &responder->loop, &responder->timers);
	responder->requests = (struct requests){
	    .backends = &responder->backends,
	    .counts = &responder->counts,
	    .loop = &responder->loop,
	    .is_streaming = options->streaming,
	};
	uv_timer_init(&responder->loop.uv, &responder->pause);
	for (size_t i = 0; i < responder->listen->count; i++)
		watch(responder, &responder->listen_polls[i], responder->listen->sockets[i].fd,
		    on_listen);
	watch(responder, &responder->connections_poll, responder->connections.epoll_fd,
	    on_connections);
	responder->is_accepting = true;
	return 0;
}

static void
stop(struct responder *responder)
{
	connections_clear(&responder->connections);
	request_counts_tell(&responder->counts);
	backends_flush(&responder->backends);
	backends_stop(&responder->backends);
	loop_close(&responder->loop);
	connections_close(&responder->connections);
}

/* A signal now ends it in order. */
static void
print_ready(const struct responder *responder)
{
	if (responder->config->options.listen == NULL)
		return;
	printf("ready %s\n", responder->config->options.listen);
	fflush(stdout);
}

int
responder_run(
    const struct responder_config *config, const struct listen_set *listen, struct error *err)
{
	static const struct loop_ops ops = {end_turn, drain, NULL, NULL};
	struct responder *responder = xcalloc(1, sizeof *responder);
	int status;

	responder->config = config;
	responder->listen = listen;
	timers_init(&responder->timers);
	loop_init(&responder->loop, &responder->timers, &ops, responder);
	status = start(responder, err);
	if (status == 0) {
		print_ready(responder);
		loop_run(&responder->loop);
		stop(responder);
	} else {
		loop_close(&responder->loop);
	}
	free(responder);
	return status;
}
