/*
 * See http_server.h. Called by the acceptors and at the end of each turn; calls http_request.c through libmicrohttpd.
 */
#include "sessiond/http/http_server.h"

#include "common/log.h"
#include "sessiond/http/http_request.h"
#include "sessiond/http/static_files.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sysexits.h>
#include <unistd.h>

enum { HANGUPS_A_TURN = 256 };

static struct http_connection *
connection_of_timer(struct timer *timer)
{
	return (struct http_connection *)(void *)((char *)timer -
	    offsetof(struct http_connection, timer));
}

/* --- the life of a connection ------------------------------------------------------------------------------------- */

void
http_connection_unwatch(struct http_connection *connection)
{
	epoll_ctl(connection->server->hangup_fd, EPOLL_CTL_DEL, connection->fd, NULL);
}

/* For the connection's whole life: closing the descriptor takes it out of the set. */
static void
watch_hangup(struct http_connection *connection)
{
	struct epoll_event event = {.events = EPOLLRDHUP | EPOLLET, .data.ptr = connection};

	if (epoll_ctl(connection->server->hangup_fd, EPOLL_CTL_ADD, connection->fd, &event) == -1)
		log_error("a connection's hang-up cannot be watched: %s", strerror(errno));
}

static void
connection_create(struct http_server *server, struct MHD_Connection *mhd, void **context)
{
	struct http_connection *connection = calloc(1, sizeof *connection);

	if (connection == NULL)
		abort();
	connection->server = server;
	connection->mhd = mhd;
	connection->fd =
	    MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	connection->next = server->first;
	connection->link = &server->first;
	if (server->first != NULL)
		server->first->link = &connection->next;
	server->first = connection;
	server->count++;
	timer_start(&server->heads, &connection->timer, sessions_now(server->sessions));
	watch_hangup(connection);
	*context = connection;
}

static void
connection_destroy(struct http_connection *connection)
{
	timer_stop(&connection->timer);
	*connection->link = connection->next;
	if (connection->next != NULL)
		connection->next->link = connection->link;
	connection->server->count--;
	free(connection);
}

static void
on_connection(
    void *cls, struct MHD_Connection *mhd, void **context, enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		connection_create(cls, mhd, context);
	} else if (*context != NULL) {
		connection_destroy(*context);
		*context = NULL;
	}
}

void
http_connection_expect_body(struct http_connection *connection)
{
	timer_start(&connection->server->bodies, &connection->timer,
	    sessions_now(connection->server->sessions));
}

void
http_connection_arrived(struct http_connection *connection)
{
	timer_stop(&connection->timer);
}

void
http_connection_idle(struct http_connection *connection)
{
	timer_start(&connection->server->idles, &connection->timer,
	    sessions_now(connection->server->sessions));
	if (connection->server->is_draining)
		shutdown(connection->fd, SHUT_WR);
}

const struct sockaddr *
http_connection_peer(struct http_connection *connection)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(connection->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

	return info == NULL ? NULL : info->client_addr;
}

const struct sockaddr *
http_connection_local(struct http_connection *connection)
{
	struct sockaddr *local = (struct sockaddr *)&connection->local;
	socklen_t len = sizeof connection->local;

	if (!connection->has_local && getsockname(connection->fd, local, &len) == -1)
		return NULL;
	connection->has_local = true;
	return local;
}

/* --- hang-ups and deadlines --------------------------------------------------------------------------------------- */

/*
 * The peer sends nothing more. A suspended request ends with it. Elsewhere libmicrohttpd will read the end itself, if it looks:
 * it takes the end for read when it came with the last bytes (its epoll set is edge-triggered and says so only once), so the
 * socket's state is changed once more.
 */
static void
hang_up(struct http_connection *connection)
{
	connection->is_gone = true;
	if (connection->request != NULL && connection->request->is_suspended)
		http_request_hung_up(connection->request);
	else
		shutdown(connection->fd, SHUT_RD);
}

static void
on_hangups(uv_poll_t *poll, int status, int events)
{
	struct http_server *server = poll->data;
	struct epoll_event ready[HANGUPS_A_TURN];
	int i, n;

	(void)status;
	(void)events;
	n = epoll_wait(server->hangup_fd, ready, HANGUPS_A_TURN, 0);
	for (i = 0; i < n; i++)
		hang_up(ready[i].data.ptr);
}

