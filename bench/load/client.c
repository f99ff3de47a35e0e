/*
 * Sends block: a message is small, and a server that reads takes it at once. Receiving never does:
 * what the socket has is taken with one call for each event, so that the load is cheap.
 */
#include "bench/load/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bench/load/http_answer.h"
#include "common/memory.h"

#define READ_SIZE     (256 << 10)
#define LARGE_MESSAGE 100 /* bytes */

void
die(const char *format, ...)
{
	va_list args;

	fputs("load: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

static struct words
words_of(const struct client *client)
{
	const struct target *target = client->target;

	return (struct words){
	    target->path, client->id, client->sid, target->message, target->deflate};
}

/* The port is chosen when it is known where to, so that others may have it for elsewhere. */
static void
bind_to(int fd, const char *from)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	int on = 1;

	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
	if (inet_pton(AF_INET, from, &address.sin_addr) != 1 ||
	    bind(fd, (struct sockaddr *)&address, sizeof address) == -1)
		die("cannot connect from %s", from);
}

static int
connect_port(const char *from, uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd != -1 && from != NULL)
		bind_to(fd, from);
	if (fd == -1 || connect(fd, (struct sockaddr *)&address, sizeof address) == -1)
		die("cannot connect to port %u: %s", port, strerror(errno));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	return fd;
}

static int
connect_unix(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	if (fd == -1 || connect(fd, (struct sockaddr *)&address, sizeof address) == -1)
		die("cannot connect to %s: %s", path, strerror(errno));
	return fd;
}

static void
connection_open(struct connection *connection, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};

	connection->fd = fd;
	if (epoll_ctl(connection->client->target->epoll, EPOLL_CTL_ADD, fd, &event) == -1)
		die("epoll_ctl: %s", strerror(errno));
}

static void
connection_close(struct connection *connection)
{
	if (connection->fd != -1)
		close(connection->fd);
	connection->fd = -1;
	connection->answered = false;
	buffer_free(&connection->in);
}

static void
connection_send(struct connection *connection, const struct buffer *bytes)
{
	size_t sent = 0;

	while (sent < bytes->len) {
		ssize_t n =
		    send(connection->fd, bytes->data + sent, bytes->len - sent, MSG_NOSIGNAL);

		if (n == -1)
			die("send: %s", strerror(errno));
		sent += (size_t)n;
	}
}

static void
open_down(struct client *client)
{
	connection_open(&client->down, connect_port(client->target->from, client->target->port));
}

static void
open_up(struct client *client)
{
	const struct target *target = client->target;

	connection_open(&client->up,
	    *target->up == '/' ? connect_unix(target->up)
			       : connect_port(target->from, (uint16_t)atoi(target->up)));
}

static void
send_request(struct client *client, const struct request *request)
{
	struct words words = words_of(client);
	struct buffer bytes = BUFFER_INIT;

	request_build(request, &words, "", &bytes);
	if (client->down.fd == -1)
		open_down(client);
	connection_send(&client->down, &bytes);
	buffer_free(&bytes);
}

/* What the last answer was, as a server asks that keeps no track of its clients. */
static void
build_conditional_poll(struct client *client, const char *head, size_t head_len)
{
	static const struct {
		const char *answer, *request;
	} names[] = {{"Etag", "If-None-Match"}, {"Last-Modified", "If-Modified-Since"}};
	struct words words = words_of(client);
	char headers[256] = "";

	for (size_t i = 0; i < 2; i++) {
		size_t len, used = strlen(headers);
		const char *value = http_header(head, head_len, names[i].answer, &len);

		if (value)
			snprintf(headers + used, sizeof headers - used, "%s: %.*s\r\n",
			    names[i].request, (int)len, value);
	}
	buffer_clear(&client->poll);
	request_build(&client->target->way->poll, &words, headers, &client->poll);
}

