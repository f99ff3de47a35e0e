/*
 * See server.h. Called by main.c.
 *
 * A turn of the loop: libuv calls what is ready (websockets and responders are read, connections accepted, timers fire), all of which
 * hands messages to applications and only queues what they write. Before the loop waits again, end_turn encodes what the sessions
 * have queued, commits what changed to the store, and only then lets answers leave; it repeats that until nothing is left to do.
 */
#include "sessiond/server.h"

#include "common/descriptor_limit.h"
#include "common/log.h"
#include "sessiond/api/api.h"
#include "sessiond/api/api_timer.h"
#include "sessiond/http/http_server.h"
#include "sessiond/system/acceptors.h"
#include "sessiond/system/notify.h"
#include "sessiond/responder/peer.h"
#include "sessiond/system/privileges.h"
#include "sessiond/reload.h"
#include "sessiond/responder/remote_send.h"
#include "sessiond/api/api_run.h"
#include "sessiond/session/session.h"
#include "sessiond/persistence/session_restore.h"
#include "sessiond/http/socket_takeover.h"
#include "sessiond/store/store.h"
#include "sessiond/modules/services.h"
#include "sessiond/websocket/websocket.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum {
	OWN_DESCRIPTORS =
	    64, /* not for connections: listeners, epoll sets, files that are served, a takeover under way */
	DRAIN_LIMIT_MS =
	    5000, /* for the clients to take their close frames when the daemon stops */
	ROUNDS_A_TURN =
	    100, /* of requests and flushes, before the loop looks at the sockets again */
};

struct server {
	struct config *config;
	uv_loop_t loop;
	uv_prepare_t turn;
	uv_idle_t again;    /* active: the loop must not wait */
	uv_timer_t timer;   /* the earliest of sessions.timers */
	uint64_t timer_due; /* ms; 0: it does not run */
	uv_timer_t drain;
	uv_signal_t signals[2], hangup;
	struct listeners listeners;
	struct sessions sessions;
	struct websockets websockets;
	struct http_server http;
	struct peers peers;
	struct reload reload;
	bool is_draining;
};

/* --- turns -------------------------------------------------------------------------------------------------------- */

static uint64_t
loop_time(void *context)
{
	return uv_now(context);
}

static void
on_timer(uv_timer_t *timer)
{
	struct server *server = timer->data;

	server->timer_due = 0;
	timers_run(&server->sessions.timers, uv_now(&server->loop));
}

/* One libuv timer stands for all of ours, and is only moved when it would come too late. */
static void
set_timer(struct server *server)
{
	uint64_t due, now = uv_now(&server->loop);

	if (!timers_next(&server->sessions.timers, &due) ||
	    (server->timer_due != 0 && server->timer_due <= due))
		return;
	server->timer_due = due == 0 ? 1 : due;
	uv_timer_start(&server->timer, on_timer, due > now ? due - now : 0, 0);
}

static void
on_again(uv_idle_t *idle)
{
	(void)idle;
}

/* With a store, sessions need no end. */
static bool
is_drained(const struct server *server)
{
	return (server->sessions.count == 0 || server->sessions.persistence.store != NULL) &&
	    server->websockets.count == 0 && server->http.first == NULL &&
	    server->peers.first == NULL;
}

static bool
commit(struct server *server)
{
	enum commit_result result;

	remote_sends_prepare(&server->peers);
	result = persistence_commit(&server->sessions);
	http_server_committed(&server->http, result);
	return remote_sends_answer(&server->peers, result);
}

