/*
 * See peer_messages.h. A message that a responder of ours would not send is an error of the peer,
 * which is then dropped; what can happen because both ends act at the same time is not.
 */
#include "sessiond/responder/peer_messages.h"

#include "common/log_limit.h"
#include "common/memory.h"
#include "sessiond/modules/services.h"
#include "sessiond/responder/handover.h"
#include "sessiond/responder/receiver_remote.h"
#include "sessiond/session/delivery.h"
#include "sessiond/session/session_set.h"
#include "wire/wire_daemons.h"
#include "wire/wire_home.h"
#include "wire/wire_messages.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct peer_messages *
messages_of(const struct peer *peer)
{
	return peer->all->context;
}

/* --- the services ----------------------------------------------------------------------------- */

static void
put_entry(struct wire_service_entry *entry, const struct sockjs_service *service)
{
	*entry = (struct wire_service_entry){service->name, &service->protocol.options,
	    (uint16_t)service->number, service->is_retired};
}

int
peer_messages_send_services(struct peer *peer)
{
	const struct services *services = messages_of(peer)->services;
	struct wire_service_entry *entries =
	    xcalloc(services->count + services->retired_count + 1, sizeof *entries);
	size_t i, count = 0;
	int status;

	remote_asks_tell(&messages_of(peer)->asks, peer);
	for (i = 0; i < services->count; i++)
		put_entry(&entries[count++], services->items[i]);
	for (i = 0; i < services->retired_count && count < WIRE_SERVICES_MAX; i++)
		if (services_is_last(services, services->retired[i]))
			put_entry(&entries[count++], services->retired[i]);
	status = wire_encode_services(
	    peer_output(peer), messages_of(peer)->config->server.trusted_proxies, entries, count);
	free(entries);
	return status;
}

void
peer_messages_send_state(struct peer *peer)
{
	wire_encode_state(peer_output(peer), messages_of(peer)->state);
}

/*
 * What a RECEIVE or SEND is for: *service, NULL if it was taken out of the configuration while the
 * request was under way. Returns -1 if there never was a service of that number.
 */
static int
find_service(const struct peer *peer, unsigned number, const char *session, size_t session_len,
    struct sockjs_service **service)
{
	const struct services *services = messages_of(peer)->services;

	if (!services_has_number(services, number))
		return -1;
	*service = services_find(services, number, session, session_len);
	return 0;
}

/* --- the connection --------------------------------------------------------------------------- */

static void
greet(struct buffer *out, uint64_t link_id)
{
	const struct wire_hello ours = {
	    .role = WIRE_DAEMON,
	    .major = WIRE_MAJOR,
	    .minor = WIRE_MINOR,
	    .pid = (uint32_t)getpid(),
	    .link_id = link_id,
	};

	wire_encode_hello(out, &ours);
}

/*
 * Says why, without a look at what came. What is there is read all the same, since the end of a
 * socket with unread bytes is an error at the other end, which may not see the reason then. The
 * system closes the descriptors that are with it.
 */
