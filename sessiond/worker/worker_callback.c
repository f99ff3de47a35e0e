/*
 * See worker_callback.h. Requests leave after the commit (write), so that what they tell is stored.
 *
 * A seat is ready while its connection has events, unless it is being asked or pauses. Its batch
 * stays the same until it is handled.
 */
#include "sessiond/worker/worker_callback.h"

#include "common/buffer.h"
#include "common/log_limit.h"
#include "common/memory.h"
#include "sessiond/fastcgi/fastcgi_client.h"
#include "sessiond/service/service.h"
#include "sessiond/worker/worker_calls.h"
#include "sessiond/worker/worker_codec.h"
#include "sessiond/worker/worker_connection.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { PAUSES = CALLBACK_TRIES - 1, SHOWN = 120 /* bytes of a bad answer, in the log */ };

enum seat_state {
	SEAT_IDLE,
	SEAT_READY,
	SEAT_ASKING,
	SEAT_PAUSING,
};

/* Of a connection that has had events. */
struct seat {
	TAILQ_ENTRY(seat) entry; /* of those that are ready */
	struct worker_connection *connection;
	enum seat_state state;
	struct fastcgi_call *call; /* while it is asked */
	struct timer timer;	   /* while it pauses */
	size_t batch;		   /* events that are asked together; 0: none were yet */
	unsigned failures;	   /* of this batch */
};

struct asker {
	struct worker_service *service;
	struct fastcgi_client *client;
	char *target; /* the option that it was made of; script is its end */
	const char *script;
	char *folder; /* of the script; "" is the root */
	TAILQ_HEAD(, seat) ready;
	size_t asking;
	struct timer_queue pauses[PAUSES]; /* by the failures before them */
	struct timer_queue away_pauses;
	struct timer away_timer;
	bool is_away; /* nobody has taken the last request: there is one at a time */
};

static struct asker *
asker_of(const struct seat *seat)
{
	return seat->connection->service->carried;
}

static const struct worker_options *
options_of(const struct asker *asker)
{
	return &asker->service->service->worker_options;
}

/* --- states of a seat ------------------------------------------------------------------------- */

static void
set_state(struct seat *seat, enum seat_state state)
{
	struct asker *asker = asker_of(seat);

	if (seat->state == SEAT_READY)
		TAILQ_REMOVE(&asker->ready, seat, entry);
	asker->asking -= seat->state == SEAT_ASKING;
	timer_stop(&seat->timer);
	seat->state = state;
	asker->asking += state == SEAT_ASKING;
	if (state == SEAT_READY)
		TAILQ_INSERT_TAIL(&asker->ready, seat, entry);
}

/* What it was given is to be given again, before others. */
static void
give_back(struct seat *seat)
{
	struct asker *asker = asker_of(seat);

	worker_connection_return(seat->connection);
	set_state(seat, SEAT_READY);
	TAILQ_REMOVE(&asker->ready, seat, entry);
	TAILQ_INSERT_HEAD(&asker->ready, seat, entry);
}

static void
forget(struct worker_connection *connection)
{
	struct seat *seat = connection->carried;

	if (seat == NULL)
		return;
	fastcgi_call_end(&seat->call);
	set_state(seat, SEAT_IDLE);
	free(seat);
	connection->carried = NULL;
}

static void
wake(struct worker_connection *connection)
{
	struct seat *seat = connection->carried;

	if (seat == NULL) {
		connection->carried = seat = xcalloc(1, sizeof *seat);
		seat->connection = connection;
	}
	if (seat->state == SEAT_IDLE)
		set_state(seat, SEAT_READY);
}

/* A batch is over; the connection may have more. */
static void
begin_anew(struct seat *seat)
{
	seat->batch = 0;
	seat->failures = 0;
	set_state(seat, seat->connection->waiting == NULL ? SEAT_IDLE : SEAT_READY);
}

/* --- whether somebody is there ---------------------------------------------------------------- */

static void
note_here(struct asker *asker)
{
	asker->is_away = false;
	timer_stop(&asker->away_timer);
	worker_service_is_here(asker->service, true);
}

static void
note_away(struct asker *asker, const char *why)
{
	struct workers *all = asker->service->all;

	if (!asker->is_away)
		worker_log(asker->service, "callback: %s", why);
	asker->is_away = true;
	timer_start(&asker->away_pauses, &asker->away_timer, workers_now(all));
	worker_service_is_here(asker->service, false);
}

/* If nobody waits, the next one that comes finds out. */
static void
on_away_pause(struct timer *timer, void *context)
{
	struct asker *asker = context;

	(void)timer;
	if (TAILQ_EMPTY(&asker->ready) && asker->asking == 0)
		note_here(asker);
}

/* --- answers ---------------------------------------------------------------------------------- */

static void
on_pause(struct timer *timer, void *context)
{
	struct seat *seat = container_of(timer, struct seat, timer);

	(void)context;
	set_state(seat, SEAT_READY);
}

