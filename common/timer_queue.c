/*
 * See timer_queue.h. Used by the loop and by whatever waits.
 *
 * Invariant: both rings of a queue are in the order of the starts, and so of the deadlines.
 * timers_run first moves what has expired to the due rings, and then fires only from there: what a
 * callback starts lands in the running rings and waits for the next run. Stopping unlinks a timer
 * from whichever ring it is in, and no pointer to a timer or a queue is held across a callback, so
 * a callback may free either.
 */
#include "common/timer_queue.h"

#include <assert.h>
#include <stddef.h>

static void
ring_init(struct timer *head)
{
	head->next = head->prev = head;
}

static bool
ring_is_empty(const struct timer *head)
{
	return head->next == head;
}

void
timers_init(struct timers *timers)
{
	*timers = (struct timers){NULL, false};
}

void
timer_queue_add(struct timers *timers, struct timer_queue *queue, uint64_t delay_ms,
    timer_fire *fire, void *ctx)
{
	struct timer_queue **link = &timers->first;

	while (*link != NULL)
		link = &(*link)->next;
	*queue = (struct timer_queue){.delay_ms = delay_ms, .fire = fire, .ctx = ctx};
	ring_init(&queue->running);
	ring_init(&queue->due);
	*link = queue;
}

void
timer_queue_remove(struct timers *timers, struct timer_queue *queue)
{
	struct timer_queue **link = &timers->first;

	while (!ring_is_empty(&queue->running))
		timer_stop(queue->running.next);
	while (!ring_is_empty(&queue->due))
		timer_stop(queue->due.next);
	while (*link != queue) {
		assert(*link != NULL);
		link = &(*link)->next;
	}
	*link = queue->next;
}

struct timer *
timer_queue_first(struct timer_queue *queue)
{
	return ring_is_empty(&queue->running) ? NULL : queue->running.next;
}

void
timer_start(struct timer_queue *queue, struct timer *timer, uint64_t now)
{
	struct timer *head = &queue->running;

	timer_stop(timer);
	timer->deadline = queue->delay_ms > UINT64_MAX - now ? UINT64_MAX : now + queue->delay_ms;
	timer->next = head;
	timer->prev = head->prev;
	head->prev->next = timer;
	head->prev = timer;
}

void
timer_stop(struct timer *timer)
{
	if (timer->next == NULL)
		return;
	timer->next->prev = timer->prev;
	timer->prev->next = timer->next;
	timer->next = timer->prev = NULL;
}

bool
timer_is_running(const struct timer *timer)
{
	return timer->next != NULL;
}

/* The first timer of a queue, due ones before all others; NULL if it has none. */
static const struct timer *
queue_first(const struct timer_queue *queue)
{
	if (!ring_is_empty(&queue->due))
		return queue->due.next;
	if (!ring_is_empty(&queue->running))
		return queue->running.next;
	return NULL;
}

bool
timers_next(const struct timers *timers, uint64_t *deadline)
{
	const struct timer *earliest = NULL;

	for (const struct timer_queue *q = timers->first; q != NULL; q = q->next) {
		const struct timer *first = queue_first(q);

		if (first != NULL && (earliest == NULL || first->deadline < earliest->deadline))
			earliest = first;
	}
	if (earliest == NULL)
		return false;
	*deadline = earliest->deadline;
	return true;
}

/* Moves the expired timers of a queue from its running ring to its due ring, which is empty. */
static void
collect(struct timer_queue *queue, uint64_t now)
{
	struct timer *running = &queue->running, *due = &queue->due;
	struct timer *rest = running->next;

	while (rest != running && rest->deadline <= now)
		rest = rest->next;
	if (rest == running->next)
		return;
	due->next = running->next;
	due->next->prev = due;
	due->prev = rest->prev;
	due->prev->next = due;
	running->next = rest;
	rest->prev = running;
}

/* The queue whose due timer has the earliest deadline, the first such one; NULL if none is due. */
static struct timer_queue *
next_due(const struct timers *timers)
{
	struct timer_queue *best = NULL;

	for (struct timer_queue *q = timers->first; q != NULL; q = q->next) {
		if (ring_is_empty(&q->due))
			continue;
		if (best == NULL || q->due.next->deadline < best->due.next->deadline)
			best = q;
	}
	return best;
}

void
timers_run(struct timers *timers, uint64_t now)
{
	struct timer_queue *queue;

	assert(!timers->in_run);
	timers->in_run = true;
	for (queue = timers->first; queue != NULL; queue = queue->next)
		collect(queue, now);
	while ((queue = next_due(timers)) != NULL) {
		struct timer *timer = queue->due.next;

		timer_stop(timer);
		queue->fire(timer, queue->ctx);
	}
	timers->in_run = false;
}
