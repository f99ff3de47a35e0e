/*
 * See origin.h. Called for each request that goes to sessiond.
 */
#include "fcgi/origin.h"
#include "fcgi/webserver/libfcgi.h"

#include "fcgi/request.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

/* Fills *to from the variables; NULL if they hold no address. */
static const struct sockaddr *
address_of(const struct request *request, const char *address_name, const char *port_name,
    union origin_address *to)
{
	const char *address = libfcgi_param(address_name, request->params);
	const char *port = libfcgi_param(port_name, request->params);
	uint16_t number = port == NULL ? 0 : (uint16_t)atoi(port);

	memset(to, 0, sizeof *to);
	if (address == NULL)
		return NULL;
	if (inet_pton(AF_INET, address, &to->v4.sin_addr) == 1) {
		to->v4.sin_family = AF_INET;
		to->v4.sin_port = htons(number);
		return &to->any;
	}
	if (inet_pton(AF_INET6, address, &to->v6.sin6_addr) == 1) {
		to->v6.sin6_family = AF_INET6;
		to->v6.sin6_port = htons(number);
		return &to->any;
	}
	return NULL;
}

void
origin_of(const struct request *request, struct origin *origin)
{
	origin->source = (struct connection_source){
	    .path = request->path,
	    .query = request->query,
	    .prefix_len = request->prefix_len,
	    .peer = address_of(request, "REMOTE_ADDR", "REMOTE_PORT", &origin->peer),
	    .local = address_of(request, "SERVER_ADDR", "SERVER_PORT", &origin->local),
	    .header = request->head.header,
	    .context = request->head.context,
	};
}
