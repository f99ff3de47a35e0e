/*
 * See control.h.
 */
#include "sessiond/control/control.h"

#include "common/log.h"
#include "common/loop.h"
#include "sessiond/control/channel_list.h"
#include "sessiond/control/metrics_text.h"
#include "sessiond/control/publish.h"
#include "sessiond/control/session_commands.h"
#include "sessiond/control/session_list.h"
#include "sessiond/control/worker_list.h"
#include "sessiond/http/http_connection.h"
#include "sessiond/http/http_request.h"
#include "sessiond/session/admission.h"
#include "sessiond/session/session_set.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

enum {
	OK = 200,
	UNAUTHORIZED = 401,
	UNPROCESSABLE = 422,
	TOO_MANY = 429,
	UNAVAILABLE = 503,
};

static const char text_plain[] = "text/plain; charset=UTF-8";

enum http_way
control_way(const struct config *config, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof peer;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == -1)
		return HTTP_WAY_BARRED;
	if (config_allows_control(config, peer.uid))
		return HTTP_WAY_CONTROL;
	return config_allows_publishing(config, peer.uid) ? HTTP_WAY_PUBLISH : HTTP_WAY_BARRED;
}

static bool
answer(struct http_request *request, int status, const char *text)
{
	http_response_text(&request->response, status, text_plain, text, strlen(text));
	return true;
}

/* --- /up -------------------------------------------------------------------------------------- */

const char *
control_unready(const struct metrics_sources *sources)
{
	if (sources->loop->is_draining)
		return "the daemon is stopping";
	if (sources->sessions->journal.is_failing)
		return "the session store cannot be written";
	if (sources->sessions->is_draining)
		return "draining";
	return NULL;
}

static bool
answer_up(void *context, struct http_request *request)
{
	const struct control *control = context;
	const char *reason = control_unready(&control->sources);
	char text[80];

	snprintf(text, sizeof text, "%s\n", reason == NULL ? "up" : reason);
	return answer(request, reason == NULL ? OK : UNAVAILABLE, text);
}

/* --- /metrics --------------------------------------------------------------------------------- */

bool
control_secret_is_right(const char *given, size_t len, const char *secret)
{
	size_t secret_len = strlen(secret), i;
	unsigned difference = len != secret_len;

	for (i = 0; i < len; i++)
		difference |= (unsigned char)given[i] ^ (unsigned char)secret[i % secret_len];
	return difference == 0;
}

bool
control_token_is_right(const char *authorization, const char *token)
{
	static const char scheme[] = "Bearer ";
	const char *given;

	if (authorization == NULL || strncasecmp(authorization, scheme, strlen(scheme)) != 0)
		return false;
	given = authorization + strlen(scheme);
	given += strspn(given, " ");
	return control_secret_is_right(given, strlen(given), token);
}

static void
tell_metrics(const struct control *control, struct http_request *request)
{
	struct buffer text = BUFFER_INIT;

	metrics_write(&control->sources, control_unready(&control->sources) == NULL, &text);
	if (buffer_failed(&text))
		answer(request, UNAVAILABLE, "Out of memory.\n");
	else
		http_response_text(
		    &request->response, OK, METRICS_CONTENT_TYPE, text.data, text.len);
	buffer_free(&text);
}

/* Who tries tokens gets no further than who tries session ids. */
static void
refuse_token(const struct control *control, struct http_request *request)
{
	struct sessions *sessions = control->sources.sessions;
	struct guesses *guesses = &sessions->limits.guesses;
	uint64_t now = sessions_now(sessions);

	if (guesses_are_used_up(guesses, &request->client.any, now)) {
		sessions->limits.reached[LIMIT_GUESSES]++;
		answer(request, TOO_MANY, "Too many requests.\n");
		return;
	}
	guesses_note(guesses, &request->client.any, now);
	http_response_error(&request->response, UNAUTHORIZED, "The token is missing or wrong.\n");
}

static bool
answer_metrics(void *context, struct http_request *request)
{
	const struct control *control = context;
	const char *token = control->config->server.metrics_token;

	if (request->response.connection->way == HTTP_WAY_CONTROL) {
		tell_metrics(control, request);
		return true;
	}
	if (token == NULL)
		return false;
	if (control_token_is_right(http_request_header(request, "Authorization"), token))
		tell_metrics(control, request);
	else
		refuse_token(control, request);
	return true;
}

/* --- what it is told to do -------------------------------------------------------------------- */

