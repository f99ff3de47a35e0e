/*
 * Channels that several daemons share: an engine counts what is published, keeps it, passes it on
 * to all daemons, and knows who is where. Without one (NULL in struct channels) channels are a
 * daemon's own: its memory does all of that at once, and its store keeps it.
 *
 * With an engine, what a channel has here are copies: the end of its history, its members, its
 * position. They change only by what the engine says (channel_shared.h), so all daemons tell their
 * subscribers the same in the same order. Who wants to subscribe waits in channel->entrants until
 * the engine lets it in (channels_admit).
 */
#ifndef SESSIOND_CHANNEL_ENGINE_H
#define SESSIOND_CHANNEL_ENGINE_H

#include "sessiond/channels/channel.h"
#include "sessiond/channels/channel_result.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct channel_engine;
struct message;
struct publishing;

/* What is known of a channel over all daemons. */
struct channel_facts {
	size_t subscribers, members;
	const struct message
	    *last;     /* that is kept, as subscribers got it; NULL: none, or not asked for */
	uint64_t time; /* ... when it was published, ms since 1970 */
};

/*
 * Somebody asks for what is known over all daemons; embedded in its owner, which lives until it
 * ends. Told is each thing that was found, then the end. Names are valid during the call.
 */
struct channel_question {
	enum {
		CHANNEL_ASK_ONE,     /* about the channel of that name */
		CHANNEL_ASK_ALL,     /* about all that have subscribers and whose names begin so */
		CHANNEL_ASK_MEMBERS, /* for the ids of its members */
	} kind;
	bool wants_last;
	const char *name; /* borrowed during channels_ask */
	size_t len;
	void (*found)(struct channel_question *question, const char *name, size_t len,
	    const struct channel_facts *facts);
	void (*ended)(struct channel_question *question, bool is_answered);
};

struct channel_engine_calls {
	/* CHANNEL_LATER, or why it cannot be published. keeps: messages that the channel keeps. */
	enum channel_result (*publish)(struct channel_engine *engine, struct channel_space *space,
	    const struct publishing *publishing, uint32_t keeps, struct channel_waiter *waiter);
	/*
	 * A text for all subscribers but one (uuid; NULL: for all), on all daemons. It is neither
	 * counted nor kept, and lost if the engine is away.
	 */
	void (*send)(struct channel_engine *engine, const struct channel *channel, const char *text,
	    size_t len, const char *except);
	/* The kind's `signalled` is called on all daemons that have a channel of that name. */
	enum channel_result (*signal)(struct channel_engine *engine, struct channel_space *space,
	    const char *name, size_t len, struct channel_waiter *waiter);
	/* As channels_ask. */
	void (*ask)(struct channel_engine *engine, struct channel_space *space,
	    struct channel_question *question);

	/* A channel is new here; somebody waits to enter it; it has other subscribers now. */
	void (*begun)(struct channel_engine *engine, struct channel *channel);
	void (*entering)(struct channel_engine *engine, struct channel *channel);
	void (*changed)(struct channel_engine *engine, struct channel *channel);
	/* A member has a connection here that it had not, or none any more. */
	void (*member)(
	    struct channel_engine *engine, struct channel *channel, const char *id, size_t len);
	/* Nobody needs it here: the engine ends it (channels_end_shared) if that stays so. */
	void (*idle)(struct channel_engine *engine, struct channel *channel);
	/* It ends now. */
	void (*ended)(struct channel_engine *engine, struct channel *channel);

	/* The turn ends: what was asked for leaves. */
	void (*flush)(struct channel_engine *engine);
	/* True once it was reached, or could not be. */
	bool (*is_settled)(const struct channel_engine *engine);
	/* True if it is reached now. */
	bool (*is_there)(const struct channel_engine *engine);
	/* It does nothing more, and whoever waits is told that it is away. */
	void (*stop)(struct channel_engine *engine);
	/* After that, and after the last channel. */
	void (*destroy)(struct channel_engine *engine);
};

/* Embedded in the engine. */
struct channel_engine {
	const struct channel_engine_calls *calls;
};

/* Who waits to be subscribed to a channel. */
struct channel_entrant {
	bool recovers; /* `from` is what it has */
	struct channel_position from;
	bool is_member; /* as which it wants to be there; its texts are behind this struct */
	struct channel_member member;
	uint64_t ticket;	 /* the engine's: of what was asked for it; 0: nothing yet */
	struct hash_entry by_id; /* the engine's, among members that enter */
};

#endif
