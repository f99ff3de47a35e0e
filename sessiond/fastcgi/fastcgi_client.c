/*
 * See fastcgi_client.h. A call is over once (finish, fastcgi_call_end): it leaves the client's
 * list, and its memory is freed when libuv has closed its socket.
 */
#include "sessiond/fastcgi/fastcgi_client.h"

#include "common/log_limit.h"
#include "common/loop.h"
#include "common/memory.h"
#include "sockjs/net_address.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/un.h>
#include <sysexits.h>

enum { READ_SIZE = 65536 };

struct fastcgi_call {
	LIST_ENTRY(fastcgi_call) entry;
	struct fastcgi_client *client; /* NULL: it is over */
	fastcgi_done *done;
	void *owner;
	union {
		uv_handle_t handle;
		uv_stream_t stream;
		uv_pipe_t pipe;
		uv_tcp_t tcp;
	} socket;
	uv_connect_t connect;
	uv_write_t write;
	struct timer timer;
	bool is_connected;
	int refused; /* of libuv: the connect has failed at once */
	struct buffer out, in;
	struct fastcgi_answer answer;
};

struct fastcgi_client {
	uv_loop_t *loop;
	struct timers *timers;
	struct timer_queue timeouts;
	struct timer_queue refusals; /* without delay: of those that are refused at once */
	char *address, *name;
	union net_address net; /* AF_UNIX: address is a path */
	size_t limit;
	LIST_HEAD(, fastcgi_call) calls;
};

/* --- addresses -------------------------------------------------------------------------------- */

static int
parse_address(const char *text, union net_address *to, struct error *err)
{
	*to = (union net_address){.any.sa_family = AF_UNIX};
	if (text[0] != '/' && !net_address_parse_port(to, text))
		return error_set(err, EX_CONFIG,
		    "\"%s\" is no address of a FastCGI application; expected is the path of its "
		    "socket, or an IP address with a port, such as 127.0.0.1:9000",
		    text);
	if (text[0] == '/' && strlen(text) >= sizeof((struct sockaddr_un *)0)->sun_path)
		return error_set(err, EX_CONFIG, "the path of the socket is too long: %s", text);
	return 0;
}

/* --- the end of a call ------------------------------------------------------------------------ */

static void
free_call(uv_handle_t *handle)
{
	struct fastcgi_call *call = handle->data;

	buffer_free(&call->out);
	buffer_free(&call->in);
	fastcgi_answer_free(&call->answer);
	free(call);
}

static void
leave(struct fastcgi_call *call)
{
	LIST_REMOVE(call, entry);
	timer_stop(&call->timer);
	call->client = NULL;
	uv_close(&call->socket.handle, free_call);
}

static void
finish(struct fastcgi_call *call, const struct fastcgi_outcome *outcome)
{
	leave(call);
	call->done(call->owner, outcome);
}

