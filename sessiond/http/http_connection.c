/*
 * See http_connection.h.
 *
 * libmicrohttpd owns the sockets. A connection that is to end is shut down here, which
 * libmicrohttpd finds when it next looks at it; then it closes the socket and
 * http_connection_destroy is called.
 */
#include "sessiond/http/http_connection.h"

#include "common/log.h"
#include "common/log_limit.h"
#include "common/memory.h"
#include "sessiond/session/session.h"
#include "sessiond/session/session_set.h"
#include "sessiond/system/socket_takeover.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sysexits.h>
#include <unistd.h>

enum {
	HANGUPS_A_TURN = 256,
	SHUTS = 2, /* see hang_up */
};

/* --- hang-ups --------------------------------------------------------------------------------- */

/*
 * The peer sends nothing more. A suspended request ends with it, unless it is about to go on in any
 * case. Elsewhere libmicrohttpd will read the end itself, if it looks. Its epoll set is
 * edge-triggered: an end that came with the last bytes was told together with them, once. So the
 * state of the socket is changed once more. Our own set hears of that, too, in the next turn. Then
 * it is changed again, for the first change may have been told together with the end. In between
 * libmicrohttpd has to look, even if this turn was not told of its set. A third would tell nobody
 * anything, and where the peer has closed the socket, so it would go on for ever.
 */
static void
hang_up(struct http_connection *connection)
{
	connection->is_gone = true;
	if (connection->is_held)
		return;
	if (connection->is_suspended) {
		connection->all->hung_up(connection->response);
	} else if (connection->shuts < SHUTS) {
		connection->shuts++;
		connection->all->has_work = true;
		shutdown(connection->fd, SHUT_RD);
	}
}

static void
let_write(struct http_connection *connection)
{
	if (connection->awaits_output && connection->response != NULL)
		connection->all->can_write(connection->response);
}

static void
on_hangups(uv_poll_t *poll, int status, int events)
{
	struct http_connections *all = poll->data;
	struct epoll_event ready[HANGUPS_A_TURN];
	int i, n;

	(void)status;
	(void)events;
	n = epoll_wait(all->hangup_fd, ready, HANGUPS_A_TURN, 0);
	for (i = 0; i < n; i++) {
		if ((ready[i].events & ~EPOLLOUT) != 0)
			hang_up(ready[i].data.ptr);
		/* From then on each event says that it hung up. */
		let_write(ready[i].data.ptr);
	}
}

void
http_connection_unwatch(struct http_connection *connection)
{
	epoll_ctl(connection->all->hangup_fd, EPOLL_CTL_DEL, connection->fd, NULL);
}

static void
put_by_fd(struct http_connections *all, int fd, struct http_connection *connection)
{
	size_t before = all->by_fd_size, i;

	while (all->by_fd_size <= (size_t)fd)
		all->by_fd =
		    xgrow(all->by_fd, &all->by_fd_size, all->by_fd_size, sizeof(*all->by_fd));
	for (i = before; i < all->by_fd_size; i++)
		all->by_fd[i] = NULL;
	all->by_fd[fd] = connection;
}

/*
 * For the connection's whole life: closing the descriptor takes it out of the set, unless another
 * daemon has not closed its own yet.
 */
void
http_connection_watch(struct http_connection *connection, int fd)
{
	static struct log_limit limit;
	struct http_connections *all = connection->all;
	unsigned output = connection->awaits_output ? EPOLLOUT : 0;
	struct epoll_event event = {
	    .events = EPOLLRDHUP | EPOLLET | output, .data.ptr = connection};

	put_by_fd(all, connection->fd, NULL);
	put_by_fd(all, fd, connection);
	connection->fd = fd;
	if (epoll_ctl(all->hangup_fd, EPOLL_CTL_ADD, fd, &event) == -1)
		log_limited(&limit, SEVERITY_ERROR, "a connection's hang-up cannot be watched: %s",
		    strerror(errno));
}

void
http_connection_await_output(struct http_connection *connection, bool took_something)
{
	static struct log_limit limit;
	struct http_connections *all = connection->all;
	struct epoll_event event = {
	    .events = EPOLLRDHUP | EPOLLOUT | EPOLLET, .data.ptr = connection};

	/* It is not parked meanwhile: its timer would be stopped. */
	if (!connection->is_parked)
		http_connection_leave_queue(connection);
	if (connection->way == HTTP_WAY_CLIENTS && (took_something || !connection->awaits_output))
		timer_start(&all->stalls, &connection->timer, sessions_now(all->sessions));
	if (connection->awaits_output)
		return;
	if (connection->passes)
		http_connection_spare(connection);
	connection->awaits_output = true;
	if (epoll_ctl(all->hangup_fd, EPOLL_CTL_MOD, connection->fd, &event) == -1)
		log_limited(&limit, SEVERITY_ERROR, "a connection's output cannot be watched: %s",
		    strerror(errno));
}

