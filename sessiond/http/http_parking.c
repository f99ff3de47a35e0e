/*
 * See http_parking.h. A connection is in `due` from when its wait was over until libmicrohttpd is
 * resumed for it, in `done` from when its answer was written, or cannot be.
 */
#include "sessiond/http/http_parking.h"

#include "common/memory.h"
#include "sessiond/session/session_set.h"
#include "sessiond/system/socket_takeover.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

static void
wait_fire(struct timer *timer, void *ctx)
{
	struct http_connection *connection = container_of(timer, struct http_connection, timer);

	http_connection_enter(connection, &((struct http_connections *)ctx)->due);
}

void
http_parking_init(struct http_connections *all)
{
	TAILQ_INIT(&all->due);
	TAILQ_INIT(&all->done);
	timer_queue_add(&all->sessions->timers, &all->waits, HTTP_PARK_DELAY, wait_fire, all);
}

void
http_parking_clear(struct http_connections *all)
{
	timer_queue_remove(&all->sessions->timers, &all->waits);
}

/* libmicrohttpd has nothing of it but this request. */
static bool
may_park(const struct http_connection *connection)
{
	return connection->way == HTTP_WAY_CLIENTS && !connection->is_parked &&
	    connection->brought.len == 0 && connection->heads == connection->framing.heads &&
	    http_framing_is_between(&connection->framing);
}

void
http_parking_expect(struct http_connection *connection)
{
	struct http_connections *all = connection->all;

	if (may_park(connection))
		timer_start(&all->waits, &connection->timer, sessions_now(all->sessions));
}

bool
http_parking_is_due(const struct http_connection *connection)
{
	return connection->is_due && may_park(connection);
}

bool
http_parking_enter(struct http_connection *connection)
{
	struct http_connections *all = connection->all;
	const int on = 1;
	int taken;

	http_connection_unwatch(connection);
	taken = socket_takeover(connection->fd);
	http_connection_watch(connection, taken == -1 ? connection->fd : taken);
	if (taken == -1)
		return false;
	/* Whatever libmicrohttpd has set: an answer is one write. Not for a Unix socket. */
	setsockopt(taken, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	connection->is_due = connection->passes = connection->is_spared = false;
	connection->is_parked = connection->is_suspended = true;
	connection->mhd = NULL;
	connection->ghosts++;
	all->ghosts++;
	all->parked_count++;
	return true;
}

/* libmicrohttpd, which waits for a request, finds the end of its connection. */
static void
park_passing(struct http_connection *connection)
{
	struct MHD_Connection *mhd = connection->mhd;

	http_connection_leave_queue(connection);
	MHD_suspend_connection(mhd);
	if (!http_parking_enter(connection)) {
		http_connection_spare(connection);
		http_parking_expect(connection);
	}
	MHD_resume_connection(mhd);
	connection->all->has_work = true;
}

/* libmicrohttpd reads the next request, of which it may have been told already. */
static void
end_passing(struct http_connection *connection, bool goes_on)
{
	struct http_connections *all = connection->all;

	connection->passes = connection->is_suspended = connection->is_held = false;
	if (connection->is_spared) {
		connection->is_spared = false;
		connection->heard = sessions_now(all->sessions);
		MHD_set_connection_option(
		    connection->mhd, MHD_CONNECTION_OPTION_TIMEOUT, all->mhd_timeout);
	}
	if (!goes_on) {
		shutdown(connection->fd, SHUT_RDWR);
	} else if (connection->was_looked_at || connection->is_gone) {
		http_connection_hold(connection);
		http_connection_resume(connection);
	}
}

/* For the next request. */
static void
give_back(struct http_connection *connection, struct MHD_Daemon *mhd)
{
	struct http_connections *all = connection->all;
	struct sockaddr_storage address;
	socklen_t len = sizeof address;

	if (getpeername(connection->fd, (struct sockaddr *)&address, &len) == -1) {
		http_connection_destroy(&connection);
		return;
	}
	connection->is_parked = connection->is_suspended = connection->is_held = false;
	all->parked_count--;
	all->returning = connection;
	all->has_work = true;
	MHD_add_connection(mhd, connection->fd, (struct sockaddr *)&address, len);
	/* It was not taken; libmicrohttpd has closed the socket. */
	http_connection_destroy(&all->returning);
}

static void
finish(struct http_connection *connection, struct MHD_Daemon *mhd)
{
	struct http_connections *all = connection->all;
	bool goes_on;

	http_connection_leave_queue(connection);
	goes_on = all->ended(connection->response);
	if (connection->passes)
		end_passing(connection, goes_on);
	else if (goes_on && !all->is_draining && !connection->is_gone)
		give_back(connection, mhd);
	else
		http_connection_destroy(&connection);
}

bool
http_parking_has_work(const struct http_connections *all)
{
	return !TAILQ_EMPTY(&all->done) || !TAILQ_EMPTY(&all->due);
}

void
http_parking_run(struct http_connections *all, struct MHD_Daemon *mhd)
{
	struct http_connection *connection;

	while ((connection = TAILQ_FIRST(&all->done)) != NULL)
		finish(connection, mhd);
	for (size_t i = all->ghosts; i < HTTP_PARK_MOST && !TAILQ_EMPTY(&all->due); i++) {
		connection = TAILQ_FIRST(&all->due);
		if (connection->passes) {
			park_passing(connection);
			continue;
		}
		http_connection_resume(connection);
		connection->is_due = true;
	}
	/* It has to end ghosts. */
	if (!TAILQ_EMPTY(&all->due))
		all->has_work = true;
}
