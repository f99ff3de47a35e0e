/*
 * See backend.h.
 *
 * The connection goes through the states below and round again. Whatever breaks it is found by the
 * loop, never up the stack of a caller.
 */
#include "fcgi/daemon/backend.h"

#include "common/log.h"
#include "common/log_limit.h"
#include "common/memory.h"
#include "fcgi/daemon/autostart.h"
#include "fcgi/daemon/confirmations.h"
#include "fcgi/daemon/suspects.h"
#include "wire/link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

enum {
	FIRST_PAUSE_MS = 20,
	LONGEST_PAUSE_MS = 500,
};

struct backend {
	struct backend_share *share;
	char *path; /* owned */
	enum backend_state state;
	bool is_missed;	   /* the log says that it is not there */
	int error;	   /* why the last connect has failed */
	struct link *link; /* NULL while away */
	uv_timer_t pause;
	uint64_t pause_ms;
	struct calls calls;
	struct suspects *suspects;
	struct exchange exchange;
	struct known_services *services;
	char *unready; /* what sessiond says of itself on this connection; NULL: nothing bad */
	struct confirmations confirmations;
};

static void connect_to_daemon(struct backend *backend);
static int take_message(void *context, const struct wire_header *header, const char *payload);

static void
set_state(struct backend *backend, enum backend_state state)
{
	static const char *const names[] = {"retired", "away", "greeting", "there"};

	log_debug("sessiond: %s -> %s", names[backend->state], names[state]);
	backend->state = state;
}

/* --- calls ------------------------------------------------------------------------------------ */

static void
start_patience(struct backend *backend, struct call *call)
{
	timer_start(&backend->share->patience, &call->patience, loop_now(backend->share->loop));
}

static void
lose_call(struct backend *backend, struct call *call, enum backend_loss why)
{
	calls_remove(call);
	backend->share->owner->lost(call, why, 0);
}

static void
issue(struct call *call, void *context)
{
	struct backend *backend = context;

	backend->share->owner->there(call);
}

/* One that has come while the others are issued is so already. */
static void
issue_if_free(struct call *call, void *context)
{
	if (!call->is_issued && !suspects_hold_back(call))
		issue(call, context);
}

static void
stop(struct call *call, void *context)
{
	lose_call(context, call, BACKEND_STOPPED);
}

static void
set_adrift(struct call *call, void *context)
{
	struct backend *backend = context;

	if (call->is_once && call->is_issued && !backend->exchange.is_leaving) {
		lose_call(backend, call, BACKEND_UNSURE);
		return;
	}
	call_set_adrift(call);
	start_patience(backend, call);
}

void
backend_add(struct backend *backend, struct call *call)
{
	call->backend = backend;
	calls_add(&backend->calls, call);
	if (backend->state == BACKEND_THERE)
		issue(call, backend);
	else
		start_patience(backend, call);
}

void
backend_each_call(
    struct backend *backend, void (*fn)(struct call *call, void *context), void *context)
{
	calls_each(&backend->calls, fn, context);
}

/* What the other daemon has died of, this one has not seen. */
void
backend_adopt(struct backend *backend, struct call *call)
{
	call->suspicion.losses = 0;
	call->backend = backend;
	calls_move(&backend->calls, call);
	if (backend->state == BACKEND_THERE)
		issue(call, backend);
}

/* It counts as issued even if it could not be: nobody issues it again. */
static int
issued(struct backend *backend, struct call *call, int status)
{
	confirmations_hurry(&backend->confirmations);
	call_set_issued(call, loop_now(backend->share->loop));
	if (status == -1)
		calls_remove(call);
	return status;
}

int
backend_receive(struct backend *backend, struct call *call, const struct wire_receive *receive,
    const struct connection_source *source)
{
	return issued(backend, call,
	    exchange_put_receive(link_output(backend->link), call->id, receive, source));
}

int
backend_send(struct backend *backend, struct call *call, struct wire_send *send)
{
	return issued(backend, call,
	    exchange_put_send(&backend->exchange, link_output(backend->link), call->id, send));
}

int
backend_ask(struct backend *backend, struct call *call, const struct wire_ask *ask)
{
	return issued(backend, call, exchange_put_ask(link_output(backend->link), call->id, ask));
}

