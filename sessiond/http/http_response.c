/*
 * See http_response.h.
 *
 * Sessions push frames; libmicrohttpd pulls a response, a chunk and a send for each pull. So of a
 * stream it has only the head and the end. In between its connection is suspended, and what is in
 * `out` is written here, once a turn: each frame a chunk, as many as there are in one send.
 *
 * A poll that is parked (http_parking.h) is such a stream, too: its head waits in `out`, and with
 * its body it has ended. So is one that libmicrohttpd has not seen, whose head is there until then.
 */
#include "sessiond/http/http_response.h"

#include "sessiond/http/http_connection.h"
#include "sessiond/http/http_fields.h"
#include "sessiond/http/http_parking.h"
#include "sessiond/session/delivery.h"
#include "sessiond/session/in_flight.h"
#include "sessiond/session/session.h"
#include "sessiond/session/session_set.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { HEAD_ROOM = 512 /* bytes, which most heads take at most */ };

void
http_response_init(struct http_response *response, struct http_responses *all,
    struct http_connection *connection, struct request_head *head)
{
	response->all = all;
	response->connection = connection;
	response->head = head;
	response->reply.body = "";
}

static void
stop_waiting(struct http_response *response)
{
	if (!response->is_waiting)
		return;
	LIST_REMOVE(response, entry);
	response->is_waiting = false;
}

/* Until the turn is committed. */
static void
wait(struct http_response *response)
{
	if (response->is_waiting)
		return;
	LIST_INSERT_HEAD(&response->all->waiting, response, entry);
	response->is_waiting = true;
}

static void
drop_ready(struct http_response *response)
{
	if (response->ready != NULL)
		MHD_destroy_response(response->ready);
	response->ready = NULL;
}

/* What the peer of a stream does not take counts among what waits for all clients. */
static void
count_out(struct http_response *response)
{
	response->all->sessions->limits.queued.taken += response->out.len - response->counted;
	response->counted = response->out.len;
}

void
http_response_clear(struct http_response *response)
{
	stop_waiting(response);
	drop_ready(response);
	buffer_free(&response->out);
	count_out(response);
}

/* --- what is answered ------------------------------------------------------------------------- */

static void
add_header(void *context, const char *name, const char *value)
{
	MHD_add_response_header(context, name, value);
}

void
http_response_add_headers(struct http_response *response, struct MHD_Response *made)
{
	response->head->now = time(NULL);
	reply_headers(&response->reply, response->protocol, response->head, add_header, made);
}

/* libmicrohttpd asks what is to be sent. */
static void
wake(struct http_response *response)
{
	http_connection_resume(response->connection);
}

void
http_response_set(struct http_response *response, struct MHD_Response *ready, unsigned status)
{
	response->ready = ready;
	response->status = status;
	if (ready == NULL)
		response->is_broken = true;
	wake(response);
}

/*
 * libmicrohttpd marks a connection closed that ends now, but frees it only when it next looks at
 * it; of the connections with the common timeout it looks at the oldest alone, of those with their
 * own at each. So the connection gets its own, and one more run.
 */
static void
end_connection(struct http_response *response, struct MHD_Connection *mhd)
{
	MHD_set_connection_option(mhd, MHD_CONNECTION_OPTION_TIMEOUT, 1u);
	response->connection->all->has_work = true;
}

/* --- polls past libmicrohttpd ----------------------------------------------------------------- */

static void
put_header(void *context, const char *name, const char *value)
{
	buffer_append_str(context, name);
	buffer_append_str(context, ": ");
	buffer_append_str(context, value);
	buffer_append_str(context, "\r\n");
}

static void
put_number(struct buffer *out, size_t number)
{
	char digits[20], *begin = digits + sizeof digits;

	do
		*--begin = (char)('0' + number % 10);
	while ((number /= 10) > 0);
	buffer_append(out, begin, (size_t)(digits + sizeof digits - begin));
}

