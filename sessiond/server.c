/*
 * See server.h.
 *
 * A turn of the loop: libuv calls what is ready (websockets and responders are read, connections
 * accepted, timers fire), all of which hands messages to applications and only queues what they
 * write. Before the loop waits again, end_turn encodes what the sessions have queued, commits what
 * changed to the store, and only then lets answers leave; it repeats that until nothing is left to
 * do.
 */
#include "sessiond/server.h"

#include "common/descriptor_limit.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/memory.h"
#include "sessiond/api/api.h"
#include "sessiond/api/api_channel.h"
#include "sessiond/api/api_timer.h"
#include "sessiond/channels/channel_engine.h"
#include "sessiond/channels/channel_shared.h"
#include "sessiond/channels/channel_store.h"
#include "sessiond/channels/channels.h"
#include "sessiond/control/control.h"
#include "sessiond/control/status_service.h"
#include "sessiond/http/http_server.h"
#include "sessiond/system/notify.h"
#include "sessiond/pusher/pusher_api.h"
#include "sessiond/pusher/pusher_app.h"
#include "sessiond/pusher/webhook.h"
#include "sessiond/redis/redis_engine.h"
#include "sessiond/responder/local_socket.h"
#include "sessiond/resume/resume.h"
#include "system/privileges.h"
#include "sessiond/commands.h"
#include "sessiond/reception.h"
#include "sessiond/reload.h"
#include "sessiond/start_report.h"
#include "sessiond/supervised.h"
#include "sessiond/api/api_run.h"
#include "sessiond/crash.h"
#include "sessiond/service/callback.h"
#include "sessiond/session/admission.h"
#include "sessiond/session/delivery.h"
#include "sessiond/session/session.h"
#include "sessiond/session/session_set.h"
#include "sessiond/session/store_share.h"
#include "sessiond/session/turn.h"
#include "sessiond/persistence/persistence.h"
#include "sessiond/persistence/session_restore.h"
#include "sessiond/system/socket_takeover.h"
#include "sessiond/http/static_files.h"
#include "sessiond/store/store.h"
#include "sessiond/store/store_backend.h"
#include "sessiond/store/store_move.h"
#include "sessiond/store/store_sqlite.h"
#include "sessiond/modules/services.h"
#include "sessiond/websocket/hixie76_handshake.h"
#include "sessiond/websocket/websocket.h"
#include "sessiond/websocket/websocket_input.h"
#include "sessiond/worker/worker_each.h"
#include "sessiond/worker/worker_serve.h"
#include "sessiond/worker/worker_store.h"
#include "wire/wire_home.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum {
	/* Not for connections: acceptors, epoll sets, files that are served, takeovers. */
	OWN_DESCRIPTORS = 64,
	SESSION_COST = 1024,
	ROUNDS_A_TURN = 4, /* of requests and flushes, before the loop looks at the sockets again */
};

struct server {
	struct config *config;
	struct services services;
	struct loop loop;
	struct reception reception;
	struct sessions sessions;
	struct persistence persistence;
	struct channels channels;
	struct channel_engine *engine; /* of the channels; NULL: none */
	struct channel_store channel_store;
	struct workers workers;
	struct worker_store worker_store;
	struct resume resume;
	struct websockets websockets;
	struct hixie76_handshakes handshakes;
	struct http_server http;
	struct local_socket local;
	struct reload reload;
	struct http_counts counts;
	struct control control;
	struct pusher_api pusher_api;
	struct http_handlers handlers[3]; /* ended by one without a table */
	struct commands commands;
	bool is_ready;	 /* whoever has started it knows */
	uint64_t stored; /* ns that the store had taken when the turn's end began */
};

/* --- turns ------------------------------------------------------------------------------------ */

static uint64_t
clock_now(void *context)
{
	return loop_now(context);
}

/* With a store, sessions need no end. */
static bool
is_drained(const struct server *server)
{
	return (server->sessions.count == 0 || server->persistence.store != NULL) &&
	    server->websockets.count == 0 && server->http.connections.count == 0 &&
	    local_socket_is_empty(&server->local);
}

static bool
commit(struct server *server)
{
	enum commit_result result = persistence_commit(&server->persistence);

	http_server_committed(&server->http, result);
	return local_socket_answer(&server->local, result);
}

/* ns that the store has taken so far */
static uint64_t
store_time(const struct server *server)
{
	const struct store *store = server->persistence.store;

	return store == NULL ? 0 : store_counts(store)->nanoseconds;
}

/* A slow disk is no module's fault. */
static void
took(void *owner, uint64_t ms)
{
	struct server *server = owner;
	uint64_t limit = server->config->server.slow_callback;
	uint64_t stored = ms < limit ? 0 : (store_time(server) - server->stored) / 1000000;

	if (ms >= limit + stored)
		callbacks_slow_turn(ms - stored, limit);
}