bool
http_connection_output_taken(struct http_connection *connection)
{
	bool awaited = connection->awaits_output;

	if (awaited)
		timer_stop(&connection->timer);
	connection->awaits_output = false;
	return awaited;
}

void
http_connection_spare(struct http_connection *connection)
{
	connection->is_spared = true;
	MHD_set_connection_option(connection->mhd, MHD_CONNECTION_OPTION_TIMEOUT, 0u);
}

/* --- the life of a connection ----------------------------------------------------------------- */

struct http_connection *
http_connections_find(const struct http_connections *all, int fd)
{
	return (size_t)fd < all->by_fd_size ? all->by_fd[fd] : NULL;
}

struct http_connection *
http_connection_create(struct http_connections *all, struct MHD_Connection *mhd)
{
	struct http_connection *connection = all->returning;

	all->returning = NULL;
	if (connection != NULL) {
		connection->mhd = mhd;
		connection->heard = sessions_now(all->sessions);
		return connection;
	}
	connection = xcalloc(1, sizeof *connection);
	connection->all = all;
	connection->mhd = mhd;
	connection->heard = sessions_now(all->sessions);
	connection->address = all->arriving;
	all->arriving = NULL;
	connection->way = all->arriving_way;
	all->control_count += connection->way != HTTP_WAY_CLIENTS;
	all->publish_count += connection->way == HTTP_WAY_PUBLISH;
	if (connection->way == HTTP_WAY_CLIENTS && limits_have_rates(&all->sessions->limits))
		connection->rates = xcalloc(1, sizeof *connection->rates);
	connection->fd =
	    MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	LIST_INSERT_HEAD(&all->list, connection, entry);
	all->count++;
	connection->is_in_head = true;
	connection->framing.head_max = all->head_max;
	connection->framing.context = all->context;
	connection->framing.is_elsewhere =
	    connection->way == HTTP_WAY_CLIENTS ? all->is_elsewhere : NULL;
	timer_start(&all->heads, &connection->timer, sessions_now(all->sessions));
	http_connection_watch(connection, connection->fd);
	return connection;
}

void
http_connection_closed(struct http_connection *connection, struct MHD_Connection *mhd)
{
	if (connection->mhd == mhd) {
		if (connection->passes) {
			connection->all->hung_up(connection->response);
			connection->all->ended(connection->response);
		}
		http_connection_destroy(&connection);
		return;
	}
	connection->all->ghosts--;
	if (--connection->ghosts == 0 && connection->is_dead)
		free(connection);
}

void
http_connection_destroy(struct http_connection **connection)
{
	struct http_connection *c = *connection;
	struct http_connections *all;

	*connection = NULL;
	if (c == NULL)
		return;
	all = c->all;
	timer_stop(&c->timer);
	http_connection_leave_queue(c);
	if (all->is_elsewhere != NULL)
		http_connection_unwatch(c);
	LIST_REMOVE(c, entry);
	if (c->is_leaving)
		LIST_REMOVE(c, leaving_entry);
	buffer_free(&c->brought);
	put_by_fd(all, c->fd, NULL);
	http_framing_clear(&c->framing);
	all->count--;
	all->control_count -= c->way != HTTP_WAY_CLIENTS;
	all->publish_count -= c->way == HTTP_WAY_PUBLISH;
	address_count_drop(&all->sessions->limits.addresses, c->address);
	free(c->rates);
	if (c->is_parked) {
		all->parked_count--;
		close(c->fd);
	}
	c->is_dead = true;
	if (c->ghosts == 0)
		free(c);
}

void
http_connection_enter(struct http_connection *connection, struct http_connection_queue *queue)
{
	http_connection_leave_queue(connection);
	TAILQ_INSERT_TAIL(queue, connection, queue_entry);
	connection->queue = queue;
}

void
http_connection_leave_queue(struct http_connection *connection)
{
	if (connection->queue != NULL)
		TAILQ_REMOVE(connection->queue, connection, queue_entry);
	connection->queue = NULL;
}

void
http_connection_hear(struct http_connection *connection)
{
	struct http_connections *all = connection->all;

	if (connection->is_in_head || connection->response != NULL)
		return;
	connection->is_in_head = true;
	timer_start(&all->heads, &connection->timer, sessions_now(all->sessions));
}

void
http_connection_expect_body(struct http_connection *connection)
{
	struct http_connections *all = connection->all;

	timer_start(&all->bodies, &connection->timer, sessions_now(all->sessions));
}

