/*
 * What goes to the subscribers of all daemons: publications, texts that are not counted, signals.
 */
#ifndef SESSIOND_REDIS_PUBLISH_H
#define SESSIOND_REDIS_PUBLISH_H

#include "sessiond/redis/redis_state.h"

/* As struct channel_engine_calls has them. */
enum channel_result redis_publish(struct channel_engine *engine, struct channel_space *space,
    const struct publishing *publishing, uint32_t keeps, struct channel_waiter *waiter);
void redis_send(struct channel_engine *engine, const struct channel *channel, const char *text,
    size_t len, const char *except);
enum channel_result redis_signal(struct channel_engine *engine, struct channel_space *space,
    const char *name, size_t len, struct channel_waiter *waiter);

/*
 * Who has subscribed hears what is published after that, by the same application at least: while
 * somebody waits to be let in, publications of this daemon are held. Now they go, or (is_away)
 * fail.
 */
void redis_publish_release(struct redis_channel *it, bool is_away);

#endif
