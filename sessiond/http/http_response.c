/*
 * See http_response.h.
 *
 * Sessions push frames; libmicrohttpd pulls a response. They meet here: frames are put into `out`
 * and the connection is resumed; libmicrohttpd then calls read_stream, which hands over what is
 * there and suspends the connection when there is no more. While it is suspended, libmicrohttpd
 * does not look at it: http_connection.c does.
 */
#include "sessiond/http/http_response.h"

#include "sessiond/http/http_connection.h"
#include "sessiond/session/delivery.h"
#include "sessiond/session/in_flight.h"
#include "sessiond/session/session.h"
#include "sessiond/session/session_set.h"

#include <stdint.h>
#include <string.h>
#include <time.h>

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

static void
drop_ready(struct http_response *response)
{
	if (response->ready != NULL)
		MHD_destroy_response(response->ready);
	response->ready = NULL;
}

void
http_response_clear(struct http_response *response)
{
	stop_waiting(response);
	drop_ready(response);
	buffer_free(&response->out);
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

void
http_response_wake(struct http_response *response)
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
	http_response_wake(response);
}

void
http_response_reply(struct http_response *response)
{
	const struct reply *reply = &response->reply;
	struct MHD_Response *made = MHD_create_response_from_buffer(
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
	http_response_wake(response);
}

void
http_response_hung_up(struct http_response *response)
{
	if (!response->is_waiting || !response->acknowledges)
		http_response_break(response);
}

/* --- its way out ------------------------------------------------------------------------------ */

/*
 * True if what is ready must not leave before the turn is committed: the connection waits for that,
 * suspended. False also if its client has gone, unless it is told that its messages are kept: a
 * client that sends nothing more may still read that.
 */
static bool
wait_for_commit(struct http_response *response)
{
	struct http_responses *all = response->all;

	if (!all->sessions->journal.is_touched || !response->concerns_session)
		return false;
	if (response->acknowledges)
		http_connection_hold(response->connection);
	else if (!http_connection_suspend(response->connection))
		return false;
	stop_waiting(response);
	LIST_INSERT_HEAD(&all->waiting, response, entry);
	response->is_waiting = true;
	return true;
}

void
http_responses_committed(struct http_responses *all, enum commit_result committed)
{
	struct http_response *response;

	while ((response = LIST_FIRST(&all->waiting)) != NULL) {
		stop_waiting(response);
		if (committed == COMMIT_FAILED && response->acknowledges &&
		    response->ready != NULL) {
			drop_ready(response);
			http_response_refuse_storing(response);
		}
		http_response_wake(response);
	}
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
	if (!response->is_broken && http_connection_suspend(response->connection))
		return MHD_YES;
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
}

/* --- streams ---------------------------------------------------------------------------------- */

/*
 * libmicrohttpd marks such a connection closed, but frees it only when it next looks at it; of the
 * connections with the common timeout it looks at the oldest alone, of those with their own at
 * each. So the connection gets its own, and one more run.
 */
static ssize_t
fail_stream(struct http_response *response)
{
	MHD_set_connection_option(response->connection->mhd, MHD_CONNECTION_OPTION_TIMEOUT, 1u);
	response->connection->all->has_work = true;
	return MHD_CONTENT_READER_END_WITH_ERROR;
}

static ssize_t
read_stream(void *cls, uint64_t position, char *to, size_t max)
{
	struct http_response *response = cls;
	size_t n = response->out.len < max ? response->out.len : max;

	(void)position;
	if (response->is_broken)
		return fail_stream(response);
	if (n > 0 && wait_for_commit(response))
		return 0;
	if (n > 0) {
		memcpy(to, response->out.data, n);
		buffer_consume(&response->out, n);
		if (response->out.len == 0)
			session_receiver_drained(&response->receiver);
		return (ssize_t)n;
	}
	if (response->out_ended)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (response->connection->is_suspended || http_connection_suspend(response->connection))
		return 0;
	response->is_broken = true;
	session_receiver_broke(&response->receiver);
	return fail_stream(response);
}

void
http_response_stream(struct http_response *response)
{
	enum { BLOCK = 4096 };
	struct MHD_Response *made =
	    MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, read_stream, response, NULL);

	if (made != NULL)
		http_response_add_headers(response, made);
	http_response_set(response, made, (unsigned)response->reply.status);
}
