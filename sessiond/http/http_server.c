/*
 * See http_server.h. libmicrohttpd runs at the end of a turn, if its epoll set or its timeout says
 * so, or if somebody has left something for it (has_work).
 */
#include "sessiond/http/http_server.h"

#include "common/log.h"
#include "common/log_limit.h"
#include "common/loop.h"
#include "conf/config_options.h"
#include "sessiond/http/http_dispatch.h"
#include "sessiond/http/http_intake.h"
#include "sessiond/http/http_parking.h"
#include "sessiond/http/static_files.h"
#include "sessiond/session/session_set.h"
#include "sessiond/websocket/websocket.h"
#include "sockjs/trusted_proxies.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum {
	CONNECTION_COST = 4096, /* bytes, roughly, beside libmicrohttpd's pool */
	/*
	 * Of its pool, libmicrohttpd reads into one half. The other one is for a head's fields and
	 * for the answer's head; for what is missing there, an answer would never come.
	 */
	HEAD_RESERVE = 512,
};

/* --- connections come ------------------------------------------------------------------------- */

static void
on_connection(
    void *cls, struct MHD_Connection *mhd, void **context, enum MHD_ConnectionNotificationCode code)
{
	struct http_connection *connection = *context;

	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		connection = http_connection_create(cls, mhd);
	else
		http_connection_closed(connection, mhd);
	*context = code == MHD_CONNECTION_NOTIFY_STARTED ? connection : NULL;
}

/* False if all places are taken by connections that are busy. */
static bool
make_room(struct http_server *server)
{
	return server->connections.count + server->connections.away +
		server->requests.websockets->count <
	    server->limit ||
	    http_connections_drop_waiting(&server->connections);
}

static void
refuse(int fd, int status)
{
	http_connection_refuse(fd, status);
	close(fd);
}

/*
 * A place among its address's connections. A trusted proxy has many clients, and needs none. False
 * if there is none left.
 */
static bool
take_place(struct http_server *server, const struct sockaddr *address)
{
	struct limits *limits = &server->requests.sessions->limits;
	union net_address nearest;

	server->connections.arriving = NULL;
	net_address_set(&nearest, address);
	if (limits->connections.most == SIZE_MAX ||
	    trusted_proxies_has(server->requests.trusted, &nearest))
		return true;
	server->connections.arriving = limits_connection(limits, address);
	return server->connections.arriving != NULL;
}

void
http_server_add(struct http_server *server, int fd, const struct sockaddr *address, socklen_t len)
{
	static struct log_limit refused, failed;
	struct limits *limits = &server->requests.sessions->limits;

	if (!make_room(server)) {
		limits->reached[LIMIT_CONNECTION]++;
		log_limited(&refused, SEVERITY_ERROR,
		    "connection_limit (%zu) reached: a connection is refused", server->limit);
		refuse(fd, MHD_HTTP_SERVICE_UNAVAILABLE);
		return;
	}
	if (limits_refuse_for_memory(limits)) {
		refuse(fd, MHD_HTTP_SERVICE_UNAVAILABLE);
		return;
	}
	if (!take_place(server, address)) {
		refuse(fd, MHD_HTTP_TOO_MANY_REQUESTS);
		return;
	}
	/* libmicrohttpd closes the socket if it does not take it. */
	if (MHD_add_connection(server->mhd, fd, address, len) != MHD_YES)
		log_limited(&failed, SEVERITY_ERROR, "a connection could not be taken: %s",
		    strerror(errno));
	address_count_drop(&limits->addresses, server->connections.arriving);
	server->connections.has_work = true;
}

void
http_server_take(struct http_server *server, int fd, const struct sockaddr *address, socklen_t len,
    const char *bytes, size_t bytes_len)
{
	struct http_connection *connection;

	http_server_add(server, fd, address, len);
	connection = http_connections_find(&server->connections, fd);
	if (connection != NULL)
		http_connection_bring(connection, bytes, bytes_len);
}

