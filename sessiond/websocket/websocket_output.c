/*
 * See websocket_output.h.
 */
#include "sessiond/websocket/websocket_output.h"

#include "common/log_limit.h"
#include "sessiond/session/session.h"
#include "sessiond/session/session_set.h"
#include "sessiond/websocket/websocket_deflate.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum {
	CONGESTED = 256 * 1024, /* bytes */
	KEEP = 1024 * 1024,	/* bytes of the shared buffer that are kept when it is empty */
	MOST = 64 * 1024,	/* bytes that are put off, about */
	LONG = 16384,		/* bytes of a message that is written from where it is */
};

/* Where the last part ends, and what was added since begins. */
static size_t
end_of_parts(const struct websocket_output *output)
{
	return output->count == 0 ? 0 : output->parts[output->count - 1].end;
}

void
websocket_drop(struct websocket *websocket)
{
	struct websocket_output *output = &websocket->all->output;

	websocket_drop_out(websocket);
	buffer_truncate(&output->bytes, end_of_parts(output));
	websocket->state = WEBSOCKET_DRAINING;
	shutdown(websocket->fd, SHUT_RDWR);
}

/* --- to the socket ---------------------------------------------------------------------------- */

/* Our side is finished once everything has left. */
void
websocket_end_output(struct websocket *websocket)
{
	if (websocket->state != WEBSOCKET_CLOSING || websocket->rest->out.len > 0 ||
	    !websocket->peer_closed)
		return;
	websocket->state = WEBSOCKET_DRAINING;
	shutdown(websocket->fd, SHUT_WR);
}

/* Writes what it can of data; returns what was written, -1 if the connection is broken. */
static ssize_t
write_some(struct websocket *websocket, const char *data, size_t len)
{
	size_t written = 0;

	while (written < len) {
		ssize_t n = send(websocket->fd, data + written, len - written, MSG_NOSIGNAL);

		if (n >= 0)
			written += (size_t)n;
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			break;
		else if (errno != EINTR)
			return -1;
	}
	return (ssize_t)written;
}

/* Writes head and, behind it, data with one call. Returns as write_some. */
static ssize_t
write_both(
    struct websocket *websocket, const char *head, size_t head_len, const char *data, size_t len)
{
	struct iovec parts[] = {
	    {.iov_base = (char *)head, .iov_len = head_len},
	    {.iov_base = (char *)data, .iov_len = len},
	};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
	ssize_t n = sendmsg(websocket->fd, &message, MSG_NOSIGNAL);

	if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return 0;
	return n;
}

/* Keeps what is left of head, and of data behind it, once so much was written. */
static void
keep(struct websocket *websocket, const char *head, size_t head_len, const char *data, size_t len,
    size_t written)
{
	struct buffer *out = &websocket_own_rest(websocket)->out;
	size_t before = out->len, of_head = head_len < written ? head_len : written;

	written -= of_head;
	buffer_append(out, head + of_head, head_len - of_head);
	buffer_append(out, data + written, len - written);
	websocket_count_out(websocket, before);
	if (buffer_failed(out))
		websocket_drop(websocket);
	websocket_watch(websocket);
}

/* Writes head, which may be empty, and data behind it, as far as the peer takes it. */
static void
transmit(
    struct websocket *websocket, const char *head, size_t head_len, const char *data, size_t len)
{
	ssize_t written = 0;

	if (websocket->rest->out.len == 0)
		written = head_len == 0 ? write_some(websocket, data, len)
					: write_both(websocket, head, head_len, data, len);
	if (written == -1) {
		websocket_drop(websocket);
		return;
	}
	if ((size_t)written < head_len + len)
		keep(websocket, head, head_len, data, len, (size_t)written);
	websocket_end_output(websocket);
}

void
websocket_write_backlog(struct websocket *websocket)
{
	ssize_t written =
	    write_some(websocket, websocket->rest->out.data, websocket->rest->out.len);

	if (written == -1) {
		websocket_drop(websocket);
		return;
	}
	buffer_consume(&websocket->rest->out, (size_t)written);
	limit_give(&websocket_limits(websocket)->queued, (size_t)written);
	websocket_trim_rest(websocket);
	websocket_watch(websocket);
	websocket_end_output(websocket);
	if (!websocket_is_congested(websocket))
		session_receiver_drained(&websocket->receiver);
}

/* --- parts ------------------------------------------------------------------------------------ */

void
websocket_output_write(void *all)
{
	struct websocket_output *output = &((struct websockets *)all)->output;
	const struct websocket_part *part = output->parts, *end = part + output->count;
	size_t begin = 0;

	for (; part < end; begin = part->end, part++)
		transmit(part->websocket, "", 0, output->bytes.data + begin, part->end - begin);
	output->count = 0;
	if (output->bytes.room > KEEP)
		buffer_free(&output->bytes);
	else
		buffer_clear(&output->bytes);
}

void
websocket_post(struct websocket *websocket)
{
	static struct log_limit limit;
	struct websocket_output *output = &websocket->all->output;

	if (buffer_failed(&output->bytes)) {
		log_limited(&limit, SEVERITY_ERROR,
		    "out of memory for a websocket's message: connection dropped");
		websocket_drop(websocket);
		return;
	}
	if (output->bytes.len == end_of_parts(output))
		return;
	output->parts[output->count++] = (struct websocket_part){websocket, output->bytes.len};
	if (output->count == WEBSOCKET_PARTS || output->bytes.len > MOST)
		websocket_output_write(websocket->all);
}

void
websocket_push(struct websocket *websocket)
{
	websocket_post(websocket);
	websocket_output_write(websocket->all);
}

/* It is not copied, and leaves behind all that was put off. */
static void
add_long(struct websocket *websocket, bool binary, const char *data, size_t len)
{
	char head[WS_HEADER_MAX];

	websocket_push(websocket);
	transmit(websocket, head, websocket->framing->head(head, binary, len), data, len);
}

void
websocket_add_message(struct websocket *websocket, bool binary, const char *data, size_t len)
{
	struct buffer *bytes = &websocket->all->output.bytes;

	/* Nobody may push it any more, and what stays would leave with another one's. */
	if (websocket->state != WEBSOCKET_OPEN)
		return;
	if (websocket->deflate != NULL &&
	    websocket_deflate_append(websocket->deflate, bytes, binary, data, len))
		return;
	if (len >= LONG && websocket->framing->head != NULL)
		add_long(websocket, binary, data, len);
	else
		websocket->framing->append_message(bytes, binary, false, data, len);
}

void
websocket_add_control(
    struct websocket *websocket, enum ws_opcode opcode, const char *data, size_t len)
{
	websocket->framing->append_control(&websocket->all->output.bytes, opcode, data, len);
}

size_t
websocket_backlog(const struct websocket *websocket)
{
	return websocket->rest->out.len;
}

bool
websocket_is_congested(const struct websocket *websocket)
{
	return websocket->rest->out.len > CONGESTED;
}
