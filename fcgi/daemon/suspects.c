/*
 * See suspects.h.
 */
#include "fcgi/daemon/suspects.h"

#include "common/memory.h"

#include <stdlib.h>

enum {
	HELD_BACK_AFTER = 2, /* losses in a row */
	SEND_GUILTY_AFTER = 3,
	RECEIVE_GUILTY_AFTER = 5,
};

struct suspects {
	struct calls *calls;
	void (*issue)(struct call *call, void *context);
	void *context;
	uv_loop_t *loop;
	uv_timer_t timer; /* of the trial that runs */
	size_t batch;	  /* calls that are tried together */
};

struct suspects *
suspects_create(struct calls *calls, uv_loop_t *loop,
    void (*issue)(struct call *call, void *context), void *context)
{
	struct suspects *suspects = xcalloc(1, sizeof *suspects);

	suspects->calls = calls;
	suspects->issue = issue;
	suspects->context = context;
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
suspects_hold_back(const struct call *call)
{
	return call->suspicion.losses >= HELD_BACK_AFTER;
}

/* --- trials ----------------------------------------------------------------------------------- */

/* Those to be tried next. */
struct choice {
	struct suspects *suspects;
	unsigned rank;
	size_t left;
};

/*
 * A send, or a request of the API, is likelier to do harm than a receive; one with more losses
 * likelier than others.
 */
static unsigned
rank_of(const struct call *call)
{
	return (call->kind != CALL_RECEIVE ? 1u << 16 : 0) + call->suspicion.losses;
}

static bool
is_waiting(const struct call *call)
{
	return suspects_hold_back(call) && !call->is_issued;
}

static void
find_rank(struct call *call, void *context)
{
	struct choice *choice = context;

	if (is_waiting(call) && rank_of(call) > choice->rank)
		choice->rank = rank_of(call);
}

static void
try_if_chosen(struct call *call, void *context)
{
	struct choice *choice = context;

	if (choice->left == 0 || !is_waiting(call) || rank_of(call) != choice->rank)
		return;
	choice->left--;
	call->suspicion.is_tried = true;
	choice->suspects->issue(call, choice->suspects->context);
}

static void
acquit(struct call *call, void *context)
{
	(void)context;
	if (call->suspicion.is_tried)
		call->suspicion = (struct suspicion){call->suspicion.issued_at, 0, false};
}

static void try_some(struct suspects *suspects);

static void
on_survived(uv_timer_t *timer)
{
	struct suspects *suspects = timer->data;

	calls_each(suspects->calls, acquit, NULL);
	suspects->batch *= 2;
	try_some(suspects);
}

static void
try_some(struct suspects *suspects)
{
	struct choice choice = {.suspects = suspects, .left = suspects->batch};

	calls_each(suspects->calls, find_rank, &choice);
	if (choice.rank == 0)
		return;
	calls_each(suspects->calls, try_if_chosen, &choice);
	uv_timer_start(&suspects->timer, on_survived, SUSPECTS_TRIAL_MS, 0);
}

/* A connection that ended with a goodbye was judged by nobody. */
static void
forget_trial(struct call *call, void *context)
{
	(void)context;
	call->suspicion.is_tried &= call->is_issued;
}

void
suspects_try(struct suspects *suspects)
{
	calls_each(suspects->calls, forget_trial, NULL);
	suspects->batch = 1;
	try_some(suspects);
}

void
suspects_stop(struct suspects *suspects)
{
	uv_timer_stop(&suspects->timer);
}

/* --- judgement -------------------------------------------------------------------------------- */

/*
 * A send is on trial for the moment until its answer. A receive is there all the time, also when
 * sessiond is killed by chance.
 */
static unsigned
guilty_after(const struct call *call)
{
	return call->kind != CALL_RECEIVE ? SEND_GUILTY_AFTER : RECEIVE_GUILTY_AFTER;
}

/* Those that were tried when the connection was lost. */
struct trial {
	uint64_t now;
	size_t count;
	struct call *guilty;
};

static void
count_tried(struct call *call, void *context)
{
	struct trial *trial = context;

	trial->count += call->suspicion.is_tried;
}

static void
judge(struct call *call, void *context)
{
	struct suspicion *suspicion = &call->suspicion;
	struct trial *trial = context;
	bool was_tried = suspicion->is_tried;

	suspicion->is_tried = false;
	if (!call->is_issued)
		return;
	if (!was_tried && trial->now - suspicion->issued_at >= SUSPECTS_WINDOW_MS)
		suspicion->losses = 0;
	else
		suspicion->losses++;
	if (was_tried && trial->count == 1 && suspicion->losses >= guilty_after(call))
		trial->guilty = call;
}

static void
clear(struct call *call, void *context)
{
	(void)context;
	call->suspicion.losses = 0;
}

struct call *
suspects_judge(struct suspects *suspects, unsigned *losses)
{
	struct trial trial = {.now = uv_now(suspects->loop)};

	suspects_stop(suspects);
	calls_each(suspects->calls, count_tried, &trial);
	calls_each(suspects->calls, judge, &trial);
	if (trial.guilty == NULL)
		return NULL;
	*losses = trial.guilty->suspicion.losses;
	calls_each(suspects->calls, clear, NULL);
	return trial.guilty;
}
