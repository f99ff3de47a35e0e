/*
 * A channel: a name, those who have subscribed to it, and what was published to it. It lives as
 * long as it has subscribers, members or a history.
 *
 * Its messages are counted: the offset of the first is 1. With the epoch, a random number that is
 * another one whenever counting begins anew, an offset says how much somebody has of it.
 */
#ifndef SESSIOND_CHANNEL_H
#define SESSIOND_CHANNEL_H

#include "common/hash_table.h"
#include "common/timer_queue.h"
#include "sessiond/channels/history.h"
#include "sessiond/channels/presence.h"
#include "sessiond/session/membership.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#define CHANNEL_NAME_MAX 200 /* bytes of UTF-8, none of them 0 */

struct channel_space;

struct channel {
	struct channel_space *space; /* its owner's */
	struct hash_entry by_name;   /* in its space's table */
	uint64_t number;	     /* in the store; never used again */
	uint64_t epoch;
	struct member_array subscribers;
	struct presence *presence; /* NULL: it has had no members */
	struct history history;
	LIST_ENTRY(channel) recounted_entry; /* of its space's, if it is one */
	struct timer ttl;		     /* of the history's newest */
	bool is_ending;			     /* it is being destroyed */
	bool is_recounted; /* its kind's: the number of its subscribers is to be told */
	bool is_occupied;  /* its kind's: somebody was told that it has subscribers; is stored */

	/* With an engine (channel_engine.h). */
	struct member_array entrants; /* who waits to be subscribed: data: a channel_entrant */
	void *shared;		      /* the engine's */
	uint64_t shared_id;	      /* the engine's, for this daemon's part of it; is stored */
	size_t elsewhere;	      /* subscribers of other daemons */

	/* channel_journal.h's. */
	LIST_ENTRY(channel) changed_entry;
	bool is_changed;
	bool is_stored;
	bool is_counted; /* the store has its epoch: offsets go on after a restart */
	uint64_t stored_first, stored_end; /* offsets of what the store has of its history */

	char name[]; /* NUL-terminated; by_name has its length */
};

/* How much of a channel somebody has. */
struct channel_position {
	uint64_t offset; /* of the last message; 0: none */
	uint64_t epoch;	 /* 0: no channel's */
};

/* How many subscribers it has, over all daemons. */
static inline size_t
channel_subscribers(const struct channel *channel)
{
	return channel->subscribers.count + channel->entrants.count + channel->elsewhere;
}

/* True if a channel may have that name. */
bool channel_name_is_valid(const char *name, size_t len);

/* How much of its history a channel keeps: whatever is over one of these is dropped. */
struct channel_keeps {
	uint32_t messages;
	size_t bytes; /* with MESSAGE_COST for each */
	uint64_t ms;  /* of age */
};

/* A new channel without subscribers. Its owner adds it to a table, and sets subscribers.left. */
struct channel *channel_create(const char *name, size_t len, uint64_t number, uint64_t epoch);

/* Frees it. Its subscribers are told nothing. It is in no table and list, and its timer stopped. */
void channel_destroy(struct channel *channel);

/* The offset and epoch of the last message. */
struct channel_position channel_position(const struct channel *channel);

/* Drops what it does not keep at `now` (ms since 1970). Returns how many bytes. */
size_t channel_trim(struct channel *channel, const struct channel_keeps *keeps, uint64_t now);

/* True if all that was published after a position is there. */
bool channel_can_recover(const struct channel *channel, const struct channel_position *from);

#endif
