/*
 * Looks at the memory that the process has (VmRSS) while there is something to do, against
 * memory_limit; and gives back to the system what has become free, which the C library keeps.
 */
#ifndef SESSIOND_MEMORY_WATCH_H
#define SESSIOND_MEMORY_WATCH_H

#include "common/timer_queue.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	MEMORY_WATCH_MS = 100, /* between two looks */
	MEMORY_WATCH_SLACK =
	    8 * 1048576, /* bytes that may have grown before free ones are given back */
};

struct memory_watch {
	struct timers *timers;
	struct timer_queue looks;
	struct timer timer;
	size_t limit;	 /* bytes */
	size_t resident; /* at the last look */
	size_t floor;	 /* resident after free memory was given back */
	unsigned calm;	 /* looks since it grew last */
	bool is_wanted;	 /* something was taken that memory is for */
};

/* Looks for the first time. limit: bytes. Aborts if the system does not tell. */
void memory_watch_init(struct memory_watch *watch, struct timers *timers, size_t limit);
void memory_watch_clear(struct memory_watch *watch);

/* Much was given back: what of it the C library keeps goes to the system once it is calm. */
void memory_watch_freed(struct memory_watch *watch);

/* For memory_watch_turn alone. */
void memory_watch_look(struct memory_watch *watch, uint64_t now);

/* The turn ends. If something was taken in it (is_wanted), there is another look in a while. */
static inline void
memory_watch_turn(struct memory_watch *watch, uint64_t now)
{
	if (watch->is_wanted)
		memory_watch_look(watch, now);
}

/* True if there is as much as may be, or nearly: nothing new should be taken. */
static inline bool
memory_watch_is_short(const struct memory_watch *watch)
{
	return watch->resident > watch->limit - watch->limit / 4;
}

/* Three quarters of what the machine, or the process's control group, has. */
size_t memory_watch_default_limit(void);

#endif