/* What is known before its frame. */
static void
compose_head(struct http_response *response)
{
	const struct reply *reply = &response->reply;
	struct buffer *out = &response->out;

	buffer_reserve(out, HEAD_ROOM);
	buffer_append_str(out, "HTTP/1.1 ");
	put_number(out, (size_t)reply->status);
	buffer_append_char(out, ' ');
	buffer_append_str(out, MHD_get_reason_phrase_for((unsigned)reply->status));
	buffer_append_str(out, response->closes ? "\r\nConnection: close\r\n" : "\r\n");
	response->head->now = time(NULL);
	reply_headers(reply, response->protocol, response->head, put_header, &response->out);
}

static bool
asks_to_close(const struct http_response *response)
{
	return response->is_http10 ||
	    http_fields_have_token(NULL, response->connection, MHD_HTTP_HEADER_CONNECTION, "close");
}

/*
 * Parks a response that was resumed for that, within libmicrohttpd's callback, which returns then
 * that it is broken. False: it was not, or has to stay.
 */
static bool
park(struct http_response *response)
{
	struct MHD_Connection *mhd = response->connection->mhd;
	bool is_poll = response->receiver.ops == &http_poll_receiver;

	if (!http_parking_is_due(response->connection) || response->is_broken ||
	    response->receiver.session == NULL)
		return false;
	response->closes = asks_to_close(response);
	if (is_poll)
		compose_head(response);
	if (!buffer_failed(&response->out) && http_parking_enter(response->connection)) {
		end_connection(response, mhd);
		return true;
	}
	if (is_poll)
		buffer_free(&response->out);
	return false;
}

/* The present second's. */
static const char *
date_now(void)
{
	static char text[REPLY_DATE_SIZE];
	static time_t shown;
	time_t now = time(NULL);

	if (now != shown)
		reply_date(now, text);
	shown = now;
	return text;
}

/*
 * Of a poll that libmicrohttpd had, the head was composed while it still had the request's: for a
 * success only, so that an error finds the connection's end.
 */
static void
answer_past(struct http_response *response)
{
	const struct reply *reply = &response->reply;
	struct buffer *out = &response->out;

	if (out->len == 0)
		compose_head(response);
	else if (reply->status != MHD_HTTP_OK)
		response->is_broken = true;
	put_header(out, "Date", date_now());
	if (reply->status != MHD_HTTP_NO_CONTENT) {
		buffer_append_str(out, "Content-Length: ");
		put_number(out, reply->body_len);
		buffer_append_str(out, "\r\n");
	}
	buffer_append_str(out, "\r\n");
	buffer_append(out, reply->body, reply->body_len);
	response->status = (unsigned)reply->status;
	response->is_broken |= buffer_failed(out);
	response->is_open = response->out_ended = true;
	http_response_flush(response);
}

/* --- whole answers ---------------------------------------------------------------------------- */

void
http_response_reply(struct http_response *response)
{
	const struct reply *reply = &response->reply;
	struct MHD_Response *made;

	if (response->connection->is_parked || response->connection->passes) {
		answer_past(response);
		return;
	}
	made = MHD_create_response_from_buffer(
	    reply->body_len, (void *)(uintptr_t)reply->body, MHD_RESPMEM_MUST_COPY);

	if (made != NULL)
		http_response_add_headers(response, made);
	http_response_set(response, made, (unsigned)reply->status);
}

void
http_response_error(struct http_response *response, int status, const char *text)
{
	reply_set_error(&response->reply, status, text);
	http_response_reply(response);
}

void
http_response_text(struct http_response *response, int status, const char *content_type,
    const char *text, size_t len)
{
	response->reply.status = status;
	response->reply.content_type = content_type;
	response->reply.cache = REPLY_NOT_CACHED;
	response->reply.body = text;
	response->reply.body_len = len;
	http_response_reply(response);
	/* It was the caller's. */
	response->reply.body = "";
	response->reply.body_len = 0;
}

void
http_response_refuse_storing(struct http_response *response)
{
	http_response_error(
	    response, MHD_HTTP_SERVICE_UNAVAILABLE, "The messages cannot be stored.\n");
}

