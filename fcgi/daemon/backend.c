/*
 * See backend.h. Called by request.c; calls back there with what sessiond answers.
 */
#include "fcgi/daemon/backend.h"

#include "common/log.h"
#include "common/random.h"
#include "wire/wire_messages.h"
#include "wire/write_log.h"
#include "fcgi/daemon/autostart.h"
#include "fcgi/webserver/connection.h"
#include "fcgi/responder.h"
#include "fcgi/daemon/known_services.h"
#include "fcgi/daemon/suspects.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

enum {
	READ_SIZE = 65536,
	FIRST_PAUSE_MS = 20,
	LONGEST_PAUSE_MS = 500,
	BUCKETS = 4096, /* of requests by id */
	CONFIRMED_AT_ONCE = 8,
};

enum backend_state {
	BACKEND_AWAY, /* not connected; the pause runs */
	BACKEND_CONNECTING,
	BACKEND_GREETING, /* connected; its services are awaited */
	BACKEND_THERE,
};

struct backend {
	struct responder *responder;
	enum backend_state state;
	bool is_missed;	 /* the log says that it is not there */
	uv_poll_t *poll; /* NULL while away; closed handles free themselves */
	uv_timer_t pause;
	uint64_t pause_ms;
	int fd;
	int events;
	uint64_t instance;
	struct suspects *suspects;
	bool is_leaving;     /* sessiond has said goodbye, on the present connection */
	bool is_greeted;     /* sessiond's HELLO has come, on the present connection */
	uint64_t connection; /* the id in the last HELLO that came; 0: none has */
	uint64_t frames;     /* messages FRAME taken on that connection */
	struct known_services *services;
	struct buffer in, out;
	bool is_reading;      /* more answers may be in what was read */
	struct write_log log; /* of answers that are being written */
	unsigned unconfirmed; /* answers that were written, which sessiond is not told yet */
	struct request *buckets[BUCKETS];
};

static void connect_to_daemon(struct backend *backend);
static void on_events(uv_poll_t *poll, int status, int events);

static const char *
state_name(enum backend_state state)
{
	static const char *const names[] = {"away", "connecting", "greeting", "there"};

	return names[state];
}

static void
set_state(struct backend *backend, enum backend_state state)
{
	log_debug("sessiond: %s -> %s", state_name(backend->state), state_name(state));
	backend->state = state;
}

/* --- requests ----------------------------------------------------------------------------------------------------- */

static struct request **
bucket_of(const struct backend *backend, uint64_t id)
{
	return (struct request **)&backend->buckets[id % BUCKETS];
}

void
backend_add(struct backend *backend, struct request *request)
{
	struct request **bucket = bucket_of(backend, request->id);

	assert(!request->is_listed);
	request->next = *bucket;
	request->link = bucket;
	if (request->next != NULL)
		request->next->link = &request->next;
	*bucket = request;
	request->is_listed = true;
	if (backend->state == BACKEND_THERE)
		request_issue(request);
	else
		timer_start(&backend->responder->patience, &request->connection->timer,
		    responder_now(backend->responder));
}

void
backend_forget(struct backend *backend, struct request *request)
{
	(void)backend;
	if (!request->is_listed)
		return;
	*request->link = request->next;
	if (request->next != NULL)
		request->next->link = request->link;
	request->is_listed = false;
	timer_stop(&request->connection->timer);
}

struct request *
backend_find(const struct backend *backend, uint64_t id)
{
	struct request *request = *bucket_of(backend, id);

	while (request != NULL && request->id != id)
		request = request->next;
	return request;
}

void
backend_each(
    struct backend *backend, void (*fn)(struct request *request, void *context), void *context)
{
	size_t i;

	for (i = 0; i < BUCKETS; i++) {
		struct request *request = backend->buckets[i], *next;

		for (; request != NULL; request = next) {
			next = request->next;
			fn(request, context);
		}
	}
}

static void
issue(struct request *request, void *context)
{
	(void)context;
	/* One that has come while the others are issued is so already. */
	if (!request->is_issued && !suspects_hold_back(request))
		request_issue(request);
}

static void
stop(struct request *request, void *context)
{
	(void)context;
	request_stop(request);
}

