/*
 * See origin.h.
 */
#include "fcgi/origin.h"

#include "fcgi/webserver/libfcgi.h"
#include "sockjs/forwarded.h"

#include <stdlib.h>
#include <string.h>

/* Reads an address from the variables; AF_UNSPEC if they hold none. */
static void
read_address(char *const *params, const char *address_name, const char *port_name,
    union net_address *address)
{
	const char *text = libfcgi_param(address_name, params);
	const char *port = libfcgi_param(port_name, params);

	if (text == NULL)
		text = "";
	if (net_address_parse(address, text, strlen(text)) && port != NULL)
		address->v4.sin_port = htons((uint16_t)atoi(port)); /* of both kinds */
}

void
origin_find_client(struct cgi_request *cgi, const struct trusted_proxies *trusted)
{
	const struct request_head *head = &cgi->head;
	union net_address nearest;

	read_address(cgi->params, "REMOTE_ADDR", "REMOTE_PORT", &nearest);
	cgi->head.from_trusted_proxy = trusted_proxies_has(trusted, &nearest);
	cgi->client = nearest;
	if (head->from_trusted_proxy)
		forwarded_client(trusted, &nearest, head->header(head->context, "X-Forwarded-For"),
		    head->header(head->context, "Forwarded"), &cgi->client);
}

void
origin_of(const struct cgi_request *cgi, size_t prefix_len, const char *more_headers,
    struct origin *origin)
{
	read_address(cgi->params, "SERVER_ADDR", "SERVER_PORT", &origin->local);
	origin->source = (struct connection_source){
	    .path = cgi->path,
	    .query = cgi->query,
	    .prefix_len = prefix_len,
	    .peer = &cgi->client.any,
	    .local = &origin->local.any,
	    .more_headers = more_headers,
	    .header = cgi->head.header,
	    .context = cgi->head.context,
	};
}
