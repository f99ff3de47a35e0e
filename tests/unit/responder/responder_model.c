/*
 * See responder_model.h. Everything waits in responders_wait() for what the daemon says; a
 * connection that ends is made anew there.
 */
#include "tests/unit/responder/responder_model.h"

#include "common/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	CALLS_MAX = 8,
	READ_SIZE = 65536,
	PATIENCE = 30000, /* ms, for an answer: far more than any takes */
	PAUSE = 5,	  /* ms before what was refused is tried again */
	ASK_ID = 1000000, /* more than any call has */
};

/* A responder's connection, and what it knows over all of them. */
struct link {
	int fd;
	uint64_t instance, connection, frames;
	bool is_greeted, is_served, is_held;
	struct buffer in, out;
};

struct call {
	struct client *client; /* NULL: free */
	unsigned responder, count;
	uint64_t id, sequence;
	unsigned first; /* number of a send; 0: a poll */
	bool is_answered, is_refused, is_withheld;
	enum wire_sent_result result;
};

static const char *path;
static void (*bring_back)(void);
static struct link links[RESPONDERS];
static struct call calls[CALLS_MAX];
static uint64_t last_id;
static unsigned broken;

/* --- what clients see ------------------------------------------------------------------------- */

/* "1","2"] */
static void
take_numbers(struct client *client, const char *text)
{
	char *end;

	do {
		assert_int_equal(*text++, '"');
		assert_true(client->got_count < CLIENT_NUMBERS_MAX);
		client->got[client->got_count++] = (unsigned)strtoul(text, &end, 10);
		assert_int_equal(*end, '"');
		text = end + 1;
	} while (*text++ == ',');
	assert_string_equal(text, "\n");
}

static void
take_frame(struct client *client, const struct wire_frame *frame)
{
	char text[4096];

	assert_true(frame->end && frame->len < sizeof text);
	memcpy(text, frame->bytes, frame->len);
	text[frame->len] = '\0';
	if (text[0] == 'a' && text[1] == '[')
		take_numbers(client, text + 2);
	else if (strcmp(text, "o\n") == 0)
		client->opens++;
	else if (strcmp(text, "c[3000,\"Go away!\"]\n") == 0)
		client->closes++;
	else
		fail_msg("session %s: an unexpected frame: %s", client->session, text);
}

/* --- a connection ----------------------------------------------------------------------------- */

/* Whether it is broken, the next read tells. */
static void
link_write(struct link *link)
{
	while (link->out.len > 0 && !link->is_held) {
		ssize_t n = send(link->fd, link->out.data, link->out.len, MSG_NOSIGNAL);

		if (n <= 0)
			buffer_clear(&link->out);
		else
			buffer_consume(&link->out, (size_t)n);
	}
}

static struct call *
find_call(const struct link *link, uint64_t id)
{
	unsigned i;

	for (i = 0; i < CALLS_MAX; i++)
		if (calls[i].client != NULL && calls[i].id == id && !calls[i].is_answered &&
		    &links[calls[i].responder] == link)
			return &calls[i];
	fail_msg("an answer to request %llu, which waits for none", (unsigned long long)id);
	return NULL;
}

static void
take_services(struct link *link, const struct wire_header *header, const char *payload)
{
	struct wire_services services;

	assert_int_equal(wire_decode_services(header, payload, &services), 0);
	wire_services_clear(&services);
	link->is_served = true;
}

static void
take_hello(struct link *link, const struct wire_header *header, const char *payload)
{
	struct wire_hello hello;

	assert_int_equal(wire_decode_hello(header, payload, &hello), 0);
	link->is_greeted = true;
	link->connection = hello.link_id;
	link->frames = 0;
}