static void
set_adrift(struct request *request, void *context)
{
	(void)context;
	request_is_adrift(request);
}

/* --- the connection ----------------------------------------------------------------------------------------------- */

static void
on_poll_closed(uv_handle_t *handle)
{
	free(handle);
}

static void
on_pause_over(uv_timer_t *timer)
{
	connect_to_daemon(timer->data);
}

/* Once for each time that it is not there, however often it is tried; it may as well be starting. */
static void
tell(struct backend *backend, const char *why)
{
	bool was_there = backend->state == BACKEND_THERE;

	if (backend->is_missed || backend->responder->loop.is_draining ||
	    (!was_there && backend->pause_ms < LONGEST_PAUSE_MS))
		return;
	backend->is_missed = true;
	if (was_there)
		log_error("sessiond is away: %s", why);
	else
		log_error("sessiond cannot be reached at %s: %s",
		    backend->responder->config->socket, why);
}

/* Requests stay, and wait for it to be back; but not while we stop. */
static void
lose(struct backend *backend, const char *why)
{
	bool was_there = backend->state == BACKEND_THERE,
	     stops = backend->responder->loop.is_draining;

	tell(backend, why);
	set_state(backend, BACKEND_AWAY);
	if (backend->poll != NULL) {
		uv_close((uv_handle_t *)backend->poll, on_poll_closed);
		backend->poll = NULL;
		close(backend->fd);
	}
	buffer_free(&backend->in);
	buffer_free(&backend->out);
	if (was_there && !stops && !backend->is_leaving)
		suspects_judge(backend->suspects);
	if (was_there)
		backend_each(backend, stops ? stop : set_adrift, NULL);
	if (!was_there && !stops)
		autostart(backend->responder->config);
	uv_timer_start(&backend->pause, on_pause_over, backend->pause_ms, 0);
	backend->pause_ms =
	    backend->pause_ms * 2 > LONGEST_PAUSE_MS ? LONGEST_PAUSE_MS : backend->pause_ms * 2;
}

static void
watch(struct backend *backend)
{
	int events = UV_READABLE;

	if (backend->state == BACKEND_CONNECTING || backend->out.len > 0)
		events |= UV_WRITABLE;
	if (backend->poll == NULL || events == backend->events)
		return;
	backend->events = events;
	uv_poll_start(backend->poll, events, on_events);
}

static void
greet(struct backend *backend)
{
	const struct wire_hello hello = {
	    .role = WIRE_RESPONDER,
	    .major = WIRE_MAJOR,
	    .minor = WIRE_MINOR,
	    .pid = (uint32_t)getpid(),
	    .instance = backend->instance,
	    .connection = backend->connection,
	    .frames = backend->frames,
	};
	ssize_t n;

	set_state(backend, BACKEND_GREETING);
	wire_encode_hello(&backend->out, &hello);
	n = write_log_send(&backend->log, backend->fd, backend->out.data, backend->out.len);
	if (n > 0)
		buffer_consume(&backend->out, (size_t)n);
	backend_flush(backend);
}

static void
connect_to_daemon(struct backend *backend)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *path = backend->responder->config->socket;

	/* main.c has checked that it fits. */
	strncpy(address.sun_path, path, sizeof address.sun_path - 1);
	backend->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (backend->fd == -1) {
		lose(backend, strerror(errno));
		return;
	}
	backend->poll = calloc(1, sizeof *backend->poll);
	if (backend->poll == NULL ||
	    uv_poll_init(&backend->responder->loop.uv, backend->poll, backend->fd) != 0)
		abort();
	backend->poll->data = backend;
	backend->events = 0;
	backend->is_greeted = backend->is_leaving = false;
	set_state(backend, BACKEND_CONNECTING);
	if (connect(backend->fd, (struct sockaddr *)&address, sizeof address) == 0)
		greet(backend);
	else if (errno == EINPROGRESS)
		watch(backend);
	else
		lose(backend, strerror(errno));
}

