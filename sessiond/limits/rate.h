/*
 * So many a second: for requests, messages and pings, of a connection or of an address. After a
 * time of quiet, RATE_BURST_S seconds' worth may come at once.
 *
 * All that is kept is one point in time: when the last one would have come, had all come evenly
 * (the generic cell rate algorithm). With ten a second, each one moves the point on by 100 ms. One
 * that would move it further than RATE_BURST_S seconds into the future is refused.
 */
#ifndef SESSIOND_RATE_H
#define SESSIOND_RATE_H

#include "common/hash_table.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

enum {
	RATE_BURST_S = 10,
	RATE_ADDRESSES_MAX = 16384, /* whose points are remembered */
};

/* The kinds of things whose rates are limited. */
enum rate_kind { RATE_REQUEST, RATE_SEND, RATE_MESSAGE, RATE_PING, RATE_KINDS };

/* The points of a connection or an address; zero at first. In µs of the daemon's clock. */
struct rate_points {
	uint64_t at[RATE_KINDS];
};

/* So many of each kind a second; 0: as many as come. */
struct rates {
	uint32_t a_second[RATE_KINDS];
};

/* True if one has a limit. */
bool rates_are_set(const struct rates *rates);

/* Counts n of them at `now` (ms). Returns false, and does not count them, if they are too many. */
bool rate_take(const struct rates *rates, struct rate_points *points, enum rate_kind kind, size_t n,
    uint64_t now);

/* The points of addresses, as long as they say something. */
struct rate_table {
	struct hash_table table;
	TAILQ_HEAD(, rate_entry) entries; /* the one that was used last is the last */
	size_t count;
};

void rate_table_init(struct rate_table *rates);
void rate_table_clear(struct rate_table *rates);

/*
 * The points of an address, by its address_count_number. Valid until the next call. The address
 * that was not asked for longest gives way to a new one, if there are RATE_ADDRESSES_MAX.
 */
struct rate_points *rate_table_find(struct rate_table *rates, uint64_t address);

/* The points of an address that are remembered; NULL: none. */
const struct rate_points *rate_table_peek(const struct rate_table *rates, uint64_t address);

#endif