/*
 * A websocket is written to at once. So what channels tell it waits for the commit: else a daemon
 * that dies in between leaves a client with an offset that the next one gives again, to another
 * message. What a drain event publishes waits, too: turn_flush tells it last, and in the next round
 * it is stored, or held. What an application in another process has called is done again, if that
 * its event is handled was not stored.
 */
static bool
has_to_hold(const struct server *server)
{
	return server->persistence.store != NULL &&
	    (!channel_journal_is_empty(&server->channels.journal) ||
		server->workers.journal.has_handled);
}

/* With an engine: once that is reached, or is known to be away. */
static void
tell_ready(struct server *server)
{
	const struct channel_engine *engine = server->engine;

	if (server->is_ready || (engine != NULL && !engine->calls->is_settled(engine)))
		return;
	server->is_ready = true;
	start_report_end();
	notify(NOTIFY_READY);
	/* Whoever reads it may count on the supervisor. */
	reception_print_ready(&server->reception);
}

static bool
flush(struct server *server)
{
	bool holds, busy;

	/* Who waited is let in, and has messages. */
	if (server->engine != NULL) {
		server->engine->calls->flush(server->engine);
		tell_ready(server);
	}
	holds = has_to_hold(server);
	if (holds)
		turn_hold_unstored(&server->sessions);
	turn_flush(&server->sessions);
	workers_give(&server->workers);
	busy = commit(server);
	workers_write(&server->workers);
	if (!holds)
		return busy;
	turn_release(&server->sessions);
	return turn_flush(&server->sessions) || busy;
}

/* Applications in processes finish what they have, all at once. */
static bool
finish(struct server *server)
{
	bool each = worker_each_finish();

	return workers_finish(&server->workers) && each;
}

static bool
end_turn(void *owner)
{
	struct server *server = owner;
	bool busy = true;
	int i;

	server->stored = store_time(server);
	http_server_turn(&server->http);
	if (!TAILQ_EMPTY(&server->websockets.paused))
		websockets_go_on(&server->websockets);
	for (i = 0; busy && i < ROUNDS_A_TURN; i++) {
		busy = flush(server);
		local_socket_tell_state(&server->local, control_unready(&server->control.sources));
		busy = http_server_run(&server->http) || busy;
		busy = local_socket_flush(&server->local) || busy;
		busy = turn_is_due(&server->sessions) || busy;
	}
	limits_turn(&server->sessions.limits, messages_bytes(),
	    http_server_memory(&server->http) + server->sessions.count * SESSION_COST,
	    sessions_now(&server->sessions));
	reception_end_turn(&server->reception);
	if (!busy)
		reload_reap(&server->reload);
	if (server->loop.is_draining && is_drained(server) && finish(server))
		loop_stop(&server->loop);
	callbacks_end_turn();
	return busy || http_server_is_waiting(&server->http);
}

/* --- the end ---------------------------------------------------------------------------------- */

/* The client of an app takes the end of a stream for that of its connection. */
static bool
ends_with_stream(const struct session *session)
{
	return session->service->protocol.is_resumable && session->receiver != NULL &&
	    session->transport->streaming;
}

/*
 * A session that is stored goes on with the next daemon: its client asks again, a responder by
 * itself.
 */
static void
say_goodbye(void *object, void *context)
{
	static const char reason[] = "The server is stopping";
	struct session *session = object;

	(void)context;
	if (session->journal == NULL || ends_with_stream(session))
		session_close(session, session->service->code_stopping, reason, strlen(reason));
	else if (session->receiver != NULL && !session->receiver->ops->is_remote)
		session_release_receiver(session);
}

static void
suspend_session(void *object, void *context)
{
	struct session *session = object;

	(void)context;
	if (session->journal == NULL) {
		session_abort(session);
		return;
	}
	delivery_leave(session);
	session_suspend(session);
}

static void
leave_session(void *object, void *context)
{
	(void)context;
	session_leave(object);
}

/* Lets clients have their close frames. */
static void
drain(void *owner, int signal)
{
	struct server *server = owner;

	log_info("%s: stopping, %zu sessions", signal == SIGINT ? "SIGINT" : "SIGTERM",
	    server->sessions.count);
	notify(NOTIFY_STOPPING);
	server->sessions.closing = true;
	reception_close(&server->reception);
	/*
	 * What has been carried out is answered before the goodbye: so a responder knows that what
	 * has no answer then was not.
	 */
	flush(server);
	sessions_each(&server->sessions, say_goodbye, NULL);
	http_server_drain(&server->http);
	tails_end(&server->control.tails);
	local_socket_say_goodbye(&server->local);
	admission_end_all(&server->sessions, "The server is stopping.\n");
}

