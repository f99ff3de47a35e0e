/*
 * See request_log.h.
 */
#include "fcgi/request_log.h"

#include "common/log_limit.h"
#include "sockjs/net_address.h"
#include "sockjs/route.h"

#include <string.h>

static const char *
client_of(const struct cgi_request *cgi, char text[INET6_ADDRSTRLEN])
{
	if (net_address_text(&cgi->client.any, text)[0] == '\0')
		strcpy(text, "-");
	return text;
}

void
request_log(const struct cgi_request *cgi, const struct routing *routing, int status, uint64_t ms)
{
	const struct known_service *service = routing->service;
	char path[LOG_TEXT_MAX], address[INET6_ADDRSTRLEN];

	if (service != NULL && service->protocol.options.log_level < SEVERITY_INFO)
		return;
	route_log_path(cgi->path, routing->prefix_len, routing->endpoint, routing->session_id,
	    routing->session_id_len, path, sizeof path);
	log_info("%s %.15s %s %d %llums", client_of(cgi, address), cgi->head.method, path, status,
	    (unsigned long long)ms);
}

/* The session id is what lets one speak in another's name: the log has its beginning only. */
void
request_log_guilty(
    const struct cgi_request *cgi, const struct routing *routing, unsigned losses, size_t len)
{
	static struct log_limit limit;
	char path[LOG_TEXT_MAX];

	route_log_path(cgi->path, routing->prefix_len, routing->endpoint, routing->session_id,
	    routing->session_id_len, path, sizeof path);
	log_limited(&limit, SEVERITY_ERROR,
	    "sessiond was lost %u times with one request, %s %s (%zu bytes of messages): it gets 503",
	    losses, cgi->head.method, path, len);
}

void
request_log_forbidden(const struct cgi_request *cgi, const struct routing *routing)
{
	static struct log_limit limit;
	const struct known_service *service = routing->service;
	char claim[ORIGIN_CLAIM_MAX], address[INET6_ADDRSTRLEN];

	reply_describe_claim(routing->endpoint, &cgi->head, claim);
	log_limited(&limit, SEVERITY_ERROR, "%s: %s, from %s, is not let in (%s)",
	    service->prefix.name, claim, net_address_text(&cgi->client.any, address),
	    reply_forbidding_option(&service->protocol));
}
