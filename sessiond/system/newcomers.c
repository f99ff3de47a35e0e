/*
 * See newcomers.h. A newcomer is freed when libuv has closed its handle; nothing refers to it from
 * the moment when it is taken off the list.
 */
#include "sessiond/system/newcomers.h"

#include "common/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct newcomer {
	struct newcomers *all;
	LIST_ENTRY(newcomer) entry;
	struct timer timer;
	uv_poll_t poll;
	int fd;
};

static void
on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

/* The descriptor is the caller's then. */
static int
detach(struct newcomer *newcomer)
{
	timer_stop(&newcomer->timer);
	LIST_REMOVE(newcomer, entry);
	newcomer->all->count--;
	uv_close((uv_handle_t *)&newcomer->poll, on_closed);
	return newcomer->fd;
}

static void
dismiss(struct newcomer *newcomer)
{
	close(detach(newcomer));
}

/* Returns false if it still has to be waited for. */
static bool
recognise(struct newcomer *newcomer)
{
	struct newcomers *all = newcomer->all;
	char first;
	ssize_t n = recv(newcomer->fd, &first, 1, MSG_PEEK);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n == 1)
		all->recognised(all->context, detach(newcomer), first);
	else
		dismiss(newcomer);
	return true;
}

static void
on_events(uv_poll_t *poll, int status, int events)
{
	(void)events;
	if (status < 0)
		dismiss(poll->data);
	else
		recognise(poll->data);
}

static void
wait_fire(struct timer *timer, void *context)
{
	(void)context;
	dismiss(container_of(timer, struct newcomer, timer));
}

void
newcomers_init(struct newcomers *all, uv_loop_t *loop, struct timers *timers,
    void (*recognised)(void *context, int fd, char first), void *context)
{
	*all = (struct newcomers){
	    .loop = loop, .timers = timers, .recognised = recognised, .context = context};
	LIST_INIT(&all->list);
	timer_queue_add(timers, &all->waits, NEWCOMER_WAIT, wait_fire, all);
}

void
newcomers_add(struct newcomers *all, int fd, uint64_t now)
{
	struct newcomer *newcomer = xcalloc(1, sizeof *newcomer);

	newcomer->all = all;
	newcomer->fd = fd;
	if (uv_poll_init(all->loop, &newcomer->poll, fd) != 0)
		abort();
	newcomer->poll.data = newcomer;
	uv_poll_start(&newcomer->poll, UV_READABLE, on_events);
	LIST_INSERT_HEAD(&all->list, newcomer, entry);
	all->count++;
	timer_start(&all->waits, &newcomer->timer, now);
}

bool
newcomers_dismiss_oldest(struct newcomers *all)
{
	struct timer *oldest;

	while ((oldest = timer_queue_first(&all->waits)) != NULL) {
		struct newcomer *newcomer = container_of(oldest, struct newcomer, timer);

		if (recognise(newcomer))
			continue;
		dismiss(newcomer);
		return true;
	}
	return false;
}

void
newcomers_dismiss(struct newcomers *all)
{
	struct newcomer *newcomer, *next;

	for (newcomer = LIST_FIRST(&all->list); newcomer != NULL; newcomer = next) {
		next = LIST_NEXT(newcomer, entry);
		if (!recognise(newcomer))
			dismiss(newcomer);
	}
}

void
newcomers_clear(struct newcomers *all)
{
	while (!LIST_EMPTY(&all->list))
		dismiss(LIST_FIRST(&all->list));
	timer_queue_remove(all->timers, &all->waits);
}
