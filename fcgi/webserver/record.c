/*
 * See record.h.
 */
#include "fcgi/webserver/record.h"

#include "fastcgi/fastcgi_framing.h"

#include <string.h>

/* An authorizer's request and a filter's have what a responder's has, and get the same answer. */
static enum record_progress
begin(struct record_scan *scan, const struct fastcgi_header *record, const unsigned char *content)
{
	FCGI_BeginRequestBody body;
	unsigned role;

	if (record->content != sizeof body)
		return RECORD_BROKEN;
	memcpy(&body, content, sizeof body);
	role = (unsigned)body.roleB1 << 8 | body.roleB0;
	if (role < FCGI_RESPONDER || role > FCGI_FILTER)
		return RECORD_BROKEN;
	scan->id = record->id;
	scan->begin = scan->last_begin;
	scan->is_kept = (body.flags & FCGI_KEEP_CONN) != 0;
	return RECORD_INCOMPLETE;
}

/* The record is the request's, and whole. */
static enum record_progress
take(struct record_scan *scan, const struct fastcgi_header *record)
{
	bool is_end = record->content == 0;

	if (record->type == FCGI_PARAMS) {
		if (scan->has_params)
			return RECORD_BROKEN;
		scan->has_params = is_end;
		scan->params += record->content;
		if (scan->params > RECORD_PARAMS_MAX)
			return RECORD_BROKEN;
	}
	if (record->type != FCGI_STDIN)
		return RECORD_INCOMPLETE;
	if (!scan->has_params)
		return RECORD_BROKEN;
	scan->body += record->content;
	scan->last_is_body = !is_end;
	return is_end ? RECORD_COMPLETE : RECORD_INCOMPLETE;
}

enum record_progress
record_scan(struct record_scan *scan, const unsigned char *data, size_t len)
{
	enum record_progress progress = RECORD_INCOMPLETE;

	scan->last_is_body = false;
	while (progress == RECORD_INCOMPLETE && !scan->last_is_body &&
	    len - scan->at >= FCGI_HEADER_LEN) {
		struct fastcgi_header record = fastcgi_read_header(data + scan->at);

		if (record.version != FCGI_VERSION_1 ||
		    (record.type == FCGI_ABORT_REQUEST && record.id == scan->id))
			return RECORD_BROKEN;
		if (record.size > len - scan->at)
			return RECORD_INCOMPLETE;
		scan->last_begin = scan->at;
		scan->at += record.size;
		/* Id 0 is no request's. */
		if (record.id == FCGI_NULL_REQUEST_ID)
			progress = record.type >= FCGI_GET_VALUES ? RECORD_MANAGEMENT : progress;
		else if (record.type == FCGI_BEGIN_REQUEST && scan->id == 0)
			progress = begin(scan, &record, data + scan->last_begin + FCGI_HEADER_LEN);
		else if (record.id == scan->id)
			progress = take(scan, &record);
	}
	return progress;
}

void
record_append_body(const struct record_scan *scan, const unsigned char *data, struct buffer *body)
{
	struct fastcgi_header record;
	size_t at;

	for (at = scan->begin; at < scan->at; at += record.size) {
		record = fastcgi_read_header(data + at);
		if (record.type == FCGI_STDIN && record.id == scan->id)
			buffer_append(body, data + at + FCGI_HEADER_LEN, record.content);
	}
}

size_t
record_join_params(
    const struct record_scan *scan, unsigned char *data, const unsigned char **params)
{
	struct fastcgi_header record;
	size_t at, begin = 0, end = 0;

	for (at = scan->begin; at < scan->at; at += record.size) {
		size_t content = at + FCGI_HEADER_LEN;

		record = fastcgi_read_header(data + at);
		if (record.type != FCGI_PARAMS || record.id != scan->id)
			continue;
		if (record.content == 0)
			break;
		if (end == 0)
			begin = end = content;
		if (end != content)
			memmove(data + end, data + content, record.content);
		end += record.content;
	}
	*params = data + begin;
	return end - begin;
}

bool
record_is_abort(const unsigned char *data, size_t len, unsigned id)
{
	struct fastcgi_header record;

	if (len < FCGI_HEADER_LEN)
		return false;
	record = fastcgi_read_header(data);
	return record.version == FCGI_VERSION_1 && record.type == FCGI_ABORT_REQUEST &&
	    record.id == id;
}
