/*
 * The HTTP side: libmicrohttpd without a thread of its own, driven by our loop, and the connections it holds.
 *
 * We accept (acceptor.c) and hand the socket over with http_server_add. libmicrohttpd reads requests and writes responses;
 * http_request.c decides them. What libmicrohttpd does not do is done here: an absolute time for a request to arrive, room for
 * newcomers when silent connections take all places, and noticing that the client of a suspended connection has hung up.
 */
#ifndef SESSIOND_HTTP_SERVER_H
#define SESSIOND_HTTP_SERVER_H

#include "common/error.h"
#include "common/timer_queue.h"
#include "conf/config.h"
#include "sessiond/session/session.h"
#include "sessiond/websocket/websocket.h"

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <uv.h>

struct hixie76_handshakes;
struct http_request;
struct static_files;

struct http_server {
	uv_loop_t *loop;
	struct config *config;
	struct services *services;
	struct sessions *sessions;
	struct websockets *websockets;
	struct hixie76_handshakes *handshakes;
	struct static_files *files; /* NULL: none */
	struct MHD_Daemon *mhd;
	uv_poll_t poll;	  /* libmicrohttpd's epoll descriptor */
	uv_timer_t timer; /* libmicrohttpd's timeouts */
	int hangup_fd;	  /* an epoll set of all connections, for their hang-ups */
	uv_poll_t hangup_poll;
	bool is_draining;
	bool is_stopping;	   /* no request is begun any more */
	bool has_work;		   /* libmicrohttpd has to run in this turn */
	struct timer_queue heads;  /* connections whose first request has to come */
	struct timer_queue bodies; /* requests whose body has to */
	struct timer_queue idles;  /* kept connections between two requests */
	struct http_connection *first;
	struct http_request *waiting; /* their answers may leave once the turn is committed */
	size_t count;		      /* connections in libmicrohttpd */
	size_t limit;		      /* of all connections, websockets included */
	uint64_t longest_idle;	      /* ms: libmicrohttpd's own limit, which cannot be changed */
	struct buffer scratch;
};

/* A connection inside libmicrohttpd; its socket is libmicrohttpd's. */
struct http_connection {
	struct http_server *server;
	struct http_connection *next, **link;
	struct MHD_Connection *mhd;
	int fd;
	struct timer timer; /* of heads, bodies or idles; none while a response is under way */
	struct http_request *request; /* the current one, NULL between two */
	bool is_gone;		      /* the peer hung up */
	bool has_local;		      /* local is filled */
	struct sockaddr_storage local;
};

/* Starts libmicrohttpd on the loop. Everything given is borrowed. limit: connections, websockets included. */
int http_server_start(struct http_server *server, uv_loop_t *loop, struct config *config,
    struct services *services, struct sessions *sessions, struct websockets *websockets,
    struct hixie76_handshakes *handshakes, size_t limit, struct error *err);

/*
 * Its configuration has other values now: limits and times count for what begins from now on. limit: as at the start. Takes files
 * (NULL: none) in place of those that it had.
 */
void http_server_reconfigure(struct http_server *server, size_t limit, struct static_files *files);

/* The daemon stops: connections between two requests are closed, the others when their response is complete. */
void http_server_drain(struct http_server *server);

/* Drops every connection and stops libmicrohttpd. The sessions of suspended requests must have been ended. */
void http_server_stop(struct http_server *server);

/* Takes a connected, non-blocking socket. May drop the longest silent connection to make room, or refuse (503). */
void
http_server_add(struct http_server *server, int fd, const struct sockaddr *address, socklen_t len);

/* Lets libmicrohttpd handle what is ready. Returns true if it had something to do. Once or more at the end of each turn. */
bool http_server_run(struct http_server *server);

/* The turn is committed, or could not be: the answers that waited for that leave. */
void http_server_committed(struct http_server *server, enum commit_result committed);

/* The request's head has arrived: its body has to, in request_timeout. */
void http_connection_expect_body(struct http_connection *connection);

/* The request is here; how long its answer takes is nobody's fault. */
void http_connection_arrived(struct http_connection *connection);

/* The response is complete: the next request may come within keepalive_timeout. */
void http_connection_idle(struct http_connection *connection);

/* Gives the descriptor up to its new owner: no watching any more. Before it is taken from libmicrohttpd. */
void http_connection_unwatch(struct http_connection *connection);

/*
 * Ends a request that is still being read: a bare response with that status, written past libmicrohttpd, then the end of the
 * connection, which libmicrohttpd will see.
 */
void http_connection_abort(struct http_connection *connection, int status);

/* The two ends; NULL if unknown. */
const struct sockaddr *http_connection_peer(struct http_connection *connection);
const struct sockaddr *http_connection_local(struct http_connection *connection);

#endif
