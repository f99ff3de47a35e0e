/*
 * See http_request.h. A request holds its services from its head to its end, so that it is answered
 * by the configuration that it met.
 */
#include "sessiond/http/http_request.h"

#include "common/log_limit.h"
#include "common/memory.h"
#include "sessiond/http/http_connection.h"
#include "sessiond/http/http_fields.h"
#include "sessiond/modules/services.h"
#include "sessiond/service/service_log.h"
#include "sessiond/session/session.h"
#include "sessiond/session/session_set.h"
#include "sockjs/request_target.h"
#include "wire/connection_info.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *
find_header(const void *context, const char *name)
{
	const struct http_request *request = context;

	if (request->authority != NULL && strcasecmp(name, MHD_HTTP_HEADER_HOST) == 0)
		return request->authority;
	return http_fields_find(request->fields, request->response.connection, name);
}

static struct http_request *
create(struct http_requests *all, struct http_connection *connection, char *target)
{
	struct http_request *request = xcalloc(1, sizeof *request);

	request->all = all;
	request->response.reply.text = all->text;
	request->began = sessions_now(all->sessions);
	request->target = target;
	/* What is no target was refused by http_framing.c, and is answered nowhere else. */
	request_target_split(request->target, &request->uri, &request->authority);
	http_response_init(&request->response, &all->responses, connection, &request->head);
	return request;
}

struct http_request *
http_request_create(struct http_requests *all, struct http_connection *connection, const char *uri)
{
	return create(all, connection, xstrdup(uri));
}

struct http_request *
http_request_create_of(
    struct http_requests *all, struct http_connection *connection, struct http_fields *fields)
{
	struct http_request *request = create(all, connection, http_fields_target(fields));

	request->fields = fields;
	return request;
}

static void
leave_queue(struct http_request *request)
{
	if (request->queue != NULL)
		TAILQ_REMOVE(request->queue, request, queue_entry);
	request->queue = NULL;
}

/* Counts its body in this turn, if there is room for it. */
static bool
has_room(struct http_requests *all, const struct http_request *request)
{
	if (all->handled > 0 && all->handled + request->body.len > HTTP_TURN_BODIES)
		return false;
	all->handled += request->body.len;
	return true;
}

static void
resume_first(struct http_requests *all, struct http_request_queue *queue)
{
	struct http_request *first;

	all->handled = 0;
	while ((first = TAILQ_FIRST(queue)) != NULL && has_room(all, first)) {
		leave_queue(first);
		first->is_next = true;
		http_connection_resume(first->response.connection);
	}
}

void
http_requests_turn(struct http_requests *all)
{
	resume_first(all, &all->small);
	resume_first(all, &all->large);
}

bool
http_request_waits(struct http_request *request)
{
	struct http_requests *all = request->all;

	if (request->body.len == 0 || request->is_next ||
	    (request->body.len <= HTTP_LARGE_BODY && all->handled < HTTP_TURN_WORK) ||
	    (TAILQ_EMPTY(&all->large) && has_room(all, request)))
		return false;
	http_connection_hold(request->response.connection);
	request->queue = request->body.len <= HTTP_LARGE_BODY ? &all->small : &all->large;
	TAILQ_INSERT_TAIL(request->queue, request, queue_entry);
	return true;
}

void
http_request_destroy(struct http_request **request)
{
	struct http_request *r = *request;

	*request = NULL;
	if (r == NULL)
		return;
	http_response_clear(&r->response);
	leave_queue(r);
	buffer_free(&r->body);
	limits_give_input(&r->all->sessions->limits, &r->input);
	service_drop(&r->service);
	service_drop(&r->fallback);
	if (r->fields == NULL)
		free(r->target);
	http_fields_destroy(&r->fields);
	free(r);
}

/* --- the head --------------------------------------------------------------------------------- */

static void
split_uri(struct http_request *request)
{
	char *end = strpbrk(request->uri, "?#");

	if (end == NULL)
		return;
	if (*end == '?')
		request->query = end + 1;
	*end = '\0';
}