static void
turn_away(int fd, const char *why)
{
	struct buffer bytes = BUFFER_INIT;
	char rest[4096];

	greet(&bytes, 1);
	wire_encode_goodbye(&bytes, why);
	send(fd, bytes.data, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	recv(fd, rest, sizeof rest, MSG_DONTWAIT);
	buffer_free(&bytes);
}

static bool
is_one_of_several(const struct peer_messages *messages)
{
	return messages->config->place.count > 1;
}

/* Which process it really is, says the kernel. */
static bool
admit(struct peers *all, int fd)
{
	static struct log_limit limit;
	const struct peer_messages *messages = all->context;
	uid_t user = (uid_t)-1;

	if (link_peer_user(fd, &user) == 0 && config_allows_user(messages->config, user))
		return true;
	log_limited(&limit, SEVERITY_ERROR,
	    "a process of user %u may not use the socket (socket_users)", (unsigned)user);
	turn_away(fd, "this user may not use the socket");
	return false;
}

/* Not where there is one daemon only, which is what a responder takes for granted. */
static void
tell_place(struct peer *peer)
{
	const struct daemon_place *place = &messages_of(peer)->config->place;
	const struct wire_daemons daemons = {place->index, place->count};

	if (place->count > 1)
		wire_encode_daemons(peer_output(peer), &daemons);
}

/* Why a peer with that HELLO is not served; NULL: it is. */
static const char *
refusal_of(const struct peer *peer, const struct wire_hello *hello)
{
	const struct peer_messages *messages = messages_of(peer);
	unsigned roles = 1u << WIRE_RESPONDER;
	const char *refusal;
	uid_t user = (uid_t)-1;

	if (is_one_of_several(messages) && link_peer_user(link_socket(peer->link), &user) == 0 &&
	    user == geteuid())
		roles |= 1u << WIRE_DAEMON;
	refusal = wire_hello_refusal(hello, roles);
	if (refusal != NULL || !is_one_of_several(messages) || hello->role == WIRE_DAEMON)
		return refusal;
	/* It would send here what other daemons have. */
	return hello->minor < WIRE_MINOR_DAEMONS
	    ? "sockjs.fcgi is older than `daemons`: the web server has to start it anew"
	    : NULL;
}

static int
take_hello(struct peer *peer, const struct wire_header *header, const char *payload)
{
	static struct log_limit limit;
	struct wire_hello hello;
	const char *refusal;

	if (peer->state != PEER_GREETING || wire_decode_hello(header, payload, &hello) == -1)
		return -1;
	peer->pid = hello.pid;
	peer->minor = hello.minor < WIRE_MINOR ? hello.minor : WIRE_MINOR;
	greet(peer_output(peer), peer->link_id);
	refusal = refusal_of(peer, &hello);
	if (refusal != NULL) {
		log_limited(
		    &limit, SEVERITY_ERROR, "responder %u is refused: %s", hello.pid, refusal);
		wire_encode_goodbye(peer_output(peer), refusal);
		peer_leave(peer);
		return 0;
	}
	if (hello.role == WIRE_DAEMON) {
		peer_open_daemon(peer);
		return 0;
	}
	peer_open(peer);
	if (hello.link_id != 0)
		delivery_resolve(peer->all->sessions, hello.link_id, hello.frames);
	tell_place(peer);
	if (messages_of(peer)->state[0] != '\0')
		peer_messages_send_state(peer);
	return peer_messages_send_services(peer);
}

/*
 * The responder stops: what it holds it is given back with a heartbeat, so that its clients ask
 * again, elsewhere.
 */
static int
take_goodbye(struct peer *peer, const struct wire_header *header, const char *payload)
{
	static struct log_limit limit;
	struct wire_goodbye goodbye;

	if (wire_decode_goodbye(header, payload, &goodbye) == -1)
		return -1;
	log_limited(
	    &limit, SEVERITY_INFO, "responder %u says goodbye: %s", peer->pid, goodbye.text);
	peer_leave(peer);
	remote_requests_release(peer);
	return 0;
}

void
peer_messages_say_goodbye(struct peer *peer)
{
	if (peer->all->sessions->journal.is_kept)
		remote_requests_abandon(peer);
	remote_asks_give_up(&messages_of(peer)->asks, peer);
	wire_encode_goodbye(peer_output(peer), "stopping");
	peer_leave(peer);
}

/*
 * True if the session of a RECEIVE or SEND lives in another daemon, which the responder was told;
 * it is refused then.
 */
static bool
is_misdirected(struct peer *peer, uint64_t request, const char *session, size_t len)
{
	const struct daemon_place *place = &messages_of(peer)->config->place;

	if (wire_home(session, len, place->count) == place->index)
		return false;
	wire_encode_refused(peer_output(peer), request, 421, "This session is another daemon's.\n");
	return true;
}

/* --- requests --------------------------------------------------------------------------------- */

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
	return wire_encode_cookie(peer_output(peer), request, value);
}

static bool
is_valid_callback(const char *callback)
{
	return callback[0] == '\0' || transport_callback_is_valid(callback, strlen(callback));
}

static int
take_receive(struct peer *peer, const struct wire_header *header, const char *payload)
{
	struct peer_messages *messages = messages_of(peer);
	struct wire_receive receive;
	struct wire_source source;
	struct sockjs_service *service;
	struct remote_request *held;

	if (wire_decode_receive(header, payload, &receive, &source) == -1 ||
	    remote_request_find(peer, header->request) != NULL ||
	    !is_valid_callback(receive.callback) ||
	    find_service(peer, receive.service, receive.session, receive.session_len, &service) ==
		-1)
		return -1;
	if (is_one_of_several(messages) &&
	    is_misdirected(peer, header->request, receive.session, receive.session_len))
		return 0;
	if (service == NULL) {
		wire_encode_refused(
		    peer_output(peer), header->request, 404, "404 Error: Page not found\n");
		return 0;
	}
	if (!(receive.flags & WIRE_RECEIVE_REISSUED) &&
	    !limits_request(&messages->sessions->limits, source.source.peer, false,
		sessions_now(messages->sessions))) {
		wire_encode_refused(
		    peer_output(peer), header->request, 429, "Too many requests.\n");
		return 0;
	}
	if (answer_cookie(peer, header->request, service, receive.cookie) == -1)
		return -1;
	remote_holds_see(&messages->holds, peer, receive.flags & WIRE_RECEIVE_ALONE);
	/* Whatever the responder sends: its services may be of before a reload. */
	source.source.more_headers = service->protocol.options.headers;
	held = receiver_remote_arrive(peer, header->request, &receive, service, &source.source);
	if (held != NULL && peer->is_alone)
		remote_holds_add(&messages->holds, held, messages->config->server.fcgid_max_held,
		    sessions_now(messages->sessions));
	return 0;
}

