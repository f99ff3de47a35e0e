/*
 * See origin.h.
 */
#include "fcgi/origin.h"

#include "fcgi/webserver/libfcgi.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

/* Fills *to from the variables; NULL if they hold no address. */
static const struct sockaddr *
address_of(
    char *const *params, const char *address_name, const char *port_name, union origin_address *to)
{
	const char *address = libfcgi_param(address_name, params);
	const char *port = libfcgi_param(port_name, params);
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
origin_of(const struct cgi_request *cgi, size_t prefix_len, struct origin *origin)
{
	origin->source = (struct connection_source){
	    .path = cgi->path,
	    .query = cgi->query,
	    .prefix_len = prefix_len,
	    .peer = address_of(cgi->params, "REMOTE_ADDR", "REMOTE_PORT", &origin->peer),
	    .local = address_of(cgi->params, "SERVER_ADDR", "SERVER_PORT", &origin->local),
	    .header = cgi->head.header,
	    .context = cgi->head.context,
	};
}
