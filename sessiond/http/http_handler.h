/*
 * Who answers requests that belong to no service: tables that the daemon fills, so that nobody here
 * knows what else it can do.
 */
#ifndef SESSIOND_HTTP_HANDLER_H
#define SESSIOND_HTTP_HANDLER_H

#include <stdbool.h>
#include <stddef.h>

struct http_request;

/* How a connection came. */
enum http_way {
	HTTP_WAY_CLIENTS, /* `listen`, or `socket` of a web server */
	HTTP_WAY_CONTROL, /* the control socket, by somebody who may use it */
	HTTP_WAY_PUBLISH, /* the control socket, by somebody who may publish only */
	HTTP_WAY_BARRED,  /* the control socket, by somebody who may not */
};

struct http_handler {
	const char *path;   /* all of it; with a / at its end: each path that begins so */
	const char *method; /* GET: HEAD, too; NULL: each */
	unsigned ways;	    /* bit 1 << enum http_way of each that it is on */
	bool takes_body;    /* request->body is there; else it was thrown away */
	/* Answers now, or later. False: it does not exist for this request, which goes on. */
	bool (*answer)(void *context, struct http_request *request);
};

struct http_handlers {
	const struct http_handler *table; /* ended by one without a path; NULL: the last of all */
	void *context;
	/* Below which path the table's are, as in "/live"; "" or NULL: below none. */
	const char *(*folder)(void *context);
	/* Bytes of a body that one of the table takes; NULL: as many as outside every service. */
	size_t (*body_limit)(void *context);
};

#endif