static void
take_answer(struct link *link, const struct wire_header *header, const char *payload)
{
	struct call *call = find_call(link, header->request);
	struct wire_refused refused;
	struct wire_frame frame;

	if (header->type == WIRE_FRAME) {
		link->frames++;
		assert_int_equal(wire_decode_frame(header, payload, &frame), 0);
		take_frame(call->client, &frame);
		if (!call->is_withheld)
			wire_encode_written(&link->out, call->id);
	} else if (header->type == WIRE_REFUSED) {
		assert_int_equal(wire_decode_refused(header, payload, &refused), 0);
		assert_int_equal(refused.status, 503);
		call->is_refused = true;
	} else {
		assert_int_equal(header->type, WIRE_SENT);
		assert_int_equal(wire_decode_sent(header, payload, &call->result), 0);
	}
	call->is_answered = true;
}

static void
take_api_answer(const struct wire_header *header, const char *payload)
{
	struct wire_answer answer;

	assert_int_equal(header->request, ASK_ID);
	assert_int_equal(wire_decode_answer(header, payload, &answer), 0);
	assert_int_equal(answer.status, 404);
}

static void
take_messages(struct link *link)
{
	struct buffer *in = &link->in;
	struct wire_header header;

	while (wire_parse_header(in->data, in->len, WIRE_PAYLOAD_MAX, &header) > 0) {
		const char *payload = in->data + WIRE_HEADER_SIZE;

		assert_int_equal(wire_check(&header, WIRE_DAEMON), 0);
		if (header.type == WIRE_HELLO)
			take_hello(link, &header, payload);
		else if (header.type == WIRE_SERVICES)
			take_services(link, &header, payload);
		else if (header.type == WIRE_ANSWER)
			take_api_answer(&header, payload);
		else if (header.type != WIRE_STATE) /* the store's, when it fails on purpose */
			take_answer(link, &header, payload);
		buffer_consume(in, WIRE_HEADER_SIZE + header.length);
	}
}

/* False if it has ended. */
static bool
link_read(struct link *link)
{
	char *to = buffer_reserve(&link->in, READ_SIZE);
	ssize_t n = recv(link->fd, to, READ_SIZE, 0);

	if (n <= 0)
		return false;
	buffer_added(&link->in, (size_t)n);
	take_messages(link);
	link_write(link);
	return true;
}

static void
link_close(struct link *link)
{
	if (link->fd != -1)
		close(link->fd);
	link->fd = -1;
	buffer_free(&link->in);
	buffer_free(&link->out);
	link->is_greeted = link->is_served = false;
}

/* It leaves with what comes next. */
static void
say_counts(struct link *link)
{
	const struct wire_counts counts = {.count = 1, .list = {{ENDPOINT_RECEIVE, 200, 1}}};

	wire_encode_counts(&link->out, &counts);
}

/* The same. This daemon has no API, so it is refused. */
static void
say_ask(struct link *link)
{
	const struct wire_ask ask = {.method = "GET", .path = "/apps/1/channels", .body = ""};

	assert_int_equal(wire_encode_ask(&link->out, ASK_ID, &ask), 0);
}

/* False if the daemon ends meanwhile. */
static bool
link_open(struct link *link)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct wire_hello hello = {.role = WIRE_RESPONDER,
	    .major = WIRE_MAJOR,
	    .minor = WIRE_MINOR,
	    .instance = link->instance,
	    .link_id = link->connection,
	    .frames = link->frames};

	assert_true(strlen(path) < sizeof address.sun_path);
	memcpy(address.sun_path, path, strlen(path));
	link->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_not_equal(link->fd, -1);
	if (connect(link->fd, (struct sockaddr *)&address, sizeof address) == -1)
		return false;
	wire_encode_hello(&link->out, &hello);
	link_write(link);
	while (!link->is_served)
		if (!link_read(link))
			return false;
	say_counts(link);
	say_ask(link);
	return true;
}

/* --- all of them ------------------------------------------------------------------------------ */

static const char *
no_header(const void *context, const char *name)
{
	(void)context;
	(void)name;
	return NULL;
}

