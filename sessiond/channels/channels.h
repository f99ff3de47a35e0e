/*
 * The channels of a daemon. Each service has channels of its own: a space.
 *
 * What is published reaches those who have subscribed by then, in the order in which it was
 * published; where the space keeps a history, it is stored before whoever has published it is
 * answered.
 */
#ifndef SESSIOND_CHANNELS_H
#define SESSIOND_CHANNELS_H

#include "common/hash_table.h"
#include "common/timer_queue.h"
#include "sessiond/channels/channel.h"
#include "sessiond/channels/channel_journal.h"
#include "sessiond/channels/channel_message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct server_options;
struct session;
struct sessions;
struct sockjs_service;

enum channel_result {
	CHANNEL_OK,
	CHANNEL_BAD_NAME,
	CHANNEL_TOO_MANY, /* channels of a connection, or in all */
	CHANNEL_NO_ROOM,  /* in the histories, or for the message */
	CHANNEL_NO_STORE, /* which cannot be written now */
};

/* The channels of one service. */
struct channel_space {
	struct channels *all;
	const struct sockjs_service *service; /* whose name and options are the space's */
	LIST_ENTRY(channel_space) entry;
	struct hash_table table;
	struct timer_queue ttls;
};

/* Caps, from the options of [server]. */
struct channels_limits {
	size_t channels;	 /* in all */
	uint32_t per_connection; /* channels */
	size_t history;		 /* bytes in all */
};

struct channels {
	struct sessions *sessions;
	struct channels_limits limits;
	uint64_t (*clock)(void); /* ms since 1970 */
	LIST_HEAD(channel_spaces, channel_space) spaces;
	size_t count;
	size_t history_bytes;
	uint64_t published; /* messages, since the start */
	struct channel_journal journal;
};

/* Borrows the sessions. Without caps, until channels_limit. */
void channels_init(struct channels *all, struct sessions *sessions);

/* At the start, and when the options change. */
void channels_limit(struct channels *all, const struct server_options *options);

/* Frees everything. After the last session and service. */
void channels_clear(struct channels *all);

/* The space of a service; made when it is asked for first. */
struct channel_space *channels_of(struct channels *all, struct sockjs_service *service);

/* The service ends: so do its channels. */
void channels_end_service(struct sockjs_service *service);

/*
 * Subscribes a session, which is open. from NULL: from now on. Else it gets at once what was
 * published after that, all of it (*recovered true), or nothing (false). Also OK, and nothing is
 * sent, if it has subscribed already.
 */
enum channel_result channels_subscribe(struct channel_space *space, const char *name, size_t len,
    struct session *session, const struct channel_position *from, bool *recovered);

/* Does nothing if it has not subscribed. */
void channels_unsubscribe(
    struct channel_space *space, const char *name, size_t len, struct session *session);

/*
 * Publishes. CHANNEL_OK: what of it is to be stored is committed with the turn; *position is the
 * message's, zeros if nobody hears and keeps it. Anything else is why nothing was published.
 */
enum channel_result channels_publish(struct channel_space *space,
    const struct publishing *publishing, struct channel_position *position);

/* The channel of that name; NULL if there is none. */
struct channel *channels_find(const struct channel_space *space, const char *name, size_t len);

/*
 * A channel as it was stored: the next publication has that offset. If there is one of that name
 * already, it is that one, with its own number. NULL: it can have no such name.
 */
struct channel *channels_restore(struct channel_space *space, const char *name, size_t len,
    uint64_t number, uint64_t epoch, uint64_t next);

/* All of it has been read: its history ages, and without one and without subscribers it ends. */
void channels_restored(struct channel *channel);

#endif
