/*
 * See loop.h. One libuv timer stands for all timers of the queues. It is moved only when it would
 * fire too late: one that fires early finds nothing due, and is set again.
 */
#include "common/loop.h"

#include "common/log_limit.h"
#include "common/log_output.h"

#include <signal.h>
#include <stddef.h>

static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};

enum {
	NUMBERS = sizeof numbers / sizeof numbers[0],
	/* Times in a row that late timers wait: a loop that is always late needs them, too. */
	CATCHES = 3,
};

/* --- timers ----------------------------------------------------------------------------------- */

uint64_t
loop_now(const struct loop *loop)
{
	return uv_now(&loop->uv);
}

static void
on_timer(uv_timer_t *timer)
{
	struct loop *loop = timer->data;
	uint64_t now = loop_now(loop);

	loop_note_work();
	if (now > loop->timer_due + LOOP_LATE_MS && loop->catches < CATCHES) {
		loop->catches++;
		loop->timer_due = now + LOOP_LATE_MS;
		uv_timer_start(timer, on_timer, LOOP_LATE_MS, 0);
		return;
	}
	loop->timer_due = loop->catches = 0;
	timers_run(loop->timers, now);
}

static void
set_timer(struct loop *loop, uint64_t now)
{
	uint64_t due;

	if (loop->catches > 0 ||
	    (loop->timer_due != 0 && timers_are_after(loop->timers, loop->timer_due)) ||
	    !timers_next(loop->timers, &due) || (loop->timer_due != 0 && loop->timer_due <= due))
		return;
	loop->timer_due = due == 0 ? 1 : due;
	uv_timer_start(&loop->timer, on_timer, due > now ? due - now : 0, 0);
}

/* --- turns ------------------------------------------------------------------------------------ */

static void
on_again(uv_idle_t *idle)
{
	(void)idle;
}

static void
on_log(uv_timer_t *timer)
{
	(void)timer;
}

/* What the log still has to write makes a turn of its own, if no other comes. */
static void
attend_to_log(struct loop *loop, uint64_t now)
{
	uint64_t wait;
	bool is_due = log_limits_turn(now, &wait);

	if (log_output_flush()) {
		wait = LOG_FLUSH_MS;
		is_due = true;
	}
	if (is_due &&
	    (!uv_is_active((uv_handle_t *)&loop->log) || uv_timer_get_due_in(&loop->log) > wait))
		uv_timer_start(&loop->log, on_log, wait, 0);
}

const unsigned loop_bounds[LOOP_BOUNDS - 1] = {25, 50, 100, 250, 1000, 5000};
uint64_t loop_woken;
bool loop_works;

static void
count_long_turn(struct loop *loop, uint64_t ms)
{
	int i = 0;

	while (i < LOOP_BOUNDS - 1 && ms > loop_bounds[i])
		i++;
	loop->counts.turns[i]++;
	loop->counts.ms += ms;
	if (loop->ops->took != NULL)
		loop->ops->took(loop->owner, ms);
}

/* Most take no time that this clock sees. */
static void
count_turn(struct loop *loop, uint64_t now)
{
	uint64_t begun = loop_woken == 0 ? now : loop_woken;

	loop_woken = 0;
	if (loop_works)
		now = uv_hrtime() / 1000000;
	loop_works = false;
	if (now <= begun)
		loop->counts.turns[0]++;
	else
		count_long_turn(loop, now - begun);
}

static void
on_turn(uv_prepare_t *prepare)
{
	struct loop *loop = prepare->data;
	uint64_t now = loop_now(loop);

	if (loop->ops->end_turn(loop->owner))
		uv_idle_start(&loop->again, on_again);
	else
		uv_idle_stop(&loop->again);
	attend_to_log(loop, now);
	set_timer(loop, now);
	count_turn(loop, now);
}

/* --- the end ---------------------------------------------------------------------------------- */

static void
on_drain_over(uv_timer_t *timer)
{
	uv_stop(timer->loop);
}

static void
on_signal(uv_signal_t *signal, int number)
{
	struct loop *loop = signal->data;

	if (number == SIGHUP) {
		if (!loop->is_draining)
			loop->ops->hangup(loop->owner);
		return;
	}
	if (loop->is_draining) {
		loop_stop(loop);
		return;
	}
	loop->is_draining = true;
	uv_timer_start(&loop->drain, on_drain_over, LOOP_DRAIN_MS, 0);
	loop->ops->drain(loop->owner, number);
}

void
loop_stop(struct loop *loop)
{
	uv_stop(&loop->uv);
}

void
loop_ignore_signals(void)
{
	sigset_t late;
	int i;

	sigemptyset(&late);
	for (i = 0; i < NUMBERS; i++)
		sigaddset(&late, numbers[i]);
	sigprocmask(SIG_BLOCK, &late, NULL);
}

static void
close_handle(uv_handle_t *handle, void *context)
{
	(void)context;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

void
loop_close(struct loop *loop)
{
	log_limits_flush();
	uv_walk(&loop->uv, close_handle, NULL);
	uv_run(&loop->uv, UV_RUN_DEFAULT);
	uv_loop_close(&loop->uv);
}

/* --- the start -------------------------------------------------------------------------------- */

void
loop_init(struct loop *loop, struct timers *timers, const struct loop_ops *ops, void *owner)
{
	int i;

	*loop = (struct loop){.ops = ops, .owner = owner, .timers = timers};
	signal(SIGPIPE, SIG_IGN);
	uv_loop_init(&loop->uv);
	loop->started = loop_now(loop);
	uv_prepare_init(&loop->uv, &loop->turn);
	uv_idle_init(&loop->uv, &loop->again);
	uv_timer_init(&loop->uv, &loop->timer);
	uv_timer_init(&loop->uv, &loop->drain);
	uv_timer_init(&loop->uv, &loop->log);
	loop->turn.data = loop->timer.data = loop;
	uv_prepare_start(&loop->turn, on_turn);
	for (i = 0; i < NUMBERS; i++) {
		if (numbers[i] == SIGHUP && ops->hangup == NULL)
			continue;
		uv_signal_init(&loop->uv, &loop->signals[i]);
		loop->signals[i].data = loop;
		uv_signal_start(&loop->signals[i], on_signal, numbers[i]);
	}
}

void
loop_run(struct loop *loop)
{
	uv_run(&loop->uv, UV_RUN_DEFAULT);
}