void
backend_flush(struct backend *backend)
{
	struct buffer *out = &backend->out;

	backend->unconfirmed = 0;
	while (backend->poll != NULL && backend->state != BACKEND_CONNECTING && out->len > 0) {
		ssize_t n = send(backend->fd, out->data, out->len, MSG_NOSIGNAL);

		if (n > 0)
			buffer_consume(out, (size_t)n);
		else if (errno == EAGAIN)
			break;
		else if (errno != EINTR) {
			/* Found by the next read as well: nobody up the stack loses the connection here. */
			shutdown(backend->fd, SHUT_RDWR);
			buffer_free(out);
		}
	}
	watch(backend);
}

/* --- what sessiond says ------------------------------------------------------------------------------------------- */

static int
take_hello(struct backend *backend, const struct wire_header *header, const char *payload)
{
	struct wire_hello hello;
	const char *refusal;

	if (backend->is_greeted || wire_decode_hello(header, payload, &hello) == -1)
		return -1;
	refusal = wire_hello_refusal(&hello, 1u << WIRE_DAEMON);
	if (refusal != NULL) {
		log_error("sessiond (process %u): %s", hello.pid, refusal);
		return -1;
	}
	if (hello.connection == 0)
		return -1;
	backend->is_greeted = true;
	backend->connection = hello.connection;
	backend->frames = 0;
	return 0;
}

static int
take_services(struct backend *backend, const struct wire_header *header, const char *payload)
{
	struct error err = ERROR_INIT;
	struct wire_services wire;
	struct known_services *table;

	if (wire_decode_services(header, payload, &wire) == -1)
		return -1;
	table = known_services_create(&wire, &err);
	if (table == NULL) {
		log_error("sessiond's services: %s", err.text);
		return -1;
	}
	known_services_unref(&backend->services);
	backend->services = table;
	backend->pause_ms = FIRST_PAUSE_MS;
	backend->is_missed = false;
	set_state(backend, BACKEND_THERE);
	backend_each(backend, issue, NULL);
	suspects_try(backend->suspects);
	return 0;
}

static int
take_answer(struct backend *backend, const struct wire_header *header, const char *payload)
{
	struct request *request = backend_find(backend, header->request);
	enum wire_sent_result result;
	struct wire_refused refused;
	struct wire_cookie cookie;
	struct wire_frame frame;
	int status = -1;

	/* One that was aborted meanwhile has no request any more; it is decoded all the same, so that a broken peer is found. */
	switch (header->type) {
	case WIRE_FRAME:
		status = wire_decode_frame(header, payload, &frame);
		backend->frames++;
		if (status == 0 && request != NULL)
			request_frame(request, &frame);
		break;
	case WIRE_SENT:
		status = wire_decode_sent(header, payload, &result);
		if (status == 0 && request != NULL)
			request_sent(request, result);
		break;
	case WIRE_REFUSED:
		status = wire_decode_refused(header, payload, &refused);
		if (status == 0 && request != NULL)
			request_refused(request, &refused);
		break;
	case WIRE_COOKIE:
		status = wire_decode_cookie(header, payload, &cookie);
		if (status == 0 && request != NULL)
			request_cookie(request, &cookie);
		break;
	default:
		break;
	}
	return status;
}

static int
take_message(struct backend *backend, const struct wire_header *header, const char *payload)
{
	struct wire_goodbye goodbye;

	if (!backend->is_greeted && header->type != WIRE_HELLO)
		return -1;
	switch (header->type) {
	case WIRE_HELLO:
		return take_hello(backend, header, payload);
	case WIRE_SERVICES:
		return take_services(backend, header, payload);
	case WIRE_GOODBYE:
		if (wire_decode_goodbye(header, payload, &goodbye) == 0)
			log_info("sessiond says goodbye: %s", goodbye.text);
		/* It closes the connection once what it holds is answered. */
		backend->is_leaving = true;
		return 0;
	default:
		return take_answer(backend, header, payload);
	}
}