static void
hangup(void *owner)
{
	struct server *server = owner;

	reload_run(&server->reload, NULL);
}

/* --- what the control socket and files of command_folder ask ---------------------------------- */

static int
reload(void *owner, struct error *err)
{
	struct server *server = owner;

	if (server->loop.is_draining)
		return error_set(err, EX_TEMPFAIL, "the daemon is stopping");
	return reload_run(&server->reload, err);
}

static int
reload_one(void *owner, struct error *err)
{
	notify(NOTIFY_ALONE);
	return reload(owner, err);
}

/* A daemon that would not start again is not ended. */
static int
restart(void *owner, struct error *err)
{
	struct server *server = owner;

	if (server->loop.is_draining)
		return error_set(err, EX_TEMPFAIL, "the daemon is stopping");
	if (supervised_require(err) == -1 || reload_check(&server->reload, err) == -1)
		return -1;
	log_info("the daemon is to be started anew");
	return supervised_tell(SIGUSR2, err);
}

/* As if whoever has started it had told it to end. */
static int
end(void *owner, struct error *err)
{
	(void)owner;
	return supervised_tell(SIGTERM, err);
}

/* --- the start -------------------------------------------------------------------------------- */

static void
start_control(struct server *server)
{
	static const struct control_calls calls = {reload, reload_one, restart};

	server->control = (struct control){
	    .config = server->config,
	    .sources = {&server->loop, &server->sessions, &server->services, &server->channels,
		&server->workers, &server->http, &server->local, &server->persistence,
		&server->config->place, supervised_by()->restarts},
	    .calls = &calls,
	    .owner = server,
	};
	server->handlers[0] = (struct http_handlers){control_handlers, &server->control};
	server->handlers[1] = pusher_api_handlers(&server->pusher_api);
	status_service_bind(&server->control);
}

static void
start_loop(struct server *server)
{
	static const struct loop_ops ops = {end_turn, drain, hangup, took};
	static const struct session_fires fires = {
	    session_pong_fire, session_timeout_fire, delivery_grace_fire};
	static const struct command_calls commands = {reload, restart, end};

	loop_init(&server->loop, &server->sessions.timers, &ops, server);
	sessions_init(&server->sessions, clock_now, &server->loop, &fires);
	persistence_init(&server->persistence, &server->sessions);
	server->sessions.limit = server->config->server.session_limit;
	server->sessions.limit_per_address = server->config->server.sessions_per_address;
	limits_set(&server->sessions.limits, &server->config->server, server->config->place.count);
	channels_init(&server->channels, &server->sessions, &api_channel_kind);
	channels_limit(&server->channels, &server->config->server);
	websockets_init(&server->websockets, &server->loop.uv, &server->sessions, &websocket_calls);
	websockets_set_message_timeout(&server->websockets, server->config->server.message_timeout);
	local_socket_init(&server->local, &server->loop.uv, server->config, &server->services,
	    &server->sessions, &server->http);
	reception_init(&server->reception, &server->loop,
	    &(struct reception_hosts){server->config, &server->sessions, &server->http,
		&server->websockets, &server->local, &server->workers});
	server->reload = (struct reload){server->config, &server->services, &server->sessions,
	    &server->channels, &server->workers, &server->websockets, &server->http, &server->local,
	    &server->reception.acceptors, OWN_DESCRIPTORS};
	pusher_api_init(&server->pusher_api, server->config);
	local_socket_serve(&server->local, &server->pusher_api.api);
	start_control(server);
	/* One of them is enough: what it does concerns all. */
	commands_start(&server->commands, &server->loop.uv,
	    server->config->place.index == 0 ? server->config->server.command_folder : NULL,
	    &commands, server);
	api_bind(&server->sessions);
	api_set_daemons(
	    server->config->place.count, config_shares_channels(&server->config->server));
	api_channel_bind(&server->channels);
	pusher_bind(&server->channels);
	workers_init(
	    &server->workers, &server->loop.uv, &server->sessions.timers, clock_now, &server->loop);
	workers_bind(&server->workers);
	worker_each_bind(&server->loop.uv);
	resume_init(&server->resume, &server->sessions, &server->services);
	api_timer_bind(&server->loop.uv);
	api_run_bind(&server->loop.uv);
}

/* NULL and an error if it cannot be opened. */
static struct store *
open_own_store(const struct config *config, struct error *err)
{
	static const struct store_move_calls calls = {
	    wire_home, worker_store_uuid, channel_store_name};
	const struct server_options *options = &config->server;
	struct store *store = NULL;
	char *path = daemon_place_path(options->store, &config->place);

	if (!supervised_by()->is_first ||
	    store_move(options->store, config->place.count, &calls, err) == 0)
		store = store_open_sqlite(
		    path, (enum store_sync)options->store_sync, options->store_limit, err);
	free(path);
	return store;
}

