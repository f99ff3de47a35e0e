/*
 * See redis_client.h. This is the shared object; no other file knows hiredis, and it uses nothing
 * of the daemon.
 */
#include "sessiond/redis/redis_client.h"

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { INPUT_SIZE = 65536 };

#if HIREDIS_MAJOR == 0
typedef int list_count;
#else
typedef size_t list_count;
#endif

union stream {
	uv_handle_t handle;
	uv_stream_t stream;
	uv_tcp_t tcp;
	uv_pipe_t pipe;
};

struct redis_client {
	uv_loop_t *loop;
	const struct redis_client_calls *calls;
	void *owner;
	union stream to;
	uv_getaddrinfo_t resolving;
	uv_connect_t connecting;
	redisReader *reader;
	redisReplyObjectFunctions make;
	void *(*make_list)(const redisReadTask *task, list_count count);
	char *out; /* what is queued */
	size_t out_len, out_room;
	bool is_open;	   /* connected */
	bool is_resolving; /* `resolving` is in use, and so is the client */
	bool is_destroyed; /* its owner wants to hear nothing more */
	bool has_handle;   /* `to` was made */
	bool is_closed;	   /* ... and closed */
	char input[INPUT_SIZE];
};

/* What is on its way: the bytes are behind it. */
struct sending {
	uv_write_t request;
	struct redis_client *client;
};

/* --- its end ---------------------------------------------------------------------------------- */

static void
free_if_unused(struct redis_client *client)
{
	if (!client->is_destroyed || client->is_resolving ||
	    (client->has_handle && !client->is_closed))
		return;
	if (client->reader != NULL)
		redisReaderFree(client->reader);
	free(client->out);
	free(client);
}

static void
closed(uv_handle_t *handle)
{
	struct redis_client *client = handle->data;

	client->is_closed = true;
	free_if_unused(client);
}

static void
destroy(struct redis_client **client)
{
	struct redis_client *it = *client;

	*client = NULL;
	if (it == NULL)
		return;
	it->is_destroyed = true;
	if (it->is_resolving)
		uv_cancel((uv_req_t *)&it->resolving);
	if (it->has_handle && !uv_is_closing(&it->to.handle))
		uv_close(&it->to.handle, closed);
	free_if_unused(it);
}

static void
end(struct redis_client *client, const char *why)
{
	if (client->is_destroyed)
		return;
	client->is_open = false;
	if (client->has_handle && !uv_is_closing(&client->to.handle))
		uv_close(&client->to.handle, closed);
	client->calls->ended(client->owner, why);
}

/* --- what comes ------------------------------------------------------------------------------- */

/* Tells of what is complete. Returns what is wrong; NULL: nothing. */
static const char *
read_replies(struct redis_client *client)
{
	while (!client->is_destroyed) {
		void *reply = NULL;

		if (redisReaderGetReply(client->reader, &reply) != REDIS_OK)
			return client->reader->errstr;
		if (reply == NULL)
			break;
		client->calls->replied(client->owner, reply);
		freeReplyObject(reply);
	}
	if (!client->is_destroyed && client->reader->len - client->reader->pos > REDIS_REPLY_MAX)
		return "a reply is too long";
	return NULL;
}

static void
got(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
	struct redis_client *client = stream->data;
	const char *why = NULL;

	if (client->is_destroyed)
		return;
	if (n < 0)
		why = n == UV_EOF ? "it has closed the connection" : uv_strerror((int)n);
	else if (redisReaderFeed(client->reader, buffer->base, (size_t)n) != REDIS_OK)
		why = client->reader->errstr;
	else
		why = read_replies(client);
	/* The texts are gone with the reader. */
	if (why != NULL && !client->is_destroyed) {
		char text[200];

		strncpy(text, why, sizeof text - 1);
		text[sizeof text - 1] = '\0';
		end(client, text);
	}
}

static void
provide(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
	struct redis_client *client = handle->data;

	(void)wanted;
	*buffer = uv_buf_init(client->input, INPUT_SIZE);
}

/* --- what goes -------------------------------------------------------------------------------- */

static int
put(struct redis_client *client, int argc, const char **words, const size_t *lens)
{
	char *command;
	long long len = redisFormatCommandArgv(&command, argc, words, lens);

	if (len < 0)
		return -1;
	if (client->out_room - client->out_len < (size_t)len) {
		size_t room = 2 * client->out_room + (size_t)len;
		char *larger = realloc(client->out, room);

		if (larger == NULL) {
			free(command);
			return -1;
		}
		client->out = larger;
		client->out_room = room;
	}
	memcpy(client->out + client->out_len, command, (size_t)len);
	client->out_len += (size_t)len;
	free(command);
	return 0;
}

static void
sent(uv_write_t *request, int status)
{
	struct sending *sending = (struct sending *)request;
	struct redis_client *client = sending->client;

	free(sending);
	if (status < 0 && status != UV_ECANCELED)
		end(client, uv_strerror(status));
}

