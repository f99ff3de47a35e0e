/*
 * See http_fallback.h. The module's calls of sockjs.h come by a handle, which is invalid from the
 * answer on, or once the client has gone.
 */
#include "sessiond/http/http_fallback.h"

#include "sessiond/service/handle_table.h"
#include "sessiond/api/api.h"
#include "sessiond/http/http_framing.h"
#include "sessiond/http/http_request.h"
#include "wire/connection_info.h"

#include <string.h>
#include <strings.h>

static struct handle_table handles; /* for the life of the process: a handle is never valid again */

/* What libmicrohttpd says of the connection. */
static const char *const own_headers[] = {
    "Connection", "Content-Length", "Date", "Transfer-Encoding", "Upgrade", NULL};

bool
http_fallback_request(struct http_request *request)
{
	struct connection_source source;
	struct callback_call outer;

	if (request->fallback == NULL)
		return false;
	http_request_source(request, &source);
	request->info = connection_info_create(&source);
	request->handle = handle_table_add(&handles, request);
	outer = service_call(request->fallback, CALLBACK_REQUEST);
	request->fallback->application->request((sockjs_request){request->handle});
	callback_end(outer);
	return true;
}

void
http_fallback_forget(struct http_request *request)
{
	connection_info_destroy(&request->info);
	if (request->handle == 0)
		return;
	handle_table_remove(&handles, request->handle);
	request->handle = 0;
}

/* --- what is known ---------------------------------------------------------------------------- */

static struct http_request *
find(sockjs_request handle, const char *call)
{
	struct http_request *request =
	    api_is_loop(call) ? handle_table_find(&handles, handle.handle) : NULL;

	return request == NULL || request->response.is_broken ? NULL : request;
}

const char *
sockjs_request_method(sockjs_request handle)
{
	const struct http_request *request = find(handle, __func__);

	return request == NULL ? NULL : request->method;
}

const char *
sockjs_request_path(sockjs_request handle)
{
	const struct http_request *request = find(handle, __func__);

	return request == NULL ? NULL : request->uri;
}

const char *
sockjs_request_query(sockjs_request handle)
{
	const struct http_request *request = find(handle, __func__);

	return request == NULL ? NULL : request->query;
}

const char *
sockjs_request_remote_address(sockjs_request handle)
{
	const struct http_request *request = find(handle, __func__);

	return request == NULL ? NULL : connection_info_remote_address(request->info);
}

int
sockjs_request_remote_port(sockjs_request handle)
{
	const struct http_request *request = find(handle, __func__);

	return request == NULL ? 0 : connection_info_remote_port(request->info);
}

sockjs_service *
sockjs_request_service(sockjs_request handle)
{
	const struct http_request *request = find(handle, __func__);

	return request == NULL ? NULL : request->fallback;
}

const char *
sockjs_request_header(sockjs_request handle, const char *name)
{
	const struct http_request *request = find(handle, __func__);

	if (request == NULL)
		return NULL;
	if (name == NULL)
		api_refuse(NULL, __func__, "name is NULL");
	return name == NULL ? NULL : http_request_header(request, name);
}

const char *
sockjs_request_body(sockjs_request handle, size_t *len)
{
	const struct http_request *request = find(handle, __func__);

	if (len != NULL)
		*len = request == NULL ? 0 : request->body.len;
	if (request == NULL)
		return NULL;
	return request->body.len == 0 ? "" : request->body.data;
}

/* --- the answer ------------------------------------------------------------------------------- */

/* RFC 9110 5.5: no control characters but the tab, so that no value ends its line. */
static bool
is_value(const char *value)
{
	for (; *value != '\0'; value++)
		if (((unsigned char)*value < 0x20 && *value != '\t') || *value == 0x7f)
			return false;
	return true;
}

static bool
is_own_header(const char *name)
{
	size_t i;

	for (i = 0; own_headers[i] != NULL; i++)
		if (strcasecmp(own_headers[i], name) == 0)
			return true;
	return false;
}

/* What cannot be sent; NULL: nothing. */
static const char *
find_mistake(const sockjs_response *response)
{
	const sockjs_field *field = response->fields;

	if (response->status < 200 || response->status > 599)
		return "the status is not in 200..599";
	if (response->body == NULL && response->len > 0)
		return "body is NULL";
	if (response->len > 0 && (response->status == 204 || response->status == 304))
		return "status 204 and 304 have no body";
	if (response->content_type != NULL && !is_value(response->content_type))
		return "content_type has control characters";
	for (; field != NULL && field->name != NULL; field++) {
		if (!http_is_token(field->name))
			return "a header's name is not a token";
		if (is_own_header(field->name))
			return "a header belongs to the daemon";
		if (field->value == NULL || !is_value(field->value))
			return "a header's value is NULL or has control characters";
	}
	return NULL;
}

static struct MHD_Response *
make_response(const sockjs_response *response)
{
	struct MHD_Response *made = MHD_create_response_from_buffer(response->len,
	    (void *)(uintptr_t)(response->len == 0 ? "" : response->body), MHD_RESPMEM_MUST_COPY);
	const sockjs_field *field = response->fields;

	if (made != NULL && response->content_type != NULL)
		MHD_add_response_header(made, MHD_HTTP_HEADER_CONTENT_TYPE, response->content_type);
	for (; made != NULL && field != NULL && field->name != NULL; field++)
		MHD_add_response_header(made, field->name, field->value);
	return made;
}

int
sockjs_respond(sockjs_request handle, const sockjs_response *response)
{
	struct http_request *request = find(handle, __func__);
	struct MHD_Response *made;
	const char *mistake;

	if (request == NULL) {
		if (!api_is_loop(__func__))
			return SOCKJS_WRONG_THREAD;
		return api_refuse_gone(NULL, __func__);
	}
	mistake = response == NULL ? "response is NULL" : find_mistake(response);
	if (mistake != NULL)
		return api_refuse(NULL, __func__, mistake);
	made = make_response(response);
	http_fallback_forget(request);
	http_response_set(&request->response, made, (unsigned)response->status);
	return made == NULL ? SOCKJS_FULL : SOCKJS_OK;
}