void
http_response_break(struct http_response *response)
{
	response->is_broken = true;
	session_receiver_broke(&response->receiver);
	wake(response);
}

/* --- its way out ------------------------------------------------------------------------------ */

/* What is stored beside sessions is not marked in their journal, but is acknowledged. */
static bool
is_to_commit(const struct http_response *response)
{
	const struct journal *journal = &response->all->sessions->journal;

	return journal->is_touched ||
	    (response->acknowledges && journal->has_sends && journal->is_kept);
}

/*
 * True if what is ready must not leave before the turn is committed: the connection waits for that,
 * suspended. False also if its client has gone, unless it is told that its messages are kept: a
 * client that sends nothing more may still read that.
 */
static bool
wait_for_commit(struct http_response *response)
{
	if (!response->concerns_session || !is_to_commit(response))
		return false;
	if (response->acknowledges)
		http_connection_hold(response->connection);
	else if (!http_connection_suspend(response->connection))
		return false;
	wait(response);
	return true;
}

static enum MHD_Result
queue(struct http_response *response)
{
	enum MHD_Result result;

	/* Nobody can tell whether what was read behind the request is one: the connection ends. */
	if (response->connection->framing.state == HTTP_FRAMING_UNKNOWN &&
	    response->status != MHD_HTTP_SWITCHING_PROTOCOLS)
		MHD_add_response_header(response->ready, MHD_HTTP_HEADER_CONNECTION, "close");
	result = MHD_queue_response(response->connection->mhd, response->status, response->ready);
	response->is_queued = true;
	drop_ready(response);
	return result;
}

enum MHD_Result
http_response_leave(struct http_response *response)
{
	if (response->is_queued || response->connection->is_suspended)
		return MHD_YES;
	if (!response->is_broken && response->ready != NULL)
		return wait_for_commit(response) ? MHD_YES : queue(response);
	if (park(response))
		return MHD_NO;
	if (!response->is_broken && http_connection_suspend(response->connection)) {
		if (response->receiver.ops == &http_poll_receiver)
			http_parking_expect(response->connection);
		return MHD_YES;
	}
	response->is_broken = true;
	session_receiver_broke(&response->receiver);
	return MHD_NO;
}

void
http_response_completed(struct http_response *response, bool has_arrived)
{
	if (has_arrived)
		delivery_confirm(&response->in_flight);
	else
		delivery_put_back(&response->in_flight);
	/* Its connection failed while frames were under way. */
	session_receiver_broke(&response->receiver);
	if (response->calls != NULL)
		response->calls->ended(response);
}

/* --- streams ---------------------------------------------------------------------------------- */

/* libmicrohttpd has sent the head, and asks for more: it never gets any, but the end. */
static ssize_t
read_stream(void *cls, uint64_t position, char *to, size_t max)
{
	struct http_response *response = cls;

	(void)position;
	(void)to;
	(void)max;
	if (!response->is_broken && response->out.len == 0 && response->out_ended) {
		if (response->is_http10)
			end_connection(response, response->connection->mhd);
		return MHD_CONTENT_READER_END_OF_STREAM;
	}
	if (park(response))
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (!response->is_broken && http_connection_suspend(response->connection)) {
		if (response->receiver.ops == &http_stream_receiver)
			http_parking_expect(response->connection);
		response->is_open = true;
		http_response_flush(response);
		return 0;
	}
	response->is_broken = true;
	session_receiver_broke(&response->receiver);
	end_connection(response, response->connection->mhd);
	return MHD_CONTENT_READER_END_WITH_ERROR;
}

void
http_response_flush(struct http_response *response)
{
	if (response->is_broken)
		wake(response);
	else if (response->is_open)
		wait(response);
}

void
http_response_end_stream(struct http_response *response)
{
	static const char last_chunk[] = "0\r\n\r\n";

	/* Else libmicrohttpd sends it. */
	if (response->connection->is_parked && !response->is_http10)
		buffer_append(&response->out, last_chunk, strlen(last_chunk));
	if (buffer_failed(&response->out))
		response->is_broken = true;
	response->out_ended = true;
	http_response_flush(response);
}