void
http_server_add_control(struct http_server *server, int fd, enum http_way way,
    const struct sockaddr *address, socklen_t len)
{
	static struct log_limit refused, failed;
	const struct http_connections *all = &server->connections;
	bool publishes = way == HTTP_WAY_PUBLISH;

	if (publishes ? all->publish_count >= HTTP_PUBLISH_MAX
		      : all->control_count - all->publish_count >= HTTP_CONTROL_MAX) {
		log_limited(&refused, SEVERITY_ERROR,
		    "%s hold %d connections to the control socket: a further one gets 503",
		    publishes ? "publishers" : "those who may do everything",
		    publishes ? HTTP_PUBLISH_MAX : HTTP_CONTROL_MAX);
		refuse(fd, MHD_HTTP_SERVICE_UNAVAILABLE);
		return;
	}
	server->connections.arriving = NULL;
	server->connections.arriving_way = way;
	if (MHD_add_connection(server->mhd, fd, address, len) != MHD_YES)
		log_limited(&failed, SEVERITY_ERROR,
		    "a connection to the control socket could not be taken: %s", strerror(errno));
	server->connections.arriving_way = HTTP_WAY_CLIENTS;
	server->connections.has_work = true;
}

/* --- libmicrohttpd on our loop ---------------------------------------------------------------- */

static void
on_ready(uv_poll_t *poll, int status, int events)
{
	struct http_server *server = poll->data;

	(void)status;
	(void)events;
	server->connections.has_work = true;
}

static void
on_timer(uv_timer_t *timer)
{
	struct http_server *server = timer->data;

	server->connections.has_work = true;
}

static void
start_timer(struct http_server *server)
{
	MHD_UNSIGNED_LONG_LONG timeout;

	if (MHD_get_timeout(server->mhd, &timeout) != MHD_YES) {
		uv_timer_stop(&server->timer);
		return;
	}
	if (timeout == 0)
		server->connections.has_work = true;
	/* It is only moved when it would come too late: once a connection, not once a request. */
	else if (!uv_is_active((uv_handle_t *)&server->timer) ||
	    uv_timer_get_due_in(&server->timer) > timeout)
		uv_timer_start(&server->timer, on_timer, timeout, 0);
}

void
http_server_turn(struct http_server *server)
{
	http_requests_turn(&server->requests);
}

bool
http_server_is_waiting(const struct http_server *server)
{
	return !TAILQ_EMPTY(&server->requests.small) || !TAILQ_EMPTY(&server->requests.large);
}

bool
http_server_run(struct http_server *server)
{
	struct http_connections *all = &server->connections;

	if (!all->has_work && !http_parking_has_work(all))
		return false;
	loop_note_work();
	http_parking_run(all, server->mhd);
	/* What ended past libmicrohttpd is no work of its. */
	if (!all->has_work)
		return true;
	all->has_work = false;
	http_intake_run(all, server->mhd);
	start_timer(server);
	return true;
}

size_t
http_server_memory(const struct http_server *server)
{
	const struct http_connections *all = &server->connections;

	return all->count * CONNECTION_COST +
	    (all->count - all->parked_count) * server->connection_memory;
}

void
http_server_committed(struct http_server *server, enum commit_result committed)
{
	http_responses_committed(&server->requests.responses, committed);
}

/* --- start and stop --------------------------------------------------------------------------- */

static void
on_mhd_log(void *cls, const char *format, va_list args)
{
	char text[512];

	(void)cls;
	/* No path, which may have a session id. */
	if (strstr(format, "request for") != NULL)
		snprintf(text, sizeof text, "%s", format);
	else
		vsnprintf(text, sizeof text, format, args);
	text[strcspn(text, "\n")] = '\0';
	log_debug("libmicrohttpd: %s", text);
}

/* Paths stay percent-encoded: a session id is what was sent. */
static size_t
keep_encoded(void *cls, struct MHD_Connection *mhd, char *text)
{
	(void)cls;
	(void)mhd;
	return strlen(text);
}

