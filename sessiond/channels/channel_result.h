/*
 * What comes of it when something is asked of channels: at once, or later.
 */
#ifndef SESSIOND_CHANNEL_RESULT_H
#define SESSIOND_CHANNEL_RESULT_H

#include "sessiond/channels/channel.h"

enum channel_result {
	CHANNEL_OK,
	CHANNEL_BAD_NAME,
	CHANNEL_BAD_MEMBER, /* its id is empty, or it has too many bytes */
	CHANNEL_TOO_MANY,   /* channels of a connection, or in all, or members of a channel */
	CHANNEL_NO_ROOM,    /* in the histories, or for the message */
	CHANNEL_NO_STORE,   /* which cannot be written now */
	CHANNEL_AWAY,	    /* the engine's server, which all daemons share */
	CHANNEL_LATER,	    /* none yet: whoever waits is told */
};

/* Who waits for what comes of a publication, until it is told; embedded in its owner. */
struct channel_waiter {
	/* From the loop, once; result: not CHANNEL_LATER; position: as channels_publish has it. */
	void (*told)(struct channel_waiter *waiter, enum channel_result result,
	    const struct channel_position *position);
};

#endif
