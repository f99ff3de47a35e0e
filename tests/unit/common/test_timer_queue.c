/*
 * common/timer_queue.h: single cases, and random operations against a model that searches an array.
 */
#include "common/timer_queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct owner {
	struct timer timer;
	char name;
};

/* What a test's callback does beside writing the name down. */
enum reaction {
	NOTHING,
	RESTART,
	STOP_OTHER,
	RESTART_OTHER,
	FREE_SELF,
	FREE_OTHER,
	ADD_QUEUE,
	REMOVE_QUEUE,
};

static struct timers timers;
static struct timer_queue queue, slow, extra;
static struct owner *other;
static enum reaction reaction;
static char fired[64]; /* names, in order */
static uint64_t now;

static void
on_timer(struct timer *timer, void *ctx)
{
	struct owner *owner = (struct owner *)timer;
	size_t n = strlen(fired);

	assert_false(timer_is_running(timer));
	assert_ptr_equal(ctx, &timers);
	assert_true(n < sizeof fired - 1);
	fired[n] = owner->name;
	fired[n + 1] = '\0';
	switch (reaction) {
	case NOTHING:
		break;
	case RESTART:
		timer_start(&queue, timer, now);
		break;
	case STOP_OTHER:
		timer_stop(&other->timer);
		break;
	case RESTART_OTHER:
		timer_start(&queue, &other->timer, now);
		break;
	case FREE_SELF:
		free(owner);
		break;
	case FREE_OTHER:
		if (other != NULL) {
			timer_stop(&other->timer);
			free(other);
			other = NULL;
		}
		break;
	case ADD_QUEUE:
		timer_queue_add(&timers, &extra, 0, on_timer, &timers);
		timer_start(&extra, timer, now);
		break;
	case REMOVE_QUEUE:
		timer_queue_remove(&timers, &queue);
		memset(&queue, 0xff, sizeof queue);
		break;
	}
}

static int
set_up(void **state)
{
	(void)state;
	timers_init(&timers);
	timer_queue_add(&timers, &queue, 10, on_timer, &timers);
	timer_queue_add(&timers, &slow, 100, on_timer, &timers);
	reaction = NOTHING;
	fired[0] = '\0';
	now = 0;
	return 0;
}

static void
assert_run(uint64_t at, const char *names)
{
	now = at;
	fired[0] = '\0';
	timers_run(&timers, now);
	assert_string_equal(fired, names);
}

static void
assert_next(uint64_t expected)
{
	uint64_t deadline = 0;

	assert_true(timers_next(&timers, &deadline));
	assert_true(deadline == expected);
}

static void
assert_no_next(void)
{
	uint64_t deadline = 77;

	assert_false(timers_next(&timers, &deadline));
	assert_int_equal(deadline, 77);
}

static void
test_nothing_runs(void **state)
{
	struct owner a = {.name = 'a'};
	struct timers none;
	uint64_t deadline;

	(void)state;
	assert_no_next();
	assert_run(1000, "");
	timer_stop(&a.timer);
	timer_stop(&a.timer);
	assert_false(timer_is_running(&a.timer));
	timers_init(&none);
	assert_false(timers_next(&none, &deadline));
	timers_run(&none, 5);
}

static void
test_fires_once_at_deadline(void **state)
{
	struct owner a = {.name = 'a'}, b = {.name = 'b'};

	(void)state;
	timer_start(&queue, &a.timer, 5);
	timer_start(&queue, &b.timer, 7);
	assert_true(timer_is_running(&a.timer));
	assert_next(15);
	assert_run(14, "");
	assert_run(15, "a");
	assert_false(timer_is_running(&a.timer));
	assert_next(17);
	assert_run(16, "");
	assert_run(1000, "b");
	assert_no_next();
	assert_run(2000, "");
}

static void
test_restart_and_stop(void **state)
{
	struct owner a = {.name = 'a'}, b = {.name = 'b'}, c = {.name = 'c'};

	(void)state;
	timer_start(&queue, &a.timer, 0);
	timer_start(&queue, &b.timer, 1);
	timer_start(&queue, &c.timer, 2);
	timer_start(&queue, &a.timer, 3); /* now the last */
	timer_stop(&b.timer);
	assert_next(12);
	assert_run(12, "c");
	assert_next(13);
	timer_start(&slow, &a.timer, 13); /* into another queue */
	assert_next(113);
	assert_run(112, "");
	assert_run(113, "a");
}

