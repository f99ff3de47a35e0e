/*
 * See suspects.h. Called by backend.c as its connection comes and goes.
 */
#include "fcgi/daemon/suspects.h"

#include "fcgi/daemon/backend.h"
#include "fcgi/request.h"

#include <stdlib.h>

enum {
	HELD_BACK_AFTER = 2, /* losses in a row */
	SEND_GUILTY_AFTER = 3,
	RECEIVE_GUILTY_AFTER = 5,
};

struct suspects {
	struct backend *backend;
	uv_loop_t *loop;
	uv_timer_t timer; /* of the trial that runs */
	size_t batch;	  /* requests that are tried together */
};

struct suspects *
suspects_create(struct backend *backend, uv_loop_t *loop)
{
	struct suspects *suspects = calloc(1, sizeof *suspects);

	if (suspects == NULL)
		abort();
	suspects->backend = backend;
	suspects->loop = loop;
	uv_timer_init(loop, &suspects->timer);
	suspects->timer.data = suspects;
	return suspects;
}

static void
on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void
suspects_destroy(struct suspects **suspects)
{
	struct suspects *s = *suspects;

	*suspects = NULL;
	if (s != NULL)
		uv_close((uv_handle_t *)&s->timer, on_closed);
}

bool
suspects_hold_back(const struct request *request)
{
	return request->suspicion.losses >= HELD_BACK_AFTER;
}

/* --- trials ------------------------------------------------------------------------------------------------------- */

/* Those to be tried next. */
struct choice {
	unsigned rank;
	size_t left;
};

/* What sends is likelier to do harm than what waits; and who was there more often, than others. */
static unsigned
rank_of(const struct request *request)
{
	return (request_is_send(request) ? 1u << 16 : 0) + request->suspicion.losses;
}

static bool
is_waiting(const struct request *request)
{
	return suspects_hold_back(request) && !request->is_issued;
}

static void
find_rank(struct request *request, void *context)
{
	struct choice *choice = context;

	if (is_waiting(request) && rank_of(request) > choice->rank)
		choice->rank = rank_of(request);
}

static void
try_if_chosen(struct request *request, void *context)
{
	struct choice *choice = context;

	if (choice->left == 0 || !is_waiting(request) || rank_of(request) != choice->rank)
		return;
	choice->left--;
	request->suspicion.is_tried = true;
	request_issue(request);
}

static void
acquit(struct request *request, void *context)
{
	(void)context;
	if (request->suspicion.is_tried)
		request->suspicion = (struct suspicion){request->suspicion.issued_at, 0, false};
}

static void try_some(struct suspects *suspects);

static void
on_survived(uv_timer_t *timer)
{
	struct suspects *suspects = timer->data;

	backend_each(suspects->backend, acquit, NULL);
	suspects->batch *= 2;
	try_some(suspects);
}

static void
try_some(struct suspects *suspects)
{
	struct choice choice = {.left = suspects->batch};

	backend_each(suspects->backend, find_rank, &choice);
	if (choice.rank == 0)
		return;
	backend_each(suspects->backend, try_if_chosen, &choice);
	uv_timer_start(&suspects->timer, on_survived, SUSPECTS_TRIAL_MS, 0);
}

void
suspects_try(struct suspects *suspects)
{
	suspects->batch = 1;
	try_some(suspects);
}

/* --- judgement ---------------------------------------------------------------------------------------------------- */

/* A send is on trial for the moment until its answer; what is held is there all the time, also when sessiond is killed by chance. */
static unsigned
guilty_after(const struct request *request)
{
	return request_is_send(request) ? SEND_GUILTY_AFTER : RECEIVE_GUILTY_AFTER;
}

/* Those that were tried when the connection was lost. */
struct trial {
	uint64_t now;
	size_t count;
	struct request *guilty;
};

static void
count_tried(struct request *request, void *context)
{
	struct trial *trial = context;

	trial->count += request->suspicion.is_tried;
}

static void
judge(struct request *request, void *context)
{
	struct suspicion *suspicion = &request->suspicion;
	struct trial *trial = context;
	bool was_tried = suspicion->is_tried;

	suspicion->is_tried = false;
	if (!request->is_issued)
		return;
	if (!was_tried && trial->now - suspicion->issued_at >= SUSPECTS_WINDOW_MS)
		suspicion->losses = 0;
	else
		suspicion->losses++;
	if (was_tried && trial->count == 1 && suspicion->losses >= guilty_after(request))
		trial->guilty = request;
}

static void
clear(struct request *request, void *context)
{
	(void)context;
	request->suspicion.losses = 0;
}

void
suspects_judge(struct suspects *suspects)
{
	struct trial trial = {.now = uv_now(suspects->loop)};
	unsigned losses;

	uv_timer_stop(&suspects->timer);
	backend_each(suspects->backend, count_tried, &trial);
	backend_each(suspects->backend, judge, &trial);
	if (trial.guilty == NULL)
		return;
	losses = trial.guilty->suspicion.losses;
	backend_each(suspects->backend, clear, NULL);
	request_condemn(trial.guilty, losses);
}
