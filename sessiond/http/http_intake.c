/*
 * See http_intake.h. Only while libmicrohttpd runs is a recv looked at. A head that was not seen
 * here is refused by the dispatcher, should a linker ever do otherwise.
 */
#include "sessiond/http/http_intake.h"

#include "common/log_limit.h"
#include "sessiond/session/session_set.h"
#include "sockjs/net_address.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>

static struct http_connections *running; /* libmicrohttpd is at work on these; NULL: it is not */

/* To be found by libmicrohttpd under libc's name, whatever libc's headers make of that. */
ssize_t http_intake_receive(int fd, void *to, size_t max, int flags) __asm__("recv")
    __attribute__((visibility("default"), used));

/*
 * The requests before the refused one are answered: now it is its turn, and the connection's end.
 */
static ssize_t
refuse(struct http_connection *connection)
{
	const struct http_refusal *refusal = connection->framing.refusal;
	static struct log_limit limit;

	log_limited(
	    &limit, SEVERITY_INFO, "a request is refused (%d): %s", refusal->status, refusal->text);
	http_connection_abort(connection, refusal->status);
	return 0;
}

/* The first bytes of a ClientHello: a record of that type, with a version of TLS (RFC 8446 5.1). */
static bool
is_tls(const struct http_connection *connection, const char *data, size_t len)
{
	return connection->heads == 0 && len >= 2 && data[0] == 0x16 && data[1] == 0x03;
}

static void
hint_at_tls(struct http_connection *connection)
{
	static struct log_limit limit;
	char address[INET6_ADDRSTRLEN];
	const struct sockaddr *local = http_connection_local(connection);

	log_limited(&limit, SEVERITY_ERROR,
	    "a client speaks TLS (https, wss) to port %d, which serves plain HTTP: TLS belongs into a "
	    "web server in front of it (from %s)",
	    local == NULL ? 0 : net_address_port(local),
	    net_address_text(http_connection_peer(connection), address));
}

/* libmicrohttpd has what comes before the request that is another daemon's. */
static ssize_t
leave(struct http_connection *connection, size_t passed)
{
	http_connection_leave(connection);
	errno = EAGAIN;
	return passed > 0 ? (ssize_t)passed : -1;
}

/* The bytes before this are taken: until it has left it has nothing to read, and then its end. */
static ssize_t
stop(struct http_connection *connection)
{
	if (connection->framing.state == HTTP_FRAMING_REFUSED)
		return refuse(connection);
	return connection->framing.line.len == 0 ? 0 : leave(connection, 0);
}

/* What another daemon had read. */
static ssize_t
take_brought(struct http_connection *connection, void *to, size_t max)
{
	struct buffer *brought = &connection->brought;
	size_t len = brought->len < max ? brought->len : max;

	memcpy(to, brought->data, len);
	buffer_consume(brought, len);
	if (brought->len == 0)
		buffer_free(brought);
	return (ssize_t)len;
}

static ssize_t
nothing_yet(void)
{
	errno = EAGAIN;
	return -1;
}

/* Nothing of an earlier request is left, and libmicrohttpd has not been without one for long. */
static bool
may_pass(const struct http_connection *connection)
{
	const struct http_connections *all = connection->all;

	return connection->heads == connection->framing.heads && connection->response == NULL &&
	    http_framing_is_between(&connection->framing) && connection->brought.len == 0 &&
	    connection->way == HTTP_WAY_CLIENTS && !all->is_draining &&
	    sessions_now(all->sessions) - connection->heard < all->pass_for;
}

/* It was one request, and nothing else. */
static bool
was_one_request(const struct http_connection *connection)
{
	const struct http_framing *framing = &connection->framing;

	return framing->heads == connection->heads + 1 && framing->is_http11 &&
	    framing->state == HTTP_FRAMING_REQUEST_LINE && framing->line.len == 0 &&
	    !framing->is_chunked;
}

/* is_all: nothing is left in the socket of which libmicrohttpd would have to be told once more. */
static ssize_t
judge(struct http_connection *connection, const char *data, size_t len, bool is_all)
{
	struct http_connections *all = connection->all;
	bool may = is_all && may_pass(connection);
	size_t passed;

	http_connection_hear(connection);
	passed = http_framing_feed(&connection->framing, data, len);
	if (connection->framing.state < HTTP_FRAMING_REFUSED)
		return may && was_one_request(connection) &&
			all->pass(all->pass_context, connection, data, len,
			    (size_t)connection->framing.length)
		    ? nothing_yet()
		    : (ssize_t)len;
	if (connection->framing.state == HTTP_FRAMING_ELSEWHERE)
		return leave(connection, passed);
	if (passed == 0 && is_tls(connection, data, len))
		hint_at_tls(connection);
	if (passed == 0)
		return refuse(connection);
	/* libmicrohttpd asks again only if the socket has changed. */
	shutdown(connection->fd, SHUT_RD);
	return (ssize_t)passed;
}

/*
 * libmicrohttpd reads before it asks for the answer of a connection that was suspended. What comes
 * after a request need not be known for that, so the socket is not asked: libmicrohttpd puts it
 * into its epoll set anew, which tells of it then. It does not tell of what was brought.
 */
static bool
skips_read(struct http_connection *connection)
{
	bool skips = connection->skips_read && connection->brought.len == 0;

	connection->skips_read = false;
	return skips;
}

ssize_t
http_intake_receive(int fd, void *to, size_t max, int flags)
{
	struct http_connection *connection =
	    running == NULL ? NULL : http_connections_find(running, fd);
	ssize_t n;

	if (connection != NULL && connection->passes) {
		connection->was_looked_at = true;
		return nothing_yet();
	}
	if (connection != NULL && connection->framing.state >= HTTP_FRAMING_REFUSED)
		return stop(connection);
	if (connection != NULL && skips_read(connection))
		return nothing_yet();
	n = connection != NULL && connection->brought.len > 0
	    ? take_brought(connection, to, max)
	    : recvfrom(fd, to, max, flags, NULL, NULL);
	if (connection == NULL || n < 0)
		return n;
	/* A client that sends nothing more may still read: libmicrohttpd would close it. */
	if (n == 0)
		return connection->is_answering ? nothing_yet() : 0;
	return judge(connection, to, (size_t)n, (size_t)n < max);
}

void
http_intake_run(struct http_connections *all, struct MHD_Daemon *mhd)
{
	running = all;
	MHD_run(mhd);
	running = NULL;
	http_connections_leave(all);
}