/* All that is late fires by deadline; of equal ones the queue that was added first. */
static void
test_order_across_queues(void **state)
{
	struct owner a = {.name = 'a'}, b = {.name = 'b'}, c = {.name = 'c'}, d = {.name = 'd'};

	(void)state;
	timer_start(&slow, &a.timer, 0);   /* 100 */
	timer_start(&slow, &b.timer, 1);   /* 101 */
	timer_start(&queue, &c.timer, 90); /* 100 */
	timer_start(&queue, &d.timer, 95); /* 105 */
	assert_next(100);
	assert_run(500, "cabd");
}

static void
test_restart_in_callback(void **state)
{
	struct owner a = {.name = 'a'};

	(void)state;
	reaction = RESTART;
	timer_start(&queue, &a.timer, 0);
	assert_run(1000, "a");
	assert_next(1010);
	assert_run(1009, "");
	assert_run(1010, "a");
	assert_true(timer_is_running(&a.timer));
}

/* A delay of 0 is not an endless loop, but is due at once in the next run. */
static void
test_zero_delay(void **state)
{
	struct owner a = {.name = 'a'}, b = {.name = 'b'};

	(void)state;
	timer_queue_remove(&timers, &queue);
	timer_queue_add(&timers, &queue, 0, on_timer, &timers);
	reaction = RESTART;
	timer_start(&queue, &a.timer, 50);
	timer_start(&queue, &b.timer, 50);
	assert_next(50);
	assert_run(50, "ab");
	assert_next(50);
	assert_run(50, "ab");
}

static void
test_stop_other_that_is_due(void **state)
{
	struct owner a = {.name = 'a'}, b = {.name = 'b'}, c = {.name = 'c'};

	(void)state;
	reaction = STOP_OTHER;
	other = &b;
	timer_start(&queue, &a.timer, 0);
	timer_start(&queue, &b.timer, 0);
	timer_start(&queue, &c.timer, 0);
	assert_run(10, "ac");
	assert_false(timer_is_running(&b.timer));
	assert_no_next();
}

static void
test_restart_other_that_is_due(void **state)
{
	struct owner a = {.name = 'a'}, b = {.name = 'b'};

	(void)state;
	reaction = RESTART_OTHER;
	other = &b;
	timer_start(&queue, &a.timer, 0);
	timer_start(&queue, &b.timer, 0);
	assert_run(10, "a");
	reaction = NOTHING;
	assert_next(20);
	assert_run(20, "b");
}

static struct owner *
start_new(struct timer_queue *in, char name)
{
	struct owner *owner = calloc(1, sizeof *owner);

	assert_non_null(owner);
	owner->name = name;
	timer_start(in, &owner->timer, 0);
	return owner;
}

static void
test_free_in_callback(void **state)
{
	struct owner a = {.name = 'a'};

	(void)state;
	start_new(&queue, 'x');
	start_new(&queue, 'y');
	reaction = FREE_SELF;
	assert_run(10, "xy");
	timer_start(&queue, &a.timer, 0);
	other = start_new(&queue, 'z');
	reaction = FREE_OTHER;
	assert_run(10, "a");
	assert_null(other);
	assert_no_next();
}

static void
test_add_queue_in_callback(void **state)
{
	struct owner a = {.name = 'a'};

	(void)state;
	reaction = ADD_QUEUE;
	timer_start(&queue, &a.timer, 0);
	assert_run(10, "a");
	reaction = NOTHING;
	assert_next(10);
	assert_run(10, "a");
}

/* The callback's own queue goes, with a timer that is due and one that is not. */
static void
test_remove_queue_in_callback(void **state)
{
	struct owner a = {.name = 'a'}, b = {.name = 'b'}, c = {.name = 'c'}, d = {.name = 'd'};

	(void)state;
	reaction = REMOVE_QUEUE;
	timer_start(&queue, &a.timer, 0);
	timer_start(&queue, &b.timer, 0);
	timer_start(&queue, &c.timer, 5);
	timer_start(&slow, &d.timer, 0);
	assert_run(10, "a");
	assert_false(timer_is_running(&b.timer));
	assert_false(timer_is_running(&c.timer));
	assert_next(100);
	reaction = NOTHING;
	assert_run(100, "d");
}