/* Sends a request that is kept, for it may have to be sent again. */
static void
ask(struct connection *connection, const struct buffer *request)
{
	struct client *client = connection->client;

	if (connection->fd == -1 && connection == &client->down)
		open_down(client);
	else if (connection->fd == -1)
		open_up(client);
	connection->asked = request;
	connection_send(connection, request);
}

static void
poll_again(struct client *client)
{
	ask(&client->down, &client->poll);
}

/* A large message begins with the client's id, so that nobody has the same to compress again. */
static void
build_message(struct client *client)
{
	struct words words = words_of(client);
	char *message = xstrdup(words.message);

	if (strlen(message) >= LARGE_MESSAGE)
		memcpy(message, client->id, strlen(client->id));
	words.message = message;
	request_build(&client->target->way->message, &words, "", &client->message);
	free(message);
}

static void
become_open(struct client *client)
{
	const struct way *way = client->target->way;
	struct words words = words_of(client);

	client->open = true;
	build_message(client);
	if (way->receiving == RECEIVE_POLLS) {
		request_build(&way->poll, &words, "", &client->poll);
		if (!way->constant)
			poll_again(client);
	} else {
		buffer_free(&client->down.in);
	}
	client->target->on_event(client, CLIENT_OPENED, 0);
}

/* The next step of opening, if there is one. */
static void
step_on(struct client *client)
{
	const struct step *steps = client->target->way->open;

	if (client->step < WAY_STEPS && steps[client->step].request.kind != REQUEST_NONE)
		send_request(client, &steps[client->step].request);
	else
		become_open(client);
}

static void
note_sid(struct client *client, const struct buffer *text)
{
	static const char before[] = "\"sid\":\"";
	const char *found = memmem(text->data, text->len, before, strlen(before));

	if (found && client->sid[0] == '\0')
		sscanf(found + strlen(before), "%63[^\"]", client->sid);
}

static bool
contains(const struct buffer *text, const char *what)
{
	return memmem(text->data, text->len, what, strlen(what)) != NULL;
}

/* Something has come of the answer to a step, which is complete or, unless `whole`, may be. */
static void
take_step(struct client *client, const struct buffer *text, bool whole)
{
	const struct step *step = &client->target->way->open[client->step];

	if (!contains(text, step->expect)) {
		if (whole)
			die("no \"%s\" in %.*s", step->expect, (int)text->len, text->data);
		return;
	}
	if (client->target->deflate && step->request.kind == REQUEST_UPGRADE &&
	    !contains(text, "permessage-deflate"))
		die("the server does not compress");
	note_sid(client, text);
	buffer_clear(&client->down.in);
	client->step++;
	step_on(client);
}

static void
take_poll(struct client *client, const struct buffer *text, const struct http_answer *answer)
{
	unsigned count = count_marks(text->data + answer->head_len, answer->len - answer->head_len);

	if (client->target->way->conditional)
		build_conditional_poll(client, text->data, answer->head_len);
	buffer_clear(&client->down.in);
	if (!client->target->way->constant)
		poll_again(client);
	if (count > 0)
		client->target->on_event(client, CLIENT_DELIVERED, count);
}

/* A connection that carries whole answers has one. */
static void
take_answer(struct connection *connection, const struct http_answer *answer)
{
	struct client *client = connection->client;
	struct buffer text = connection->in;

	if (answer->status / 100 != 2)
		die("not accepted: %.*s", (int)text.len, text.data);
	connection->in = (struct buffer)BUFFER_INIT;
	connection->asked = NULL;
	connection->answered = true;
	if (answer->closes)
		connection_close(connection);
	if (connection == &client->up)
		client->target->on_event(client, CLIENT_SENT, 0);
	else if (client->open)
		take_poll(client, &text, answer);
	else
		take_step(client, &text, true);
	buffer_free(&text);
}

