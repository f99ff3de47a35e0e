/*
 * See wire.h. The table of types is the only place that knows who may send what.
 */
#include "wire/wire.h"

#include <string.h>

#define DAEMON	  (1u << WIRE_DAEMON)
#define RESPONDER (1u << WIRE_RESPONDER)

/*
 * The least payload is what the fields take with every string empty that may be; an empty string16
 * takes 3 bytes.
 */
const struct wire_type_info wire_types[WIRE_TYPE_COUNT] = {
    {"HELLO", WIRE_HELLO, DAEMON | RESPONDER, 33},
    {"GOODBYE", WIRE_GOODBYE, DAEMON | RESPONDER, 3},
    {"SERVICES", WIRE_SERVICES, DAEMON, 5},
    {"RECEIVE", WIRE_RECEIVE, RESPONDER, 22},
    {"SEND", WIRE_SEND, RESPONDER, 30},
    {"ABORT", WIRE_ABORT, RESPONDER, 0},
    {"WRITTEN", WIRE_WRITTEN, RESPONDER, 0},
    {"FRAME", WIRE_FRAME, DAEMON, 0},
    {"SENT", WIRE_SENT, DAEMON, 1},
    {"REFUSED", WIRE_REFUSED, DAEMON, 5},
    {"COOKIE", WIRE_COOKIE, DAEMON, 3},
    {"STATE", WIRE_STATE, DAEMON, 3},
    {"COUNTS", WIRE_COUNTS, RESPONDER, 6},
    {"API", WIRE_API, DAEMON, 12},
    {"ASK", WIRE_ASK, RESPONDER, 14},
    {"ANSWER", WIRE_ANSWER, DAEMON, 9},
    {"DAEMONS", WIRE_DAEMONS, DAEMON, 4},
    {"HANDOVER", WIRE_HANDOVER, DAEMON, 1},
    {"TAKEN", WIRE_TAKEN, DAEMON, 0},
};

const struct wire_type_info *
wire_type_find(unsigned type)
{
	for (size_t i = 0; i < WIRE_TYPE_COUNT; i++)
		if (wire_types[i].type == type)
			return &wire_types[i];
	return NULL;
}

const char *
wire_type_name(unsigned type)
{
	const struct wire_type_info *info = wire_type_find(type);

	return info == NULL ? "unknown" : info->name;
}

const char *
wire_error_text(int error)
{
	switch (error) {
	case WIRE_UNKNOWN_TYPE:
		return "unknown type of message";
	case WIRE_TOO_LONG:
		return "message too long";
	case WIRE_TOO_SHORT:
		return "message too short for its type";
	case WIRE_WRONG_ROLE:
		return "message that this peer may not send";
	}
	return error < 0 ? "unknown error" : "no error";
}

/* --- reading ---------------------------------------------------------------------------------- */

/* The number in n bytes, the most significant first. */
static uint64_t
decode_number(const char *bytes, size_t n)
{
	uint64_t value = 0;

	for (size_t i = 0; i < n; i++)
		value = value << 8 | (unsigned char)bytes[i];
	return value;
}

static int
check_length(const struct wire_type_info *info, uint32_t length)
{
	if (info == NULL)
		return WIRE_UNKNOWN_TYPE;
	return length < info->least ? WIRE_TOO_SHORT : 0;
}

int
wire_parse_header(const char *data, size_t len, size_t max_payload, struct wire_header *header)
{
	int error;

	if (len < WIRE_HEADER_SIZE)
		return 0;
	header->length = (uint32_t)decode_number(data, 4);
	header->type = (uint16_t)decode_number(data + 4, 2);
	header->flags = (uint16_t)decode_number(data + 6, 2);
	header->request = decode_number(data + 8, 8);
	error = check_length(wire_type_find(header->type), header->length);
	if (error != 0)
		return error;
	if (header->length > max_payload)
		return WIRE_TOO_LONG;
	return header->length <= len - WIRE_HEADER_SIZE;
}

int
wire_check(const struct wire_header *header, enum wire_role sender)
{
	const struct wire_type_info *info = wire_type_find(header->type);
	int error = check_length(info, header->length);

	if (error != 0)
		return error;
	return (info->senders & 1u << sender) == 0 ? WIRE_WRONG_ROLE : 0;
}

