/*
 * A channel of this daemon as the engine has it: it listens to the topic as long as somebody has
 * subscribed here, finds out where the channel is and what was missed, and lets entrants in.
 *
 *     AWAY -> SUBSCRIBING -> OPENING -> READING -> LIVE, and AWAY again when the server is
 *
 * What it asks for may be refused, as by a server without memory: then it is FAILED, and after
 * REDIS_LINGER OPENING again. Others go on.
 *
 * Messages are told in the order of their offsets. One that does not follow the last is not told:
 * it is in the stream, and what is missing, too; so that is read. What is not there any more is
 * lost, and subscribers hear that.
 */
#ifndef SESSIOND_REDIS_CHANNEL_H
#define SESSIOND_REDIS_CHANNEL_H

#include "sessiond/redis/redis_message.h"
#include "sessiond/redis/redis_state.h"

/* It is new here, and listens as soon as it can. channel->shared is set. */
void redis_channel_begin(struct redis_engine *engine, struct channel *channel);

/* It ends. */
void redis_channel_end(struct redis_channel *it);

/* It is not heard any more. */
void redis_channel_lose(struct redis_channel *it);

/* Its topic is listened to. */
void redis_channel_open(struct redis_channel *it);

/* It has waited: if it had failed, it asks again. */
void redis_channel_retry(struct redis_channel *it);

/* A publication was passed on. */
void redis_channel_hear(struct redis_channel *it, const struct redis_publication *publication);

/* The turn ends: says and asks what it has to. */
void redis_channel_flush(struct redis_channel *it);

#endif
