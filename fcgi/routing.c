/*
 * See routing.h.
 */
#include "fcgi/routing.h"

#include "fcgi/webserver/params.h"
#include "sockjs/prefix.h"

#include <string.h>

/* The service of what follows the first `skipped` bytes of the path. */
static bool
find_behind(struct routing *routing, const struct known_services *known, bool retired,
    const char *path, size_t skipped)
{
	routing->service =
	    known_services_find(known, retired, path + skipped, &routing->prefix_len);
	routing->prefix_len += skipped;
	return routing->service != NULL;
}

/*
 * Where in the path that begins which prefixes are matched against, the likeliest first: where the
 * program lies, then its folder, then the path's beginning. Returns how many there are.
 */
static size_t
find_begins(const struct cgi_request *cgi, size_t begins[3])
{
	const char *script = params_find(cgi->params, "SCRIPT_NAME"), *path = cgi->path;
	size_t len, count = 0;
	long span;

	if (script == NULL)
		script = "";
	len = strlen(script);
	/* SCRIPT_NAME is decoded, the path is not. */
	span = prefix_span(script, len, path);
	/* A web server that gives every path to the program may call it by that path. */
	if (span != -1 && path[span] == '\0')
		len = 0;
	else if (span > 0)
		begins[count++] = (size_t)span;
	while (len > 0 && script[len - 1] != '/')
		len--;
	span = prefix_span(script, len, path);
	if (len > 1 && span != -1)
		begins[count++] = (size_t)span - 1;
	begins[count++] = 0;
	return count;
}

static bool
find_service(struct routing *routing, const struct cgi_request *cgi,
    const struct known_services *known, bool retired)
{
	size_t begins[3], count = find_begins(cgi, begins), i;

	for (i = 0; i < count; i++)
		if (find_behind(routing, known, retired, cgi->path, begins[i]))
			return true;
	return false;
}

static void
find_api(struct routing *routing, const struct cgi_request *cgi, const struct known_services *known)
{
	size_t begins[3], count, i;

	if (known->api.path == NULL || routing->endpoint != NULL)
		return;
	count = find_begins(cgi, begins);
	for (i = 0; i < count && routing->api_path == NULL; i++)
		if (strncmp(cgi->path + begins[i], known->api.path, strlen(known->api.path)) == 0)
			routing->api_path = cgi->path + begins[i];
	routing->api_limit = known->api.body_limit;
}

static void
find_endpoint(struct routing *routing, const struct cgi_request *cgi,
    const struct known_services *known, bool retired)
{
	const char *rest;

	*routing = (struct routing){.service = NULL};
	if (!find_service(routing, cgi, known, retired))
		return;
	rest = cgi->path + routing->prefix_len;
	routing->endpoint = reply_route(&routing->service->protocol, rest, strlen(rest),
	    &routing->session_id, &routing->session_id_len);
}

static bool
concerns_session(const struct endpoint *endpoint)
{
	return endpoint != NULL &&
	    (endpoint->id == ENDPOINT_RECEIVE || endpoint->id == ENDPOINT_SEND);
}

static void
find_of_path(struct routing *routing, const struct cgi_request *cgi, struct known_services *known)
{
	find_endpoint(routing, cgi, known, false);
	/* sessiond says which sessions a retired service has. */
	if (known->has_retired && !concerns_session(routing->endpoint)) {
		find_endpoint(routing, cgi, known, true);
		if (!concerns_session(routing->endpoint))
			find_endpoint(routing, cgi, known, false);
	}
	find_api(routing, cgi, known);
}

struct known_services *
routing_services(const struct cgi_request *cgi, const struct backends *backends)
{
	const char *session = NULL;
	size_t len = 0;

	if (backends_are_several(backends))
		route_session(cgi->path, strlen(cgi->path), &session, &len);
	return backends_services(backends, session, len);
}

void
routing_find(struct routing *routing, struct cgi_request *cgi, struct known_services *known)
{
	find_of_path(routing, cgi, known);
	if (routing->service == NULL && routing->api_path == NULL && request_read_rewritten(cgi))
		find_of_path(routing, cgi, known);
	if (routing->service != NULL)
		known_services_ref(known);
}

int
routing_renew(struct routing *routing, struct known_services *known)
{
	struct known_services *old = routing->service->known;
	const struct known_service *service =
	    known_services_named(known, routing->service->prefix.name);

	if (service == NULL)
		return -1;
	known_services_ref(known);
	routing->service = service;
	known_services_unref(&old);
	return 0;
}

void
routing_clear(struct routing *routing)
{
	struct known_services *known = routing->service == NULL ? NULL : routing->service->known;

	known_services_unref(&known);
	*routing = (struct routing){.service = NULL};
}
