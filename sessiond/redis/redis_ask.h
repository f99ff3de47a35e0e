/*
 * What is known of channels over all daemons: how many subscribers and members, which, and the last
 * message.
 */
#ifndef SESSIOND_REDIS_ASK_H
#define SESSIOND_REDIS_ASK_H

#include "sessiond/redis/redis_state.h"

/* As channels_ask: what this daemon has to say was said before. */
void redis_ask(
    struct channel_engine *engine, struct channel_space *space, struct channel_question *question);

#endif
