/*
 * See peer.h. Called by the acceptor of the Unix socket and by the loop; joins requests to sessions through remote_request.h.
 */
#include "sessiond/responder/peer.h"

#include "common/log.h"
#include "common/random.h"
#include "wire/wire_messages.h"
#include "wire/write_log.h"
#include "sessiond/http/http_server.h"
#include "sessiond/responder/remote_request.h"
#include "sessiond/responder/remote_send.h"
#include "sessiond/modules/services.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	READ_SIZE = 65536,
	GREETING_WAIT_MS = 10000, /* for a connection to say what it is */
};

static void on_events(uv_poll_t *poll, int status, int events);
static void recognise(struct peer *peer);

static void
set_state(struct peer *peer, enum peer_state state)
{
	static const char *const names[] = {"unknown", "greeting", "open", "leaving", "gone"};

	log_debug("responder %u: %s -> %s", peer->pid, names[peer->state], names[state]);
	peer->state = state;
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static void
on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

/* Takes the connection off the lists; its descriptor is the caller's. */
static int
detach(struct peer *peer)
{
	struct peer **link = &peer->all->dirty;

	while (peer->is_dirty && *link != peer)
		link = &(*link)->next_dirty;
	if (peer->is_dirty)
		*link = peer->next_dirty;
	timer_stop(&peer->timer);
	remote_sends_forget(peer->all, peer);
	*peer->link = peer->next;
	if (peer->next != NULL)
		peer->next->link = peer->link;
	set_state(peer, PEER_GONE);
	buffer_free(&peer->in);
	buffer_free(&peer->out);
	if (peer->log != -1)
		close(peer->log);
	uv_close((uv_handle_t *)&peer->poll, on_closed);
	return peer->fd;
}

/*
 * What it held is not answered any more. The sessions stay for a while: their clients ask again, through this responder, if only the
 * connection broke, or through another.
 */
static void
drop(struct peer *peer)
{
	remote_requests_release(peer);
	remote_requests_await(peer);
	/* It may not come back to be asked about what can wait. */
	persistence_hurry(peer->all->sessions);
	close(detach(peer));
}

static void
greeting_fire(struct timer *timer, void *ctx)
{
	(void)ctx;
	drop((struct peer *)(void *)((char *)timer - offsetof(struct peer, timer)));
}

/* A send with the largest body that a service takes, or a head. It never shrinks: what was sent before a change may still come. */
static void
raise_largest_message(struct peers *all)
{
	const struct config *config = all->config;
	size_t i;

	for (i = 0; i < config->service_count; i++) {
		size_t limit = config->services[i]->protocol.options.body_limit;

		if (all->largest_message < limit + WIRE_OVERHEAD_MAX)
			all->largest_message = limit + WIRE_OVERHEAD_MAX;
	}
}

void
peers_init(struct peers *all, uv_loop_t *loop, struct config *config, struct sessions *sessions,
    struct http_server *http)
{
	*all = (struct peers){
	    .loop = loop,
	    .config = config,
	    .sessions = sessions,
	    .http = http,
	    .scratch = BUFFER_INIT,
	};
	all->largest_message = WIRE_OVERHEAD_MAX;
	raise_largest_message(all);
	all->held_tail = &all->held;
	timer_queue_add(&sessions->timers, &all->greetings, GREETING_WAIT_MS, greeting_fire, all);
}

void
peers_clear(struct peers *all)
{
	while (all->first != NULL)
		drop(all->first);
	timer_queue_remove(&all->sessions->timers, &all->greetings);
	buffer_free(&all->scratch);
	free(all->sends);
}

static void
watch(struct peer *peer)
{
	int events = peer->out.len > 0 ? UV_READABLE | UV_WRITABLE : UV_READABLE;

	if (peer->state == PEER_GONE || events == peer->events)
		return;
	peer->events = events;
	uv_poll_start(&peer->poll, events, on_events);
}

void
peers_accept(struct peers *all, int fd, const struct sockaddr *address, socklen_t len)
{
	struct peer *peer = calloc(1, sizeof *peer);

	(void)address;
	(void)len;
	if (peer == NULL || uv_poll_init(all->loop, &peer->poll, fd) != 0)
		abort();
	peer->all = all;
	random_bytes(&peer->connection, sizeof peer->connection);
	peer->connection |= 1; /* 0 says that there was none */
	peer->fd = fd;
	peer->log = -1;
	peer->poll.data = peer;
	peer->next = all->first;
	peer->link = &all->first;
	if (peer->next != NULL)
		peer->next->link = &peer->next;
	all->first = peer;
	timer_start(&all->greetings, &peer->timer, sessions_now(all->sessions));
	watch(peer);
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

void
peer_mark(struct peer *peer)
{
	if (peer->is_dirty || peer->state == PEER_GONE)
		return;
	peer->is_dirty = true;
	peer->next_dirty = peer->all->dirty;
	peer->all->dirty = peer;
}

static bool
holds_requests(const struct peer *peer)
{
	size_t i;

	for (i = 0; i < PEER_BUCKETS; i++)
		if (peer->requests[i] != NULL)
			return true;
	return false;
}

static void
write_some(struct peer *peer)
{
	while (peer->out.len > 0) {
		ssize_t n = send(peer->fd, peer->out.data, peer->out.len, MSG_NOSIGNAL);

		if (n > 0)
			buffer_consume(&peer->out, (size_t)n);
		else if (n == -1 && errno == EAGAIN)
			break;
		else if (n == 0 || errno != EINTR) {
			/* The next read finds it as well. */
			buffer_free(&peer->out);
			shutdown(peer->fd, SHUT_RDWR);
		}
	}
	peer->is_blocked = peer->out.len > 0;
	watch(peer);
	if (peer->state == PEER_LEAVING && peer->out.len == 0 && !holds_requests(peer))
		shutdown(peer->fd, SHUT_WR);
}

bool
peers_flush(struct peers *all)
{
	bool done = all->dirty != NULL;

	while (all->dirty != NULL) {
		struct peer *peer = all->dirty;

		all->dirty = peer->next_dirty;
		peer->is_dirty = false;
		write_some(peer);
	}
	return done;
}

/* --- the handshake ------------------------------------------------------------------------------------------------ */

/* Which process it really is, says the kernel. */
static bool
is_allowed(const struct peer *peer)
{
	struct ucred who;
	socklen_t len = sizeof who;

	if (getsockopt(peer->fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == -1)
		return false;
	if (config_allows_user(peer->all->config, who.uid))
		return true;
	log_error("a process of user %u may not use the socket (socket_users)", (unsigned)who.uid);
	return false;
}

static void
put_entry(struct wire_service_entry *entry, const struct sockjs_service *service)
{
	*entry = (struct wire_service_entry){service->name, &service->protocol.options,
	    (uint16_t)service->number, service->is_retired};
}

static int
send_services(struct peer *peer)
{
	const struct config *config = peer->all->config;
	struct wire_service_entry *entries =
	    calloc(config->service_count + config->retired_count + 1, sizeof *entries);
	size_t i, count = 0;
	int status;

	if (entries == NULL)
		abort();
	for (i = 0; i < config->service_count; i++)
		put_entry(&entries[count++], config->services[i]);
	for (i = 0; i < config->retired_count && count < WIRE_SERVICES_MAX; i++)
		if (succession_is_last(config, config->retired[i]))
			put_entry(&entries[count++], config->retired[i]);
	status = wire_encode_services(&peer->out, entries, count);
	free(entries);
	return status;
}

void
peers_tell_services(struct peers *all)
{
	struct peer *peer;

	raise_largest_message(all);
	for (peer = all->first; peer != NULL; peer = peer->next) {
		if (peer->state != PEER_OPEN)
			continue;
		if (send_services(peer) == -1)
			log_error("responder %u cannot be told of the services", peer->pid);
		peer_mark(peer);
	}
}

static int
take_hello(struct peer *peer, const struct wire_header *header, const char *payload)
{
	struct wire_hello ours = {.role = WIRE_DAEMON,
	    .major = WIRE_MAJOR,
	    .minor = WIRE_MINOR,
	    .pid = (uint32_t)getpid(),
	    .connection = peer->connection};
	struct wire_hello hello;
	const char *refusal;

	if (peer->state != PEER_GREETING || wire_decode_hello(header, payload, &hello) == -1)
		return -1;
	peer->pid = hello.pid;
	wire_encode_hello(&peer->out, &ours);
	peer_mark(peer);
	refusal = is_allowed(peer) ? wire_hello_refusal(&hello, 1u << WIRE_RESPONDER)
				   : "this user may not use the socket";
	if (refusal != NULL) {
		log_error("responder %u is refused: %s", hello.pid, refusal);
		wire_encode_goodbye(&peer->out, refusal);
		/* The timer goes on: it has until then to read this and to leave. */
		set_state(peer, PEER_LEAVING);
		return 0;
	}
	timer_stop(&peer->timer);
	set_state(peer, PEER_OPEN);
	if (hello.connection != 0)
		in_flight_resolve(peer->all->sessions, hello.connection, hello.frames);
	return send_services(peer);
}

/* The responder stops: what it holds it is given back with `h`, so that its clients ask again, elsewhere. */
static int
take_goodbye(struct peer *peer, const struct wire_header *header, const char *payload)
{
	struct wire_goodbye goodbye;

	if (wire_decode_goodbye(header, payload, &goodbye) == -1)
		return -1;
	log_info("responder %u says goodbye: %s", peer->pid, goodbye.text);
	set_state(peer, PEER_LEAVING);
	remote_requests_release(peer);
	peer_mark(peer);
	return 0;
}

static void
say_goodbye(struct peer *peer)
{
	if (peer->all->sessions->persistence.store != NULL)
		remote_requests_abandon(peer);
	wire_encode_goodbye(&peer->out, "stopping");
	set_state(peer, PEER_LEAVING);
	peer_mark(peer);
}

/* One that has yet to say what it is finds the next daemon as well as this one. */
static void
dismiss(struct peer *peer)
{
	if (peer->state == PEER_UNKNOWN)
		recognise(peer);
	if (peer->state == PEER_UNKNOWN || peer->state == PEER_GREETING)
		drop(peer);
}

void
peers_say_goodbye(struct peers *all)
{
	struct peer *peer, *next;

	for (peer = all->first; peer != NULL; peer = next) {
		next = peer->next;
		if (peer->state == PEER_OPEN)
			say_goodbye(peer);
		else
			dismiss(peer);
	}
}

/* --- requests ----------------------------------------------------------------------------------------------------- */

/* With jsessionid = module the application makes the cookie, here. */
static int
answer_cookie(
    struct peer *peer, uint64_t request, const struct sockjs_service *service, const char *cookies)
{
	char value[REPLY_COOKIE_MAX];

	if (service->protocol.options.jsessionid != JSESSIONID_MODULE)
		return 0;
	if (!reply_module_cookie(&service->protocol, cookies, value))
		value[0] = '\0';
	return wire_encode_cookie(&peer->out, request, value);
}

static int
take_receive(struct peer *peer, const struct wire_header *header, const char *payload)
{
	struct wire_receive receive;
	struct wire_source source;
	struct sockjs_service *service;

	if (wire_decode_receive(header, payload, &receive, &source) == -1)
		return -1;
	if (!succession_knows(peer->all->config, receive.service) ||
	    remote_request_find(peer, header->request) != NULL ||
	    (receive.callback[0] != '\0' &&
		!transport_callback_is_valid(receive.callback, strlen(receive.callback))))
		return -1;
	service = succession_find(
	    peer->all->config, receive.service, receive.session, receive.session_len);
	if (service == NULL) {
		/* It was taken out of the configuration while the request was under way. */
		wire_encode_refused(
		    &peer->out, header->request, 404, "404 Error: Page not found\n");
		peer_mark(peer);
		return 0;
	}
	if (answer_cookie(peer, header->request, service, receive.cookie) == -1)
		return -1;
	remote_request_receive(peer, header, &receive, service, &source.source);
	return 0;
}

static int
take_send(struct peer *peer, const struct wire_header *header, const char *payload)
{
	struct sockjs_service *service;
	struct wire_send send;

	if (wire_decode_send(header, payload, &send) == -1 || !remote_send_is_text(&send))
		return -1;
	if (!succession_knows(peer->all->config, send.service))
		return -1;
	service = succession_find(peer->all->config, send.service, send.session, send.session_len);
	if (service != NULL && answer_cookie(peer, header->request, service, send.cookie) == -1)
		return -1;
	remote_send_take(peer, header->request, service, &send);
	return 0;
}

static int
take_abort(struct peer *peer, const struct wire_header *header, const char *payload)
{
	struct remote_request *request;

	if (wire_decode_abort(header, payload) == -1)
		return -1;
	request = remote_request_find(peer, header->request);
	if (request != NULL && remote_request_is_answered(request))
		remote_request_return(request);
	else if (request != NULL)
		remote_request_break(request);
	return 0;
}

static int
take_written(struct peer *peer, const struct wire_header *header, const char *payload)
{
	struct remote_request *request;

	if (wire_decode_written(header, payload) == -1)
		return -1;
	request = remote_request_find(peer, header->request);
	/* Most answers carry nothing that has to be known to have arrived. */
	if (request == NULL)
		return 0;
	if (!remote_request_is_answered(request))
		return -1;
	remote_request_confirm(request);
	return 0;
}

static int
take_message(struct peer *peer, const struct wire_header *header, const char *payload)
{
	if (header->type == WIRE_HELLO)
		return take_hello(peer, header, payload);
	if (peer->state != PEER_OPEN && peer->state != PEER_LEAVING)
		return -1;
	if (peer->state == PEER_LEAVING) {
		/* After a goodbye requests are left to the next daemon, to which the responder will send them again. */
		if (header->type == WIRE_RECEIVE || header->type == WIRE_SEND)
			return 0;
		/* This may be what was waited for. */
		peer_mark(peer);
	}
	switch (header->type) {
	case WIRE_RECEIVE:
		return take_receive(peer, header, payload);
	case WIRE_SEND:
		return take_send(peer, header, payload);
	case WIRE_ABORT:
		return take_abort(peer, header, payload);
	case WIRE_WRITTEN:
		return take_written(peer, header, payload);
	case WIRE_GOODBYE:
		return take_goodbye(peer, header, payload);
	default:
		return -1;
	}
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static int
take_messages(struct peer *peer)
{
	struct buffer *in = &peer->in;
	struct wire_header header;
	int got;

	while (
	    (got = wire_parse_header(in->data, in->len, peer->all->largest_message, &header)) > 0) {
		got = wire_check(&header, WIRE_RESPONDER);
		if (got == 0)
			got = take_message(peer, &header, in->data + WIRE_HEADER_SIZE);
		if (got < 0)
			break;
		buffer_consume(in, WIRE_HEADER_SIZE + header.length);
	}
	return got < 0 ? -1 : 0;
}

static void
read_some(struct peer *peer)
{
	char *to = buffer_reserve(&peer->in, READ_SIZE);
	ssize_t n = to == NULL ? 0 : write_log_receive(peer->fd, to, READ_SIZE, &peer->log);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		drop(peer);
		return;
	}
	buffer_added(&peer->in, (size_t)n);
	if (take_messages(peer) == -1) {
		log_error(
		    "a peer of the local socket (process %u) breaks the protocol: its connection is closed",
		    peer->pid);
		drop(peer);
	} else if (peer->in.len == 0) {
		buffer_free(&peer->in);
	}
}

/* The first byte tells what it is. */
static void
recognise(struct peer *peer)
{
	const struct sockaddr address = {.sa_family = AF_UNIX};
	struct http_server *http = peer->all->http;
	char first;
	ssize_t n = recv(peer->fd, &first, 1, MSG_PEEK);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		drop(peer);
	else if (first == '\0')
		set_state(peer, PEER_GREETING);
	else
		http_server_add(http, detach(peer), &address, sizeof address.sa_family);
}

static void
on_events(uv_poll_t *poll, int status, int events)
{
	struct peer *peer = poll->data;

	if (status < 0) {
		drop(peer);
		return;
	}
	if (events & UV_WRITABLE)
		write_some(peer);
	if (!(events & UV_READABLE))
		return;
	if (peer->state == PEER_UNKNOWN)
		recognise(peer);
	if (peer->state == PEER_GREETING || peer->state == PEER_OPEN || peer->state == PEER_LEAVING)
		read_some(peer);
}