void
wire_reader_init(struct wire_reader *reader, const char *data, size_t len)
{
	reader->pos = data == NULL ? "" : data;
	reader->end = reader->pos + len;
	reader->failed = false;
}

const char *
wire_get_raw(struct wire_reader *reader, size_t n)
{
	const char *at = reader->pos;

	if (reader->failed || n > (size_t)(reader->end - reader->pos)) {
		reader->failed = true;
		return NULL;
	}
	reader->pos += n;
	return at;
}

static uint64_t
get_number(struct wire_reader *reader, size_t n)
{
	const char *at = wire_get_raw(reader, n);

	return at == NULL ? 0 : decode_number(at, n);
}

uint8_t
wire_get_u8(struct wire_reader *reader)
{
	return (uint8_t)get_number(reader, 1);
}

uint16_t
wire_get_u16(struct wire_reader *reader)
{
	return (uint16_t)get_number(reader, 2);
}

uint32_t
wire_get_u32(struct wire_reader *reader)
{
	return (uint32_t)get_number(reader, 4);
}

uint64_t
wire_get_u64(struct wire_reader *reader)
{
	return get_number(reader, 8);
}

bool
wire_get_bool(struct wire_reader *reader)
{
	uint8_t value = wire_get_u8(reader);

	if (value > 1)
		reader->failed = true;
	return value == 1;
}

void
wire_get_bytes(struct wire_reader *reader, const char **bytes, size_t *len)
{
	size_t n = wire_get_u32(reader);
	const char *at = wire_get_raw(reader, n);

	*bytes = at == NULL ? "" : at;
	*len = at == NULL ? 0 : n;
}

void
wire_get_string16(struct wire_reader *reader, const char **str, size_t *len)
{
	size_t n = wire_get_u16(reader);
	const char *at = wire_get_raw(reader, n + 1);

	if (at != NULL && memchr(at, '\0', n + 1) != at + n) {
		reader->failed = true;
		at = NULL;
	}
	*str = at == NULL ? "" : at;
	*len = at == NULL ? 0 : n;
}

void
wire_get_optional_string16(struct wire_reader *reader, const char **str, size_t *len)
{
	bool is_there = wire_get_bool(reader);

	if (is_there)
		wire_get_string16(reader, str, len);
	if (!is_there || reader->failed) {
		*str = NULL;
		*len = 0;
	}
}

/* The bytes of an address and its port. */
static void
get_bytes_of_address(struct wire_reader *reader, union net_address *address)
{
	bool is_v4 = address->any.sa_family == AF_INET;
	const char *at = wire_get_raw(reader, is_v4 ? 4 : 16);
	in_port_t port = htons(wire_get_u16(reader));

	if (at == NULL)
		return;
	if (is_v4)
		memcpy(&address->v4.sin_addr, at, 4);
	else
		memcpy(&address->v6.sin6_addr, at, 16);
	address->v4.sin_port = port; /* of both */
}

const struct sockaddr *
wire_get_address(struct wire_reader *reader, union net_address *address)
{
	uint8_t family = wire_get_u8(reader);

	memset(address, 0, sizeof *address);
	if (family == 4)
		address->any.sa_family = AF_INET;
	else if (family == 6)
		address->any.sa_family = AF_INET6;
	else if (family != 0)
		reader->failed = true;
	if (family == 0 || reader->failed)
		return NULL;
	get_bytes_of_address(reader, address);
	if (reader->failed)
		address->any.sa_family = AF_UNSPEC;
	return reader->failed ? NULL : &address->any;
}

uint32_t
wire_at_most(struct wire_reader *reader, uint32_t value, uint32_t most)
{
	if (value <= most)
		return value;
	reader->failed = true;
	return 0;
}

bool
wire_reader_done(const struct wire_reader *reader)
{
	return !reader->failed && reader->pos == reader->end;
}

/* --- writing ---------------------------------------------------------------------------------- */

static void
encode_number(char *to, uint64_t value, size_t n)
{
	while (n-- > 0) {
		to[n] = (char)(value & 0xff);
		value >>= 8;
	}
}

static void
put_number(struct buffer *out, uint64_t value, size_t n)
{
	char *to = buffer_reserve(out, n);

	if (to == NULL)
		return;
	encode_number(to, value, n);
	buffer_added(out, n);
}

