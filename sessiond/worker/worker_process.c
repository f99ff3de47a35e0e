/*
 * See worker_process.h.
 */
#include "sessiond/worker/worker_process.h"

#include "common/buffer.h"
#include "common/log_limit.h"
#include "common/memory.h"
#include "sessiond/service/service.h"
#include "sessiond/worker/worker_calls.h"
#include "sessiond/worker/worker_codec.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN = 120 }; /* bytes of a bad line, in the log */

/* An event of a connection that waits for its ack: the first of those that were given. */
struct worker_given {
	STAILQ_ENTRY(worker_given) next;
	struct worker_seat *seat; /* NULL: its connection has gone elsewhere */
	uint64_t seq;
};

/* A call that waits for an ack. */
struct worker_held {
	STAILQ_ENTRY(worker_held) next;
	json_t *call;
	size_t bytes;
};

static const struct worker_options *
options_of(const struct worker_process *process)
{
	return &process->service->service->worker_options;
}

/* --- its way out ------------------------------------------------------------------------------ */

static struct buffer *
output(struct worker_process *process)
{
	return process->program != NULL ? program_output(process->program)
					: line_stream_output(process->stream);
}

size_t
worker_process_waiting(const struct worker_process *process)
{
	if (process->program != NULL)
		return program_waiting(process->program);
	return process->stream == NULL ? 0 : line_stream_waiting(process->stream);
}

void
worker_process_write(struct worker_process *process)
{
	if (process->program != NULL)
		program_flush(process->program);
	else if (process->stream != NULL)
		line_stream_flush(process->stream);
}

/* --- life ------------------------------------------------------------------------------------- */

struct worker_process *
worker_process_create(struct worker_service *service, struct worker_timeouts *timeouts,
    const char *kind, const struct worker_process_calls *calls, void *owner)
{
	struct worker_process *process = xcalloc(1, sizeof *process);

	process->service = service;
	process->timeouts = timeouts;
	process->kind = kind;
	process->calls = calls;
	process->owner = owner;
	STAILQ_INIT(&process->given);
	STAILQ_INIT(&process->held);
	LIST_INIT(&process->seats);
	TAILQ_INIT(&process->ready);
	return process;
}

static void
end_descriptors(struct worker_process *process)
{
	program_end(&process->program);
	line_stream_close(&process->stream);
	timer_stop(&process->ack_timer);
	timer_stop(&process->settle_timer);
}

static void
drop_held(struct worker_process *process)
{
	struct worker_held *held;

	while ((held = STAILQ_FIRST(&process->held)) != NULL) {
		STAILQ_REMOVE_HEAD(&process->held, next);
		json_decref(held->call);
		free(held);
	}
	process->held_bytes = 0;
}

static void
drop_given(struct worker_process *process)
{
	struct worker_given *given;

	while ((given = STAILQ_FIRST(&process->given)) != NULL) {
		STAILQ_REMOVE_HEAD(&process->given, next);
		free(given);
	}
	process->given_count = 0;
}

void
worker_process_destroy(struct worker_process **process)
{
	struct worker_process *ended = *process;

	if (ended == NULL)
		return;
	end_descriptors(ended);
	drop_held(ended);
	drop_given(ended);
	free(ended);
	*process = NULL;
}

void
worker_process_begin(
    struct worker_process *process, struct program *program, struct line_stream *stream, pid_t pid)
{
	uint64_t now = workers_now(process->service->all);

	process->program = program;
	process->stream = stream;
	process->pid = pid;
	process->began = now;
	process->begun++;
	process->seq = process->acked = 0;
	process->is_settled = process->is_stopped = false;
	worker_encode_hello(output(process), process->service);
	timer_start(&process->timeouts->settles, &process->settle_timer, now);
	process->calls->changed(process);
}

/* --- seats ------------------------------------------------------------------------------------ */

static size_t
suspects_of(const struct worker_seat *seat)
{
	const struct worker_event *event;
	size_t n = 0;

	STAILQ_FOREACH(event, &seat->connection->events, next)
		n += event->deaths > 0;
	return n;
}

void
worker_process_wake(struct worker_seat *seat)
{
	if (seat->process == NULL || seat->is_ready)
		return;
	if (seat->connection->waiting == NULL && !seat->needs_resume)
		return;
	seat->is_ready = true;
	TAILQ_INSERT_TAIL(&seat->process->ready, seat, ready_entry);
}

void
worker_process_seat(struct worker_process *process, struct worker_seat *seat)
{
	seat->process = process;
	seat->needs_resume = seat->connection->is_known;
	LIST_INSERT_HEAD(&process->seats, seat, entry);
	process->seat_count++;
	process->suspects += suspects_of(seat);
	worker_process_wake(seat);
}

static void
forget_given(struct worker_process *process, const struct worker_seat *seat)
{
	struct worker_given *given;

	STAILQ_FOREACH(given, &process->given, next)
		if (given->seat == seat)
			given->seat = NULL;
}