static void
test_remove_queue(void **state)
{
	struct owner a = {.name = 'a'}, b = {.name = 'b'}, c = {.name = 'c'};

	(void)state;
	timer_queue_add(&timers, &extra, 1, on_timer, &timers);
	timer_start(&queue, &a.timer, 0);
	timer_start(&slow, &b.timer, 0);
	timer_start(&extra, &c.timer, 0);
	timer_queue_remove(&timers, &slow); /* the middle one */
	assert_false(timer_is_running(&b.timer));
	assert_run(1000, "ca");
	timer_queue_remove(&timers, &queue);
	timer_queue_remove(&timers, &extra);
	assert_no_next();
	timer_queue_add(&timers, &queue, 1, on_timer, &timers);
	timer_start(&queue, &a.timer, 0);
	assert_run(1, "a");
}

/* When the clock goes back, what was started later still fires later. */
static void
test_clock_goes_back(void **state)
{
	struct owner a = {.name = 'a'}, b = {.name = 'b'};

	(void)state;
	timer_start(&queue, &a.timer, 100);
	timer_start(&queue, &b.timer, 50);
	assert_next(110);
	assert_run(109, "");
	assert_run(110, "ab");
}

static void
test_end_of_time(void **state)
{
	struct owner a = {.name = 'a'};

	(void)state;
	timer_start(&queue, &a.timer, UINT64_MAX - 3);
	assert_next(UINT64_MAX);
	assert_run(UINT64_MAX - 1, "");
	assert_run(UINT64_MAX, "a");
}

static void
test_shorter_delay(void **state)
{
	struct owner a = {.name = 'a'}, b = {.name = 'b'}, c = {.name = 'c'}, d = {.name = 'd'};

	(void)state;
	timer_start(&slow, &a.timer, 0);
	timer_start(&slow, &b.timer, 1);
	timer_queue_set_delay(&slow, 20);
	assert_ptr_equal(timer_queue_first(&slow), &a.timer);
	timer_start(&slow, &c.timer, 2);
	timer_start(&slow, &d.timer, 81); /* at once with b */
	assert_next(22);
	assert_run(22, "c"); /* what ran keeps its deadline */
	assert_next(100);
	assert_run(100, "a");
	assert_run(101, "bd");
	timer_start(&slow, &a.timer, 101);
	assert_next(121);
	assert_run(121, "a");
	assert_null(timer_queue_first(&slow));
}

/* Longer, shorter, as it was, the same: each timer has the delay that it was started with. */
static void
test_delays_in_turn(void **state)
{
	struct owner a = {.name = 'a'}, b = {.name = 'b'}, c = {.name = 'c'}, d = {.name = 'd'};

	(void)state;
	timer_start(&queue, &a.timer, 0); /* 10 */
	timer_queue_set_delay(&queue, 30);
	timer_start(&queue, &b.timer, 1); /* 31 */
	timer_queue_set_delay(&queue, 5);
	timer_start(&queue, &c.timer, 2); /* 7 */
	timer_queue_set_delay(&queue, 5);
	timer_queue_set_delay(&queue, 10);
	timer_start(&queue, &d.timer, 3); /* 13 */
	timer_start(&queue, &a.timer, 4); /* again: 14 */
	assert_next(7);
	assert_run(6, "");
	assert_run(20, "cda");
	timer_stop(&b.timer);
	assert_no_next();
}

static void
test_remove_queue_with_elders(void **state)
{
	struct owner a = {.name = 'a'};

	(void)state;
	timer_start(&queue, &a.timer, 0);
	timer_queue_set_delay(&queue, 1);
	timer_queue_remove(&timers, &queue);
	assert_false(timer_is_running(&a.timer));
	assert_run(1000, "");
}

/*
 * Random operations. The model of a timer is its deadline, its queue, and a number which counts
 * starts (the order of equal deadlines); it finds what should fire next by looking at all of them.
 */
enum {
	QUEUES = 4,
	TIMERS = 40,
	STEPS = 30000,
};

static struct model_timer {
	struct timer timer;
	bool running;
	int queue;
	uint64_t deadline;
	uint64_t order;
} model[TIMERS];

static uint64_t delays[QUEUES] = {0, 7, 20, 20};
static struct timer_queue queues[QUEUES];
static uint64_t starts;
static uint64_t run_began; /* the value of starts when timers_run was called */
static bool in_run;
static unsigned seed;
static unsigned fires;