/* --- what becomes of answers ------------------------------------------------------------------ */

/*
 * True if the last frame came by the link that is there: sessiond waits to hear what becomes of it.
 */
static bool
is_to_confirm(const struct backend *backend, const struct call *call)
{
	return call->ended_by != 0 && backend->state == BACKEND_THERE &&
	    call->ended_by == backend->exchange.link_id;
}

void
backend_note_last_write(struct backend *backend, const struct call *call)
{
	if (is_to_confirm(backend, call))
		confirmations_note(&backend->confirmations, call->id);
}

void
backend_unnote_last_write(struct backend *backend, const struct call *call)
{
	if (is_to_confirm(backend, call))
		confirmations_unnote(&backend->confirmations);
}

void
backend_confirm(struct backend *backend, struct call *call, bool is_urgent)
{
	if (!is_to_confirm(backend, call))
		return;
	is_urgent |= backend->exchange.is_leaving || backend->share->loop->is_draining;
	if (confirmations_put(
		&backend->confirmations, call->id, is_urgent, link_output(backend->link)))
		backend_flush(backend);
}

void
backend_abort(struct backend *backend, struct call *call, bool unwritten)
{
	/* What has come of an answer and has not left is lost with its client. */
	bool is_owed = unwritten || call->ended_by != 0 || call->part.len > 0;
	bool is_awaited = call->is_listed ? call->is_issued && backend->state == BACKEND_THERE
					  : is_to_confirm(backend, call);

	if (is_awaited) {
		wire_encode_abort(
		    link_output(backend->link), call->id, is_owed ? WIRE_ABORT_UNWRITTEN : 0);
		confirmations_hurry(&backend->confirmations);
	}
	call->ended_by = 0;
	calls_remove(call);
}

bool
backend_tell_counts(struct backend *backend, const struct wire_counts *counts)
{
	if (backend->state != BACKEND_THERE)
		return false;
	exchange_put_counts(&backend->exchange, link_output(backend->link), counts);
	confirmations_hurry(&backend->confirmations);
	return true;
}

/* --- the connection --------------------------------------------------------------------------- */

static void
on_pause_over(uv_timer_t *timer)
{
	connect_to_daemon(timer->data);
}

/*
 * Once for each time that it is not there, however often it is tried; it may as well be starting.
 */
static void
tell(struct backend *backend, const char *why)
{
	static struct log_limit away, unreachable;
	bool was_there = backend->state == BACKEND_THERE;

	if (backend->is_missed || backend->share->loop->is_draining ||
	    (!was_there && backend->pause_ms < LONGEST_PAUSE_MS))
		return;
	backend->is_missed = true;
	if (was_there)
		log_limited(&away, SEVERITY_ERROR, "sessiond is away: %s", why);
	else
		log_limited(&unreachable, SEVERITY_ERROR, "sessiond cannot be reached at %s: %s",
		    backend->path, why);
}

static void
judge(struct backend *backend)
{
	unsigned losses;
	struct call *guilty = suspects_judge(backend->suspects, &losses);

	if (guilty == NULL)
		return;
	calls_remove(guilty);
	backend->share->owner->lost(guilty, BACKEND_GUILTY, losses);
}

/* sessiond does not come back soon: clients are told now, not after backend_timeout. */
static void
give_up(struct call *call, void *context)
{
	lose_call(context, call, BACKEND_AWAY);
}

static void
disconnect(struct backend *backend, enum backend_state state)
{
	set_state(backend, state);
	link_destroy(&backend->link);
	suspects_stop(backend->suspects);
	confirmations_forget(&backend->confirmations);
}