static bool
answer_outcome(struct http_request *request, int status, const char *done, const struct error *err)
{
	char text[sizeof err->text + 1];

	if (status == -1)
		snprintf(text, sizeof text, "%s\n", err->text);
	return answer(request, status == -1 ? UNPROCESSABLE : OK, status == -1 ? text : done);
}

static bool
answer_reload(void *context, struct http_request *request)
{
	const struct control *control = context;
	struct error err = ERROR_INIT;
	int status = control->calls->reload(control->owner, &err);

	return answer_outcome(request, status, "reloaded\n", &err);
}

static bool
answer_reload_one(void *context, struct http_request *request)
{
	const struct control *control = context;
	struct error err = ERROR_INIT;
	int status = control->calls->reload_one(control->owner, &err);

	return answer_outcome(request, status, "reloaded\n", &err);
}

static bool
answer_restart(void *context, struct http_request *request)
{
	const struct control *control = context;
	struct error err = ERROR_INIT;
	int status = control->calls->restart(control->owner, &err);

	return answer_outcome(request, status, "restarting\n", &err);
}

static bool
answer_drain(struct http_request *request, struct sessions *sessions, bool is_draining)
{
	char text[80];

	if (sessions->is_draining != is_draining)
		log_info("%s", is_draining ? "draining: no new sessions" : "draining no more");
	sessions->is_draining = is_draining;
	if (is_draining)
		admission_end_all(sessions, "The server is draining.\n");
	snprintf(text, sizeof text,
	    is_draining ? "draining, sessions left: %zu\n" : "draining no more, sessions: %zu\n",
	    sessions->count);
	return answer(request, OK, text);
}

static bool
answer_drain_on(void *context, struct http_request *request)
{
	return answer_drain(request, ((const struct control *)context)->sources.sessions, true);
}

static bool
answer_drain_off(void *context, struct http_request *request)
{
	return answer_drain(request, ((const struct control *)context)->sources.sessions, false);
}

/* --- connections and channels ----------------------------------------------------------------- */

static bool
answer_sessions(void *context, struct http_request *request)
{
	session_list_answer(request, ((const struct control *)context)->sources.services);
	return true;
}

static bool
answer_channels(void *context, struct http_request *request)
{
	const struct metrics_sources *sources = &((const struct control *)context)->sources;

	channel_list_answer(request, sources->services, sources->channels);
	return true;
}

static bool
answer_workers(void *context, struct http_request *request)
{
	const struct metrics_sources *sources = &((const struct control *)context)->sources;

	worker_list_answer(request, sources->services, sources->workers);
	return true;
}

static bool
answer_tail(void *context, struct http_request *request)
{
	struct control *control = context;

	tails_answer(&control->tails, request, control->sources.services);
	return true;
}

static bool
answer_close(void *context, struct http_request *request)
{
	session_close_answer(request, ((const struct control *)context)->sources.services);
	return true;
}

static bool
answer_send(void *context, struct http_request *request)
{
	const struct control *control = context;

	session_send_answer(
	    request, control->sources.services, control->config->server.publish_limit);
	return true;
}

/* --- all of it -------------------------------------------------------------------------------- */

#define ON_CONTROL (1u << HTTP_WAY_CONTROL)
#define ANYWHERE   (ON_CONTROL | 1u << HTTP_WAY_CLIENTS)

static bool
answer_publish(void *context, struct http_request *request)
{
	const struct control *control = context;

	publish_answer(request, control->sources.services, control->sources.channels,
	    control->config->server.publish_limit);
	return true;
}

const struct http_handler control_handlers[] = {
    {"/up", "GET", ANYWHERE, false, answer_up},
    {"/metrics", "GET", ANYWHERE, false, answer_metrics},
    {"/control/reload", "POST", ON_CONTROL, false, answer_reload},
    {"/control/reload-one", "POST", ON_CONTROL, false, answer_reload_one},
    {"/control/restart", "POST", ON_CONTROL, false, answer_restart},
    {"/control/drain", "POST", ON_CONTROL, false, answer_drain_on},
    {"/control/undrain", "POST", ON_CONTROL, false, answer_drain_off},
    {"/control/sessions", "GET", ON_CONTROL, false, answer_sessions},
    {"/control/channels", "GET", ON_CONTROL, false, answer_channels},
    {"/control/workers", "GET", ON_CONTROL, false, answer_workers},
    {"/control/tail", "GET", ON_CONTROL, false, answer_tail},
    {"/control/close", "POST", ON_CONTROL, true, answer_close},
    {"/control/send", "POST", ON_CONTROL, true, answer_send},
    {"/publish", "POST", ON_CONTROL | 1u << HTTP_WAY_PUBLISH, true, answer_publish},
    {NULL},
};