/* Handles the whole messages in `in`. Returns -1 if the peer is broken. */
static int
take_messages(struct backend *backend)
{
	struct buffer *in = &backend->in;
	struct wire_header header;
	int got = 0;

	while (backend->poll != NULL &&
	    (got = wire_parse_header(in->data, in->len, WIRE_PAYLOAD_MAX, &header)) > 0) {
		got = wire_check(&header, WIRE_DAEMON);
		if (got < 0 || take_message(backend, &header, in->data + WIRE_HEADER_SIZE) == -1) {
			log_error("sessiond sent a bad message (%s): %s",
			    wire_type_name(header.type), wire_error_text(got));
			return -1;
		}
		buffer_consume(in, WIRE_HEADER_SIZE + header.length);
	}
	return got < 0 ? -1 : 0;
}

static void
read_some(struct backend *backend)
{
	char *to = buffer_reserve(&backend->in, READ_SIZE);
	ssize_t n = to == NULL ? 0 : recv(backend->fd, to, READ_SIZE, 0);
	int status;

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		lose(backend, n == 0 ? "it closed the connection" : strerror(errno));
		return;
	}
	buffer_added(&backend->in, (size_t)n);
	backend->is_reading = true;
	status = take_messages(backend);
	backend->is_reading = false;
	if (backend->unconfirmed > 0)
		backend_flush(backend);
	if (status == -1)
		lose(backend, "it sent a bad message");
	else if (backend->in.len == 0)
		buffer_free(&backend->in);
}

static void
on_events(uv_poll_t *poll, int status, int events)
{
	struct backend *backend = poll->data;
	int error = 0;
	socklen_t len = sizeof error;

	if (backend->state == BACKEND_CONNECTING) {
		if (getsockopt(backend->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1 ||
		    error != 0 || status < 0)
			lose(backend, strerror(error));
		else
			greet(backend);
		return;
	}
	if (events & UV_WRITABLE)
		backend_flush(backend);
	if ((events & UV_READABLE) || status < 0)
		read_some(backend);
}

/* --- life --------------------------------------------------------------------------------------------------------- */

struct backend *
backend_create(struct responder *responder)
{
	struct backend *backend = calloc(1, sizeof *backend);

	if (backend == NULL)
		abort();
	backend->responder = responder;
	backend->pause_ms = FIRST_PAUSE_MS;
	random_bytes(&backend->instance, sizeof backend->instance);
	write_log_create(&backend->log);
	backend->suspects = suspects_create(backend, &responder->loop.uv);
	uv_timer_init(&responder->loop.uv, &backend->pause);
	backend->pause.data = backend;
	connect_to_daemon(backend);
	return backend;
}

static void
on_pause_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void
backend_destroy(struct backend **backend)
{
	struct backend *b = *backend;

	*backend = NULL;
	if (b == NULL)
		return;
	if (b->poll != NULL) {
		uv_close((uv_handle_t *)b->poll, on_poll_closed);
		close(b->fd);
	}
	buffer_free(&b->in);
	buffer_free(&b->out);
	known_services_unref(&b->services);
	write_log_destroy(&b->log);
	suspects_destroy(&b->suspects);
	uv_close((uv_handle_t *)&b->pause, on_pause_closed);
}

struct known_services *
backend_services(const struct backend *backend)
{
	return backend->services;
}

uint64_t
backend_instance(const struct backend *backend)
{
	return backend->instance;
}

bool
backend_is_there(const struct backend *backend)
{
	return backend->state == BACKEND_THERE;
}

uint64_t
backend_connection(const struct backend *backend)
{
	return backend->state == BACKEND_THERE ? backend->connection : 0;
}

struct buffer *
backend_output(struct backend *backend)
{
	return &backend->out;
}

/*
 * Until sessiond knows, a kill of this process makes it send the frame again, which its client then has twice. But a message and a
 * wake-up for each answer cost a tenth of what all of a poll costs.
 */
struct write_log *
backend_write_log(struct backend *backend)
{
	return &backend->log;
}

void
backend_confirm(struct backend *backend, uint64_t id)
{
	wire_encode_written(&backend->out, id);
	if (++backend->unconfirmed >= CONFIRMED_AT_ONCE || !backend->is_reading)
		backend_flush(backend);
}

void
backend_say_goodbye(struct backend *backend)
{
	if (backend->state == BACKEND_THERE)
		wire_encode_goodbye(&backend->out, "stopping");
	else
		backend_each(backend, stop, NULL);
}