static void
take_text(struct connection *connection, const char *data, size_t len)
{
	struct client *client = connection->client;
	struct http_answer answer;
	int found;

	buffer_append(&connection->in, data, len);
	if (connection == &client->down && client->target->way->receiving != RECEIVE_POLLS) {
		take_step(client, &connection->in, false);
		return;
	}
	found = http_answer_find(connection->in.data, connection->in.len, &answer);
	if (found < 0)
		die("no answer: %.*s", (int)connection->in.len, connection->in.data);
	if (found > 0)
		take_answer(connection, &answer);
}

/*
 * Most servers are told to send no pings while a measurement lasts; not all can be told. A pong has
 * no payload, whatever the ping had: it is a sign of life.
 */
static void
answer_pings(struct client *client)
{
	static char frame[] = "\x8a\x80\0\0\0";
	const struct buffer pong = {.data = frame, .len = sizeof frame};

	for (; client->frames.pings > 0 && !client->closing; client->frames.pings--)
		connection_send(&client->down, &pong);
}

/* Messages of an open websocket or stream. */
static void
take_messages(struct client *client, const char *data, size_t len)
{
	int count;

	if (client->target->way->receiving == RECEIVE_STREAM)
		count = (int)count_marks(data, len);
	else
		count = frame_reader_take(&client->frames, data, len, client->target->deflate);
	if (count < 0 && !client->closing)
		die("the server has closed a websocket");
	if (client->frames.pings > 0)
		answer_pings(client);
	if (count > 0)
		client->target->on_event(client, CLIENT_DELIVERED, (unsigned)count);
}

/*
 * Servers close connections that were quiet for some seconds. What has crossed such an end is sent
 * again, on another connection, as browsers do. error: of recv, or 0.
 */
static void
take_end(struct connection *connection, int error)
{
	struct client *client = connection->client;
	bool polls = client->target->way->receiving == RECEIVE_POLLS;

	if (client->closing) {
		client->target->on_event(client, CLIENT_ENDED, 0);
		return;
	}
	if (!client->open || connection->in.len > 0 || (connection == &client->down && !polls) ||
	    (connection->asked && !connection->answered))
		die("the server has closed a connection: %s", strerror(error));
	connection_close(connection);
	if (connection->asked)
		ask(connection, connection->asked);
}

void
client_read(struct connection *connection)
{
	static char data[READ_SIZE];
	struct client *client = connection->client;
	ssize_t len = recv(connection->fd, data, sizeof data, MSG_DONTWAIT);

	if (len == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (len <= 0)
		take_end(connection, len == 0 ? 0 : errno);
	else if (connection == &client->down && client->open &&
	    client->target->way->receiving != RECEIVE_POLLS)
		take_messages(client, data, (size_t)len);
	else
		take_text(connection, data, (size_t)len);
}

void
client_send(struct client *client)
{
	if (client->target->way->message.kind == REQUEST_FRAME) {
		connection_send(&client->down, &client->message);
		client->target->on_event(client, CLIENT_SENT, 0);
		return;
	}
	if (client->target->way->constant)
		poll_again(client);
	ask(&client->up, &client->message);
}

void
client_close(struct client *client)
{
	/* Status 1000, under a mask of zeros. */
	static char frame[] = "\x88\x82\0\0\0\0\x03\xe8";
	const struct buffer bytes = {.data = frame, .len = sizeof frame - 1};

	client->closing = true;
	connection_send(&client->down, &bytes);
}

struct client *
client_create(const struct target *target, uint64_t intended)
{
	static unsigned created;
	struct client *client = xcalloc(1, sizeof *client);

	client->target = target;
	client->intended = intended;
	client->down.client = client->up.client = client;
	client->up.fd = -1;
	snprintf(client->id, sizeof client->id, "c%08x%08x", (unsigned)getpid(), created++);
	open_down(client);
	step_on(client);
	return client;
}

void
client_destroy(struct client **client)
{
	if (!*client)
		return;
	connection_close(&(*client)->down);
	connection_close(&(*client)->up);
	buffer_free(&(*client)->message);
	buffer_free(&(*client)->poll);
	free(*client);
	*client = NULL;
}
