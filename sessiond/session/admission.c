/*
 * See admission.h. While the module is asked, the session is SESSION_NEW: it has a handle and what
 * is known of the request, and no receiver. It is so again when it has waited and is let in.
 *
 * A session that waits has its timer in its service's queue, until it is decided; then it is in the
 * set's list `decided`.
 */
#include "sessiond/session/admission.h"

#include "common/log_limit.h"
#include "common/memory.h"
#include "sessiond/service/application.h"
#include "sessiond/session/receiver.h"
#include "sessiond/session/session_set.h"
#include "sockjs/net_address.h"
#include "sockjs/route.h"

#include <inttypes.h>
#include <string.h>

enum {
	UNAUTHORIZED = 401,
	FORBIDDEN = 403,
	NOT_FOUND = 404,
	TOO_MANY = 429,
	FIELDS_TOO_LARGE = 431,
	UNAVAILABLE = 503,
};

static struct session *
refuse(struct admission_refusal *refusal, int status, const char *text)
{
	*refusal = (struct admission_refusal){status, text};
	return NULL;
}

/* --- guesses ---------------------------------------------------------------------------------- */

static bool
has_guessed_enough(const struct sockjs_service *service, const struct sockaddr *client)
{
	return guesses_are_used_up(
	    &service->sessions->limits.guesses, client, sessions_now(service->sessions));
}

static void
note_guess(const struct sockjs_service *service, const struct sockaddr *client)
{
	guesses_note(&service->sessions->limits.guesses, client, sessions_now(service->sessions));
}

/* Its last request came from there. */
static bool
is_of(const struct session *session, const struct sockaddr *client)
{
	char text[INET6_ADDRSTRLEN];

	return strcmp(connection_info_remote_address(session->info),
		   net_address_text(client, text)) == 0;
}

static bool
is_barred(const struct session *session, const struct sockaddr *client)
{
	return has_guessed_enough(session->service, client) && !is_of(session, client);
}

static struct session *
refuse_guess(const struct sockjs_service *service, const struct sockaddr *client,
    struct admission_refusal *refusal)
{
	static struct log_limit limit;
	char text[INET6_ADDRSTRLEN];

	service->sessions->limits.reached[LIMIT_GUESSES]++;
	log_limited(&limit, SEVERITY_ERROR, "guesses_per_minute (%u) reached by %s",
	    service->sessions->limits.guesses.a_minute,
	    net_address_text(client, text)[0] == '\0' ? "a client without an address" : text);
	return refuse(refusal, TOO_MANY, "Too many requests.\n");
}

struct session *
admission_find(struct sockjs_service *service, const char *id, size_t id_len,
    const struct sockaddr *client, struct admission_refusal *refusal)
{
	struct session *session = session_find(service, id, id_len);

	/* To others it is not there before it is let in. */
	if (session != NULL && session->state == SESSION_WAITING)
		session = NULL;
	if (session != NULL && !is_barred(session, client))
		return session;
	if (session != NULL || has_guessed_enough(service, client))
		return refuse_guess(service, client, refusal);
	note_guess(service, client);
	return refuse(refusal, NOT_FOUND, "404 Error: Page not found\n");
}

/* --- new sessions ----------------------------------------------------------------------------- */

static const char *
text_of(int status)
{
	switch (status) {
	case UNAUTHORIZED:
		return "Unauthorized\n";
	case FORBIDDEN:
		return "Forbidden\n";
	default:
		return "Refused\n";
	}
}

bool
admission_is_answer(int status)
{
	return status == 0 || (status >= 400 && status <= 599);
}

/* The module's answer as a status: 0 lets the client in, SOCKJS_LATER has it wait. */
static int
ask_module(const struct session *session)
{
	static struct log_limit limit;
	int status = application_authorize(session->application, session->handle);

	if (admission_is_answer(status) || status == SOCKJS_LATER)
		return status;
	log_limited(&limit, SEVERITY_ERROR,
	    "%s: authorize returned %d, which is no answer: 403 is sent", session->service->name,
	    status);
	return FORBIDDEN;
}