static void
fail(struct seat *seat, const char *why)
{
	struct worker_connection *connection = seat->connection;
	struct asker *asker = asker_of(seat);

	seat->failures++;
	worker_log(asker->service, "callback for connection %s (attempt %u of %d): %s",
	    connection->id, seat->failures, CALLBACK_TRIES, why);
	if (seat->failures < CALLBACK_TRIES) {
		worker_connection_return(connection);
		set_state(seat, SEAT_PAUSING);
		timer_start(&asker->pauses[seat->failures - 1], &seat->timer,
		    workers_now(asker->service->all));
	} else if (worker_connection_is_deadly(connection, "was not handled by callback")) {
		begin_anew(seat);
	}
}

/* That a connection has gone meanwhile is no mistake. */
static void
do_calls(const struct asker *asker, const json_t *calls)
{
	struct worker_call_error error;
	const json_t *call;
	size_t i;

	json_array_foreach(calls, i, call) if (worker_call_do(asker->service, call, &error) == -1 &&
	    strcmp(error.code, "gone") != 0) worker_log(asker->service,
	    "callback: call %zu of an answer is %s: %s", i + 1, error.code, error.message);
}

static void
fail_answer(struct seat *seat, const struct fastcgi_response *response)
{
	char why[300];

	snprintf(why, sizeof why, "expected is 200 with a JSON array, and not %u with: %.*s",
	    response->status, response->body_len < SHOWN ? (int)response->body_len : SHOWN,
	    response->body);
	fail(seat, why);
}

static void
take_answer(struct seat *seat, const struct fastcgi_response *response)
{
	struct worker_connection *connection = seat->connection;
	json_t *calls = NULL;

	if (response->status == 200)
		calls = json_loadb(response->body, response->body_len, JSON_ALLOW_NUL, NULL);
	if (json_is_array(calls)) {
		do_calls(asker_of(seat), calls);
		if (worker_connection_handled(connection, seat->batch))
			begin_anew(seat);
	} else {
		fail_answer(seat, response);
	}
	json_decref(calls);
}

static void
on_outcome(void *owner, const struct fastcgi_outcome *outcome)
{
	struct seat *seat = owner;
	struct asker *asker = asker_of(seat);

	seat->call = NULL;
	if (outcome->result == FASTCGI_AWAY) {
		give_back(seat);
		note_away(asker, outcome->why);
		return;
	}
	note_here(asker);
	if (outcome->result == FASTCGI_ANSWERED)
		take_answer(seat, &outcome->response);
	else
		fail(seat, outcome->why);
}

/* --- requests --------------------------------------------------------------------------------- */

/* How many events go together: one that asks to be let in goes alone. */
static size_t
choose_batch(const struct seat *seat)
{
	const struct worker_options *options = options_of(asker_of(seat));
	const struct worker_event *event;
	size_t n = 0, bytes = 0;

	STAILQ_FOREACH(event, &seat->connection->events, next) {
		bytes += WORKER_EVENT_COST + event->len;
		if (n > 0 &&
		    (n == options->worker_in_flight || bytes > options->worker_line_limit ||
			STAILQ_FIRST(&seat->connection->events)->kind == WORKER_EVENT_CONNECT))
			break;
		n++;
	}
	return n;
}

/* As web servers send them: what php-cgi insists on is among them. */
static struct fastcgi_call *
ask(struct seat *seat, const struct buffer *body)
{
	const struct worker_connection *connection = seat->connection;
	const struct asker *asker = asker_of(seat);
	const char *name = strrchr(asker->script, '/');
	char length[24], attempt[12], port[12], delivery[100];
	const struct fastcgi_param params[] = {
	    {"GATEWAY_INTERFACE", "CGI/1.1"},
	    {"SERVER_SOFTWARE", "sockjs-fcgi/" PACKAGE_VERSION},
	    {"SERVER_PROTOCOL", "HTTP/1.1"},
	    {"SERVER_NAME", "localhost"},
	    {"REQUEST_METHOD", "POST"},
	    {"REQUEST_URI", name},
	    {"QUERY_STRING", ""},
	    {"DOCUMENT_ROOT", asker->folder},
	    {"SCRIPT_FILENAME", asker->script},
	    {"SCRIPT_NAME", name},
	    {"CONTENT_TYPE", "application/json"},
	    {"CONTENT_LENGTH", length},
	    {"REMOTE_ADDR", sockjs_remote_address(connection->connection)},
	    {"REMOTE_PORT", port},
	    {"REDIRECT_STATUS", "200"},
	    {"SOCKJS_DELIVERY", delivery},
	    {"SOCKJS_ATTEMPT", attempt},
	};

	snprintf(length, sizeof length, "%zu", body->len);
	snprintf(port, sizeof port, "%d", sockjs_remote_port(connection->connection));
	snprintf(attempt, sizeof attempt, "%u", seat->failures + 1);
	snprintf(delivery, sizeof delivery, "%s:%" PRIu64 "-%" PRIu64, connection->id,
	    connection->first, connection->first + seat->batch - 1);
	return fastcgi_client_ask(asker->client, params, sizeof params / sizeof params[0],
	    body->data, body->len, on_outcome, seat);
}

