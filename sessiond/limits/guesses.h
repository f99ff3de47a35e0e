/*
 * Guesses at what others keep secret: sends to sessions that there are not, and connections that a
 * module refuses with 401 or 403. An address may make so many in a minute, at once if need be:
 * clients that come back after a restart without a store ask for sessions that are gone, all
 * clients of an office at once. Then its guesses are slowed.
 */
#ifndef SESSIOND_GUESSES_H
#define SESSIOND_GUESSES_H

#include "sessiond/limits/rate.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct guesses {
	uint32_t a_minute; /* 0: as many as come */
	/* Of each address the time (µs) when all its guesses had come, had they come evenly. */
	struct rate_table addresses;
};

void guesses_init(struct guesses *guesses);
void guesses_clear(struct guesses *guesses);

/* True if the address has made as many as it may. NULL and Unix sockets are one address. */
bool
guesses_are_used_up(const struct guesses *guesses, const struct sockaddr *address, uint64_t now);

/* The address has made another one. */
void guesses_note(struct guesses *guesses, const struct sockaddr *address, uint64_t now);

#endif