static void fail(struct fastcgi_call *call, enum fastcgi_result result, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void
fail(struct fastcgi_call *call, enum fastcgi_result result, const char *format, ...)
{
	char why[ERROR_TEXT_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof why, format, args);
	va_end(args);
	finish(call, &(struct fastcgi_outcome){.result = result, .why = why});
}

static void
fail_connect(struct fastcgi_call *call, int error)
{
	static const struct {
		int error;
		const char *hint;
	} hints[] = {
	    {UV_ENOENT, "; is it running?"},
	    {UV_ECONNREFUSED, "; is it running?"},
	    {UV_EACCES,
		"; the daemon's user has to be allowed to (of PHP-FPM: listen.owner, listen.group "
		"and listen.mode of its pool)"},
	    {UV_EAGAIN, "; too many wait for it (of PHP-FPM: pm.max_children, listen.backlog)"},
	};
	const char *hint = "";
	size_t i;

	for (i = 0; i < sizeof hints / sizeof hints[0]; i++)
		if (hints[i].error == error)
			hint = hints[i].hint;
	fail(call, FASTCGI_AWAY, "cannot connect to %s: %s%s", call->client->address,
	    uv_strerror(error), hint);
}

static void
on_timeout(struct timer *timer, void *context)
{
	struct fastcgi_call *call = container_of(timer, struct fastcgi_call, timer);

	(void)context;
	if (call->is_connected)
		fail(call, FASTCGI_FAILED, "%s gave no answer in time", call->client->address);
	else
		fail_connect(call, UV_ETIMEDOUT);
}

static void
on_refusal(struct timer *timer, void *context)
{
	struct fastcgi_call *call = container_of(timer, struct fastcgi_call, timer);

	(void)context;
	fail_connect(call, call->refused);
}

/* --- the answer ------------------------------------------------------------------------------- */

static void
log_line(const struct fastcgi_call *call, const char *line, size_t len)
{
	static struct log_limit limit;

	if (len > 0 && line[len - 1] == '\r')
		len--;
	if (len > 0)
		log_limited(&limit, SEVERITY_ERROR, "[%s] callback: %.*s", call->client->name,
		    (int)len, line);
}

/* Of a line that does not end, what the log would show. */
static void
log_errors(struct fastcgi_call *call, bool is_all)
{
	struct buffer *errors = &call->answer.errors;
	const char *end;
	size_t n;

	while (errors->len > 0) {
		end = memchr(errors->data, '\n', errors->len);
		if (end == NULL && !is_all && errors->len < LOG_TEXT_MAX)
			break;
		n = end == NULL ? errors->len : (size_t)(end - errors->data);
		log_line(call, errors->data, n < LOG_TEXT_MAX ? n : LOG_TEXT_MAX);
		buffer_consume(errors, n + (end != NULL));
	}
}

static void
answer(struct fastcgi_call *call)
{
	struct fastcgi_outcome outcome = {.result = FASTCGI_ANSWERED};
	enum fastcgi_error error;

	if (call->answer.refusal == FASTCGI_OVERLOADED)
		return fail(call, FASTCGI_AWAY, "%s is overloaded", call->client->address);
	if (call->answer.refusal != FASTCGI_DONE)
		return fail(call, FASTCGI_AWAY, "%s refuses requests (protocol status %u)",
		    call->client->address, call->answer.refusal);
	if (call->answer.app_status != 0)
		return fail(call, FASTCGI_FAILED, "the application has ended with status %lu",
		    (unsigned long)call->answer.app_status);
	error = fastcgi_answer_read(&call->answer, &outcome.response);
	if (error != 0)
		return fail(call, FASTCGI_FAILED, "the answer %s", fastcgi_error_text(error));
	finish(call, &outcome);
}

static void
take_records(struct fastcgi_call *call)
{
	int n = 0;

	while (!call->answer.is_over && call->in.len > 0 &&
	    (n = fastcgi_answer_take(&call->answer, call->in.data, call->in.len)) > 0)
		buffer_consume(&call->in, (size_t)n);
	log_errors(call, call->answer.is_over || n < 0);
	if (call->answer.is_over)
		answer(call);
	else if (n < 0)
		fail(call, FASTCGI_FAILED, "the answer %s",
		    fastcgi_error_text((enum fastcgi_error)n));
}

static void
on_memory(uv_handle_t *handle, size_t suggested, uv_buf_t *to)
{
	struct fastcgi_call *call = handle->data;

	(void)suggested;
	*to = uv_buf_init(buffer_reserve(&call->in, READ_SIZE), READ_SIZE);
	/* libuv makes UV_ENOBUFS of it. */
	if (to->base == NULL)
		to->len = 0;
}

static void
on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *from)
{
	struct fastcgi_call *call = stream->data;

	(void)from;
	loop_note_wake(stream->loop);
	if (n >= 0) {
		buffer_added(&call->in, (size_t)n);
		take_records(call);
		return;
	}
	log_errors(call, true);
	fail(call, FASTCGI_FAILED, "%s has closed the connection without an answer%s%s",
	    call->client->address, n == UV_EOF ? "" : ": ", n == UV_EOF ? "" : uv_strerror((int)n));
}

