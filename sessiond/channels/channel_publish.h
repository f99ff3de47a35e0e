/*
 * Publishing.
 */
#ifndef SESSIOND_CHANNEL_PUBLISH_H
#define SESSIOND_CHANNEL_PUBLISH_H

#include "sessiond/channels/channels.h"

/*
 * Publishes. CHANNEL_OK: what of it is to be stored is committed with the turn; *position is the
 * message's, zeros if nobody hears and keeps it. CHANNEL_LATER: the waiter is told (NULL: nobody),
 * and has to live until then. Anything else is why nothing was published.
 */
enum channel_result
channels_publish(struct channel_space *space, const struct publishing *publishing,
    struct channel_waiter *waiter, struct channel_position *position);

/* Why something was not published, for people. */
const char *channels_publish_reason(enum channel_result result);

/*
 * With an engine, whose clients hear of it on all daemons: a message that is neither counted nor
 * kept, as channels_send. Without one it is the same.
 */
void
channels_send_shared(const struct channel *channel, struct message *message, const char *except);

/*
 * Has the kind's `signalled` called for the channel of that name, on all daemons that have it. The
 * result is as that of channels_publish.
 */
enum channel_result channels_signal(
    struct channel_space *space, const char *name, size_t len, struct channel_waiter *waiter);

/*
 * With an engine: the next message of the channel, which was published at `time` (ms since 1970),
 * is told and kept here.
 */
void channels_deliver(struct channel *channel, const struct publishing *publishing, uint64_t time);

/*
 * Sends a message to all subscribers but the one with the uuid `except` (NULL: to all). It is not
 * counted and not kept.
 */
void channels_send(const struct channel *channel, struct message *message, const char *except);

#endif
