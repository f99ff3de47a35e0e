/*
 * The HTTP side: libmicrohttpd without a thread of its own, driven by our loop.
 *
 * The acceptors hand sockets over with http_server_add. libmicrohttpd reads requests and writes
 * responses; http_dispatch.c decides who answers.
 */
#ifndef SESSIOND_HTTP_SERVER_H
#define SESSIOND_HTTP_SERVER_H

#include "common/error.h"
#include "sessiond/http/http_connection.h"
#include "sessiond/http/http_request.h"

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <uv.h>

struct server_options;

/*
 * For MHD_start_daemon. Without it, newer versions take a connection that is added only later, when
 * nobody knows any more whose it is.
 */
#if MHD_VERSION >= 0x00097707
#define HTTP_SERVER_ONE_THREAD MHD_USE_NO_THREAD_SAFETY
#else
#define HTTP_SERVER_ONE_THREAD 0
#endif

/*
 * For MHD_OPTION_STRICT_FOR_CLIENT. What may be taken in two ways http_framing.h has refused
 * already. With 1, newer versions drop a client for a second empty line before its request, without
 * a word.
 */
#if MHD_VERSION >= 0x00097701
#define HTTP_SERVER_STRICTNESS 0
#else
#define HTTP_SERVER_STRICTNESS 1
#endif

struct http_server {
	struct http_requests requests;
	struct http_connections connections;
	struct MHD_Daemon *mhd;	  /* NULL: it does not run */
	uv_poll_t poll;		  /* libmicrohttpd's epoll descriptor */
	uv_timer_t timer;	  /* libmicrohttpd's timeouts */
	size_t limit;		  /* of all connections, websockets included */
	size_t connection_memory; /* bytes: a pool of libmicrohttpd's */
	uint64_t longest_idle;	  /* ms: libmicrohttpd's own limit, which cannot be changed */
};

/*
 * Starts libmicrohttpd on the loop. requests: what requests borrow, set by the caller; of that, it
 * takes files. options: trusted_proxies, request_timeout, keepalive_timeout and connection_memory
 * are used. limit: connections, websockets included. Returns -1 and an error (EX_OSERR) if it
 * cannot be started.
 */
int http_server_start(struct http_server *server, const struct http_requests *requests,
    const struct server_options *options, size_t limit, struct error *err);

/*
 * Other limits and times count for what begins from now on. limit: as at the start. Takes files
 * (NULL: none) in place of those that it had.
 */
void http_server_reconfigure(struct http_server *server, const struct server_options *options,
    size_t limit, struct static_files *files);

/*
 * The daemon stops: connections between two requests are closed, the others when their response is
 * complete.
 */
void http_server_drain(struct http_server *server);

/*
 * Drops every connection and stops libmicrohttpd. The sessions of suspended requests must have been
 * ended. Does nothing if it does not run.
 */
void http_server_stop(struct http_server *server);

/*
 * Takes a connected, non-blocking socket. May drop the longest silent connection to make room, or
 * refuse (503).
 */
void
http_server_add(struct http_server *server, int fd, const struct sockaddr *address, socklen_t len);

/*
 * The same for one that another daemon has accepted, and of which it has read those bytes (copied).
 */
void http_server_take(struct http_server *server, int fd, const struct sockaddr *address,
    socklen_t len, const char *bytes, size_t bytes_len);

/*
 * Connections of the control socket: they are not among `limit`, which may be what one looks for.
 * Those of publishers do not take the others' places.
 */
#define HTTP_CONTROL_MAX 64
#define HTTP_PUBLISH_MAX 64

/*
 * The same for a connection of the control socket. way: what its peer may do; HTTP_WAY_BARRED gets
 * 403, whatever it asks.
 */
void http_server_add_control(struct http_server *server, int fd, enum http_way way,
    const struct sockaddr *address, socklen_t len);

/* A turn of the loop begins. */
void http_server_turn(struct http_server *server);

/* A turn has ended: true if requests wait for the next one, before which nothing may happen. */
bool http_server_is_waiting(const struct http_server *server);

/*
 * Lets libmicrohttpd handle what is ready. Returns true if it had something to do. Once or more at
 * the end of each turn.
 */
bool http_server_run(struct http_server *server);

/* Bytes that its connections take, roughly. */
size_t http_server_memory(const struct http_server *server);

/* The turn is committed, or could not be: the answers that waited for that leave. */
void http_server_committed(struct http_server *server, enum commit_result committed);

#endif