static int
take_send(struct peer *peer, const struct wire_header *header, const char *payload)
{
	struct sockjs_service *service;
	struct wire_send send;

	if (wire_decode_send(header, payload, &send) == -1 || !remote_send_is_text(&send) ||
	    find_service(peer, send.service, send.session, send.session_len, &service) == -1)
		return -1;
	if (is_one_of_several(messages_of(peer)) &&
	    is_misdirected(peer, header->request, send.session, send.session_len))
		return 0;
	if (service != NULL && answer_cookie(peer, header->request, service, send.cookie) == -1)
		return -1;
	remote_sends_take(&messages_of(peer)->sends, peer, header->request, service, &send);
	return 0;
}

static int
take_ask(struct peer *peer, const struct wire_header *header, const char *payload)
{
	struct wire_ask ask;

	if (peer->minor < WIRE_MINOR_API || wire_decode_ask(header, payload, &ask) == -1)
		return -1;
	remote_asks_take(&messages_of(peer)->asks, peer, header->request, &ask);
	return 0;
}

static int
take_abort(struct peer *peer, const struct wire_header *header, const char *payload)
{
	struct remote_request *request;

	if (wire_decode_abort(header, payload) == -1)
		return -1;
	request = remote_request_find(peer, header->request);
	if (request != NULL && request->is_answered)
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
	if (!request->is_answered)
		return -1;
	remote_request_confirm(request);
	return 0;
}

/* From another daemon, which says nothing else. */
static int
take_handover(struct peer *peer, const struct wire_header *header, const char *payload)
{
	if (header->type != WIRE_HANDOVER)
		return -1;
	return peer->state == PEER_LEAVING
	    ? handover_decline(peer)
	    : handover_take(peer, header, payload, messages_of(peer)->http);
}

/* --- all of them ------------------------------------------------------------------------------ */

static int
take_message(struct peer *peer, const struct wire_header *header, const char *payload)
{
	if (header->type == WIRE_HELLO)
		return take_hello(peer, header, payload);
	if (peer->state == PEER_GREETING)
		return -1;
	if (peer->is_daemon)
		return take_handover(peer, header, payload);
	if (peer->state == PEER_LEAVING) {
		/* The responder sends it again, to the next daemon. */
		if (header->type == WIRE_RECEIVE || header->type == WIRE_SEND ||
		    header->type == WIRE_ASK)
			return 0;
		/* This may be what was waited for. */
		peer_mark(peer);
	}
	switch (header->type) {
	case WIRE_RECEIVE:
		messages_of(peer)->receives_taken++;
		return take_receive(peer, header, payload);
	case WIRE_SEND:
		messages_of(peer)->sends_taken++;
		return take_send(peer, header, payload);
	case WIRE_ASK:
		messages_of(peer)->asks_taken++;
		return take_ask(peer, header, payload);
	case WIRE_ABORT:
		return take_abort(peer, header, payload);
	case WIRE_WRITTEN:
		return take_written(peer, header, payload);
	case WIRE_COUNTS:
		return responder_counts_take(&messages_of(peer)->counts, header, payload);
	case WIRE_GOODBYE:
		return take_goodbye(peer, header, payload);
	default:
		return -1;
	}
}

/*
 * What the peer held is not answered any more. The sessions stay for a while: their clients ask
 * again, through this responder, if only the connection broke, or through another.
 */
static void
lose(struct peer *peer)
{
	remote_requests_release(peer);
	remote_requests_await(peer);
	remote_sends_forget(&messages_of(peer)->sends, peer);
	remote_asks_forget(&messages_of(peer)->asks, peer);
	remote_holds_forget(&messages_of(peer)->holds, peer);
	/* The responder may not come back to be asked about what can wait. */
	journal_hurry(&peer->all->sessions->journal);
}

const struct peer_calls peer_messages_calls = {admit, take_message, lose};

void
peer_messages_init(struct peer_messages *messages, struct config *config, struct services *services,
    struct sessions *sessions, struct http_server *http)
{
	*messages = (struct peer_messages){
	    .config = config,
	    .services = services,
	    .sessions = sessions,
	    .http = http,
	    .state = "",
	};
	remote_holds_init(&messages->holds, sessions, messages->config->place.count);
}

void
peer_messages_clear(struct peer_messages *messages)
{
	remote_sends_clear(&messages->sends);
	remote_asks_clear(&messages->asks);
	remote_holds_clear(&messages->holds);
}
