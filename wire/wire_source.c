/*
 * See wire_source.h. Part of RECEIVE (wire_messages.c).
 */
#include "wire/wire_source.h"

#include <string.h>
#include <strings.h>

/*
 * Appends a header if source has it, and counts it. Returns -1 if it is too long, or there are too
 * many.
 */
static int
put_header(
    struct buffer *out, const struct connection_source *source, const char *name, uint8_t *count)
{
	const char *value = source->header(source->context, name);

	if (value == NULL)
		return 0;
	if (*count == WIRE_HEADERS_MAX || !wire_is_short(name) || !wire_is_short(value))
		return -1;
	wire_put_str(out, name);
	wire_put_str(out, value);
	(*count)++;
	return 0;
}

/* Those of the headers that source has, after their number. */
static int
put_headers(struct buffer *out, const struct connection_source *source, const char *const *names)
{
	const char *more = source->more_headers;
	char name[CONNECTION_HEADER_SIZE];
	size_t at = out->len;
	uint8_t count = 0;

	wire_put_u8(out, 0);
	for (; *names != NULL; names++)
		if (put_header(out, source, *names, &count) == -1)
			return -1;
	while (connection_header_next(&more, name))
		if (put_header(out, source, name, &count) == -1)
			return -1;
	if (!buffer_failed(out))
		out->data[at] = (char)count;
	return 0;
}

static const char *
find_header(const void *context, const char *name)
{
	const struct wire_source *source = context;
	size_t len = strlen(name);

	for (size_t i = 0; i < source->header_count; i++)
		if (source->headers[i].name_len == len &&
		    strcasecmp(source->headers[i].name, name) == 0)
			return source->headers[i].value;
	return NULL;
}

static void
get_headers(struct wire_reader *reader, struct wire_source *source)
{
	struct wire_source_header *header;

	source->header_count = wire_at_most(reader, wire_get_u8(reader), WIRE_HEADERS_MAX);
	for (size_t i = 0; i < source->header_count && !reader->failed; i++) {
		header = &source->headers[i];
		wire_get_string16(reader, &header->name, &header->name_len);
		wire_get_string16(reader, &header->value, &header->value_len);
	}
	if (reader->failed)
		source->header_count = 0;
}

void
wire_get_source(struct wire_reader *reader, struct wire_source *source)
{
	struct connection_source *plain = &source->source;
	size_t path_len, query_len;

	wire_get_string16(reader, &plain->path, &path_len);
	wire_get_optional_string16(reader, &plain->query, &query_len);
	plain->prefix_len = wire_at_most(reader, wire_get_u16(reader), (uint32_t)path_len);
	plain->peer = wire_get_address(reader, &source->peer);
	plain->local = wire_get_address(reader, &source->local);
	get_headers(reader, source);
	plain->subprotocol = plain->more_headers = NULL;
	plain->header = find_header;
	plain->context = source;
}

int
wire_put_source(
    struct buffer *out, const struct connection_source *source, const char *const *header_names)
{
	if (!wire_is_short(source->path) ||
	    (source->query != NULL && !wire_is_short(source->query)) ||
	    source->prefix_len > strlen(source->path))
		return -1;
	wire_put_str(out, source->path);
	wire_put_optional_string16(out, source->query);
	wire_put_u16(out, (uint16_t)source->prefix_len);
	wire_put_address(out, source->peer);
	wire_put_address(out, source->local);
	return put_headers(out, source, header_names);
}
