/*
 * See origin.h.
 */
#include "fcgi/origin.h"

#include "fcgi/webserver/params.h"
#include "sockjs/forwarded.h"

#include <stdlib.h>
#include <string.h>

/* Reads an address from the variables, without its port; AF_UNSPEC if they hold none. */
static void
read_address(const struct params *params, const char *name, union net_address *address)
{
	const char *text = params_find(params, name);

	if (text == NULL)
		text = "";
	net_address_parse(address, text, strlen(text));
}

static void
read_port(const struct params *params, const char *name, union net_address *address)
{
	const char *port = params_find(params, name);

	if (port != NULL && address->any.sa_family != AF_UNSPEC)
		address->v4.sin_port = htons((uint16_t)atoi(port)); /* of both kinds */
}

void
origin_find_client(struct cgi_request *cgi, const struct trusted_proxies *trusted)
{
	const struct request_head *head = &cgi->head;
	union net_address nearest;

	read_address(cgi->params, "REMOTE_ADDR", &cgi->client);
	cgi->head.from_trusted_proxy = trusted_proxies_has(trusted, &cgi->client);
	if (!head->from_trusted_proxy)
		return;
	nearest = cgi->client;
	forwarded_client(trusted, &nearest, head->header(head->context, "X-Forwarded-For"),
	    head->header(head->context, "Forwarded"), &cgi->client);
	cgi->is_named = !net_address_is_same(&nearest, &cgi->client);
}

void
origin_of(const struct cgi_request *cgi, size_t prefix_len, const char *more_headers,
    struct origin *origin)
{
	origin->client = cgi->client;
	if (!cgi->is_named)
		read_port(cgi->params, "REMOTE_PORT", &origin->client);
	read_address(cgi->params, "SERVER_ADDR", &origin->local);
	read_port(cgi->params, "SERVER_PORT", &origin->local);
	origin->source = (struct connection_source){
	    .path = cgi->path,
	    .query = cgi->query,
	    .prefix_len = prefix_len,
	    .peer = &origin->client.any,
	    .local = &origin->local.any,
	    .more_headers = more_headers,
	    .header = cgi->head.header,
	    .context = cgi->head.context,
	};
}