void
http_connection_arrived(struct http_connection *connection)
{
	timer_stop(&connection->timer);
	connection->is_answering = true;
}

void
http_connection_idle(struct http_connection *connection)
{
	struct http_connections *all = connection->all;
	bool is_last = connection->is_gone && connection->heads == connection->framing.heads;

	connection->is_answering = connection->is_due = connection->skips_read = false;
	connection->is_in_head = !http_framing_is_between(&connection->framing);
	timer_start(connection->is_in_head ? &all->heads : &all->idles, &connection->timer,
	    sessions_now(all->sessions));
	if (connection->framing.state == HTTP_FRAMING_ELSEWHERE)
		http_connection_leave(connection);
	else if (all->is_draining || is_last)
		shutdown(connection->fd, SHUT_WR);
}

void
http_connection_hold(struct http_connection *connection)
{
	connection->is_suspended = connection->is_held = true;
	connection->is_due = false;
	MHD_suspend_connection(connection->mhd);
}

bool
http_connection_suspend(struct http_connection *connection)
{
	if (connection->is_gone)
		return false;
	http_connection_hold(connection);
	connection->is_held = false;
	return true;
}

void
http_connection_resume(struct http_connection *connection)
{
	if (!connection->is_suspended)
		return;
	/* That of its wait; a request that is still to come has another. */
	if (connection->response != NULL)
		timer_stop(&connection->timer);
	if (connection->is_parked || connection->passes) {
		http_connection_enter(connection, &connection->all->done);
		return;
	}
	http_connection_leave_queue(connection);
	connection->is_suspended = connection->is_held = false;
	connection->skips_read = connection->is_answering;
	connection->all->has_work = true;
	MHD_resume_connection(connection->mhd);
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

/* --- to and from other daemons ---------------------------------------------------------------- */

void
http_connection_leave(struct http_connection *connection)
{
	if (connection->is_leaving || connection->response != NULL ||
	    connection->heads < connection->framing.heads)
		return;
	connection->is_leaving = true;
	LIST_INSERT_HEAD(&connection->all->leaving, connection, leaving_entry);
}

/*
 * libmicrohttpd takes it out of its epoll set while it is suspended, and then reads its end
 * (http_intake.c).
 */
static void
leave(struct http_connection *connection)
{
	struct http_connections *all = connection->all;
	struct address_entry *address = connection->address;
	struct buffer *line = &connection->framing.line;
	int fd;

	/* It was shut down behind the last answer, here or by libmicrohttpd, or has failed. */
	if (send(connection->fd, "", 0, MSG_NOSIGNAL | MSG_DONTWAIT) == -1) {
		buffer_free(line);
		shutdown(connection->fd, SHUT_RDWR);
		all->has_work = true;
		return;
	}
	/* What was brought, and not read again here, follows. */
	buffer_append(line, connection->brought.data, connection->brought.len);
	MHD_suspend_connection(connection->mhd);
	http_connection_unwatch(connection);
	fd = buffer_failed(line) ? -1 : socket_takeover(connection->fd);
	if (fd == -1) {
		http_connection_abort(connection, MHD_HTTP_SERVICE_UNAVAILABLE);
		buffer_free(line);
	} else {
		connection->address = NULL;
		all->left(all->context, fd, address, line);
		*line = (struct buffer)BUFFER_INIT;
	}
	MHD_resume_connection(connection->mhd);
	all->has_work = true;
}

void
http_connections_leave(struct http_connections *all)
{
	struct http_connection *connection;

	while ((connection = LIST_FIRST(&all->leaving)) != NULL) {
		LIST_REMOVE(connection, leaving_entry);
		connection->is_leaving = false;
		leave(connection);
	}
}

/* libmicrohttpd, which has nothing to read in the socket, reads when it is resumed. */
void
http_connection_bring(struct http_connection *connection, const char *bytes, size_t len)
{
	buffer_append(&connection->brought, bytes, len);
	if (buffer_failed(&connection->brought)) {
		http_connection_abort(connection, MHD_HTTP_SERVICE_UNAVAILABLE);
		return;
	}
	connection->framing.stays = true;
	http_connection_hold(connection);
	http_connection_resume(connection);
}

/* --- an early end ----------------------------------------------------------------------------- */

void
http_connection_refuse(int fd, int status)
{
	char text[160];
	int n = snprintf(text, sizeof text,
	    "HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Length: 0\r\n%s\r\n", status,
	    MHD_get_reason_phrase_for((unsigned)status),
	    status == MHD_HTTP_SERVICE_UNAVAILABLE || status == MHD_HTTP_TOO_MANY_REQUESTS
		? "Retry-After: 1\r\n"
		: "");

	/* A peer that does not even take this much gets nothing. */
	if (send(fd, text, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) == -1)
		log_debug("a %d response could not be sent: %s", status, strerror(errno));
}

void
http_connection_abort(struct http_connection *connection, int status)
{
	timer_stop(&connection->timer);
	http_connection_refuse(connection->fd, status);
	shutdown(connection->fd, SHUT_RDWR);
}

static void
arrival_fire(struct timer *timer, void *ctx)
{
	(void)ctx;
	http_connection_abort(
	    container_of(timer, struct http_connection, timer), MHD_HTTP_REQUEST_TIMEOUT);
}

static void
idle_fire(struct timer *timer, void *ctx)
{
	(void)ctx;
	shutdown(container_of(timer, struct http_connection, timer)->fd, SHUT_RDWR);
}

/* --- all of them ------------------------------------------------------------------------------ */

int
http_connections_init(struct http_connections *all, uv_loop_t *loop, struct sessions *sessions,
    uint64_t request_timeout, uint64_t keepalive_timeout, struct error *err)
{
	struct timers *timers = &sessions->timers;

	*all = (struct http_connections){.sessions = sessions};
	all->hangup_fd = epoll_create1(EPOLL_CLOEXEC);
	if (all->hangup_fd == -1 || uv_poll_init(loop, &all->hangup_poll, all->hangup_fd) != 0)
		return error_set(err, EX_OSERR, "epoll: %s", strerror(errno));
	all->hangup_poll.data = all;
	uv_poll_start(&all->hangup_poll, UV_READABLE, on_hangups);
	timer_queue_add(timers, &all->heads, request_timeout, arrival_fire, NULL);
	timer_queue_add(timers, &all->bodies, request_timeout, arrival_fire, NULL);
	timer_queue_add(timers, &all->idles, keepalive_timeout, idle_fire, NULL);
	timer_queue_add(timers, &all->stalls, keepalive_timeout, idle_fire, NULL);
	timer_queue_add(timers, &all->lasts, HTTP_DRAIN_GRACE, idle_fire, NULL);
	return 0;
}

void
http_connections_set_timeouts(
    struct http_connections *all, uint64_t request_timeout, uint64_t keepalive_timeout)
{
	timer_queue_set_delay(&all->heads, request_timeout);
	timer_queue_set_delay(&all->bodies, request_timeout);
	timer_queue_set_delay(&all->idles, keepalive_timeout);
	timer_queue_set_delay(&all->stalls, keepalive_timeout);
}

/* What has come already is answered: a web server in front would make an error of it. */
static bool
has_unread(const struct http_connection *connection)
{
	int bytes = 0;

	return ioctl(connection->fd, FIONREAD, &bytes) == 0 && bytes > 0;
}

/* Bytes of a request have come, or it is the first one, which may be under way. */
static bool
awaits_request(const struct http_connection *connection)
{
	return connection->way == HTTP_WAY_CLIENTS && timer_is_running(&connection->timer) &&
	    (connection->heads == 0 || !http_framing_is_between(&connection->framing));
}

static void
drain(struct http_connection *connection)
{
	struct http_connections *all = connection->all;

	if (connection->response != NULL || has_unread(connection))
		return;
	if (awaits_request(connection))
		timer_start(&all->lasts, &connection->timer, sessions_now(all->sessions));
	else
		shutdown(connection->fd, SHUT_RDWR);
}

void
http_connections_drain(struct http_connections *all)
{
	struct http_connection *connection;

	all->is_draining = true;
	LIST_FOREACH(connection, &all->list, entry)
		drain(connection);
	all->has_work = true;
}

bool
http_connections_drop_waiting(struct http_connections *all)
{
	struct timer *timer = timer_queue_first(&all->heads);

	if (timer == NULL)
		timer = timer_queue_first(&all->idles);
	if (timer == NULL)
		timer = timer_queue_first(&all->bodies);
	if (timer == NULL)
		return false;
	timer_stop(timer);
	shutdown(container_of(timer, struct http_connection, timer)->fd, SHUT_RDWR);
	all->has_work = true;
	return true;
}

void
http_connections_clear(struct http_connections *all)
{
	struct timers *timers = &all->sessions->timers;

	uv_close((uv_handle_t *)&all->hangup_poll, NULL);
	close(all->hangup_fd);
	free(all->by_fd);
	timer_queue_remove(timers, &all->heads);
	timer_queue_remove(timers, &all->bodies);
	timer_queue_remove(timers, &all->idles);
	timer_queue_remove(timers, &all->stalls);
	timer_queue_remove(timers, &all->lasts);
}