/* What is to be kept of the request; NULL and *refusal if it is too much. */
static struct connection_info *
keep(const struct sockjs_service *service, size_t id_len, const struct connection_source *source,
    struct admission_refusal *refusal)
{
	static struct log_limit limit;
	struct connection_info *info = connection_info_create(source);

	if (!session_info_is_too_large(service, id_len, info))
		return info;
	service->sessions->limits.reached[LIMIT_HEADERS]++;
	log_limited(&limit, SEVERITY_ERROR,
	    "%s: headers_limit (%zu) reached by %s: a session is refused", service->name,
	    service->protocol.options.headers_limit, connection_info_remote_address(info));
	connection_info_destroy(&info);
	refuse(refusal, FIELDS_TOO_LARGE, "The request's head is too large.\n");
	return NULL;
}

static struct session *
refuse_by_module(const struct sockjs_service *service, const struct sockaddr *client, int status,
    struct admission_refusal *refusal)
{
	if (status == UNAUTHORIZED || status == FORBIDDEN)
		note_guess(service, client);
	return refuse(refusal, status, text_of(status));
}

static void time_out(struct timer *timer, void *ctx);

static struct session *
wait_for_module(struct session *session, struct admission_refusal *refusal)
{
	struct sockjs_service *service = session->service;
	struct sessions *sessions = service->sessions;

	session_must_wait(session);
	if (sessions->closing) {
		session_abort(session);
		return refuse(refusal, UNAVAILABLE, "The server is stopping.\n");
	}
	if (service->admissions.set == NULL)
		timer_queue_add(&sessions->timers, &service->admissions,
		    service->protocol.options.authorize_timeout, time_out, sessions);
	timer_start(&service->admissions, &session->timer, sessions_now(sessions));
	return session;
}

/* True for who comes by a URL whose session id says that it carries another session. */
static bool
is_leg(const struct sockjs_service *service, const char *id, size_t id_len,
    const struct connection_source *source)
{
	const char *rest = source->path + source->prefix_len, *named;
	size_t len;

	if (!service->protocol.options.resume || service->sessions->legs == NULL ||
	    (id != NULL && memchr(id, '.', id_len) != NULL) ||
	    route_find(rest, strlen(rest), &named, &len) == NULL)
		return false;
	return len > strlen(SESSION_LEG_PREFIX) &&
	    memcmp(named, SESSION_LEG_PREFIX, strlen(SESSION_LEG_PREFIX)) == 0;
}

static struct session *
admit(struct sockjs_service *service, const char *id, size_t id_len,
    const struct transport *transport, const struct connection_source *source,
    struct admission_refusal *refusal)
{
	bool leg = is_leg(service, id, id_len, source);
	const char *error = sessions_refusal(service->sessions, source->peer, id != NULL && !leg);
	struct connection_info *info;
	struct session *session;
	int status;

	if (error != NULL)
		return refuse(refusal, UNAVAILABLE, error);
	/* A leg may come for a session that is there. */
	if (service->sessions->is_draining && !leg)
		return refuse(refusal, UNAVAILABLE, "The server is draining.\n");
	if (service->application->authorize != NULL && !leg &&
	    has_guessed_enough(service, source->peer))
		return refuse_guess(service, source->peer, refusal);
	info = keep(service, id_len, source, refusal);
	if (info == NULL)
		return NULL;
	session = session_create(service, id, id_len);
	if (leg) {
		session->application = service->sessions->legs;
		service->tally.sessions--;
	}
	session_set_transport(session, transport);
	session->info = info;
	session_count_address(session, source->peer);
	status = ask_module(session);
	if (status == SOCKJS_LATER)
		return wait_for_module(session, refusal);
	session->is_admitted = status == 0 && session->application->application->authorize != NULL;
	if (status == 0)
		return session;
	session_abort(session);
	return refuse_by_module(service, source->peer, status, refusal);
}

struct session *
admission_obtain(struct sockjs_service *service, const char *id, size_t id_len,
    const struct transport *transport, const struct connection_source *source,
    struct admission_refusal *refusal)
{
	struct session *session = session_find(service, id, id_len);

