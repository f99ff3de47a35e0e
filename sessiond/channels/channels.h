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
#include "sessiond/channels/channel_result.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct channel_engine;
struct channel_entrant;
struct server_options;
struct session;
struct sessions;
struct sockjs_service;
struct subscribing;

/*
 * What the channels of a space are like. Nothing in it may end a session, a channel or a service.
 */
struct channel_kind {
	/* What subscribers get: one reference; NULL without memory. */
	struct message *(*compose)(const struct channel_space *space,
	    const struct publishing *publishing, const struct channel_position *position);
	/* How many messages a channel of that name keeps. NULL: the option `history` says it. */
	uint32_t (*keeps)(const struct channel_space *space, const char *name, size_t len);

	/*
	 * These may be NULL. Somebody has subscribed, before it gets what it has missed; somebody
	 * is subscribed no more, or, after a restart, nobody is whose channel is_occupied.
	 */
	void (*subscribed)(struct channel *channel, struct session *session,
	    const struct subscribing *subscribing, bool recovered);
	void (*unsubscribed)(struct channel *channel);
	/* A member is there that was not, brought by that session; one is not any more. */
	void (*joined)(struct channel *channel, const struct presence_member *member,
	    const struct session *session);
	void (*parted)(struct channel *channel, const struct presence_member *member);

	/*
	 * Somebody has signalled (channels_signal). And with an engine, when `unsubscribed` is not
	 * called, and `joined` without a session: somebody who waited was not let in; there are
	 * messages that subscribers will never get; there are other subscribers elsewhere.
	 */
	void (*signalled)(struct channel *channel);
	void (*refused)(struct channel *channel, struct session *session, enum channel_result why);
	void (*lost)(struct channel *channel);
	void (*recounted)(struct channel *channel);
	/*
	 * Of all daemons, one is told: a channel has subscribers on any, or on none any more
	 * (member NULL); a member is there, or none any more. The channel need not be one of this
	 * daemon.
	 */
	void (*happened)(const struct channel_space *space, const char *channel,
	    const struct channel_member *member, bool is_there);
};

/* The channels of one service. */
struct channel_space {
	struct channels *all;
	const struct channel_kind *kind;
	struct sockjs_service *service; /* whose name and options are the space's */
	LIST_ENTRY(channel_space) entry;
	struct hash_table table;
	struct timer_queue ttls;	/* of histories */
	struct timer_queue absences;	/* of members without a connection */
	LIST_HEAD(, channel) recounted; /* those that are */
};

/* Caps, from the options of [server]. */
struct channels_limits {
	size_t channels;	 /* in all */
	uint32_t per_connection; /* channels */
	uint32_t members;	 /* of a channel */
	size_t member;		 /* bytes of one: its id, and what is known of it */
	size_t history;		 /* bytes in all */
};

struct channels {
	struct sessions *sessions;
	const struct channel_kind *kind; /* of a service that has no other */
	struct channels_limits limits;
	uint64_t (*clock)(void); /* ms since 1970 */
	LIST_HEAD(channel_spaces, channel_space) spaces;
	size_t count;
	size_t history_bytes;
	uint64_t published; /* messages, since the start */
	struct channel_journal journal;
	struct channel_engine *engine; /* NULL: channels are this daemon's own */
};

/*
 * Borrows both; kind: of the channels of a service without channel_kind. Without caps, until
 * channels_limit.
 */
void
channels_init(struct channels *all, struct sessions *sessions, const struct channel_kind *kind);

/* At the start, and when the options change. */
void channels_limit(struct channels *all, const struct server_options *options);

/* Frees everything. After the last session and service. */
void channels_clear(struct channels *all);

/* The space of a service; made when it is asked for first. */
struct channel_space *channels_of(struct channels *all, struct sockjs_service *service);

/* The service ends: so do its channels. */
void channels_end_service(struct sockjs_service *service);

/* The channel of that name; NULL if there is none. */
struct channel *channels_find(const struct channel_space *space, const char *name, size_t len);

/* Calls each for every channel, in no order; none may begin or end meanwhile. */
void channels_each(const struct channel_space *space,
    void (*each)(struct channel *channel, void *context), void *context);

/* The same; made if there is none. */
enum channel_result channels_find_or_make(
    struct channel_space *space, const char *name, size_t len, struct channel **channel);

/* Ends a channel without subscribers, members and history; a shared one a while later. */
void channels_end_if_unused(struct channel *channel);

/* How many messages a channel of that name keeps. */
uint32_t channels_keeps(const struct channel_space *space, const char *name, size_t len);

/* Drops of its history what the options do not keep any more. */
void channels_trim(struct channel *channel);

/* Its history, which is not empty, ages from now on. */
void channels_start_ttl(struct channel *channel);

/* Counts that an option, an enum limit_id, has refused something. */
void channels_count_refusal(const struct channels *all, int limit);

/* True if that is the group of a channel's subscribers. */
bool channels_is_group(const struct member_array *group);

/* With an engine: somebody waits no more, and is not let in. Frees the entrant. */
void channels_turn_away(struct channel *channel, struct channel_entrant *entrant);

/* With an engine: a channel that nobody needs ends. */
void channels_end_shared(struct channel *channel);

/*
 * A channel as it was stored: the next publication has that offset. If there is one of that name
 * already, it is that one, with its own number. NULL: it can have no such name.
 */
struct channel *channels_restore(struct channel_space *space, const char *name, size_t len,
    uint64_t number, uint64_t epoch, uint64_t next);

/* A subscriber as it was stored; member: as which it has subscribed, or NULL. */
struct membership *channels_restore_subscriber(
    struct channel *channel, struct session *session, const struct channel_member *member);

/* A member as it was stored, with its number (0: a new one), or as a subscriber has made it. */
struct presence_member *channels_restore_member(
    struct channel *channel, const struct channel_member *member, uint64_t number);

/*
 * All of it has been read: its history ages, and members have disconnect_delay to come back.
 * Without history, members and subscribers it ends.
 */
void channels_restored(struct channel *channel);

#endif