/* --- the request ------------------------------------------------------------------------------ */

/* Of a peer that does not read, the answer or the end is read, or the time is up. */
static void
on_written(uv_write_t *write, int status)
{
	struct fastcgi_call *call = write->data;

	(void)status;
	buffer_free(&call->out);
}

static void
on_connect(uv_connect_t *connect, int status)
{
	struct fastcgi_call *call = connect->data;
	uv_buf_t request = uv_buf_init(call->out.data, (unsigned)call->out.len);

	if (call->client == NULL)
		return;
	if (status < 0)
		return fail_connect(call, status);
	call->is_connected = true;
	uv_read_start(&call->socket.stream, on_memory, on_read);
	uv_write(&call->write, &call->socket.stream, &request, 1, on_written);
}

static void
begin(struct fastcgi_call *call)
{
	struct fastcgi_client *client = call->client;

	timer_start(&client->timeouts, &call->timer, uv_now(client->loop));
	if (client->net.any.sa_family == AF_UNIX) {
		uv_pipe_connect(&call->connect, &call->socket.pipe, client->address, on_connect);
		return;
	}
	call->refused =
	    uv_tcp_connect(&call->connect, &call->socket.tcp, &client->net.any, on_connect);
	if (call->refused < 0)
		timer_start(&client->refusals, &call->timer, uv_now(client->loop));
}

static void
init_socket(struct fastcgi_call *call)
{
	struct fastcgi_client *client = call->client;

	call->connect.data = call->write.data = call;
	if (client->net.any.sa_family == AF_UNIX)
		uv_pipe_init(client->loop, &call->socket.pipe, 0);
	else
		uv_tcp_init(client->loop, &call->socket.tcp);
	call->socket.handle.data = call;
}

struct fastcgi_call *
fastcgi_client_ask(struct fastcgi_client *client, const struct fastcgi_param *params, size_t count,
    const char *body, size_t len, fastcgi_done *done, void *owner)
{
	struct fastcgi_call *call = xcalloc(1, sizeof *call);

	fastcgi_append_request(&call->out, params, count, body, len);
	if (buffer_failed(&call->out)) {
		buffer_free(&call->out);
		free(call);
		return NULL;
	}
	call->client = client;
	call->done = done;
	call->owner = owner;
	call->answer.limit = client->limit;
	init_socket(call);
	LIST_INSERT_HEAD(&client->calls, call, entry);
	begin(call);
	return call;
}

void
fastcgi_call_end(struct fastcgi_call **call)
{
	if (*call != NULL)
		leave(*call);
	*call = NULL;
}

/* --- clients ---------------------------------------------------------------------------------- */

struct fastcgi_client *
fastcgi_client_create(uv_loop_t *loop, struct timers *timers, const struct fastcgi_options *options,
    struct error *err)
{
	struct fastcgi_client *client;
	union net_address net;

	if (parse_address(options->address, &net, err) != 0)
		return NULL;
	client = xcalloc(1, sizeof *client);
	client->loop = loop;
	client->timers = timers;
	client->net = net;
	client->address = xstrdup(options->address);
	client->name = xstrdup(options->name);
	client->limit = options->limit;
	timer_queue_add(timers, &client->timeouts, options->timeout_ms, on_timeout, NULL);
	timer_queue_add(timers, &client->refusals, 0, on_refusal, NULL);
	return client;
}

void
fastcgi_client_set_limits(struct fastcgi_client *client, uint64_t timeout_ms, size_t limit)
{
	client->limit = limit;
	timer_queue_set_delay(&client->timeouts, timeout_ms);
}

void
fastcgi_client_destroy(struct fastcgi_client **client)
{
	if (*client == NULL)
		return;
	while (!LIST_EMPTY(&(*client)->calls))
		leave(LIST_FIRST(&(*client)->calls));
	timer_queue_remove((*client)->timers, &(*client)->timeouts);
	timer_queue_remove((*client)->timers, &(*client)->refusals);
	free((*client)->address);
	free((*client)->name);
	free(*client);
	*client = NULL;
}