	if (session == NULL)
		return admit(service, id, id_len, transport, source, refusal);
	return is_barred(session, source->peer) ? refuse_guess(service, source->peer, refusal)
						: session;
}

struct session *
admission_open_websocket(struct sockjs_service *service, const struct transport *transport,
    const struct connection_source *source, struct admission_refusal *refusal)
{
	return admit(service, NULL, 0, transport, source, refusal);
}

/* --- modules that answer later ---------------------------------------------------------------- */

bool
admission_must_wait(struct session *session, struct receiver *receiver)
{
	if (session->state != SESSION_WAITING || session->waiter != NULL)
		return false;
	session->waiter = receiver;
	receiver->session = session;
	return true;
}

bool
admission_decide(struct session *session, int status)
{
	if (session->state != SESSION_WAITING || session->is_dirty)
		return false;
	timer_stop(&session->timer);
	session->refused_with = (uint16_t)status;
	session->is_dirty = true;
	STAILQ_INSERT_TAIL(&session->service->sessions->decided, session, turn_next);
	return true;
}

static void
let_in(struct session *session)
{
	struct receiver *receiver = session->waiter;

	session->is_admitted = true;
	session_may_enter(session);
	receiver->ops->decided(receiver, session, NULL);
}

static void
turn_away(struct session *session, const struct admission_refusal *refusal)
{
	struct receiver *receiver = session->waiter;

	session_abort(session);
	receiver->ops->decided(receiver, NULL, refusal);
}

/*
 * One who guesses may have had many wait at once. Of those that are too many it learns nothing,
 * whatever the module has said.
 */
static void
tell(struct session *session)
{
	const char *text = connection_info_remote_address(session->info);
	struct admission_refusal refusal;
	union net_address client;

	if (!net_address_parse(&client, text, strlen(text)))
		net_address_set(&client, NULL);
	if (has_guessed_enough(session->service, &client.any))
		refuse_guess(session->service, &client.any, &refusal);
	else if (session->refused_with != 0)
		refuse_by_module(session->service, &client.any, session->refused_with, &refusal);
	else {
		let_in(session);
		return;
	}
	turn_away(session, &refusal);
}

bool
admission_tell(struct sessions *sessions)
{
	struct session *session;
	bool any = !STAILQ_EMPTY(&sessions->decided);

	while ((session = STAILQ_FIRST(&sessions->decided)) != NULL) {
		STAILQ_REMOVE_HEAD(&sessions->decided, turn_next);
		session->is_dirty = false;
		if (session->state == SESSION_ENDED)
			STAILQ_INSERT_TAIL(&sessions->dead, session, turn_next);
		else
			tell(session);
	}
	return any;
}

bool
admission_end(struct session *session, const char *text)
{
	if (session->state != SESSION_WAITING)
		return false;
	turn_away(session, &(struct admission_refusal){UNAVAILABLE, text});
	return true;
}

static void
time_out(struct timer *timer, void *ctx)
{
	static struct log_limit limit;
	struct session *session = container_of(timer, struct session, timer);

	(void)ctx;
	session->service->sessions->limits.reached[LIMIT_AUTHORIZE]++;
	log_limited(&limit, SEVERITY_ERROR,
	    "%s: authorize_timeout (%" PRIu64 " ms) reached: a client is refused",
	    session->service->name, session->service->admissions.delay_ms);
	admission_end(session, "The application does not answer.\n");
}

static void
end_one(void *object, void *context)
{
	admission_end(object, context);
}

void
admission_end_all(struct sessions *sessions, const char *text)
{
	sessions_each(sessions, end_one, (void *)(uintptr_t)text);
}

static void
end_retired(void *object, void *context)
{
	struct session *session = object;

	(void)context;
	if (session->service->is_retired)
		admission_end(session, "The service has been replaced.\n");
}

void
admission_end_retired(struct sessions *sessions)
{
	sessions_each(sessions, end_retired, NULL);
}
