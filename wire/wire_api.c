/*
 * See wire_api.h.
 */
#include "wire/wire_api.h"

#include <string.h>

static void
get_str(struct wire_reader *reader, const char **str)
{
	size_t len;

	wire_get_string16(reader, str, &len);
}

static int
end_reading(const struct wire_reader *reader)
{
	return wire_reader_done(reader) ? 0 : -1;
}

/* --- API -------------------------------------------------------------------------------------- */

static bool
is_folder(const char *path)
{
	size_t len = strlen(path);

	return len > 0 && path[0] == '/' && path[len - 1] == '/';
}

int
wire_encode_api(struct buffer *out, const struct wire_api *api)
{
	size_t mark;

	if (!is_folder(api->path) || !wire_is_short(api->path))
		return -1;
	wire_begin(out, WIRE_API, 0, 0, &mark);
	wire_put_str(out, api->path);
	wire_put_u64(out, api->body_limit);
	return wire_end(out, mark);
}

int
wire_decode_api(const struct wire_header *header, const char *payload, struct wire_api *api)
{
	struct wire_reader reader;

	wire_reader_init(&reader, payload, header->length);
	get_str(&reader, &api->path);
	api->body_limit = wire_get_u64(&reader);
	if (!is_folder(api->path))
		return -1;
	return end_reading(&reader);
}

/* --- ASK -------------------------------------------------------------------------------------- */

static bool
is_method(const char *method)
{
	size_t len = strlen(method);

	return len > 0 && len <= WIRE_METHOD_MAX;
}

int
wire_encode_ask(struct buffer *out, uint64_t request, const struct wire_ask *ask)
{
	size_t mark;

	if (!is_method(ask->method) || ask->path[0] != '/' || !wire_is_short(ask->path) ||
	    (ask->query != NULL && !wire_is_short(ask->query)) || ask->body_len > WIRE_PAYLOAD_MAX)
		return -1;
	wire_begin(out, WIRE_ASK, 0, request, &mark);
	wire_put_str(out, ask->method);
	wire_put_str(out, ask->path);
	wire_put_optional_string16(out, ask->query);
	wire_put_address(out, &ask->client.any);
	wire_put_bytes(out, ask->body, ask->body_len);
	return wire_end(out, mark);
}

int
wire_decode_ask(const struct wire_header *header, const char *payload, struct wire_ask *ask)
{
	struct wire_reader reader;
	size_t len;

	wire_reader_init(&reader, payload, header->length);
	get_str(&reader, &ask->method);
	get_str(&reader, &ask->path);
	wire_get_optional_string16(&reader, &ask->query, &len);
	wire_get_address(&reader, &ask->client);
	wire_get_bytes(&reader, &ask->body, &ask->body_len);
	if (!is_method(ask->method) || ask->path[0] != '/')
		return -1;
	return end_reading(&reader);
}

/* --- ANSWER ----------------------------------------------------------------------------------- */

static bool
is_printable(const char *text)
{
	while (*text >= ' ' && *text <= '~')
		text++;
	return *text == '\0';
}

static bool
is_status(unsigned status)
{
	return status >= 200 && status <= 599;
}

int
wire_encode_answer(struct buffer *out, uint64_t request, const struct wire_answer *answer)
{
	size_t mark;

	if (!is_status(answer->status) || !is_printable(answer->content_type) ||
	    !wire_is_short(answer->content_type) || answer->body_len > WIRE_ANSWER_MAX)
		return -1;
	wire_begin(out, WIRE_ANSWER, 0, request, &mark);
	wire_put_u16(out, (uint16_t)answer->status);
	wire_put_str(out, answer->content_type);
	wire_put_bytes(out, answer->body, answer->body_len);
	return wire_end(out, mark);
}

int
wire_decode_answer(
    const struct wire_header *header, const char *payload, struct wire_answer *answer)
{
	struct wire_reader reader;

	wire_reader_init(&reader, payload, header->length);
	answer->status = wire_get_u16(&reader);
	get_str(&reader, &answer->content_type);
	wire_get_bytes(&reader, &answer->body, &answer->body_len);
	if (!is_status(answer->status) || !is_printable(answer->content_type) ||
	    answer->body_len > WIRE_ANSWER_MAX)
		return -1;
	return end_reading(&reader);
}