void
worker_process_unseat(struct worker_seat *seat)
{
	struct worker_process *process = seat->process;

	if (seat->is_ready)
		TAILQ_REMOVE(&process->ready, seat, ready_entry);
	seat->is_ready = false;
	LIST_REMOVE(seat, entry);
	process->seat_count--;
	process->suspects -= suspects_of(seat);
	if (seat->connection->given > 0)
		forget_given(process, seat);
	worker_connection_return(seat->connection);
	seat->process = NULL;
}

/* --- events ----------------------------------------------------------------------------------- */

static void
watch_acks(struct worker_process *process)
{
	timer_stop(&process->ack_timer);
	if (process->given_count > 0 && options_of(process)->ack_timeout > 0)
		timer_start(&process->timeouts->acks, &process->ack_timer,
		    workers_now(process->service->all));
}

static void
await_ack(struct worker_process *process, struct worker_seat *seat)
{
	struct worker_given *given = xmalloc(sizeof *given);

	*given = (struct worker_given){.seat = seat, .seq = process->seq};
	STAILQ_INSERT_TAIL(&process->given, given, next);
	if (process->given_count++ == 0)
		watch_acks(process);
}

/* The first event of a seat is handled. False: the seat is gone with its connection. */
static bool
handle_first(struct worker_seat *seat)
{
	const struct worker_event *event = STAILQ_FIRST(&seat->connection->events);

	if (event->deaths > 0)
		seat->process->suspects--;
	return worker_connection_handled(seat->connection, 1);
}

static void
give_event(struct worker_process *process, struct worker_seat *seat)
{
	struct worker_connection *connection = seat->connection;

	worker_encode_event(output(process), connection, connection->waiting, ++process->seq);
	worker_connection_give(connection);
	if (process->service->acks)
		await_ack(process, seat);
	else if (!handle_first(seat))
		return;
	worker_process_wake(seat);
}

static void
give_resume(struct worker_process *process, struct worker_seat *seat)
{
	worker_encode_resume(output(process), seat->connection, ++process->seq);
	seat->needs_resume = false;
	worker_process_wake(seat);
}

/* Events come behind: a process that begins knows of all its connections before it is given any. */
static void
give_next(struct worker_process *process)
{
	struct worker_seat *seat = TAILQ_FIRST(&process->ready);

	TAILQ_REMOVE(&process->ready, seat, ready_entry);
	seat->is_ready = false;
	if (seat->needs_resume)
		give_resume(process, seat);
	else if (seat->connection->waiting != NULL)
		give_event(process, seat);
}

static bool
can_give(const struct worker_process *process)
{
	size_t limit = process->suspects > 0 ? 1 : options_of(process)->worker_in_flight;

	return worker_process_runs(process) && !process->is_leaving && !process->is_stopped &&
	    !process->service->all->is_ending && !TAILQ_EMPTY(&process->ready) &&
	    process->given_count < limit && worker_process_waiting(process) < WORKER_OUTPUT_MARK;
}

bool
worker_process_give(struct worker_process *process)
{
	bool any = false;

	while (can_give(process)) {
		give_next(process);
		any = true;
	}
	return any;
}

/* It is no event that anybody waits for. */
void
worker_process_drain(struct worker_seat *seat)
{
	if (seat->process != NULL && worker_process_runs(seat->process) && !seat->needs_resume)
		worker_encode_drain(output(seat->process), seat->connection);
}

/* --- calls ------------------------------------------------------------------------------------ */

/* One that reads nothing is not told of errors without end. */
static void
tell_error(
    struct worker_process *process, const json_t *call, const struct worker_call_error *error)
{
	if (worker_process_waiting(process) < 2 * WORKER_OUTPUT_MARK)
		worker_encode_error(
		    output(process), json_object_get(call, "ref"), error->code, error->message);
}

/* That its client has gone meanwhile is no mistake. */
static void
fail_call(struct worker_process *process, const json_t *call, const struct worker_call_error *error)
{
	if (strcmp(error->code, "gone") != 0)
		worker_log(process->service, "process %d: %s: %s", (int)process->pid, error->code,
		    error->message);
	tell_error(process, call, error);
}

static void
carry_out(struct worker_process *process, const json_t *call)
{
	struct worker_call_error error;

	if (worker_call_do(process->service, call, &error) == -1)
		fail_call(process, call, &error);
}

static void
hold(struct worker_process *process, json_t *call, size_t bytes)
{
	struct worker_call_error error = {"full", ""};
	struct worker_held *held;

	if (process->held_bytes + bytes > options_of(process)->worker_held_limit) {
		snprintf(error.message, sizeof error.message,
		    "calls that wait for an ack have more than worker_held_limit (%zu bytes)",
		    options_of(process)->worker_held_limit);
		fail_call(process, call, &error);
		return;
	}
	held = xmalloc(sizeof *held);
	*held = (struct worker_held){.call = json_incref(call), .bytes = bytes};
	STAILQ_INSERT_TAIL(&process->held, held, next);
	process->held_bytes += bytes;
}

