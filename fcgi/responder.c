/*
 * See responder.h. Called by main.c.
 *
 * Connections are watched by one epoll set of their own, edge-triggered and for their whole life, which libuv watches in turn: a parked
 * request costs no call when it is parked nor when it is answered.
 */
#include "fcgi/responder.h"

#include "common/descriptor_limit.h"
#include "common/log.h"
#include "fcgi/daemon/backend.h"
#include "fcgi/webserver/connection.h"

#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
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
	DRAIN_LIMIT_MS = 5000,	/* for the answers that are under way when the responder stops */
};

uint64_t
responder_now(const struct responder *responder)
{
	return uv_now(&responder->loop);
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
	if (responder->is_accepting || responder->is_draining)
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

static void
on_timer(uv_timer_t *timer)
{
	struct responder *responder = timer->data;

	responder->timer_due = 0;
	timers_run(&responder->timers, uv_now(&responder->loop));
}

/* One libuv timer stands for all of ours, and is only moved when it would come too late. */
static void
set_timer(struct responder *responder)
{
	uint64_t due, now = uv_now(&responder->loop);

	if (!timers_next(&responder->timers, &due) ||
	    (responder->timer_due != 0 && responder->timer_due <= due))
		return;
	responder->timer_due = due == 0 ? 1 : due;
	uv_timer_start(&responder->timer, on_timer, due > now ? due - now : 0, 0);
}

static void
end_turn(uv_prepare_t *prepare)
{
	struct responder *responder = prepare->data;

	backend_flush(responder->backend);
	connections_bury(responder);
	set_timer(responder);
	/* sessiond hears what became of its answers. */
	if (responder->is_draining && responder->in_flight == 0 &&
	    backend_output(responder->backend)->len == 0)
		uv_stop(&responder->loop);
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

static void
on_drain_over(uv_timer_t *timer)
{
	uv_stop(timer->loop);
}

/* What is held is finished: polls end with `h`, sends with their answer. */
static void
on_signal(uv_signal_t *handle, int number)
{
	struct responder *responder = handle->data;
	struct connection *connection, *next;

	(void)number;
	if (responder->is_draining) {
		uv_stop(&responder->loop);
		return;
	}
	responder->is_draining = true;
	uv_poll_stop(&responder->listen_poll);
	for (connection = responder->first; connection != NULL; connection = next) {
		next = connection->next;
		if (connection->state == CONNECTION_WAITING && connection->in.len == 0)
			connection_drop(connection);
	}
	backend_say_goodbye(responder->backend);
	uv_timer_start(&responder->drain, on_drain_over, DRAIN_LIMIT_MS, 0);
}

static void
close_handle(uv_handle_t *handle, void *context)
{
	(void)context;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
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
	uv_prepare_stop(&responder->turn);
	backend_destroy(&responder->backend);
	uv_walk(&responder->loop, close_handle, NULL);
	uv_run(&responder->loop, UV_RUN_DEFAULT);
	uv_loop_close(&responder->loop);
	close(responder->epoll_fd);
	close(responder->listen_fd);
}

/* --- the start ---------------------------------------------------------------------------------------------------- */

static void
start_loop(struct responder *responder)
{
	static const int numbers[] = {SIGTERM, SIGINT};
	const struct fcgi_options *options = &responder->config->options;
	size_t i;

	uv_loop_init(&responder->loop);
	timers_init(&responder->timers);
	timer_queue_add(&responder->timers, &responder->arrivals, options->request_timeout,
	    arrival_fire, responder);
	timer_queue_add(
	    &responder->timers, &responder->stalls, STALL_LIMIT_MS, stall_fire, responder);
	timer_queue_add(&responder->timers, &responder->patience, options->backend_timeout,
	    patience_fire, responder);
	uv_prepare_init(&responder->loop, &responder->turn);
	uv_timer_init(&responder->loop, &responder->timer);
	uv_timer_init(&responder->loop, &responder->drain);
	responder->turn.data = responder->timer.data = responder->drain.data = responder;
	for (i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		uv_signal_init(&responder->loop, &responder->signals[i]);
		responder->signals[i].data = responder;
		uv_signal_start(&responder->signals[i], on_signal, numbers[i]);
	}
}

static int
start_watching(struct responder *responder, struct error *err)
{
	responder->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (responder->epoll_fd == -1)
		return error_set(err, EX_OSERR, "epoll: %s", strerror(errno));
	fcntl(responder->listen_fd, F_SETFL, fcntl(responder->listen_fd, F_GETFL) | O_NONBLOCK);
	if (uv_poll_init(&responder->loop, &responder->listen_poll, responder->listen_fd) != 0 ||
	    uv_poll_init(&responder->loop, &responder->epoll_poll, responder->epoll_fd) != 0)
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
	struct responder *responder = calloc(1, sizeof *responder);
	int status;

	if (responder == NULL)
		abort();
	responder->config = config;
	responder->listen_fd = listen_fd;
	responder->limit =
	    descriptor_limit_raise(config->options.connection_limit, OWN_DESCRIPTORS);
	signal(SIGPIPE, SIG_IGN);
	/* libfcgi would wait for the web server's side at each close. */
	setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", "0", 1);
	if (FCGX_Init() != 0) {
		free(responder);
		return error_set(err, EX_OSERR, "libfcgi could not be initialised");
	}
	start_loop(responder);
	status = start_watching(responder, err);
	responder->backend = backend_create(responder);
	if (status == 0) {
		uv_prepare_start(&responder->turn, end_turn);
		print_ready(responder);
		uv_run(&responder->loop, UV_RUN_DEFAULT);
	}
	stop(responder);
	free(responder);
	return status;
}