/* Returns what was written, -1 if the connection is broken. */
static ssize_t
write_some(struct http_response *response)
{
	ssize_t n = send(response->connection->fd, response->out.data, response->out.len,
	    MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		n = 0;
	return n;
}

static void
tell_drained(struct http_response *response)
{
	if (response->calls != NULL)
		response->calls->drained(response);
	else
		session_receiver_drained(&response->receiver);
}

static void
write_stream(struct http_response *response)
{
	ssize_t n;

	if (response->is_broken)
		return;
	n = response->out.len == 0 ? 0 : write_some(response);
	if (n == -1) {
		http_response_break(response);
		return;
	}
	buffer_consume(&response->out, (size_t)n);
	/* Most streams are quiet for long. */
	if (response->out.len == 0)
		buffer_free(&response->out);
	count_out(response);
	/*
	 * A client that sends nothing more may still read the rest of what is complete. (One that
	 * is parked may have sent a further request: while that is unread, a close discards the
	 * rest.)
	 */
	response->connection->is_held |=
	    response->connection->passes && response->out.len > 0 && response->out_ended;
	if (response->out.len > 0)
		http_connection_await_output(response->connection, n > 0);
	else if (http_connection_output_taken(response->connection))
		http_parking_expect(response->connection);
	if (response->out.len == 0 && n > 0)
		tell_drained(response);
	if (response->out.len == 0 && response->out_ended)
		wake(response);
}

/* --- chunks ----------------------------------------------------------------------------------- */

static const char chunk_head[] = "00000000\r\n"; /* of a size that is not known yet */

enum { CHUNK_DIGITS = 8, CHUNK_HEAD = sizeof chunk_head - 1 };

size_t
http_response_begin_chunk(struct http_response *response)
{
	if (!response->is_http10)
		buffer_append(&response->out, chunk_head, CHUNK_HEAD);
	return response->out.len;
}

/* Digits in front of `end`; returns where they begin. */
static char *
put_size(char *end, size_t size)
{
	for (; size > 0; size >>= 4)
		*--end = "0123456789abcdef"[size & 15];
	return end;
}

size_t
http_response_end_chunk(struct http_response *response, size_t begin)
{
	struct buffer *out = &response->out;
	size_t size = out->len - begin, gap;
	char *head;

	if (response->is_http10 || buffer_failed(out))
		return size;
	head = out->data + begin - CHUNK_HEAD;
	gap = (size_t)(put_size(head + CHUNK_DIGITS, size) - head);
	if (size == 0)
		gap = CHUNK_HEAD; /* an empty one would be the last */
	memmove(head, head + gap, CHUNK_HEAD + size - gap);
	buffer_truncate(out, out->len - gap);
	if (size > 0)
		buffer_append(out, "\r\n", 2);
	return size;
}

/* --- the head of a stream --------------------------------------------------------------------- */

void
http_response_stream(struct http_response *response)
{
	enum { BLOCK = 1 }; /* bytes: libmicrohttpd is given none */
	struct MHD_Response *made =
	    MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, read_stream, response, NULL);

	if (made != NULL)
		http_response_add_headers(response, made);
	http_response_set(response, made, (unsigned)response->reply.status);
}

/* --- the commit ------------------------------------------------------------------------------- */

/* It was composed to say that messages are kept, and they are not. */
static void
take_back(struct http_response *response)
{
	response->acknowledges = false;
	drop_ready(response);
	buffer_free(&response->out);
	http_response_refuse_storing(response);
	stop_waiting(response);
}

void
http_responses_committed(struct http_responses *all, enum commit_result committed)
{
	struct http_response *response;

	while ((response = LIST_FIRST(&all->waiting)) != NULL) {
		stop_waiting(response);
		if (committed == COMMIT_FAILED && response->acknowledges)
			take_back(response);
		if (response->is_open)
			write_stream(response);
		else
			wake(response);
	}
}