/* Requests stay, and wait for it to be back; but not while we stop. */
static void
lose(struct backend *backend, const char *why)
{
	bool was_there = backend->state == BACKEND_THERE, stops = backend->share->loop->is_draining;
	enum autostart_result start = AUTOSTART_OFF;

	if (!was_there && !stops)
		start = autostart(backend->share->config);
	/* autostart has logged why its start failed. */
	if (start != AUTOSTART_FAILED)
		tell(backend, why);
	disconnect(backend, BACKEND_IS_AWAY);
	if (was_there && !stops && !backend->exchange.is_leaving)
		judge(backend);
	if (was_there)
		calls_each(&backend->calls, stops ? stop : set_adrift, backend);
	if (start == AUTOSTART_FAILED)
		calls_each(&backend->calls, give_up, backend);
	uv_timer_start(&backend->pause, on_pause_over, backend->pause_ms, 0);
	backend->pause_ms =
	    backend->pause_ms * 2 > LONGEST_PAUSE_MS ? LONGEST_PAUSE_MS : backend->pause_ms * 2;
	backend->share->missed(backend->share);
}

static void
on_gone(void *context, bool is_broken, const char *why)
{
	static struct log_limit limit;

	if (is_broken)
		log_limited(&limit, SEVERITY_ERROR, "sessiond: %s", why);
	lose(context, is_broken ? "it sent a bad message" : why);
}

static void
greet(struct backend *backend, int fd)
{
	static const struct link_calls calls = {take_message, NULL, NULL, on_gone};

	set_state(backend, BACKEND_GREETING);
	backend->link = link_create(
	    &backend->share->loop->uv, fd, WIRE_DAEMON, WIRE_PAYLOAD_MAX, &calls, backend);
	exchange_begin(&backend->exchange, (uint32_t)getpid(), link_output(backend->link));
	link_send_descriptor(backend->link, backend->confirmations.log.fd);
	link_flush(backend->link);
}

/* The path fits: the configuration was checked. */
static void
connect_to_daemon(struct backend *backend)
{
	int fd = link_connect(backend->path);

	if (fd != -1) {
		greet(backend, fd);
		return;
	}
	backend->error = errno;
	lose(backend, strerror(backend->error));
}

void
backend_flush(struct backend *backend)
{
	if (backend->link != NULL &&
	    confirmations_may_leave(&backend->confirmations, loop_now(backend->share->loop)))
		link_flush(backend->link);
}

/* --- what sessiond says ----------------------------------------------------------------------- */

static int
take_services(struct backend *backend, struct wire_services *wire)
{
	static struct log_limit limit;
	struct error err = ERROR_INIT;
	struct known_services *services = known_services_create(wire, &err);

	if (services == NULL) {
		log_limited(&limit, SEVERITY_ERROR, "sessiond's services: %s", err.text);
		return -1;
	}
	exchange_move_api(&backend->exchange, &services->api);
	known_services_unref(&backend->services);
	backend->services = services;
	backend->share->body_limit = known_services_body_limit(services);
	if (backend->share->body_limit == 0)
		backend->share->body_limit = BODY_LIMIT_UNKNOWN;
	backend->pause_ms = FIRST_PAUSE_MS;
	backend->is_missed = false;
	set_state(backend, BACKEND_THERE);
	backend->share->placed(backend->share, &backend->exchange.daemons);
	if (backend->state != BACKEND_THERE)
		return 0;
	calls_each(&backend->calls, issue_if_free, backend);
	suspects_try(backend->suspects);
	return 0;
}

static void
set_unready(struct backend *backend, const char *text)
{
	free(backend->unready);
	backend->unready = text[0] == '\0' ? NULL : xstrdup(text);
}

/* Its parts are put together. With its end nothing more comes for the call. */
static void
take_frame(struct backend *backend, struct call *call, struct exchange_news *news)
{
	struct wire_frame *frame = &news->frame;
	struct buffer whole = BUFFER_INIT;

	if (frame->end) {
		call->ended_by = backend->exchange.link_id;
		calls_remove(call);
	}
	if (call_take_part(call, &frame->bytes, &frame->len, frame->more, &whole)) {
		backend->share->owner->answer(call, news);
	} else if (buffer_failed(&call->part)) {
		backend_abort(backend, call, true);
		backend->share->owner->lost(call, BACKEND_NO_MEMORY, 0);
	}
	buffer_free(&whole);
}

static void
take_answer(struct backend *backend, struct exchange_news *news)
{
	struct call *call = calls_find(&backend->calls, news->call);

	/* One that was aborted meanwhile is not there any more. */
	if (call == NULL || !call->is_issued || !exchange_is_answer_to(news, call->kind))
		return;
	if (news->kind == EXCHANGE_FRAME) {
		take_frame(backend, call, news);
		return;
	}
	if (news->kind != EXCHANGE_COOKIE)
		calls_remove(call);
	backend->share->owner->answer(call, news);
}

