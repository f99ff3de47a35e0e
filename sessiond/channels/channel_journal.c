/*
 * See channel_journal.h.
 */
#include "sessiond/channels/channel_journal.h"

#include "common/memory.h"

#include <stdlib.h>

void
channel_journal_clear(struct channel_journal *journal)
{
	free(journal->ended.numbers);
	free(journal->subscriptions.items);
	*journal = (struct channel_journal){0};
}

void
channel_journal_mark(struct channel_journal *journal, struct channel *channel)
{
	if (!journal->is_kept || channel->is_changed)
		return;
	channel->is_changed = true;
	LIST_INSERT_HEAD(&journal->changed, channel, changed_entry);
}

void
channel_journal_forget(struct channel_journal *journal, uint64_t channel)
{
	journal->ended.numbers = xgrow(journal->ended.numbers, &journal->ended.room,
	    journal->ended.count, sizeof *journal->ended.numbers);
	journal->ended.numbers[journal->ended.count++] = channel;
}

void
channel_journal_end(struct channel_journal *journal, struct channel *channel)
{
	if (channel->is_changed)
		LIST_REMOVE(channel, changed_entry);
	channel->is_changed = false;
	if (channel->is_stored)
		channel_journal_forget(journal, channel->number);
}

static void
note(struct channel_journal *journal, uint64_t session, uint64_t channel, bool ends)
{
	if (!journal->is_kept)
		return;
	journal->subscriptions.items =
	    xgrow(journal->subscriptions.items, &journal->subscriptions.room,
		journal->subscriptions.count, sizeof *journal->subscriptions.items);
	journal->subscriptions.items[journal->subscriptions.count++] =
	    (struct subscription_change){session, channel, ends};
}

void
channel_journal_subscribe(
    struct channel_journal *journal, struct channel *channel, uint64_t session)
{
	if (!channel->is_stored)
		channel_journal_mark(journal, channel);
	note(journal, session, channel->number, false);
}

void
channel_journal_unsubscribe(struct channel_journal *journal, uint64_t channel, uint64_t session)
{
	note(journal, session, channel, true);
}

bool
channel_journal_is_empty(const struct channel_journal *journal)
{
	return LIST_EMPTY(&journal->changed) && journal->ended.count == 0 &&
	    journal->subscriptions.count == 0;
}

void
channel_journal_settle(struct channel_journal *journal)
{
	struct channel *channel;

	while ((channel = LIST_FIRST(&journal->changed)) != NULL) {
		LIST_REMOVE(channel, changed_entry);
		channel->is_changed = false;
		channel->is_stored = true;
		channel->stored_first = channel->history.first;
		channel->stored_end = history_end(&channel->history);
	}
	journal->ended.count = journal->subscriptions.count = 0;
}
