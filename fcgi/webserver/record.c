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
	STDIN = 5,
	GET_VALUES = 9, /* and whatever has a higher number, without a request's id */
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

bool
record_is_abort(const unsigned char *data, size_t len, unsigned id)
{
	struct record record;

	if (len < HEADER || data[0] != PROTOCOL_VERSION)
		return false;
	record = read_header(data);
	return record.type == ABORT_REQUEST && record.id == id;
}
