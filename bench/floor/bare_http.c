/*
 * bare_http PORT: the least that a server of streams and polls does for a message, for comparison:
 * one recv and the answer 204 for who sends it, one send of a chunk or of an answer for who gets
 * it, and epoll. Below /broadcast everybody gets it, else the client whose session sends it.
 *
 * A poll may have been sent before a message, and be read after it: epoll says who was heard, not
 * in which order. The message waits then.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "bench/floor/serve.h"

#define LARGEST	 (1 << 17) /* bytes of a request */
#define SESSIONS (1 << 16)
#define ID_END	 8 /* hexadecimal digits at an id's end, which count the load's clients */
#define PRELUDE	 2048

enum receives {
	RECEIVES_NOTHING,
	RECEIVES_STREAM,
	RECEIVES_EVENTS, /* as an EventSource */
	RECEIVES_POLL,
};

struct client {
	struct peer peer;
	enum receives receives;
	bool waits; /* a poll is there */
	char *kept; /* a message that came before its poll, or NULL */
	unsigned session;
	LIST_ENTRY(client) list;
};

static LIST_HEAD(, client) everybody = LIST_HEAD_INITIALIZER(everybody);
static struct client *sessions[SESSIONS];

static unsigned
session_of(const char *request)
{
	const char *id = strstr(request, "/000/"), *end = id ? strchr(id + 5, '/') : NULL;

	return end ? (unsigned)strtoul(end - ID_END, NULL, 16) % SESSIONS : 0;
}

static bool
is_for(const char *request, const char *what)
{
	const char *end = strchr(request, '\r');

	return end && memmem(request, (size_t)(end - request), what, strlen(what)) != NULL;
}

/* Sends a chunk: `before`, the text, and `after`. */
static void
send_chunk(
    const struct client *to, const char *before, const char *text, int len, const char *after)
{
	static char chunk[LARGEST + 64];
	int size = (int)(strlen(before) + strlen(after)) + len;
	int n = snprintf(chunk, sizeof chunk, "%x\r\n%s%.*s%s\r\n", size, before, len, text, after);

	send_all(to->peer.fd, chunk, (size_t)n);
}

static void
answer_poll(const struct client *to, const char *before, const char *text, int len)
{
	static char answer[LARGEST + 128];
	int n =
	    snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s%.*s\n",
		(int)strlen(before) + len + 1, before, len, text);

	send_all(to->peer.fd, answer, (size_t)n);
}

static void
deliver(struct client *to, const char *body, int len)
{
	if (to->receives == RECEIVES_EVENTS) {
		send_chunk(to, "data: a", body, len, "\r\n\r\n");
	} else if (to->receives == RECEIVES_STREAM) {
		send_chunk(to, "a", body, len, "\n");
	} else if (to->waits) {
		to->waits = false;
		answer_poll(to, "a", body, len);
	} else {
		if (to->kept)
			fail("a second message before a poll");
		to->kept = strndup(body, (size_t)len);
	}
}

static void
take_poll(struct client *client)
{
	client->waits = client->kept == NULL;
	if (client->waits)
		return;
	answer_poll(client, "a", client->kept, (int)strlen(client->kept));
	free(client->kept);
	client->kept = NULL;
}

static void
take_message(struct client *client, const char *request, const char *body, size_t len)
{
	static const char answer[] = "HTTP/1.1 204 No Content\r\n\r\n";
	struct client *to = sessions[session_of(request)];

	if (strncmp(request, "POST /broadcast", 15) == 0) {
		LIST_FOREACH(to, &everybody, list) {
			deliver(to, body, (int)len);
		}
	} else if (to) {
		deliver(to, body, (int)len);
	}
	send_all(client->peer.fd, answer, strlen(answer));
}

static void
begin_stream(const struct client *client)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
	static char prelude[PRELUDE];

	memset(prelude, 'h', sizeof prelude);
	send_all(client->peer.fd, head, strlen(head));
	if (client->receives == RECEIVES_EVENTS)
		send_chunk(client, "data: ", "o", 1, "\r\n\r\n");
	else
		send_chunk(client, "", prelude, sizeof prelude, "\no\n");
}

static enum receives
kind_of(const char *request)
{
	if (is_for(request, "/eventsource"))
		return RECEIVES_EVENTS;
	return is_for(request, "/xhr_streaming") ? RECEIVES_STREAM : RECEIVES_POLL;
}

static void
take_receiver(struct client *client, const char *request)
{
	if (client->receives == RECEIVES_POLL) {
		take_poll(client);
		return;
	}
	client->receives = kind_of(request);
	client->session = session_of(request);
	sessions[client->session] = client;
	LIST_INSERT_HEAD(&everybody, client, list);
	if (client->receives == RECEIVES_POLL)
		answer_poll(client, "", "o", 1);
	else
		begin_stream(client);
}

static void
leave(struct client *client)
{
	if (client->receives != RECEIVES_NOTHING) {
		LIST_REMOVE(client, list);
		sessions[client->session] = NULL;
	}
	free(client->kept);
	serve_end(client);
}

/* A request comes whole: the load sends it with one call. */
static void
take(void *data)
{
	static char request[LARGEST + 1];
	struct client *client = data;
	ssize_t len = recv(client->peer.fd, request, LARGEST, 0);
	const char *body;

	if (len <= 0) {
		leave(client);
		return;
	}
	request[len] = '\0';
	body = strstr(request, "\r\n\r\n");
	if (!body)
		fail("recv: no whole request");
	body += 4;
	if (is_for(request, "/xhr_send"))
		take_message(client, request, body, (size_t)(request + len - body));
	else
		take_receiver(client, request);
}

int
main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "Usage: bare_stream PORT\n");
		return 64;
	}
	serve(argv[1], sizeof(struct client), take);
}
