/*
 * Who is in a channel, over all daemons: how many subscribers, and which members. Each daemon says
 * what it has, again in each round (redis_rounds.h); what it does not say for REDIS_EXPIRY is not
 * so any more.
 */
#ifndef SESSIOND_REDIS_PRESENCE_H
#define SESSIOND_REDIS_PRESENCE_H

#include "sessiond/redis/redis_message.h"
#include "sessiond/redis/redis_state.h"

/* A member may have come or gone here: it is told with the turn. */
void redis_presence_touch(struct redis_channel *it, const char *id, size_t len);

/* All members that are here are told again. */
void redis_presence_touch_all(struct redis_channel *it);

/* What is to be told was told, or will be told anew. */
void redis_presence_forget(struct redis_channel *it);

/* The keys and arguments of REDIS_SYNC: what is here, and who has come and gone. */
void redis_presence_put(struct redis_channel *it, struct redis_words *words);

/* The reply. False: it is none that the script gives. */
bool redis_presence_take(struct redis_channel *it, const struct redis_reply *reply);

/* Somebody joined or parted. */
void redis_presence_hear(struct redis_channel *it, const struct redis_message *message);

/* Channels of a space whose daemons have died: their members part, and others hear of it. */
void redis_presence_sweep(struct redis_engine *engine, struct channel_space *space);

#endif
