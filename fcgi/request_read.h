/*
 * A request as the web server's variables tell it (CGI, RFC 3875).
 */
#ifndef FCGI_REQUEST_READ_H
#define FCGI_REQUEST_READ_H

#include "sockjs/net_address.h"
#include "sockjs/reply.h"

#include <stdbool.h>

struct params;

struct cgi_request {
	const struct params *params; /* borrowed (params.h) */
	char *target;	 /* owned; the next three point into it, but for a rewritten path */
	char *rewritten; /* owned; NULL: not looked at */
	char *path;	 /* percent-encoded, as the service's prefix is matched against */
	char *query;	 /* NULL: none */
	char *authority; /* of an absolute target, which stands for Host; else NULL */
	struct request_head head; /* points to the others; its time is not set */
	union net_address client; /* without port; AF_UNSPEC: not known, or not yet (origin.h) */
	bool is_named;		  /* a header names the client */
};

/*
 * Fills *cgi, which stays where it is, from params, and has to be cleared then. Returns -1 if they
 * are not enough; the log says why, and there is nothing to clear.
 */
int request_read(struct cgi_request *cgi, const struct params *params);

/*
 * Takes the path that the web server has made of the client's by its own rules (SCRIPT_NAME and
 * PATH_INFO) in its place. False, and nothing changes, if it tells none.
 */
bool request_read_rewritten(struct cgi_request *cgi);

/* Frees what request_read made. Safe on zeros. */
void request_read_clear(struct cgi_request *cgi);

#endif