static int
take_message(void *context, const struct wire_header *header, const char *payload)
{
	static struct log_limit unfit, goodbyes;
	struct backend *backend = context;
	struct exchange_news news;

	if (exchange_take(&backend->exchange, header, payload, &news) == -1)
		return -1;
	switch (news.kind) {
	case EXCHANGE_GREETED:
		set_unready(backend, "");
		break;
	case EXCHANGE_UNFIT:
		log_limited(&unfit, SEVERITY_ERROR, "sessiond (process %u): %s", news.unfit.pid,
		    news.unfit.why);
		return -1;
	case EXCHANGE_SERVICES:
		return take_services(backend, &news.services);
	case EXCHANGE_STATE:
		set_unready(backend, news.state.text);
		break;
	case EXCHANGE_API:
	case EXCHANGE_DAEMONS:
		break;
	case EXCHANGE_GOODBYE:
		/* It closes the connection once what it holds is answered. */
		confirmations_hurry(&backend->confirmations);
		log_limited(
		    &goodbyes, SEVERITY_INFO, "sessiond says goodbye: %s", news.goodbye.text);
		break;
	case EXCHANGE_FRAME:
	case EXCHANGE_SENT:
	case EXCHANGE_REFUSED:
	case EXCHANGE_COOKIE:
	case EXCHANGE_ANSWER:
		take_answer(backend, &news);
		break;
	}
	return 0;
}

/* --- life ------------------------------------------------------------------------------------- */

struct backend *
backend_create(struct backend_share *share, char *path)
{
	struct backend *backend = xcalloc(1, sizeof *backend);
	uv_loop_t *loop = &share->loop->uv;

	backend->share = share;
	backend->path = path;
	backend->pause_ms = FIRST_PAUSE_MS;
	calls_init(&backend->calls);
	exchange_init(&backend->exchange, share->instance);
	confirmations_init(&backend->confirmations, &share->confirms);
	backend->suspects = suspects_create(&backend->calls, loop, issue, backend);
	uv_timer_init(loop, &backend->pause);
	backend->pause.data = backend;
	return backend;
}

void
backend_resume(struct backend *backend)
{
	if (backend->state == BACKEND_RETIRED)
		connect_to_daemon(backend);
}

void
backend_retire(struct backend *backend)
{
	bool was_there = backend->state == BACKEND_THERE;

	uv_timer_stop(&backend->pause);
	disconnect(backend, BACKEND_RETIRED);
	if (was_there)
		calls_each(&backend->calls, set_adrift, backend);
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
	link_destroy(&b->link);
	known_services_unref(&b->services);
	free(b->unready);
	free(b->path);
	exchange_clear(&b->exchange);
	confirmations_clear(&b->confirmations);
	suspects_destroy(&b->suspects);
	uv_close((uv_handle_t *)&b->pause, on_pause_closed);
}

struct known_services *
backend_services(const struct backend *backend)
{
	return backend->services;
}

const char *
backend_unready(const struct backend *backend)
{
	if (backend->state != BACKEND_THERE)
		return "the session daemon is not running";
	if (backend->exchange.is_leaving)
		return "the session daemon is stopping";
	return backend->unready;
}

enum backend_state
backend_state(const struct backend *backend)
{
	return backend->state;
}

bool
backend_failure(const struct backend *backend, char *text, size_t size)
{
	snprintf(
	    text, size, "it cannot be reached at %s: %s", backend->path, strerror(backend->error));
	return backend->error != 0;
}

bool
backend_is_flushed(const struct backend *backend)
{
	return backend->link == NULL || link_output(backend->link)->len == 0;
}

void
backend_say_goodbye(struct backend *backend)
{
	if (backend->state == BACKEND_THERE)
		wire_encode_goodbye(link_output(backend->link), "stopping");
	confirmations_hurry(&backend->confirmations);
	if (backend->state != BACKEND_THERE)
		calls_each(&backend->calls, stop, backend);
}
