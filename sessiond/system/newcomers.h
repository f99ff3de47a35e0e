/*
 * Connections to a Unix socket that have not said yet what they are. The first byte tells, and
 * stays in the socket: a message of the local socket begins with the zero of its length, a process
 * that serves with a brace, an HTTP request with a letter.
 */
#ifndef SESSIOND_NEWCOMERS_H
#define SESSIOND_NEWCOMERS_H

#include "common/timer_queue.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <uv.h>

#define NEWCOMER_WAIT 10000 /* ms for the first byte */

struct newcomer;

struct newcomers {
	uv_loop_t *loop;
	struct timers *timers;
	struct timer_queue waits;
	/* Takes the descriptor of one whose first byte came. */
	void (*recognised)(void *context, int fd, char first);
	void *context;
	LIST_HEAD(newcomer_list, newcomer) list;
	size_t count;
};

/* loop, timers and context are borrowed. */
void newcomers_init(struct newcomers *all, uv_loop_t *loop, struct timers *timers,
    void (*recognised)(void *context, int fd, char first), void *context);

/* Takes fd, a connected non-blocking socket. now: ms, of the timers' clock. */
void newcomers_add(struct newcomers *all, int fd, uint64_t now);

/*
 * Makes room: closes the one that has said nothing for the longest time. Recognises those before it
 * whose first byte is there. False if there is none.
 */
bool newcomers_dismiss_oldest(struct newcomers *all);

/* Recognises those whose first byte is there, and closes the others. */
void newcomers_dismiss(struct newcomers *all);

/* Closes all. */
void newcomers_clear(struct newcomers *all);

#endif