void
wire_begin(
    struct buffer *out, enum wire_type type, unsigned flags, uint64_t request_id, size_t *mark)
{
	*mark = out->len;
	wire_put_u32(out, 0);
	wire_put_u16(out, (uint16_t)type);
	wire_put_u16(out, (uint16_t)flags);
	wire_put_u64(out, request_id);
}

int
wire_end(struct buffer *out, size_t mark)
{
	size_t length;

	if (buffer_failed(out)) {
		wire_cancel(out, mark);
		return -1;
	}
	length = out->len - mark - WIRE_HEADER_SIZE;
	if (length > WIRE_PAYLOAD_MAX) {
		wire_cancel(out, mark);
		return -1;
	}
	encode_number(out->data + mark, length, 4);
	return 0;
}

/*
 * Makes room for the headers of the parts behind the first, and repeats the first's there. Nearly
 * always there are none.
 */
static int
spread_parts(struct buffer *out, size_t mark, size_t part_max, size_t parts)
{
	size_t length = out->len - mark - WIRE_HEADER_SIZE;
	const char *header;
	char *payload;

	if (parts > 1 && buffer_reserve(out, (parts - 1) * WIRE_HEADER_SIZE) == NULL)
		return -1;
	header = out->data + mark;
	payload = out->data + mark + WIRE_HEADER_SIZE;
	for (size_t i = parts - 1; i > 0; i--) {
		size_t at = i * part_max;
		char *to = payload + at + i * WIRE_HEADER_SIZE;

		memmove(to, payload + at, i == parts - 1 ? length - at : part_max);
		memcpy(to - WIRE_HEADER_SIZE, header, WIRE_HEADER_SIZE);
	}
	buffer_added(out, (parts - 1) * WIRE_HEADER_SIZE);
	return 0;
}

int
wire_end_parts(
    struct buffer *out, size_t mark, size_t part_max, unsigned flags_more, unsigned flags_last)
{
	size_t length, parts;

	if (wire_end(out, mark) == -1)
		return -1;
	length = out->len - mark - WIRE_HEADER_SIZE;
	parts = length <= part_max ? 1 : (length - 1) / part_max + 1;
	if (spread_parts(out, mark, part_max, parts) == -1) {
		wire_cancel(out, mark);
		return -1;
	}
	for (size_t i = 0; i < parts; i++) {
		bool is_last = i == parts - 1;
		char *header = out->data + mark + i * (WIRE_HEADER_SIZE + part_max);

		encode_number(header, is_last ? length - i * part_max : part_max, 4);
		encode_number(header + 6, is_last ? flags_last : flags_more, 2);
	}
	return (int)parts;
}

void
wire_cancel(struct buffer *out, size_t mark)
{
	out->len = mark;
}

void
wire_put_u8(struct buffer *out, uint8_t value)
{
	put_number(out, value, 1);
}

void
wire_put_u16(struct buffer *out, uint16_t value)
{
	put_number(out, value, 2);
}

void
wire_put_u32(struct buffer *out, uint32_t value)
{
	put_number(out, value, 4);
}

void
wire_put_u64(struct buffer *out, uint64_t value)
{
	put_number(out, value, 8);
}

void
wire_put_bytes(struct buffer *out, const char *bytes, size_t len)
{
	wire_put_u32(out, (uint32_t)len);
	buffer_append(out, bytes, len);
}

bool
wire_is_string16(const char *str, size_t len)
{
	return len <= WIRE_STRING_MAX && (len == 0 || memchr(str, '\0', len) == NULL);
}

void
wire_put_string16(struct buffer *out, const char *str, size_t len)
{
	wire_put_u16(out, (uint16_t)len);
	buffer_append(out, str, len);
	buffer_append_char(out, '\0');
}

bool
wire_is_short(const char *str)
{
	return strlen(str) <= WIRE_STRING_MAX;
}

void
wire_put_str(struct buffer *out, const char *str)
{
	wire_put_string16(out, str, strlen(str));
}

void
wire_put_optional_string16(struct buffer *out, const char *str)
{
	wire_put_u8(out, str != NULL);
	if (str != NULL)
		wire_put_str(out, str);
}

void
wire_put_address(struct buffer *out, const struct sockaddr *address)
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