static int
encode_poll(const struct call *call, unsigned flags)
{
	static const char *const no_headers[] = {NULL};
	const struct client *client = call->client;
	struct wire_receive receive = {
	    .flags = flags,
	    .service = client->service,
	    .transport = TRANSPORT_XHR_POLLING,
	    .session = client->session,
	    .session_len = strlen(client->session),
	    .callback = "",
	    .cookie = "",
	};
	char url[200];
	struct connection_source source = {
	    .path = url, .prefix_len = strlen(client->prefix), .header = no_header};

	snprintf(url, sizeof url, "%s/000/%s/xhr", client->prefix, client->session);
	return wire_encode_receive(
	    &links[call->responder].out, call->id, &receive, &source, no_headers);
}

static int
encode_send(const struct call *call)
{
	const struct client *client = call->client;
	struct link *link = &links[call->responder];
	struct wire_send send = {
	    .service = client->service,
	    .session = client->session,
	    .session_len = strlen(client->session),
	    .instance = link->instance,
	    .sequence = call->sequence,
	    .cookie = "",
	};
	struct buffer messages = BUFFER_INIT;
	unsigned i;
	int status;

	for (i = 0; i < call->count; i++)
		buffer_printf(&messages, "%u\xff", call->first + i);
	send.messages = messages.data;
	send.messages_len = messages.len;
	status = wire_encode_send(&link->out, call->id, &send);
	buffer_free(&messages);
	return status;
}

static void
issue(struct call *call, unsigned flags)
{
	assert_int_equal(call->first > 0 ? encode_send(call) : encode_poll(call, flags), 0);
	link_write(&links[call->responder]);
}

static void
issue_again(const struct link *link)
{
	unsigned i;

	for (i = 0; i < CALLS_MAX; i++) {
		struct call *call = &calls[i];

		if (call->client == NULL || &links[call->responder] != link)
			continue;
		/* Nothing is said on a later connection of what was answered on this. */
		if (call->is_answered)
			call->is_withheld = false;
		else
			issue(call, WIRE_RECEIVE_REISSUED);
	}
}

/* The daemon is gone: what it had written is read first. */
static void
come_back(void)
{
	bool is_there = false;
	unsigned i;

	for (i = 0; i < RESPONDERS; i++) {
		while (links[i].fd != -1 && link_read(&links[i]))
			continue;
		link_close(&links[i]);
	}
	while (!is_there) {
		broken++;
		bring_back();
		is_there = true;
		for (i = 0; is_there && i < RESPONDERS; i++) {
			is_there = link_open(&links[i]);
			if (is_there)
				issue_again(&links[i]);
		}
		for (i = 0; !is_there && i < RESPONDERS; i++)
			link_close(&links[i]);
	}
}

void
responders_wait(void)
{
	struct pollfd fds[RESPONDERS];
	bool is_whole = true;
	unsigned i;

	for (i = 0; i < RESPONDERS; i++) {
		link_write(&links[i]);
		fds[i] = (struct pollfd){.fd = links[i].fd, .events = POLLIN};
	}
	if (poll(fds, RESPONDERS, PATIENCE) <= 0)
		fail_msg("nothing came from the daemon for %d ms", PATIENCE);
	for (i = 0; i < RESPONDERS; i++)
		if (fds[i].revents != 0 && !link_read(&links[i]))
			is_whole = false;
	if (!is_whole)
		come_back();
}

void
responders_begin(const char *socket, void (*revive)(void))
{
	unsigned i;

	path = socket;
	bring_back = revive;
	broken = 0;
	memset(calls, 0, sizeof calls);
	for (i = 0; i < RESPONDERS; i++)
		links[i] = (struct link){.fd = -1, .instance = 100 + i};
	for (i = 0; i < RESPONDERS; i++)
		if (!link_open(&links[i])) {
			come_back();
			break;
		}
}

void
responders_end(void)
{
	unsigned i;

	for (i = 0; i < RESPONDERS; i++)
		link_close(&links[i]);
}

unsigned
responders_broken(void)
{
	return broken;
}

