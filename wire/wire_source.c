/*
 * See wire_source.h. Part of RECEIVE (wire_messages.c).
 */
#include "wire/wire_source.h"

#include <string.h>
#include <strings.h>

static void
put_address(struct buffer *out, const struct sockaddr *address)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;

	if (address != NULL && address->sa_family == AF_INET) {
		wire_put_u8(out, 4);
		buffer_append(out, &v4->sin_addr, 4);
		wire_put_u16(out, ntohs(v4->sin_port));
	} else if (address != NULL && address->sa_family == AF_INET6) {
		wire_put_u8(out, 6);
		buffer_append(out, &v6->sin6_addr, 16);
		wire_put_u16(out, ntohs(v6->sin6_port));
	} else {
		wire_put_u8(out, 0);
	}
}

/* Fills *address and returns it as the source has it; NULL if it is unknown. */
static const struct sockaddr *
get_address(struct wire_reader *reader, union wire_address *address)
{
	uint8_t family = wire_get_u8(reader);
	size_t size = family == 4 ? 4 : 16;
	const char *at;
	in_port_t port;

	memset(address, 0, sizeof *address);
	if (family != 0 && family != 4 && family != 6)
		reader->failed = true;
	if (family == 0 || reader->failed)
		return NULL;
	at = wire_get_raw(reader, size);
	port = htons(wire_get_u16(reader));
	if (at == NULL)
		return NULL;
	if (family == 4) {
		address->v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = port};
		memcpy(&address->v4.sin_addr, at, size);
	} else {
		address->v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = port};
		memcpy(&address->v6.sin6_addr, at, size);
	}
	return &address->any;
}

/*
 * Appends those of the headers that source has, after their number. Returns -1 if they are too many
 * or too long.
 */
static int
put_headers(struct buffer *out, const struct connection_source *source, const char *const *names)
{
	size_t at = out->len;
	uint8_t count = 0;
	const char *value;

	wire_put_u8(out, 0);
	for (; *names != NULL; names++) {
		value = source->header(source->context, *names);
		if (value == NULL)
			continue;
		if (count == WIRE_HEADERS_MAX || !wire_is_short(*names) || !wire_is_short(value))
			return -1;
		wire_put_str(out, *names);
		wire_put_str(out, value);
		count++;
	}
	if (!buffer_failed(out))
		out->data[at] = (char)count;
	return 0;
}

static const char *
find_header(const void *context, const char *name)
{
	const struct wire_source *source = context;

	for (size_t i = 0; i < source->header_count; i++)
		if (strcasecmp(source->headers[i].name, name) == 0)
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
	plain->peer = get_address(reader, &source->peer);
	plain->local = get_address(reader, &source->local);
	get_headers(reader, source);
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
	put_address(out, source->peer);
	put_address(out, source->local);
	return put_headers(out, source, header_names);
}
