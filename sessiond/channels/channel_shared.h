/*
 * What an engine (channel_engine.h) does to the channels of this daemon; with channels_deliver and
 * channels_admit.
 */
#ifndef SESSIOND_CHANNEL_SHARED_H
#define SESSIOND_CHANNEL_SHARED_H

#include "sessiond/channels/channel_engine.h"
#include "sessiond/channels/channels.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Asks what is known over all daemons. Without an engine, `ended` is called before this returns;
 * with one, afterwards.
 */
void channels_ask(struct channel_space *space, struct channel_question *question);

/* From now on channels are shared. Before the first channel. Borrows. */
void channels_share(struct channels *all, struct channel_engine *engine);

/*
 * Older messages of the channel's epoch, which end where its history begins, are put before it.
 * Takes a reference of each, oldest first.
 */
void channels_put_before(
    struct channel *channel, const struct publication *publications, uint32_t count);

/*
 * The channel is at another position, and has no history. If it has subscribers, they are told that
 * what lies between is lost.
 */
void channels_set_position(struct channel *channel, const struct channel_position *position);

/* A member is there on some daemon, or on none any more. Nothing happens if that is known. */
void channels_add_member(struct channel *channel, const struct channel_member *member);
void channels_drop_member(struct channel *channel, const char *id, size_t len);

/* So many subscribers are on all daemons. */
void channels_set_subscribers(struct channel *channel, size_t count);

#endif