void
responder_hold(unsigned responder)
{
	links[responder].is_held = true;
}

void
responder_let_go(unsigned responder)
{
	links[responder].is_held = false;
	link_write(&links[responder]);
}

/* --- what clients do -------------------------------------------------------------------------- */

struct client
client_make(unsigned service, const char *prefix, const char *session)
{
	return (struct client){.service = service, .prefix = prefix, .session = session};
}

static struct call *
begin_call(struct client *client, unsigned responder)
{
	unsigned i = 0;

	while (i < CALLS_MAX && calls[i].client != NULL)
		i++;
	assert_true(i < CALLS_MAX);
	calls[i] = (struct call){.client = client, .responder = responder, .id = ++last_id};
	return &calls[i];
}

struct call *
client_poll(struct client *client, unsigned responder)
{
	struct call *call = begin_call(client, responder);

	issue(call, 0);
	return call;
}

bool
client_await(struct call *call)
{
	while (!call->is_answered)
		responders_wait();
	if (!call->is_withheld)
		call->client = NULL;
	return !call->is_refused;
}

void
client_withhold(struct call *call)
{
	call->is_withheld = true;
}

void
client_write(struct call **call)
{
	struct link *link = &links[(*call)->responder];

	if ((*call)->is_withheld) {
		wire_encode_written(&link->out, (*call)->id);
		link_write(link);
	}
	(*call)->client = NULL;
	*call = NULL;
}

struct call *
client_send(struct client *client, unsigned responder, unsigned count)
{
	struct call *call = begin_call(client, responder);

	call->sequence = call->id;
	call->first = client->said + 1;
	call->count = count;
	client->said += count;
	assert_true(client->said < CLIENT_NUMBERS_MAX);
	issue(call, 0);
	return call;
}

enum wire_sent_result
client_answer(struct call *call)
{
	unsigned i;

	while (!call->is_answered)
		responders_wait();
	assert_false(call->is_refused);
	for (i = 0; call->result == WIRE_SENT_OK && i < call->count; i++)
		call->client->is_acknowledged[call->first + i] = true;
	call->client = NULL;
	return call->result;
}

void
client_say(struct client *client, unsigned responder, unsigned count)
{
	enum wire_sent_result result;

	while ((result = client_answer(client_send(client, responder, count))) != WIRE_SENT_OK) {
		if (result == WIRE_SENT_NO_SESSION)
			fail_msg("session %s is lost", client->session);
		poll(NULL, 0, PAUSE);
	}
}

void
client_open(struct client *client, unsigned responder)
{
	while (!client_await(client_poll(client, responder)))
		poll(NULL, 0, PAUSE);
	assert_int_equal(client->opens, 1);
}

static bool
has_got(const struct client *client, unsigned number)
{
	unsigned i;

	for (i = 0; i < client->got_count; i++)
		if (client->got[i] == number)
			return true;
	return false;
}

void
client_collect(struct client *client, unsigned responder)
{
	unsigned number;

	for (number = 1; number <= client->said; number++)
		while (client->is_acknowledged[number] && !has_got(client, number)) {
			/* One that is out of order is found before it is waited for. */
			client_check(client);
			client_await(client_poll(client, responder));
		}
	client_check(client);
}

void
client_check(const struct client *client)
{
	unsigned i, number;

	assert_int_equal(client->opens, 1);
	for (i = 0; i < client->got_count; i++) {
		if (i > 0 && client->got[i] <= client->got[i - 1])
			fail_msg("session %s: %u came after %u", client->session, client->got[i],
			    client->got[i - 1]);
		assert_true(client->got[i] <= client->said);
	}
	/* What is behind the last that came may still come. */
	for (number = 1; i > 0 && number < client->got[i - 1]; number++)
		if (client->is_acknowledged[number] && !has_got(client, number))
			fail_msg("session %s: %u did not come, but %u did", client->session, number,
			    client->got[i - 1]);
}
