/*
 * See http_fields.h. A proxy may append to the line that the client has sent, or add a line of its
 * own: all lines of a header are one list.
 */
#include "sessiond/http/http_fields.h"

#include "sockjs/forwarded.h"
#include "sockjs/ws_handshake.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	FIELDS_MAX = 24,
	TEXT_MAX = 2048, /* bytes; a request that waits keeps them */
};

struct http_fields {
	size_t count;
	struct {
		uint16_t name, name_len, value; /* where they are in text */
	} at[FIELDS_MAX];
	char text[];
};

/* --- of a request that passes libmicrohttpd by ------------------------------------------------ */

/* The name ends with a colon, the value with blanks and the line's end. */
static void
add_field(struct http_fields *fields, char *line, char *end)
{
	char *colon = strchr(line, ':'), *value = colon + 1 + strspn(colon + 1, " \t");

	while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*colon = *end = '\0';
	fields->at[fields->count].name = (uint16_t)(line - fields->text);
	fields->at[fields->count].name_len = (uint16_t)(colon - line);
	fields->at[fields->count++].value = (uint16_t)(value - fields->text);
}

/* False: there are too many, or something follows the head. */
static bool
take_apart(struct http_fields *fields, size_t len)
{
	char *end = strchr(fields->text, '\r'), *line;

	*strchr(fields->text, ' ') = '\0';
	while (line = end + strlen("\r\n"), *line != '\r') {
		if (fields->count == FIELDS_MAX)
			return false;
		end = strchr(line, '\r');
		add_field(fields, line, end);
	}
	return line + strlen("\r\n") == fields->text + len;
}

struct http_fields *
http_fields_read(const char *text, size_t len)
{
	struct http_fields *fields = len > TEXT_MAX ? NULL : malloc(sizeof *fields + len + 1);

	if (fields == NULL)
		return NULL;
	fields->count = 0;
	memcpy(fields->text, text, len);
	fields->text[len] = '\0';
	if (!take_apart(fields, len))
		http_fields_destroy(&fields);
	return fields;
}

void
http_fields_destroy(struct http_fields **fields)
{
	free(*fields);
	*fields = NULL;
}

char *
http_fields_target(struct http_fields *fields)
{
	return fields->text;
}

/* The value of the next field with that name, from *i on, which is set behind it; NULL: none. */
static const char *
next_value(const struct http_fields *fields, size_t *i, const char *name, size_t len)
{
	while (*i < fields->count) {
		size_t at = (*i)++;

		if (fields->at[at].name_len == len &&
		    strncasecmp(fields->text + fields->at[at].name, name, len) == 0)
			return fields->text + fields->at[at].value;
	}
	return NULL;
}

const char *
http_fields_find(
    const struct http_fields *fields, const struct http_connection *connection, const char *name)
{
	size_t i = 0;

	return fields == NULL ? MHD_lookup_connection_value(connection->mhd, MHD_HEADER_KIND, name)
			      : next_value(fields, &i, name, strlen(name));
}

/* --- a token in one of several lines ---------------------------------------------------------- */

struct token_search {
	const char *name, *token;
	bool has_found;
};

static enum MHD_Result
search_line(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct token_search *search = cls;

	(void)kind;
	search->has_found =
	    strcasecmp(name, search->name) == 0 && http_header_has_token(value, search->token);
	return search->has_found ? MHD_NO : MHD_YES;
}

bool
http_fields_have_token(const struct http_fields *fields, const struct http_connection *connection,
    const char *name, const char *token)
{
	struct token_search search = {name, token, false};
	size_t i = 0, len = strlen(name);
	const char *value;

	if (fields == NULL) {
		MHD_get_connection_values(connection->mhd, MHD_HEADER_KIND, search_line, &search);
		return search.has_found;
	}
	while ((value = next_value(fields, &i, name, len)) != NULL)
		if (http_header_has_token(value, token))
			return true;
	return false;
}

/* --- all of several lines --------------------------------------------------------------------- */

struct joining {
	const char *name;
	struct buffer *list;
};

static enum MHD_Result
join_line(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct joining *joining = cls;

	(void)kind;
	if (value == NULL || strcasecmp(name, joining->name) != 0)
		return MHD_YES;
	if (joining->list->len > 0)
		buffer_append_char(joining->list, ',');
	buffer_append_str(joining->list, value);
	return MHD_YES;
}

const char *
http_fields_join(const struct http_fields *fields, const struct http_connection *connection,
    const char *name, struct buffer *list)
{
	struct joining joining = {name, list};

	if (fields == NULL)
		MHD_get_connection_values(connection->mhd, MHD_HEADER_KIND, join_line, &joining);
	else
		for (size_t i = 0; i < fields->count; i++)
			join_line(&joining, MHD_HEADER_KIND, fields->text + fields->at[i].name,
			    fields->text + fields->at[i].value);
	if (list->len == 0)
		return NULL;
	buffer_append_char(list, '\0');
	return buffer_failed(list) ? NULL : list->data;
}

/* --- its client ------------------------------------------------------------------------------- */

bool
http_fields_client(const struct http_fields *fields, struct http_connection *connection,
    const struct trusted_proxies *trusted, union net_address *client)
{
	struct buffer x_forwarded_for = BUFFER_INIT, forwarded = BUFFER_INIT;
	union net_address nearest;

	net_address_set(&nearest, http_connection_peer(connection));
	*client = nearest;
	if (!trusted_proxies_has(trusted, &nearest))
		return false;
	forwarded_client(trusted, &nearest,
	    http_fields_join(fields, connection, "X-Forwarded-For", &x_forwarded_for),
	    http_fields_join(fields, connection, "Forwarded", &forwarded), client);
	buffer_free(&x_forwarded_for);
	buffer_free(&forwarded);
	return true;
}