static struct MHD_Daemon *
start_mhd(struct http_server *server, const struct server_options *options)
{
	unsigned idle_seconds = (unsigned)((options->keepalive_timeout + 999) / 1000);

	server->longest_idle = (uint64_t)idle_seconds * 1000;
	server->connections.pass_for = server->longest_idle;
	/* It has not heard of what passes it by, and may be about to be parked. */
	idle_seconds = 2 * idle_seconds + HTTP_PARK_DELAY / 1000 + 1;
	server->connections.mhd_timeout = idle_seconds;
	server->connection_memory = options->connection_memory;
	return MHD_start_daemon(HTTP_SERVER_ONE_THREAD | MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET |
		MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE | MHD_USE_ERROR_LOG,
	    0, NULL, NULL, http_dispatch_handle, &server->requests, MHD_OPTION_EXTERNAL_LOGGER,
	    on_mhd_log, NULL, MHD_OPTION_URI_LOG_CALLBACK, http_dispatch_begin, &server->requests,
	    MHD_OPTION_UNESCAPE_CALLBACK, keep_encoded, NULL, MHD_OPTION_NOTIFY_CONNECTION,
	    on_connection, &server->connections, MHD_OPTION_NOTIFY_COMPLETED,
	    http_dispatch_completed, NULL,
	    /* Ours may change, and is kept before libmicrohttpd sees a connection. */
	    MHD_OPTION_CONNECTION_LIMIT, (unsigned)INT_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
	    options->connection_memory,
	    /* For a peer that stops reading its response; the rest is ours. */
	    MHD_OPTION_CONNECTION_TIMEOUT, idle_seconds, MHD_OPTION_STRICT_FOR_CLIENT,
	    HTTP_SERVER_STRICTNESS, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
}

static void
trust(struct http_server *server, const char *proxies)
{
	struct error err = ERROR_INIT; /* cannot be: the option was checked */

	trusted_proxies_destroy(&server->requests.trusted);
	if (proxies != NULL)
		server->requests.trusted = trusted_proxies_create(proxies, &err);
}

int
http_server_start(struct http_server *server, const struct http_requests *requests,
    const struct server_options *options, size_t limit, struct error *err)
{
	const union MHD_DaemonInfo *info;

	*server = (struct http_server){.requests = *requests, .limit = limit};
	server->requests.responses.sessions = requests->sessions;
	TAILQ_INIT(&server->requests.small);
	TAILQ_INIT(&server->requests.large);
	trust(server, options->trusted_proxies);
	if (http_connections_init(&server->connections, requests->loop, requests->sessions,
		options->request_timeout, options->keepalive_timeout, err) == -1)
		return -1;
	http_parking_init(&server->connections);
	server->connections.head_max = options->connection_memory / 2 - HEAD_RESERVE;
	server->connections.hung_up = http_response_break;
	server->connections.can_write = http_response_flush;
	server->connections.ended = http_dispatch_ended;
	server->connections.pass = http_dispatch_pass;
	server->connections.pass_context = &server->requests;
	server->mhd = start_mhd(server, options);
	if (server->mhd == NULL)
		return error_set(
		    err, EX_OSERR, "libmicrohttpd could not be started: %s", strerror(errno));
	info = MHD_get_daemon_info(server->mhd, MHD_DAEMON_INFO_EPOLL_FD);
	if (info == NULL || uv_poll_init(requests->loop, &server->poll, info->listen_fd) != 0)
		return error_set(err, EX_OSERR, "libmicrohttpd was built without epoll");
	server->poll.data = server;
	uv_poll_start(&server->poll, UV_READABLE, on_ready);
	uv_timer_init(requests->loop, &server->timer);
	server->timer.data = server;
	return 0;
}

void
http_server_reconfigure(struct http_server *server, const struct server_options *options,
    size_t limit, struct static_files *files)
{
	server->limit = limit;
	static_files_close(&server->requests.files);
	server->requests.files = files;
	trust(server, options->trusted_proxies);
	http_connections_set_timeouts(
	    &server->connections, options->request_timeout, options->keepalive_timeout);
	if (options->keepalive_timeout > server->longest_idle)
		log_info("keepalive_timeout above %llus takes effect after a restart",
		    (unsigned long long)server->longest_idle / 1000);
}

void
http_server_drain(struct http_server *server)
{
	http_connections_drain(&server->connections);
}

void
http_server_stop(struct http_server *server)
{
	struct http_connection *connection;

	static_files_close(&server->requests.files);
	trust(server, NULL);
	if (server->mhd == NULL)
		return;
	server->requests.is_stopping = true;
	LIST_FOREACH(connection, &server->connections.list, entry)
		if (connection->response != NULL)
			http_response_break(connection->response);
	http_parking_run(&server->connections, server->mhd);
	http_intake_run(&server->connections, server->mhd);
	uv_close((uv_handle_t *)&server->poll, NULL);
	uv_close((uv_handle_t *)&server->timer, NULL);
	MHD_stop_daemon(server->mhd);
	server->mhd = NULL;
	http_parking_clear(&server->connections);
	http_connections_clear(&server->connections);
}