static const char *
reason_of(int status)
{
	switch (status) {
	case 408:
		return "Request Timeout";
	case 413:
		return "Content Too Large";
	default:
		return "Service Unavailable";
	}
}

static void
write_bare_response(int fd, int status)
{
	char text[160];
	int n = snprintf(text, sizeof text,
	    "HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Length: 0\r\n%s\r\n", status,
	    reason_of(status), status == 503 ? "Retry-After: 1\r\n" : "");

	/* A peer that does not even take this much gets nothing. */
	if (send(fd, text, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) == -1)
		log_debug("a %d response could not be sent: %s", status, strerror(errno));
}

void
http_connection_abort(struct http_connection *connection, int status)
{
	timer_stop(&connection->timer);
	write_bare_response(connection->fd, status);
	shutdown(connection->fd, SHUT_RDWR);
}

static void
arrival_fire(struct timer *timer, void *ctx)
{
	(void)ctx;
	http_connection_abort(connection_of_timer(timer), MHD_HTTP_REQUEST_TIMEOUT);
}

static void
idle_fire(struct timer *timer, void *ctx)
{
	(void)ctx;
	shutdown(connection_of_timer(timer)->fd, SHUT_RDWR);
}

/* The connection that has been silent for longest, if one is: rather one that never asked for anything. */
static struct http_connection *
longest_silent(struct http_server *server)
{
	struct timer *timer = timer_queue_first(&server->heads);

	if (timer == NULL)
		timer = timer_queue_first(&server->idles);
	return timer == NULL ? NULL : connection_of_timer(timer);
}

static bool
make_room(struct http_server *server)
{
	struct http_connection *silent;

	if (server->count + server->websockets->count < server->limit)
		return true;
	silent = longest_silent(server);
	if (silent == NULL)
		return false;
	timer_stop(&silent->timer);
	shutdown(silent->fd, SHUT_RDWR);
	server->has_work = true;
	return true;
}

void
http_server_add(struct http_server *server, int fd, const struct sockaddr *address, socklen_t len)
{
	if (!make_room(server)) {
		log_error("connection_limit (%zu) reached: a connection is refused", server->limit);
		write_bare_response(fd, MHD_HTTP_SERVICE_UNAVAILABLE);
		close(fd);
		return;
	}
	/* libmicrohttpd closes the socket if it does not take it. */
	if (MHD_add_connection(server->mhd, fd, address, len) != MHD_YES)
		log_error("a connection could not be taken: %s", strerror(errno));
	server->has_work = true;
}

/* --- libmicrohttpd on our loop ------------------------------------------------------------------------------------ */

static void
on_ready(uv_poll_t *poll, int status, int events)
{
	struct http_server *server = poll->data;

	(void)status;
	(void)events;
	server->has_work = true;
}

static void
on_timer(uv_timer_t *timer)
{
	struct http_server *server = timer->data;

	server->has_work = true;
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
		server->has_work = true;
	/* Once for a connection, not for each of its requests: the timer is only moved when it would come too late. */
	else if (!uv_is_active((uv_handle_t *)&server->timer) ||
	    uv_timer_get_due_in(&server->timer) > timeout)
		uv_timer_start(&server->timer, on_timer, timeout, 0);
}

bool
http_server_run(struct http_server *server)
{
	if (!server->has_work)
		return false;
	server->has_work = false;
	MHD_run(server->mhd);
	start_timer(server);
	return true;
}

