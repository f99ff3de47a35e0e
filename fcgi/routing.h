/*
 * Which service and which of its endpoints a request is for, or whether it is the API's.
 */
#ifndef FCGI_ROUTING_H
#define FCGI_ROUTING_H

#include "fcgi/daemon/backends.h"
#include "fcgi/request_read.h"
#include "sockjs/route.h"

#include <stddef.h>

/* Borrows from the request. Holds a reference to the known_services of its service. */
struct routing {
	const struct known_service *service; /* NULL: the path is no service's */
	size_t prefix_len;		     /* bytes of the path that are the service's */
	const struct endpoint *endpoint;     /* NULL: no URL of SockJS */
	/* Where the API's path begins, if the request is one of those; NULL: it is none. */
	const char *api_path;
	size_t api_limit;	/* bytes of its body */
	const char *session_id; /* of endpoints that have one; no NUL at its end */
	size_t session_id_len;
};

/*
 * The services that a request is routed by: those of the daemon that has its session, if its path
 * names one. Another may not have a service any more that is retired. NULL: none are known.
 */
struct known_services *
routing_services(const struct cgi_request *cgi, const struct backends *backends);

/*
 * Finds the endpoint of a request. Of a retired service there are only its sessions. Where the
 * program lives in a folder of its own (/~user/app/sockjs.fcgi), prefixes count from there first.
 * Where the client's path is no service's, that which the web server has made of it counts, and
 * becomes the request's. The caller frees it with routing_clear.
 */
void routing_find(struct routing *routing, struct cgi_request *cgi, struct known_services *known);

/*
 * The same with the services that sessiond has told since. Returns -1, and changes nothing, if the
 * service is not among them.
 */
int routing_renew(struct routing *routing, struct known_services *known);

/* Safe on zeros. */
void routing_clear(struct routing *routing);

#endif
