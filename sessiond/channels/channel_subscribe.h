/*
 * Subscribing, and who a subscriber is.
 */
#ifndef SESSIOND_CHANNEL_SUBSCRIBE_H
#define SESSIOND_CHANNEL_SUBSCRIBE_H

#include "sessiond/channels/channel_engine.h"
#include "sessiond/channels/channels.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed. */
struct subscribing {
	const char *name; /* of the channel */
	size_t name_len;
	const struct channel_position *from; /* what it has of it; NULL: nothing is recovered */
	const struct channel_member *member; /* as which it is there; NULL: as none */
};

/*
 * Subscribes a session, which is open. CHANNEL_LATER, with an engine alone: it is subscribed once
 * that lets it in; then its kind's `subscribed` is called, or `refused`.
 *
 * OK: from NULL: from now on. Else it gets at once what was published after that, all of it
 * (*recovered true), or nothing (false): also if it is more than half of what may wait for it
 * (queue_limit). Also OK, and nothing else happens, if it has subscribed already.
 */
enum channel_result channels_subscribe(struct channel_space *space,
    const struct subscribing *subscribing, struct session *session, bool *recovered);

/*
 * With an engine: true if somebody who waits needs nothing, or what was asked for it was answered:
 * the tickets up to that one are.
 */
bool channels_entrant_is_ready(
    const struct channel *channel, const struct channel_entrant *entrant, uint64_t answered);

/* With an engine: those who wait and are ready are let in, or refused. */
void channels_admit(struct channel *channel, uint64_t answered);

/* Does nothing if it has not subscribed. */
void channels_unsubscribe(
    struct channel_space *space, const char *name, size_t len, struct session *session);

/* The member as which a session has subscribed; NULL: it has not, or as none. */
const struct presence_member *
channels_member(const struct channel *channel, const struct session *session);

#endif