static void
on_mhd_log(void *cls, const char *format, va_list args)
{
	char text[512];

	(void)cls;
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
start_mhd(struct http_server *server)
{
	unsigned idle_seconds = (unsigned)((server->config->server.keepalive_timeout + 999) / 1000);

	server->longest_idle = (uint64_t)idle_seconds * 1000;
	return MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET |
		MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE | MHD_USE_ERROR_LOG,
	    0, NULL, NULL, http_request_handle, server, MHD_OPTION_EXTERNAL_LOGGER, on_mhd_log,
	    NULL, MHD_OPTION_URI_LOG_CALLBACK, http_request_begin, server,
	    MHD_OPTION_UNESCAPE_CALLBACK, keep_encoded, NULL, MHD_OPTION_NOTIFY_CONNECTION,
	    on_connection, server, MHD_OPTION_NOTIFY_COMPLETED, http_request_completed, server,
	    /* Ours may change, and is kept before libmicrohttpd sees a connection. */
	    MHD_OPTION_CONNECTION_LIMIT, (unsigned)INT_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
	    server->config->server.connection_memory,
	    /* For a peer that stops reading its response; the rest is ours. */
	    MHD_OPTION_CONNECTION_TIMEOUT, idle_seconds, MHD_OPTION_STRICT_FOR_CLIENT, 1,
	    MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
}

int
http_server_start(struct http_server *server, uv_loop_t *loop, struct config *config,
    struct services *services, struct sessions *sessions, struct websockets *websockets,
    struct hixie76_handshakes *handshakes, size_t limit, struct error *err)
{
	const union MHD_DaemonInfo *info;

	*server = (struct http_server){
	    .loop = loop,
	    .config = config,
	    .services = services,
	    .sessions = sessions,
	    .websockets = websockets,
	    .handshakes = handshakes,
	    .limit = limit,
	    .scratch = BUFFER_INIT,
	};
	if (config->server.static_folder != NULL) {
		server->files = static_files_open(config->server.static_folder, err);
		if (server->files == NULL)
			return -1;
	}
	timer_queue_add(&sessions->timers, &server->heads, config->server.request_timeout,
	    arrival_fire, server);
	timer_queue_add(&sessions->timers, &server->bodies, config->server.request_timeout,
	    arrival_fire, server);
	timer_queue_add(
	    &sessions->timers, &server->idles, config->server.keepalive_timeout, idle_fire, server);
	server->hangup_fd = epoll_create1(EPOLL_CLOEXEC);
	if (server->hangup_fd == -1 ||
	    uv_poll_init(loop, &server->hangup_poll, server->hangup_fd) != 0)
		return error_set(err, EX_OSERR, "epoll: %s", strerror(errno));
	server->hangup_poll.data = server;
	uv_poll_start(&server->hangup_poll, UV_READABLE, on_hangups);
	server->mhd = start_mhd(server);
	if (server->mhd == NULL)
		return error_set(
		    err, EX_OSERR, "libmicrohttpd could not be started: %s", strerror(errno));
	info = MHD_get_daemon_info(server->mhd, MHD_DAEMON_INFO_EPOLL_FD);
	if (info == NULL || uv_poll_init(loop, &server->poll, info->listen_fd) != 0)
		return error_set(err, EX_OSERR, "libmicrohttpd was built without epoll");
	server->poll.data = server;
	uv_poll_start(&server->poll, UV_READABLE, on_ready);
	uv_timer_init(loop, &server->timer);
	server->timer.data = server;
	return 0;
}

void
http_server_committed(struct http_server *server, enum commit_result committed)
{
	while (server->waiting != NULL)
		http_request_committed(server->waiting, committed);
}

void
http_server_reconfigure(struct http_server *server, size_t limit, struct static_files *files)
{
	const struct server_options *options = &server->config->server;

	server->limit = limit;
	static_files_close(&server->files);
	server->files = files;
	timer_queue_set_delay(&server->heads, options->request_timeout);
	timer_queue_set_delay(&server->bodies, options->request_timeout);
	timer_queue_set_delay(&server->idles, options->keepalive_timeout);
	if (options->keepalive_timeout > server->longest_idle)
		log_info("keepalive_timeout above %llus takes effect after a restart",
		    (unsigned long long)server->longest_idle / 1000);
}

void
http_server_drain(struct http_server *server)
{
	struct http_connection *connection;

	server->is_draining = true;
	for (connection = server->first; connection != NULL; connection = connection->next)
		if (connection->request == NULL)
			shutdown(connection->fd, SHUT_RDWR);
	server->has_work = true;
}

void
http_server_stop(struct http_server *server)
{
	struct http_connection *connection;

	server->is_stopping = true;
	for (connection = server->first; connection != NULL; connection = connection->next)
		if (connection->request != NULL)
			http_request_give_up(connection->request);
	MHD_run(server->mhd);
	uv_close((uv_handle_t *)&server->poll, NULL);
	uv_close((uv_handle_t *)&server->hangup_poll, NULL);
	close(server->hangup_fd);
	uv_close((uv_handle_t *)&server->timer, NULL);
	MHD_stop_daemon(server->mhd);
	server->mhd = NULL;
	timer_queue_remove(&server->sessions->timers, &server->heads);
	timer_queue_remove(&server->sessions->timers, &server->bodies);
	timer_queue_remove(&server->sessions->timers, &server->idles);
	static_files_close(&server->files);
	buffer_free(&server->scratch);
}
