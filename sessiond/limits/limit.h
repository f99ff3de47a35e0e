/*
 * A cap on something that peers take of the daemon: how much there may be, how much is taken, and
 * how often somebody got none.
 */
#ifndef SESSIOND_LIMIT_H
#define SESSIOND_LIMIT_H

#include "common/log_limit.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct limit {
	const char *option; /* that sets it */
	size_t most;
	size_t taken;
	uint64_t refused; /* times */
	struct log_limit log;
};

/*
 * Takes n. Returns false, takes nothing and says so in the log, if there would be more than `most`
 * then. What is taken remains so if `most` becomes less.
 */
bool limit_take(struct limit *limit, size_t n);

/* Gives back n of what was taken. */
void limit_give(struct limit *limit, size_t n);

/*
 * For what is taken in growing pieces: *own is how much somebody has, and becomes `wanted`, more or
 * less. Returns false, with *own as it was, if that is more than there may be.
 */
bool limit_resize(struct limit *limit, size_t *own, size_t wanted);

/* Counts a refusal that was decided elsewhere, and says it in the log. */
void limit_refuse(struct limit *limit);

#endif
