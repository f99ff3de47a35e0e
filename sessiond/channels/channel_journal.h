/*
 * What of the channels the store has to be told. channel_store.c writes it.
 *
 * A channel is stored as soon as it has a history, a member, or a subscriber that is stored.
 */
#ifndef SESSIOND_CHANNEL_JOURNAL_H
#define SESSIOND_CHANNEL_JOURNAL_H

#include "sessiond/channels/channel.h"
#include "sessiond/store/store_types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

/* A record that is to be written, or to be deleted: a subscription or a member. */
struct record_change {
	enum store_kind kind;
	uint64_t number, part;
	char *data; /* owned; NULL with length 0 */
	size_t len;
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
		struct record_change *items; /* in the order in which they happened */
		size_t count, room;
	} records;
};

void channel_journal_clear(struct channel_journal *journal);

/* The channel is to be stored: its position, and what is new or gone of its history. */
void channel_journal_mark(struct channel_journal *journal, struct channel *channel);

/* The channel ends. */
void channel_journal_end(struct channel_journal *journal, struct channel *channel);

/* A session, stored under a key, has subscribed, as a member or (NULL) as none. */
void channel_journal_subscribe(struct channel_journal *journal, struct channel *channel,
    uint64_t session, const struct presence_member *member);

/* It is not subscribed any more; channel: its number. */
void
channel_journal_unsubscribe(struct channel_journal *journal, uint64_t channel, uint64_t session);

/* A channel has a member more. */
void channel_journal_join(struct channel_journal *journal, const struct presence_member *member);

/* A member is none any more: by the numbers of its channel and its own. */
void channel_journal_part(struct channel_journal *journal, uint64_t channel, uint64_t member);

/* A channel that the store has is not there any more. */
void channel_journal_forget(struct channel_journal *journal, uint64_t channel);

bool channel_journal_is_empty(const struct channel_journal *journal);

/* The store has begun anew: what it was to be told before concerns it no more. */
void channel_journal_restart(struct channel_journal *journal);

/* All of it is stored. */
void channel_journal_settle(struct channel_journal *journal);

#endif
