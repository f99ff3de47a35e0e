/*
 * What of the channels the store has to be told. channel_store.c writes it.
 *
 * A channel is stored as soon as it has a history, or a subscriber that is stored.
 */
#ifndef SESSIOND_CHANNEL_JOURNAL_H
#define SESSIOND_CHANNEL_JOURNAL_H

#include "sessiond/channels/channel.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

/* Of a session that is stored. */
struct subscription_change {
	uint64_t session, channel; /* its key; the channel's number */
	bool ends;
};

/* All zero bytes: nothing has changed, and nothing is kept. */
struct channel_journal {
	bool is_kept; /* there is a store */
	uint64_t last_number;
	LIST_HEAD(, channel) changed;
	struct {
		uint64_t *numbers;
		size_t count, room;
	} ended; /* channels that the store has */
	struct {
		struct subscription_change *items;
		size_t count, room;
	} subscriptions;
};

void channel_journal_clear(struct channel_journal *journal);

/* The channel is to be stored: its position, and what is new or gone of its history. */
void channel_journal_mark(struct channel_journal *journal, struct channel *channel);

/* The channel ends. */
void channel_journal_end(struct channel_journal *journal, struct channel *channel);

/* A session, stored under a key, has subscribed. */
void channel_journal_subscribe(
    struct channel_journal *journal, struct channel *channel, uint64_t session);

/* It is not subscribed any more; channel: its number. */
void
channel_journal_unsubscribe(struct channel_journal *journal, uint64_t channel, uint64_t session);

/* A channel that the store has is not there any more. */
void channel_journal_forget(struct channel_journal *journal, uint64_t channel);

bool channel_journal_is_empty(const struct channel_journal *journal);

/* All of it is stored. */
void channel_journal_settle(struct channel_journal *journal);

#endif