/* All that the socket does not take goes on its way in one piece. */
static void
flush(struct redis_client *client)
{
	uv_buf_t bytes = uv_buf_init(client->out, (unsigned)client->out_len);
	struct sending *sending;
	int n = 0;

	if (!client->is_open || client->out_len == 0)
		return;
	if (client->to.stream.write_queue_size == 0)
		n = uv_try_write(&client->to.stream, &bytes, 1);
	if (n < 0)
		n = 0;
	client->out_len -= (size_t)n;
	if (client->out_len == 0)
		return;
	sending = malloc(sizeof *sending + client->out_len);
	if (sending == NULL) {
		memmove(client->out, client->out + n, client->out_len);
		return;
	}
	sending->client = client;
	memcpy(sending + 1, client->out + n, client->out_len);
	bytes = uv_buf_init((char *)(sending + 1), (unsigned)client->out_len);
	client->out_len = 0;
	if (uv_write(&sending->request, &client->to.stream, &bytes, 1, sent) != 0)
		free(sending);
}

static size_t
waits(const struct redis_client *client)
{
	return client->out_len + (client->has_handle ? client->to.stream.write_queue_size : 0);
}

/* --- the reader ------------------------------------------------------------------------------- */

/* hiredis would allocate whatever number it is told, and look at each when it frees them. */
static void *
make_list(const redisReadTask *task, list_count count)
{
	const struct redis_client *client = task->privdata;

	return count > REDIS_LIST_MAX ? NULL : client->make_list(task, count);
}

static void
create_reader(struct redis_client *client)
{
	client->reader = redisReaderCreate();
	if (client->reader == NULL)
		abort();
	client->make = *client->reader->fn;
	client->make_list = client->make.createArray;
	client->make.createArray = make_list;
	client->reader->fn = &client->make;
	client->reader->privdata = client;
}

/* --- connecting ------------------------------------------------------------------------------- */

static void
connected(uv_connect_t *request, int status)
{
	struct redis_client *client = request->data;

	if (client->is_destroyed)
		return;
	if (status == 0)
		status = uv_read_start(&client->to.stream, provide, got);
	if (status < 0) {
		end(client, uv_strerror(status));
		return;
	}
	client->is_open = true;
	client->calls->connected(client->owner);
}

static void
resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
	struct redis_client *client = request->data;

	client->is_resolving = false;
	if (client->is_destroyed) {
		uv_freeaddrinfo(found);
		free_if_unused(client);
		return;
	}
	if (status == 0)
		status =
		    uv_tcp_connect(&client->connecting, &client->to.tcp, found->ai_addr, connected);
	uv_freeaddrinfo(found);
	if (status < 0)
		end(client, uv_strerror(status));
}

static void
connect_tcp(struct redis_client *client, const char *host, const char *port)
{
	static const struct addrinfo hints = {
	    .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};

	uv_tcp_init(client->loop, &client->to.tcp);
	uv_tcp_nodelay(&client->to.tcp, 1);
	client->is_resolving =
	    uv_getaddrinfo(client->loop, &client->resolving, resolved, host, port, &hints) == 0;
}

static struct redis_client *
create(uv_loop_t *loop, const char *host, const char *port, const char *path,
    const struct redis_client_calls *calls, void *owner)
{
	struct redis_client *client = calloc(1, sizeof *client);

	if (client == NULL)
		abort();
	client->loop = loop;
	client->calls = calls;
	client->owner = owner;
	client->resolving.data = client->connecting.data = client;
	create_reader(client);
	client->has_handle = true;
	if (path == NULL) {
		connect_tcp(client, host, port);
	} else {
		uv_pipe_init(loop, &client->to.pipe, 0);
		uv_pipe_connect(&client->connecting, &client->to.pipe, path, connected);
	}
	client->to.handle.data = client;
	return client;
}

/* --- replies ---------------------------------------------------------------------------------- */

static const redisReply *
reply_of(const struct redis_reply *reply)
{
	return (const redisReply *)reply;
}

static enum redis_type
type(const struct redis_reply *reply)
{
	switch (reply_of(reply)->type) {
	case REDIS_REPLY_STRING:
	case REDIS_REPLY_STATUS:
		return REDIS_TEXT;
	case REDIS_REPLY_INTEGER:
		return REDIS_NUMBER;
	case REDIS_REPLY_ARRAY:
		return REDIS_LIST;
	case REDIS_REPLY_ERROR:
		return REDIS_ERROR;
	default:
		return REDIS_NIL;
	}
}

static int64_t
number(const struct redis_reply *reply)
{
	return type(reply) == REDIS_NUMBER ? reply_of(reply)->integer : 0;
}

static const char *
text(const struct redis_reply *reply, size_t *len)
{
	enum redis_type is = type(reply);

	if ((is != REDIS_TEXT && is != REDIS_ERROR) || reply_of(reply)->str == NULL) {
		*len = 0;
		return "";
	}
	*len = reply_of(reply)->len;
	return reply_of(reply)->str;
}

static size_t
count(const struct redis_reply *reply)
{
	return type(reply) == REDIS_LIST ? reply_of(reply)->elements : 0;
}

static const struct redis_reply *
at(const struct redis_reply *reply, size_t i)
{
	return i < count(reply) ? (const struct redis_reply *)reply_of(reply)->element[i] : NULL;
}

extern const struct redis_client_ops sockjs_redis_client;

__attribute__((visibility("default"))) const struct redis_client_ops sockjs_redis_client = {
    REDIS_CLIENT_ABI, create, put, flush, waits, destroy, type, number, text, count, at};
