/*
 * See responder.h. Called by main.c.
 *
 * Connections are watched by one epoll set of their own, edge-triggered and for their whole life, which libuv watches in turn: a parked
 * request costs no call when it is parked nor when it is answered.
 */
#include "fcgi/responder.h"

#include "common/descriptor_limit.h"
#include "common/log.h"
#include "common/memory.h"
#include "fcgi/daemon/backend.h"
#include "fcgi/webserver/connection.h"
#include "fcgi/webserver/libfcgi.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

enum {
	ACCEPTS_A_TURN = 64,
	EVENTS_A_TURN = 256,
	OWN_DESCRIPTORS = 32,
	STALL_LIMIT_MS = 10000, /* without a byte taken of an answer that leaves */
};

uint64_t
responder_now(const struct responder *responder)
{
	return loop_now(&responder->loop);
}

/* --- accepting ---------------------------------------------------------------------------------------------------- */

static void
on_listen(uv_poll_t *poll, int status, int events)
{
	struct responder *responder = poll->data;
	const int on = 1;
	int i;

	(void)status;
	(void)events;
	for (i = 0; i < ACCEPTS_A_TURN && responder->count < responder->limit; i++) {
		int fd = accept4(responder->listen_fd, NULL, NULL, SOCK_CLOEXEC);

		if (fd == -1)
			return;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		connection_create(responder, fd);
	}
	/* The web server's requests wait in the backlog until there is room. */
	if (responder->count >= responder->limit) {
		log_error("connection_limit (%zu) reached: new requests wait", responder->limit);
		uv_poll_stop(&responder->listen_poll);
		responder->is_accepting = false;
	}
}

void
responder_connection_gone(struct responder *responder)
{
	if (responder->is_accepting || responder->loop.is_draining)
		return;
	responder->is_accepting = true;
	uv_poll_start(&responder->listen_poll, UV_READABLE, on_listen);
}

static void
on_epoll(uv_poll_t *poll, int status, int events)
{
	struct responder *responder = poll->data;
	struct epoll_event ready[EVENTS_A_TURN];
	int i, n;

	(void)status;
	(void)events;
	n = epoll_wait(responder->epoll_fd, ready, EVENTS_A_TURN, 0);
	/* What is dropped meanwhile is freed at the end of the turn only, so that every pointer is good. */
	for (i = 0; i < n; i++)
		connection_event(ready[i].data.ptr, ready[i].events);
}

/* --- turns -------------------------------------------------------------------------------------------------------- */

static bool
end_turn(void *owner)
{
	struct responder *responder = owner;

	backend_flush(responder->backend);
	connections_bury(responder);
	/* sessiond hears what became of its answers. */
	if (responder->loop.is_draining && responder->in_flight == 0 &&
	    backend_output(responder->backend)->len == 0)
		loop_stop(&responder->loop);
	return false;
}

static struct connection *
connection_of_timer(struct timer *timer)
{
	return (struct connection *)(void *)((char *)timer - offsetof(struct connection, timer));
}

static void
arrival_fire(struct timer *timer, void *ctx)
{
	(void)ctx;
	log_info("a web server did not pass on a whole request in time");
	connection_drop(connection_of_timer(timer));
}

static void
stall_fire(struct timer *timer, void *ctx)
{
	char *connection = (char *)timer - offsetof(struct connection, stall);

	(void)ctx;
	log_info("a web server does not read an answer");
	connection_drop((struct connection *)(void *)connection);
}

static void
patience_fire(struct timer *timer, void *ctx)
{
	(void)ctx;
	request_give_up(&connection_of_timer(timer)->request);
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

/* What is held is finished: polls end with `h`, sends with their answer. */
static void
drain(void *owner, int signal)
{
	struct responder *responder = owner;
	struct connection *connection, *next;

	(void)signal;
	uv_poll_stop(&responder->listen_poll);
	for (connection = responder->first; connection != NULL; connection = next) {
		next = connection->next;
		if (connection->state == CONNECTION_WAITING && connection->in.len == 0)
			connection_drop(connection);
	}
	backend_say_goodbye(responder->backend);
}

static void
stop(struct responder *responder)
{
	struct connection *connection, *next;

	for (connection = responder->first; connection != NULL; connection = next) {
		next = connection->next;
		connection_drop(connection);
	}
	connections_bury(responder);
	backend_flush(responder->backend);
	backend_destroy(&responder->backend);
	loop_close(&responder->loop);
	close(responder->epoll_fd);
}

/* --- the start ---------------------------------------------------------------------------------------------------- */

static void
start_loop(struct responder *responder)
{
	static const struct loop_ops ops = {end_turn, drain, NULL};
	const struct fcgi_options *options = &responder->config->options;

	timers_init(&responder->timers);
	timer_queue_add(&responder->timers, &responder->arrivals, options->request_timeout,
	    arrival_fire, responder);
	timer_queue_add(
	    &responder->timers, &responder->stalls, STALL_LIMIT_MS, stall_fire, responder);
	timer_queue_add(&responder->timers, &responder->patience, options->backend_timeout,
	    patience_fire, responder);
	loop_init(&responder->loop, &responder->timers, &ops, responder);
}

static int
start_watching(struct responder *responder, struct error *err)
{
	responder->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (responder->epoll_fd == -1)
		return error_set(err, EX_OSERR, "epoll: %s", strerror(errno));
	if (uv_poll_init(&responder->loop.uv, &responder->listen_poll, responder->listen_fd) != 0 ||
	    uv_poll_init(&responder->loop.uv, &responder->epoll_poll, responder->epoll_fd) != 0)
		return error_set(err, EX_OSERR, "the listening socket cannot be watched");
	responder->listen_poll.data = responder->epoll_poll.data = responder;
	responder->is_accepting = true;
	uv_poll_start(&responder->listen_poll, UV_READABLE, on_listen);
	uv_poll_start(&responder->epoll_poll, UV_READABLE, on_epoll);
	return 0;
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
responder_run(const struct responder_config *config, int listen_fd, struct error *err)
{
	struct responder *responder = xcalloc(1, sizeof *responder);
	int status;

	responder->config = config;
	responder->listen_fd = listen_fd;
	responder->limit =
	    descriptor_limit_raise(config->options.connection_limit, OWN_DESCRIPTORS);
	if (libfcgi_start(err) == -1) {
		free(responder);
		return -1;
	}
	start_loop(responder);
	status = start_watching(responder, err);
	responder->backend = backend_create(responder);
	if (status == 0) {
		print_ready(responder);
		loop_run(&responder->loop);
	}
	stop(responder);
	free(responder);
	return status;
}
