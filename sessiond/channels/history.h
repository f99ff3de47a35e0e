/*
 * What a channel keeps of what was published to it: the last messages, each with its offset and the
 * time. Offsets have no gaps.
 */
#ifndef SESSIOND_HISTORY_H
#define SESSIOND_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct message;

struct publication {
	struct message *message; /* as subscribers get it */
	uint64_t time;		 /* ms since 1970 */
};

/* All zero bytes, but for first: empty. */
struct history {
	struct publication *items;  /* a ring */
	uint32_t head, count, room; /* room: a power of two, or 0 */
	uint64_t first;		    /* the offset of the oldest; with none, of the next */
	size_t bytes;		    /* of the messages, with MESSAGE_COST for each */
};

/* The offset of the next. */
static inline uint64_t
history_end(const struct history *history)
{
	return history->first + history->count;
}

/* The publication at an offset, which is one of its own. Borrowed until the history changes. */
const struct publication *history_at(const struct history *history, uint64_t offset);

/* Adds one at the end. Takes a reference of its own. */
void history_push(struct history *history, struct message *message, uint64_t time);

/* Drops the oldest. There is one. */
void history_shift(struct history *history);

/* Drops everything and frees the storage; first becomes the offset of the next. */
void history_clear(struct history *history);

#endif