/* path: what follows the prefix, or stands for it. */
static void
take_service(struct http_request *request, struct sockjs_service *service, size_t prefix_len,
    const char *path)
{
	request->service = service_hold(service);
	request->response.protocol = &service->protocol;
	request->prefix_len = prefix_len;
	request->endpoint = reply_route(
	    &service->protocol, path, strlen(path), &request->session_id, &request->session_id_len);
}

void
http_request_route(struct http_request *request)
{
	const struct services *services = request->all->services;
	struct sockjs_service *service = NULL;
	const char *path = request->uri;

	service_drop(&request->service);
	request->endpoint = NULL;
	request->response.protocol = NULL;
	if (services->retired_count > 0)
		service = service_find_holder(
		    services->retired, services->retired_count, path, &request->prefix_len);
	if (service == NULL) {
		service = service_find_socket(services->items, services->count, path);
		if (service != NULL) {
			take_service(request, service, strlen(path), "/websocket");
			return;
		}
		service =
		    service_find(services->items, services->count, path, &request->prefix_len);
	}
	if (service != NULL)
		take_service(request, service, request->prefix_len, path + request->prefix_len);
}

void
http_request_read_head(struct http_request *request, const char *method, const char *version)
{
	struct sockjs_service *fallback = request->all->services->fallback;

	memcpy(request->method, method, strnlen(method, sizeof request->method - 1));
	request->is_http10 = strcmp(version, MHD_HTTP_VERSION_1_0) == 0;
	request->response.is_http10 = request->is_http10;
	split_uri(request);
	request->head = (struct request_head){
	    .method = request->method,
	    .path = request->uri,
	    .query = request->query,
	    .header = find_header,
	    .context = request,
	};
	request->head.from_trusted_proxy = http_fields_client(
	    request->fields, request->response.connection, request->all->trusted, &request->client);
	/* The control socket serves no client. */
	if (request->response.connection->way != HTTP_WAY_CLIENTS)
		return;
	http_request_route(request);
	if (request->service == NULL && fallback != NULL)
		request->fallback = service_hold(fallback);
}

const char *
http_request_header(const struct http_request *request, const char *name)
{
	return request->head.header(request->head.context, name);
}

void
http_request_source(struct http_request *request, struct connection_source *source)
{
	*source = (struct connection_source){
	    .path = request->uri,
	    .query = request->query,
	    .prefix_len = request->prefix_len,
	    .peer = &request->client.any,
	    .local = http_connection_local(request->response.connection),
	    .more_headers =
		request->service == NULL ? NULL : request->service->protocol.options.headers,
	    .header = request->head.header,
	    .context = request->head.context,
	};
}

/* --- the log ---------------------------------------------------------------------------------- */

static const char *
address_text(const struct http_request *request, char text[INET6_ADDRSTRLEN])
{
	if (net_address_text(&request->client.any, text)[0] == '\0')
		strcpy(text, "-"); /* a Unix socket's has none */
	return text;
}

void
http_request_log_forbidden(const struct http_request *request)
{
	static struct log_limit limit;
	char claim[ORIGIN_CLAIM_MAX], address[INET6_ADDRSTRLEN];

	reply_describe_claim(request->endpoint, &request->head, claim);
	log_limited(&limit, SEVERITY_ERROR, "%s: %s, from %s, is not let in (%s)",
	    request->service->name, claim, address_text(request, address),
	    reply_forbidding_option(&request->service->protocol));
}

void
http_request_log(const struct http_request *request)
{
	unsigned long long ms = sessions_now(request->all->sessions) - request->began;
	struct sockjs_service *service =
	    request->service == NULL ? request->fallback : request->service;
	unsigned status = request->response.status;
	char path[LOG_TEXT_MAX], text[LOG_TEXT_MAX + 128]; /* cut by the log, which marks it */
	char address[INET6_ADDRSTRLEN];

	if (request->is_file)
		snprintf(path, sizeof path, "%s", request->uri);
	else
		route_log_path(request->uri, request->prefix_len, request->endpoint,
		    request->session_id, request->session_id_len, path, sizeof path);
	snprintf(text, sizeof text, "%s %s %s %u %llums", address_text(request, address),
	    request->method, path, status, ms);
	if (service != NULL)
		service_log(service, SEVERITY_INFO, 0, "%s", text);
	else if (request->all->defaults->log_level >= SEVERITY_INFO)
		log_info("%s", text);
}
