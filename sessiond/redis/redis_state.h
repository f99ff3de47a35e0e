/*
 * What the files of this room share: the engine, and what it has of each channel of this daemon.
 */
#ifndef SESSIOND_REDIS_STATE_H
#define SESSIOND_REDIS_STATE_H

#include "common/hash_table.h"
#include "common/timer_queue.h"
#include "conf/engine_address.h"
#include "sessiond/channels/channel_engine.h"
#include "sessiond/channels/channels.h"
#include "sessiond/redis/redis_link.h"
#include "sessiond/redis/redis_rounds.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#define REDIS_ID_SIZE	 17		     /* 16 hexadecimal digits and a NUL */
#define REDIS_OFFSET_MAX ((uint64_t)1 << 53) /* scripts count with doubles */

enum {
	REDIS_EXPIRY = 40000, /* ms after which a daemon that says nothing is dead */
	REDIS_SWEEP = 13000,  /* ms between its looks for the dead */
	REDIS_LINGER = 1000,  /* ms that a channel without subscribers, or a failed one, waits */
	REDIS_RECOUNT = 200,  /* ms that a number of subscribers may wait to be told */
};

struct redis_held;
struct redis_touched;

struct redis_engine {
	struct channel_engine base; /* first */
	struct channels *channels;
	struct engine_address address;
	struct redis_link commands, topics;
	size_t backlog; /* bytes that publications may wait with */
	char prefix[24];
	char run[64];	 /* the server's run id */
	char durable[2]; /* "1": it forgets nothing that it has acknowledged */
	size_t owed;	 /* bytes of publications that wait, here or for an answer */
	TAILQ_HEAD(, redis_channel) all; /* the first is the next to be refreshed */
	size_t count;			 /* of all */
	struct redis_rounds rounds;
	uint64_t refreshed;		    /* when the last tick of them was; ms */
	LIST_HEAD(, redis_channel) due;	    /* to be told of at the end of the turn */
	LIST_HEAD(, redis_channel) waiting; /* ... when others are, or the counts are due */
	bool counts_are_due;		    /* what may wait has waited */
	struct timer_queue refreshes, lingers, recounts, sweeps;
	struct timer refresh, recount, sweep;
};

enum redis_channel_state {
	REDIS_CHANNEL_AWAY,	   /* not subscribed to its topic, or not known to be */
	REDIS_CHANNEL_SUBSCRIBING, /* its topic was asked for */
	REDIS_CHANNEL_FAILED,	   /* it hears; what it asked for was refused: it asks again soon */
	REDIS_CHANNEL_OPENING,	   /* it hears, and has to ask where the channel is */
	REDIS_CHANNEL_READING,	   /* it has asked */
	REDIS_CHANNEL_LIVE,
};

struct redis_channel {
	struct redis_engine *engine;
	struct channel *channel; /* NULL: ended; what was asked for is still to come */
	TAILQ_ENTRY(redis_channel) entry;
	LIST_ENTRY(redis_channel) dirty_entry;
	enum redis_channel_state state;
	unsigned refs; /* calls that will be answered */
	char *topic;
	size_t topic_len;

	/* Its messages. */
	bool has_position;	      /* the channel's is one of this engine */
	struct channel_position seen; /* was published, and not told; offset 0: none */
	uint64_t asked, answered;     /* calls of what entrants wait for */

	/* Who is there. */
	bool is_dirty;	  /* on one of the engine's lists */
	bool is_due;	  /* ... the one of those that cannot wait */
	size_t told;	  /* subscribers that it has said to have */
	uint64_t version; /* of the members that are known; 0: none */
	/* Members that may have come or gone here, by id, and in their order. */
	struct hash_table touched_ids;
	STAILQ_HEAD(, redis_touched) touched;
	struct timer linger;

	STAILQ_HEAD(, redis_held) held; /* publications that wait for entrants */
};

static inline struct redis_engine *
redis_engine_of(struct channel_engine *engine)
{
	return (struct redis_engine *)engine;
}

/* The topic of a channel, and behind it a letter: the name of a key ('\0': the topic itself). */
void redis_state_put_key(struct redis_words *words, const struct redis_engine *engine,
    const struct channel_space *space, const char *name, size_t len, char key);

/* The key of the space's channels that have subscribers. */
void redis_state_put_list(struct redis_words *words, const struct redis_engine *engine,
    const struct channel_space *space);

/* A random id; an epoch is one, too. */
void redis_state_make_id(char id[REDIS_ID_SIZE]);

/* It has something to say at the end of the turn; is_due: it cannot wait for others. */
void redis_state_mark(struct redis_channel *it, bool is_due);

/* The name of a space, which all daemons know it by. */
void redis_state_append_space(struct buffer *out, const struct channel_space *space);

#endif
