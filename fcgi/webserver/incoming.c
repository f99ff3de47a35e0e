/*
 * See incoming.h. Most requests come with one read, into storage that the next one gets: malloc
 * joins and splits what is so large each time.
 */
#include "fcgi/webserver/incoming.h"

#include "fcgi/webserver/management.h"
#include "fcgi/webserver/params.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

enum { READ_SIZE = 16384 }; /* bytes that a read asks for */

static struct buffer spare; /* as much storage as a read asks for, or none */

static void
release(struct buffer *bytes)
{
	if (spare.base != NULL || bytes->base == NULL || buffer_failed(bytes) ||
	    bytes->room + (size_t)(bytes->data - bytes->base) != READ_SIZE) {
		buffer_free(bytes);
		return;
	}
	spare = *bytes;
	buffer_clear(&spare);
	*bytes = (struct buffer)BUFFER_INIT;
}

int
incoming_read(struct incoming *incoming, int fd)
{
	struct buffer *bytes = &incoming->bytes;
	char *to;
	ssize_t n;

	if (incoming->is_drained)
		return 0;
	if (bytes->base == NULL) {
		*bytes = spare;
		spare = (struct buffer)BUFFER_INIT;
	}
	to = buffer_reserve(bytes, READ_SIZE);
	n = to == NULL ? 0 : recv(fd, to, READ_SIZE, MSG_DONTWAIT);
	/* A stream gives all that it has; what comes later the system tells of. */
	incoming->is_drained = n < READ_SIZE;

	if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
		if (bytes->len == 0)
			release(bytes);
		return 0;
	}
	if (n <= 0)
		return -1;
	buffer_added(bytes, (size_t)n);
	return 1;
}

/* Takes out the record that was looked at last. */
static void
cut_record(struct incoming *incoming)
{
	struct record_scan *scan = &incoming->scan;
	struct buffer *bytes = &incoming->bytes;
	size_t after = bytes->len - scan->at;

	memmove(bytes->data + scan->last_begin, bytes->data + scan->at, after);
	bytes->len = scan->last_begin + after;
	scan->at = scan->last_begin;
}

/*
 * Returns -1 if the socket has no room: while a request is collected nothing else is written to it.
 */
static int
answer_management(struct incoming *incoming, int fd, size_t capacity)
{
	struct buffer out = BUFFER_INIT;
	ssize_t n;
	int status;

	management_answer((const unsigned char *)incoming->bytes.data + incoming->scan.last_begin,
	    capacity, &out);
	n = send(fd, out.data, out.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	status = n == (ssize_t)out.len ? 0 : -1;
	buffer_free(&out);
	cut_record(incoming);
	return status;
}

static void
limit_body(struct incoming *incoming, size_t body_limit)
{
	if (!incoming->scan.last_is_body || incoming->scan.body <= body_limit)
		return;
	incoming->is_cut = true;
	cut_record(incoming);
}

enum record_progress
incoming_scan(struct incoming *incoming, int fd, size_t body_limit, size_t capacity)
{
	struct record_scan *scan = &incoming->scan;
	struct buffer *bytes = &incoming->bytes;
	enum record_progress progress = RECORD_INCOMPLETE;
	bool goes_on = bytes->len > 0;

	while (goes_on) {
		progress = record_scan(scan, (const unsigned char *)bytes->data, bytes->len);
		goes_on = progress == RECORD_MANAGEMENT ||
		    (progress == RECORD_INCOMPLETE && scan->last_is_body);
		limit_body(incoming, body_limit);
		if (progress == RECORD_MANAGEMENT &&
		    answer_management(incoming, fd, capacity) == -1)
			return RECORD_BROKEN;
	}
	/* What the records have beside their content counts, too, and what is passed over. */
	if (progress == RECORD_INCOMPLETE && bytes->len > body_limit * 2 + RECORD_PARAMS_MAX)
		return RECORD_BROKEN;
	return progress;
}

struct params *
incoming_take(struct incoming *incoming, struct buffer *body)
{
	unsigned char *data = (unsigned char *)incoming->bytes.data;
	const unsigned char *pairs;
	size_t len;

	record_append_body(&incoming->scan, data, body);
	len = record_join_params(&incoming->scan, data, &pairs);
	return buffer_failed(body) ? NULL : params_read(pairs, len);
}

void
incoming_next(struct incoming *incoming)
{
	buffer_consume(&incoming->bytes, incoming->scan.at);
	if (incoming->bytes.len == 0)
		release(&incoming->bytes);
	incoming->scan = (struct record_scan){.at = 0};
	incoming->is_cut = false;
}
