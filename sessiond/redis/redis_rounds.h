/*
 * When each channel says again what it has. Each has its turn once in a round, and turns are spread
 * over it, also of channels that have begun at once, as when the server is back. Pure.
 */
#ifndef SESSIOND_REDIS_ROUNDS_H
#define SESSIOND_REDIS_ROUNDS_H

#include <stddef.h>

enum {
	REDIS_TICK = 250, /* ms */
	REDIS_ROUND = 52, /* ticks of a round: 13 s */
};

/* All zero bytes: before the first. */
struct redis_rounds {
	size_t owed; /* turns that were not taken yet, in parts of REDIS_ROUND */
};

/* A tick: how many of `count` channels have their turn now, those first that have waited longest. */
size_t redis_rounds_next(struct redis_rounds *rounds, size_t count);

#endif