static void
carry_out_held(struct worker_process *process)
{
	struct worker_held *held;

	STAILQ_FOREACH(held, &process->held, next)
		carry_out(process, held->call);
	drop_held(process);
}

static void
handle_until(struct worker_process *process, uint64_t seq)
{
	struct worker_given *given;

	while ((given = STAILQ_FIRST(&process->given)) != NULL && given->seq <= seq) {
		STAILQ_REMOVE_HEAD(&process->given, next);
		process->given_count--;
		if (given->seat != NULL)
			handle_first(given->seat);
		free(given);
	}
}

/* What was called before, and that the events are handled, is one transaction. */
static void
acknowledge(struct worker_process *process, const json_t *call)
{
	const json_t *seq = json_object_get(call, "seq");
	struct worker_call_error error = {"invalid", ""};
	uint64_t n = (uint64_t)json_integer_value(seq);

	if (!json_is_integer(seq) || n > process->seq) {
		snprintf(error.message, sizeof error.message,
		    "\"seq\" is to be that of an event; the last has %" PRIu64, process->seq);
		fail_call(process, call, &error);
		return;
	}
	if (n <= process->acked)
		return;
	process->acked = n;
	carry_out_held(process);
	handle_until(process, n);
	watch_acks(process);
	if (process->is_leaving)
		process->calls->acknowledged(process);
}

static void
take_call(struct worker_process *process, json_t *call, size_t bytes)
{
	struct worker_call_error error;
	const char *name = worker_call_name(call, &error);

	if (name == NULL)
		fail_call(process, call, &error);
	else if (strcmp(name, "ack") == 0)
		acknowledge(process, call);
	else if (process->given_count > 0)
		hold(process, call, bytes);
	else
		carry_out(process, call);
}

void
worker_process_line(struct worker_process *process, char *line, size_t len)
{
	struct worker_call_error wrong = {"invalid", ""};
	json_error_t error;
	json_t *call;

	if (!process->is_settled) {
		process->is_settled = true;
		process->calls->changed(process);
	}
	if (len == 0)
		return;
	call = json_loadb(line, len, JSON_ALLOW_NUL | JSON_DECODE_ANY, &error);
	if (call == NULL) {
		snprintf(
		    wrong.message, sizeof wrong.message, "a line is no JSON: %.150s", error.text);
		worker_log(process->service, "process %d: invalid: a line is no JSON: %.*s",
		    (int)process->pid, len < SHOWN ? (int)len : SHOWN, line);
		tell_error(process, NULL, &wrong);
		return;
	}
	take_call(process, call, len);
	json_decref(call);
}

/* --- its end ---------------------------------------------------------------------------------- */

static void
blame(struct worker_process *process)
{
	struct worker_given *given;

	STAILQ_FOREACH(given, &process->given, next) {
		/* The given ones of a connection are its first; each is met once. */
		if (given->seat != NULL) {
			struct worker_event *event;
			size_t n = given->seat->connection->given;

			STAILQ_FOREACH(event, &given->seat->connection->events, next) {
				if (n-- == 0)
					break;
				event->deaths++;
			}
			worker_connection_return(given->seat->connection);
		}
	}
}

static bool
is_deadly(const struct worker_connection *connection)
{
	const struct worker_event *event = STAILQ_FIRST(&connection->events);

	return event != NULL && event->deaths >= WORKER_DEATHS_MAX;
}

static void
give_again(struct worker_process *process)
{
	struct worker_seat *seat, *next;

	process->suspects = 0;
	for (seat = LIST_FIRST(&process->seats); seat != NULL; seat = next) {
		next = LIST_NEXT(seat, entry);
		worker_connection_return(seat->connection);
		seat->needs_resume = seat->connection->is_known;
		if (is_deadly(seat->connection) &&
		    !worker_connection_is_deadly(seat->connection, "has ended its process"))
			continue;
		process->suspects += suspects_of(seat);
		worker_process_wake(seat);
	}
}

void
worker_process_died(struct worker_process *process, const char *how, bool is_to_blame)
{
	if (is_to_blame || !process->is_stopped)
		worker_log(process->service,
		    "process %d %s, with %zu events that it had not acknowledged",
		    (int)process->pid, how, process->given_count);
	end_descriptors(process);
	drop_held(process);
	if (is_to_blame)
		blame(process);
	drop_given(process);
	give_again(process);
	process->calls->changed(process);
	process->calls->gone(process);
}

void
worker_process_stop(struct worker_process *process)
{
	if (process->is_stopped)
		return;
	process->is_stopped = true;
	if (process->program != NULL)
		program_stop(process->program);
	else if (process->stream != NULL)
		line_stream_end_output(process->stream);
}
