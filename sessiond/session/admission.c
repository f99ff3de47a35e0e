/*
 * See admission.h. While the module is asked, the session is SESSION_NEW: it has a handle and what
 * is known of the request, and no receiver.
 */
#include "sessiond/session/admission.h"

#include "common/log_limit.h"
#include "sessiond/service/application.h"
#include "sessiond/session/session_set.h"
#include "sockjs/net_address.h"

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

/* The module's answer as a status: 0 lets the client in. */
static int
ask_module(const struct session *session)
{
	static struct log_limit limit;
	int status = application_authorize(session->service, session->handle);

	if (status == 0 || (status >= 400 && status <= 599))
		return status;
	log_limited(&limit, SEVERITY_ERROR,
	    "%s: authorize returned %d, which is neither 0 nor 400 to 599: 403 is sent",
	    session->service->name, status);
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
admit(struct sockjs_service *service, const char *id, size_t id_len,
    const struct transport *transport, const struct connection_source *source,
    struct admission_refusal *refusal)
{
	const char *error = sessions_refusal(service->sessions, source->peer, id != NULL);
	struct connection_info *info;
	struct session *session;
	int status;

	if (error != NULL)
		return refuse(refusal, UNAVAILABLE, error);
	if (service->application->authorize != NULL && has_guessed_enough(service, source->peer))
		return refuse_guess(service, source->peer, refusal);
	info = keep(service, id_len, source, refusal);
	if (info == NULL)
		return NULL;
	session = session_create(service, id, id_len);
	session_set_transport(session, transport);
	session->info = info;
	session_count_address(session, source->peer);
	status = ask_module(session);
	session->is_admitted = status == 0 && service->application->authorize != NULL;
	if (status == 0)
		return session;
	session_abort(session);
	if (status == UNAUTHORIZED || status == FORBIDDEN)
		note_guess(service, source->peer);
	return refuse(refusal, status, text_of(status));
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