/* False: there is no memory for the request. */
static bool
begin_asking(struct seat *seat)
{
	struct buffer body = BUFFER_INIT;
	size_t i;

	if (seat->batch == 0)
		seat->batch = choose_batch(seat);
	worker_encode_batch(&body, seat->connection, seat->batch);
	if (!buffer_failed(&body))
		seat->call = ask(seat, &body);
	buffer_free(&body);
	if (seat->call == NULL)
		return false;
	set_state(seat, SEAT_ASKING);
	for (i = 0; i < seat->batch; i++)
		worker_connection_give(seat->connection);
	return true;
}

static bool
may_ask(const struct asker *asker)
{
	if (asker->is_away)
		return asker->asking == 0 && !timer_is_running(&asker->away_timer);
	return asker->asking < options_of(asker)->callback_concurrency;
}

static void
ask_ready(struct worker_service *service)
{
	struct asker *asker = service->carried;
	struct seat *seat;

	if (service->all->is_ending)
		return;
	while ((seat = TAILQ_FIRST(&asker->ready)) != NULL && may_ask(asker))
		if (!begin_asking(seat))
			return note_away(asker, "there is no memory for a request");
}

/* --- the carrier ------------------------------------------------------------------------------ */

/* The option was checked when it was read. */
static void
create_client(struct asker *asker)
{
	const struct worker_options *options = options_of(asker);
	char address[WORKER_ADDRESS_SIZE] = "";
	const struct fastcgi_options client = {address, asker->service->service->section,
	    options->callback_timeout, options->worker_line_limit};
	struct workers *all = asker->service->all;
	struct error err = ERROR_INIT;
	const char *script;

	worker_options_split_callback(options->callback, address, &script);
	asker->target = xstrdup(options->callback);
	asker->script = asker->target + (script - options->callback);
	asker->folder = xstrdup(script);
	*strrchr(asker->folder, '/') = '\0';
	asker->client = fastcgi_client_create(all->loop, all->timers, &client, &err);
	if (asker->client == NULL)
		fatal(EX_SOFTWARE, "%s", err.text);
}

/* Whoever is being asked is asked again. */
static void
destroy_client(struct asker *asker)
{
	struct worker_connection *connection;

	LIST_FOREACH(connection, &asker->service->connections, entry) {
		struct seat *seat = connection->carried;

		if (seat == NULL || seat->call == NULL)
			continue;
		fastcgi_call_end(&seat->call);
		give_back(seat);
	}
	fastcgi_client_destroy(&asker->client);
	free(asker->target);
	free(asker->folder);
}

/* Nobody is away before the first request. */
static void
start(struct worker_service *service)
{
	struct asker *asker = xcalloc(1, sizeof *asker);
	struct timers *timers = service->all->timers;
	size_t i;

	asker->service = service;
	service->carried = asker;
	TAILQ_INIT(&asker->ready);
	for (i = 0; i < PAUSES; i++)
		timer_queue_add(
		    timers, &asker->pauses[i], (uint64_t)CALLBACK_PAUSE_MS << i, on_pause, NULL);
	timer_queue_add(timers, &asker->away_pauses, CALLBACK_AWAY_PAUSE_MS, on_away_pause, asker);
	create_client(asker);
	note_here(asker);
}

static void
stop(struct worker_service *service)
{
	struct asker *asker = service->carried;
	struct timers *timers = service->all->timers;
	size_t i;

	destroy_client(asker);
	for (i = 0; i < PAUSES; i++)
		timer_queue_remove(timers, &asker->pauses[i]);
	timer_queue_remove(timers, &asker->away_pauses);
}

static void
change(struct worker_service *service)
{
	const struct worker_options *options = &service->service->worker_options;
	struct asker *asker = service->carried;

	if (strcmp(asker->target, options->callback) == 0) {
		fastcgi_client_set_limits(
		    asker->client, options->callback_timeout, options->worker_line_limit);
		return;
	}
	destroy_client(asker);
	create_client(asker);
	note_here(asker);
}

static bool
give(struct worker_service *service)
{
	(void)service;
	return false;
}

static bool
finish(struct worker_service *service)
{
	return ((const struct asker *)service->carried)->asking == 0;
}

const struct worker_carrier worker_callback_carrier = {
    .name = "callback",
    .start = start,
    .stop = stop,
    .change = change,
    .wake = wake,
    .forget = forget,
    .give = give,
    .write = ask_ready,
    .finish = finish,
};