static int
random_below(int n)
{
	return rand_r(&seed) % n;
}

static struct model_timer *
model_first(uint64_t order_below)
{
	struct model_timer *best = NULL;

	for (struct model_timer *m = model; m < model + TIMERS; m++) {
		if (!m->running || m->order >= order_below)
			continue;
		if (best == NULL || m->deadline < best->deadline ||
		    (m->deadline == best->deadline && m->queue < best->queue) ||
		    (m->deadline == best->deadline && m->queue == best->queue &&
			m->order < best->order))
			best = m;
	}
	return best;
}

static void
check_next(void)
{
	struct model_timer *first = model_first(UINT64_MAX);
	uint64_t deadline;

	assert_true(timers_next(&timers, &deadline) == (first != NULL));
	/* In a run, one that is still due hides one just started with a lesser delay. */
	if (first != NULL && !in_run)
		assert_true(deadline == first->deadline);
	for (struct model_timer *m = model; m < model + TIMERS; m++)
		assert_true(timer_is_running(&m->timer) == m->running);
}

static void
random_operation(void)
{
	struct model_timer *m = &model[random_below(TIMERS)];

	if (random_below(3) == 0) {
		timer_stop(&m->timer);
		m->running = false;
	} else {
		m->queue = random_below(QUEUES);
		timer_start(&queues[m->queue], &m->timer, now);
		m->running = true;
		m->deadline = now + delays[m->queue];
		m->order = starts++;
	}
	check_next();
}

static void
on_model_timer(struct timer *timer, void *ctx)
{
	struct model_timer *m = model_first(run_began);

	assert_ptr_equal(m, timer);
	assert_true(m->deadline <= now);
	assert_ptr_equal(ctx, &queues[m->queue]);
	assert_false(timer_is_running(timer));
	m->running = false;
	fires++;
	for (int i = random_below(4); i > 0; i--)
		random_operation();
}

static void
test_against_model(void **state)
{
	(void)state;
	seed = 4711;
	timers_init(&timers);
	for (int i = 0; i < QUEUES; i++)
		timer_queue_add(&timers, &queues[i], delays[i], on_model_timer, &queues[i]);
	for (int i = 0; i < STEPS; i++) {
		struct model_timer *late;

		random_operation();
		if (random_below(100) == 0) {
			int which = random_below(QUEUES);

			delays[which] = (uint64_t)random_below(30);
			timer_queue_set_delay(&queues[which], delays[which]);
			check_next();
		}
		if (random_below(3) != 0)
			continue;
		now += (uint64_t)random_below(random_below(10) == 0 ? 50 : 5);
		run_began = starts;
		in_run = true;
		timers_run(&timers, now);
		in_run = false;
		late = model_first(run_began);
		assert_true(late == NULL || late->deadline > now);
		check_next();
	}
	assert_true(fires > STEPS / 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_nothing_runs, set_up),
	    cmocka_unit_test_setup(test_fires_once_at_deadline, set_up),
	    cmocka_unit_test_setup(test_restart_and_stop, set_up),
	    cmocka_unit_test_setup(test_order_across_queues, set_up),
	    cmocka_unit_test_setup(test_restart_in_callback, set_up),
	    cmocka_unit_test_setup(test_zero_delay, set_up),
	    cmocka_unit_test_setup(test_stop_other_that_is_due, set_up),
	    cmocka_unit_test_setup(test_restart_other_that_is_due, set_up),
	    cmocka_unit_test_setup(test_free_in_callback, set_up),
	    cmocka_unit_test_setup(test_add_queue_in_callback, set_up),
	    cmocka_unit_test_setup(test_remove_queue_in_callback, set_up),
	    cmocka_unit_test_setup(test_remove_queue, set_up),
	    cmocka_unit_test_setup(test_clock_goes_back, set_up),
	    cmocka_unit_test_setup(test_end_of_time, set_up),
	    cmocka_unit_test_setup(test_shorter_delay, set_up),
	    cmocka_unit_test_setup(test_delays_in_turn, set_up),
	    cmocka_unit_test_setup(test_remove_queue_with_elders, set_up),
	    cmocka_unit_test_setup(test_against_model, set_up),
	};

	return cmocka_run_group_tests_name("timer_queue", tests, NULL, NULL);
}