static void
end_turn(uv_prepare_t *prepare)
{
	struct server *server = prepare->data;
	bool busy = true;
	int i;

	for (i = 0; busy && i < ROUNDS_A_TURN; i++) {
		busy = sessions_flush(&server->sessions);
		busy = commit(server) || busy;
		busy = http_server_run(&server->http) || busy;
		busy = peers_flush(&server->peers) || busy;
	}
	if (busy)
		uv_idle_start(&server->again, on_again);
	else
		uv_idle_stop(&server->again);
	if (!busy)
		reload_bury(&server->reload);
	set_timer(server);
	if (server->is_draining && is_drained(server))
		uv_stop(&server->loop);
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

/* A session that is stored goes on with the next daemon: its client asks again, a responder by itself. */
static void
say_goodbye(void *object, void *context)
{
	static const char reason[] = "The server is stopping";
	struct session *session = object;

	(void)context;
	if (session->persistent == NULL)
		session_close(session, SESSION_CODE_GOING_AWAY, reason, strlen(reason));
	else if (session->receiver != NULL && session->receiver->way == NULL)
		session_release_receiver(session);
}

static void
suspend_session(void *object, void *context)
{
	struct session *session = object;

	(void)context;
	if (session->persistent == NULL) {
		session_abort(session);
		return;
	}
	in_flight_leave(session);
	session_suspend(session);
}

static void
leave_session(void *object, void *context)
{
	(void)context;
	session_leave(object);
}

static void
on_drain_over(uv_timer_t *timer)
{
	uv_stop(timer->loop);
}

/* The first signal lets clients have their close frames; a second one is in more of a hurry. */
static void
on_signal(uv_signal_t *signal, int number)
{
	struct server *server = signal->data;

	if (server->is_draining) {
		uv_stop(&server->loop);
		return;
	}
	log_info("%s: stopping, %zu sessions", number == SIGINT ? "SIGINT" : "SIGTERM",
	    server->sessions.count);
	notify(NOTIFY_STOPPING);
	server->is_draining = true;
	server->sessions.closing = true;
	listeners_close(&server->listeners);
	sessions_each(&server->sessions, say_goodbye, NULL);
	http_server_drain(&server->http);
	peers_say_goodbye(&server->peers);
	uv_timer_start(&server->drain, on_drain_over, DRAIN_LIMIT_MS, 0);
}

/* SIGHUP. */
static void
on_hangup(uv_signal_t *signal, int number)
{
	struct server *server = signal->data;

	(void)number;
	if (!server->is_draining)
		reload_run(&server->reload);
}

/* --- the start ---------------------------------------------------------------------------------------------------- */

static void
on_accept(void *context, int fd, const struct sockaddr *address, socklen_t len)
{
	struct server *server = context;

	http_server_add(&server->http, fd, address, len);
}

static void
on_local_accept(void *context, int fd, const struct sockaddr *address, socklen_t len)
{
	struct server *server = context;

	peers_accept(&server->peers, fd, address, len);
}

static void
start_loop(struct server *server)
{
	static const int numbers[] = {SIGTERM, SIGINT};
	size_t i;

	uv_loop_init(&server->loop);
	uv_prepare_init(&server->loop, &server->turn);
	uv_idle_init(&server->loop, &server->again);
	uv_timer_init(&server->loop, &server->timer);
	uv_timer_init(&server->loop, &server->drain);
	server->turn.data = server->timer.data = server->drain.data = server;
	uv_prepare_start(&server->turn, end_turn);
	for (i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		uv_signal_init(&server->loop, &server->signals[i]);
		server->signals[i].data = server;
		uv_signal_start(&server->signals[i], on_signal, numbers[i]);
	}
	uv_signal_init(&server->loop, &server->hangup);
	server->hangup.data = server;
	uv_signal_start(&server->hangup, on_hangup, SIGHUP);
	sessions_init(&server->sessions, loop_time, &server->loop);
	server->sessions.limit = server->config->server.session_limit;
	server->sessions.limit_per_address = server->config->server.sessions_per_address;
	websockets_init(&server->websockets, &server->loop, &server->sessions);
	peers_init(&server->peers, &server->loop, server->config, &server->sessions, &server->http);
	listeners_init(&server->listeners, &server->loop, on_accept, on_local_accept, server);
	server->reload = (struct reload){server->config, &server->sessions, &server->websockets,
	    &server->http, &server->peers, &server->listeners, OWN_DESCRIPTORS};
	api_bind(&server->sessions);
	app_timer_bind(&server->loop);
	run_queue_bind(&server->loop);
}

static int
open_store(struct server *server, struct error *err)
{
	const struct server_options *options = &server->config->server;
	struct store *store;

	if (options->store == NULL)
		return 0;
	store = store_open_sqlite(
	    options->store, (enum store_sync)options->store_sync, options->store_limit, err);
	if (store == NULL)
		return -1;
	persistence_use(&server->sessions, store);
	return 0;
}

static int
restore_sessions(struct server *server, struct error *err)
{
	return sessions_restore(
	    &server->sessions, server->config->services, server->config->service_count, err);
}

static void
close_handle(uv_handle_t *handle, void *context)
{
	(void)context;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

/* Ends every connection and session, then the services, then what they lived on. */
static void
stop(struct server *server)
{
	sigset_t late;

	/* Another one would end this halfway, once the loop does not take it any more. */
	sigemptyset(&late);
	sigaddset(&late, SIGTERM);
	sigaddset(&late, SIGINT);
	sigaddset(&late, SIGHUP);
	sigprocmask(SIG_BLOCK, &late, NULL);
	listeners_close(&server->listeners);
	sessions_each(&server->sessions, suspend_session, NULL);
	persistence_hurry(&server->sessions);
	commit(server);
	sessions_each(&server->sessions, leave_session, NULL);
	sessions_flush(&server->sessions);
	if (server->http.mhd != NULL)
		http_server_stop(&server->http);
	peers_clear(&server->peers);
	websockets_clear(&server->websockets);
	sessions_flush(&server->sessions);
	succession_end(server->config);
	api_bind(NULL);
	run_queue_bind(NULL);
	socket_takeover_clear();
	uv_walk(&server->loop, close_handle, NULL);
	uv_run(&server->loop, UV_RUN_DEFAULT);
	sessions_clear(&server->sessions);
	uv_loop_close(&server->loop);
}

static void
print_ready(const struct server *server)
{
	size_t i;

	printf("ready");
	for (i = 0; i < server->listeners.count; i++)
		printf(" %s", listener_socket(server->listeners.items[i])->name);
	printf("\n");
	fflush(stdout);
}

int
server_check(struct config *config, struct error *err)
{
	int status = privileges_drop(config->server.user, config->server.group, err);

	/* A module's constructors run when it is loaded: never as root, if there is another user. */
	if (status == 0)
		status = succession_load(config, err);
	succession_end(config);
	return status;
}

int
server_run(struct config *config, struct error *err)
{
	struct server *server = calloc(1, sizeof *server);
	size_t limit = descriptor_limit_raise(config->server.connection_limit, OWN_DESCRIPTORS);
	int status = -1;

	if (server == NULL)
		abort();
	server->config = config;
	signal(SIGPIPE, SIG_IGN);
	start_loop(server);
	/* Nothing is accepted before the loop runs, and no code of a module runs as root. */
	if (listeners_open(&server->listeners, &config->server, err) == 0 &&
	    privileges_drop(config->server.user, config->server.group, err) == 0 &&
	    succession_load(config, err) == 0 &&
	    http_server_start(&server->http, &server->loop, config, &server->sessions,
		&server->websockets, limit, err) == 0 &&
	    open_store(server, err) == 0 && succession_start(config, &server->sessions, err) == 0 &&
	    restore_sessions(server, err) == 0) {
		notify(NOTIFY_READY);
		print_ready(server); /* whoever reads it may count on the supervisor */
		uv_run(&server->loop, UV_RUN_DEFAULT);
		status = 0;
	}
	stop(server);
	free(server);
	return status;
}
