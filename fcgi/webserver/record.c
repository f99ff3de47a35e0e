/*
 * See record.h.
 */
#include "fcgi/webserver/record.h"

#include <string.h>

enum {
	HEADER = 8,
	PROTOCOL_VERSION = 1,
	BEGIN_REQUEST = 1,
	ABORT_REQUEST = 2,
	PARAMS = 4,
	STDIN = 5,
	GET_VALUES = 9,	    /* and whatever has a higher number, without a request's id */
	LONG_LENGTH = 0x80, /* three more bytes of the length follow */
};

struct record {
	unsigned type, id;
	size_t content, size; /* size: with header and padding */
};

static struct record
read_header(const unsigned char *data)
{
	size_t content = (size_t)data[4] << 8 | data[5];

	return (struct record){
	    .type = data[1],
	    .id = (unsigned)data[2] << 8 | data[3],
	    .content = content,
	    .size = HEADER + content + data[6],
	};
}

enum record_progress
record_scan(struct record_scan *scan, const unsigned char *data, size_t len)
{
	scan->last_is_body = false;
	while (len - scan->at >= HEADER) {
		struct record record = read_header(data + scan->at);

		if (data[scan->at] != PROTOCOL_VERSION ||
		    (record.type == ABORT_REQUEST && record.id == scan->id))
			return RECORD_BROKEN;
		if (record.size > len - scan->at)
			return RECORD_INCOMPLETE;
		scan->last_begin = scan->at;
		scan->at += record.size;
		if (record.id == 0 && record.type >= GET_VALUES)
			return RECORD_MANAGEMENT;
		if (record.type == BEGIN_REQUEST && scan->id == 0)
			scan->id = record.id;
		/* Id 0 is no request's. */
		if (record.type != STDIN || scan->id == 0 || record.id != scan->id)
			continue;
		if (record.content == 0)
			return RECORD_COMPLETE;
		scan->body += record.content;
		scan->last_is_body = true;
		return RECORD_INCOMPLETE;
	}
	return RECORD_INCOMPLETE;
}

size_t
record_take_body(const struct record_scan *scan, unsigned char *data, struct buffer *body)
{
	size_t at = 0, kept = 0;

	while (at < scan->at) {
		struct record record = read_header(data + at);

		if (record.type == STDIN && record.id == scan->id && record.content > 0) {
			buffer_append(body, data + at + HEADER, record.content);
		} else {
			if (kept != at)
				memmove(data + kept, data + at, record.size);
			kept += record.size;
		}
		at += record.size;
	}
	return kept;
}

/* --- parameters ------------------------------------------------------------------------------- */

/* How far pairs of names and values were read, which a record may end anywhere in. */
struct pairs {
	unsigned long_left; /* bytes of a long length that are to come */
	size_t length;	    /* as far as it was read */
	bool has_name;	    /* the name's length was read, the value's was not */
	size_t promised;    /* bytes of a name, and then of its value, that are to come */
};

static void
take_length_byte(struct pairs *pairs, unsigned byte)
{
	if (pairs->long_left > 0) {
		pairs->length = pairs->length << 8 | byte;
		pairs->long_left--;
	} else {
		pairs->length = byte & ~(unsigned)LONG_LENGTH;
		pairs->long_left = (byte & LONG_LENGTH) != 0 ? 3 : 0;
	}
	if (pairs->long_left > 0)
		return;
	pairs->promised += pairs->length;
	pairs->has_name = !pairs->has_name;
}

static bool
is_between(const struct pairs *pairs)
{
	return pairs->long_left == 0 && !pairs->has_name && pairs->promised == 0;
}

/* Passes over pairs that are whole and short, as nearly all are. Returns their bytes. */
static size_t
skip_short(const unsigned char *data, size_t len)
{
	size_t at = 0, next;

	while (len - at >= 2 && ((data[at] | data[at + 1]) & LONG_LENGTH) == 0) {
		next = at + 2 + data[at] + data[at + 1];
		if (next > len)
			break;
		at = next;
	}
	return at;
}

static void
take_pairs(struct pairs *pairs, const unsigned char *data, size_t len)
{
	size_t n;

	while (len > 0) {
		n = is_between(pairs) ? skip_short(data, len) : 0;
		if (n == 0 && pairs->long_left == 0 && !pairs->has_name && pairs->promised > 0) {
			n = pairs->promised < len ? pairs->promised : len;
			pairs->promised -= n;
		} else if (n == 0) {
			n = 1;
			take_length_byte(pairs, *data);
		}
		data += n;
		len -= n;
	}
}

bool
record_params_fit(const struct record_scan *scan, const unsigned char *data)
{
	struct pairs pairs = {0};
	struct record record;
	size_t at;

	for (at = 0; at < scan->at; at += record.size) {
		record = read_header(data + at);
		if (record.type != PARAMS || record.id != scan->id)
			continue;
		if (record.content == 0)
			break;
		take_pairs(&pairs, data + at + HEADER, record.content);
	}
	return is_between(&pairs);
}

bool
record_is_abort(const unsigned char *data, size_t len, unsigned id)
{
	struct record record;

	if (len < HEADER || data[0] != PROTOCOL_VERSION)
		return false;
	record = read_header(data);
	return record.type == ABORT_REQUEST && record.id == id;
}