static int
open_store(struct server *server, struct error *err)
{
	const struct server_options *options = &server->config->server;
	struct store *store;

	webhooks_bind(&server->loop.uv, options->store != NULL);
	if (options->store == NULL)
		return 0;
	store = open_own_store(server->config, err);
	if (store == NULL)
		return -1;
	persistence_use(&server->persistence, store);
	channel_store_init(&server->channel_store, &server->channels);
	persistence_add(&server->persistence, &server->channel_store.part);
	persistence_add(&server->persistence, &webhooks_part);
	worker_store_init(&server->worker_store, &server->workers);
	persistence_add(&server->persistence, &server->worker_store.part);
	persistence_add(&server->persistence, &server->resume.part);
	store_share_limit(&server->sessions, options->store_limit, options->store_session_limit,
	    options->store_address_limit);
	return 0;
}

/* Before the first channel, which may be one of the store. */
static int
start_engine(struct server *server, struct error *err)
{
	const struct server_options *options = &server->config->server;

	if (redis_engine_create(options->engine, options->engine_backlog, &server->loop.uv,
		&server->channels, &server->engine, err) == -1)
		return -1;
	channels_share(&server->channels, server->engine);
	return 0;
}

static int
start_http(struct server *server, size_t limit, struct error *err)
{
	const struct server_options *options = &server->config->server;
	struct http_requests requests = {
	    .loop = &server->loop.uv,
	    .services = &server->services,
	    .defaults = &server->config->defaults,
	    .sessions = &server->sessions,
	    .websockets = &server->websockets,
	    .handshakes = &server->handshakes,
	    .handlers = server->handlers,
	    .counts = &server->counts,
	};

	if (options->static_folder != NULL) {
		requests.files = static_files_open(options->static_folder, err);
		if (requests.files == NULL)
			return -1;
	}
	return http_server_start(&server->http, &requests, options, limit, err);
}

static int
restore_sessions(struct server *server, struct error *err)
{
	int status;

	channel_store_begin_restore(
	    &server->channel_store, server->services.items, server->services.count);
	status = sessions_restore(
	    &server->persistence, server->services.items, server->services.count, err);
	channel_store_end_restore(&server->channel_store);
	webhooks_restored();
	worker_store_end_restore(&server->worker_store);
	return status;
}

/* Ends every connection and session, then the services, then what they lived on. */
static void
stop(struct server *server)
{
	loop_ignore_signals();
	reception_close(&server->reception);
	sessions_each(&server->sessions, suspend_session, NULL);
	journal_hurry(&server->sessions.journal);
	commit(server);
	sessions_each(&server->sessions, leave_session, NULL);
	turn_flush(&server->sessions);
	if (server->engine != NULL)
		server->engine->calls->stop(server->engine);
	http_server_stop(&server->http);
	local_socket_clear(&server->local);
	hixie76_handshakes_clear(&server->handshakes);
	websockets_clear(&server->websockets);
	turn_flush(&server->sessions);
	services_end(&server->services);
	worker_serve_clear(&server->workers);
	reception_clear(&server->reception);
	workers_bind(NULL);
	worker_each_bind(NULL);
	api_bind(NULL);
	api_channel_bind(NULL);
	pusher_bind(NULL);
	webhooks_bind(NULL, false);
	api_run_bind(NULL);
	socket_takeover_clear();
	if (server->engine != NULL)
		server->engine->calls->destroy(server->engine);
	loop_close(&server->loop);
	persistence_clear(&server->persistence);
	channels_clear(&server->channels);
	workers_clear(&server->workers);
	resume_clear(&server->resume);
	sessions_clear(&server->sessions);
}

int
server_run(struct config *config, struct error *err)
{
	struct server *server = xcalloc(1, sizeof *server);
	size_t limit = descriptor_limit_raise(
	    config->server.connection_limit, OWN_DESCRIPTORS + config_worker_descriptors(config));
	int status = -1;

	server->config = config;
	crash_report_modules();
	start_loop(server);
	/* Nothing is accepted before the loop runs, and no code of a module runs as root. */
	if (reception_open(&server->reception, err) == 0 &&
	    privileges_drop(config->server.user, config->server.group, err) == 0 &&
	    services_load(&server->services, config, err) == 0 &&
	    start_http(server, limit, err) == 0 && open_store(server, err) == 0 &&
	    start_engine(server, err) == 0 &&
	    services_start(&server->services, &server->sessions, err) == 0 &&
	    restore_sessions(server, err) == 0) {
		local_socket_start(&server->local);
		local_socket_tell_services(&server->local);
		tell_ready(server);
		loop_run(&server->loop);
		status = 0;
	}
	stop(server);
	services_clear(&server->services);
	free(server);
	return status;
}
