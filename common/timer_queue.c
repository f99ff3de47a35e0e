/*
 * See timer_queue.h. Used by the loop and by whatever waits.
 *
 * Invariant: each ring of a queue is in the order of the deadlines, which in the running one is the
 * order of the starts. A new delay would break that, so it begins with an empty running ring, and
 * what was there goes to the elder one.
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
	*timers = (struct timers){.bound = UINT64_MAX};
}

void
timer_queue_add(struct timers *timers, struct timer_queue *queue, uint64_t delay_ms,
    timer_fire *fire, void *ctx)
{
	struct timer_queue **link = &timers->first;

	while (*link != NULL)
		link = &(*link)->next;
	*queue =
	    (struct timer_queue){.set = timers, .delay_ms = delay_ms, .fire = fire, .ctx = ctx};
	ring_init(&queue->running);
	ring_init(&queue->elder);
	ring_init(&queue->due);
	*link = queue;
}

void
timer_queue_remove(struct timers *timers, struct timer_queue *queue)
{
	struct timer_queue **link = &timers->first;

	while (!ring_is_empty(&queue->running))
		timer_stop(queue->running.next);
	while (!ring_is_empty(&queue->elder))
		timer_stop(queue->elder.next);
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
	if (!ring_is_empty(&queue->elder))
		return queue->elder.next;
	return ring_is_empty(&queue->running) ? NULL : queue->running.next;
}

static void
unlink_timer(struct timer *timer)
{
	timer->next->prev = timer->prev;
	timer->prev->next = timer->next;
}

static void
insert_before(struct timer *place, struct timer *timer)
{
	timer->next = place;
	timer->prev = place->prev;
	place->prev->next = timer;
	place->prev = timer;
}

/*
 * Moves all of `from` with a deadline <= last to `into`; of equal deadlines, those of `into` stay
 * first.
 */
static void
merge(struct timer *into, struct timer *from, uint64_t last)
{
	struct timer *place = into->next;

	while (!ring_is_empty(from) && from->next->deadline <= last) {
		struct timer *timer = from->next;

		while (place != into && place->deadline <= timer->deadline)
			place = place->next;
		unlink_timer(timer);
		insert_before(place, timer);
	}
}

void
timer_queue_set_delay(struct timer_queue *queue, uint64_t delay_ms)
{
	if (queue->delay_ms != delay_ms)
		merge(&queue->elder, &queue->running, UINT64_MAX);
	queue->delay_ms = delay_ms;
}

void
timer_start(struct timer_queue *queue, struct timer *timer, uint64_t now)
{
	timer_stop(timer);
	timer->deadline = queue->delay_ms > UINT64_MAX - now ? UINT64_MAX : now + queue->delay_ms;
	insert_before(&queue->running, timer);
	if (timer->deadline < queue->set->bound)
		queue->set->bound = timer->deadline;
}

void
timer_stop(struct timer *timer)
{
	if (timer->next == NULL)
		return;
	unlink_timer(timer);
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
	if (!ring_is_empty(&queue->elder) &&
	    (ring_is_empty(&queue->running) ||
		queue->elder.next->deadline <= queue->running.next->deadline))
		return queue->elder.next;
	return ring_is_empty(&queue->running) ? NULL : queue->running.next;
}

bool
timers_next(struct timers *timers, uint64_t *deadline)
{
	const struct timer *earliest = NULL;

	for (const struct timer_queue *q = timers->first; q != NULL; q = q->next) {
		const struct timer *first = queue_first(q);

		if (first != NULL && (earliest == NULL || first->deadline < earliest->deadline))
			earliest = first;
	}
	timers->bound = earliest == NULL ? UINT64_MAX : earliest->deadline;
	if (earliest == NULL)
		return false;
	*deadline = earliest->deadline;
	return true;
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
	for (queue = timers->first; queue != NULL; queue = queue->next) {
		merge(&queue->due, &queue->elder, now);
		merge(&queue->due, &queue->running, now);
	}
	while ((queue = next_due(timers)) != NULL) {
		struct timer *timer = queue->due.next;

		timer_stop(timer);
		queue->fire(timer, queue->ctx);
	}
	timers->in_run = false;
}
