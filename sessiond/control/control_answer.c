/*
 * See control_answer.h.
 */
#include "sessiond/control/control_answer.h"

#include "sessiond/http/http_request.h"
#include "sessiond/modules/services.h"
#include "sessiond/session/session_set.h"
#include "sockjs/form.h"
#include "sockjs/utf8.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- services --------------------------------------------------------------------------------- */

bool
control_means(const char *name, const struct sockjs_service *service)
{
	return name == NULL || strcmp(service->name, name) == 0 ||
	    (service->app != NULL && strcmp(service->section, name) == 0);
}

bool
control_knows(const struct services *services, const char *name)
{
	size_t i;

	for (i = 0; i < services->number_count; i++)
		if (strcmp(services->numbers[i].name, name) == 0)
			return true;
	for (i = 0; i < services->count; i++)
		if (control_means(name, services->items[i]))
			return true;
	return false;
}

/* --- pages ------------------------------------------------------------------------------------ */

/* The decoded value of a field, to be freed; NULL if it is not there. */
static char *
find_field(const char *query, const char *name)
{
	const char *value;
	size_t len;
	char *text;

	if (query == NULL || !form_find(query, strlen(query), name, &value, &len))
		return NULL;
	text = strndup(value, len);
	if (text != NULL)
		text[form_decode(text, len)] = '\0';
	return text;
}

static int
read_number(
    const char *query, const char *name, uint64_t least, uint64_t *number, struct error *err)
{
	char *text = find_field(query, name), *end;
	bool is_one;

	if (text == NULL)
		return 0;
	errno = 0;
	*number = strtoull(text, &end, 10);
	is_one = *text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && *number >= least;
	free(text);
	return is_one ? 0 : error_set(err, CONTROL_BAD_REQUEST, "\"%s\" is to be a number", name);
}

int
control_page_read(const char *query, const struct services *services, struct control_page *page,
    struct error *err)
{
	uint64_t limit = CONTROL_PAGE_MAX;

	*page = (struct control_page){.service = find_field(query, "service")};
	if (read_number(query, "after", 0, &page->after, err) == -1 ||
	    read_number(query, "limit", 1, &limit, err) == -1)
		return -1;
	page->limit = limit < CONTROL_PAGE_MAX ? (uint32_t)limit : CONTROL_PAGE_MAX;
	if (page->service != NULL && !control_knows(services, page->service))
		return error_set(
		    err, CONTROL_NOT_FOUND, "there is no service %.100s", page->service);
	return 0;
}

void
control_page_clear(struct control_page *page)
{
	free(page->service);
	page->service = NULL;
}

/* --- JSON that comes -------------------------------------------------------------------------- */

json_t *
control_read_body(const struct http_request *request, struct error *err)
{
	const struct buffer *body = &request->body;
	json_error_t wrong;
	json_t *json;

	if (buffer_failed(body)) {
		error_set(err, CONTROL_UNAVAILABLE, "out of memory");
		return NULL;
	}
	json = json_loadb(body->len == 0 ? "" : body->data, body->len, JSON_ALLOW_NUL, &wrong);
	if (json == NULL)
		error_set(err, CONTROL_BAD_REQUEST, "the body is no JSON: %s", wrong.text);
	else if (!json_is_object(json))
		error_set(err, CONTROL_BAD_REQUEST, "the body is to be a JSON object");
	else
		return json;
	json_decref(json);
	return NULL;
}

int
control_read_string(const json_t *object, const char *name, const char *fallback, const char **text,
    struct error *err)
{
	const json_t *value = json_object_get(object, name);

	*text = fallback;
	if (value == NULL || json_is_null(value))
		return fallback != NULL
		    ? 0
		    : error_set(err, CONTROL_BAD_REQUEST, "there is no \"%s\"", name);
	*text = json_string_value(value);
	if (*text == NULL || strlen(*text) != json_string_length(value))
		return error_set(
		    err, CONTROL_BAD_REQUEST, "\"%s\" is to be a string without NUL", name);
	return 0;
}

/* --- answers ---------------------------------------------------------------------------------- */

void
control_answer(struct http_request *request, json_t *json)
{
	char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);

	if (text == NULL)
		http_response_set(&request->response, NULL, CONTROL_UNAVAILABLE);
	else
		http_response_text(
		    &request->response, CONTROL_OK, "application/json", text, strlen(text));
	free(text);
	json_decref(json);
}

void
control_acknowledge(struct http_request *request, json_t *json)
{
	request->response.concerns_session = request->response.acknowledges = true;
	journal_note_send(&request->all->sessions->journal);
	control_answer(request, json);
}

void
control_refuse(struct http_request *request, const struct error *err)
{
	char text[sizeof err->text + 1];

	snprintf(text, sizeof text, "%s\n", err->text);
	utf8_mask_invalid(text);
	http_response_text(
	    &request->response, err->code, "text/plain; charset=UTF-8", text, strlen(text));
}
