/*
 * The requests of the responder: each is read, routed, and answered here or by sessiond.
 *
 * A request is made when a connection has it whole, and freed when the connection tells what became
 * of its response. In between it is told what happens by the callbacks below.
 */
#ifndef FCGI_REQUEST_H
#define FCGI_REQUEST_H

#include "common/loop.h"
#include "fcgi/daemon/backends.h"
#include "fcgi/daemon/request_counts.h"
#include "fcgi/webserver/connection.h"
#include "sockjs/reply.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Requests of the API that may be under way: their bodies are kept until they are answered. */
#define REQUEST_ASKS_MAX 128

struct request;

/* What all requests of a process share. Its owner sets the first four, and reads count. */
struct requests {
	struct backends *backends;
	struct request_counts *counts;
	struct loop *loop;
	bool is_streaming; /* a response may have more than one frame */
	size_t count;	   /* requests that are being handled, of all kinds */
	size_t asks;	   /* those of the API among them */
	/* There were two at once: the web server does not keep a process for each. */
	bool were_shared;
	uint64_t last_id;
	/* Of all replies: a composed body is sent before the next one is composed. */
	char text[REPLY_TEXT_SIZE];
};

/* For connections, whose owner is then a struct requests. */
extern const struct connection_calls request_connection_calls;

/* For the backend. */
extern const struct backend_calls request_backend_calls;

#endif
