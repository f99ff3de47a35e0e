/*
 * See channel_journal.h.
 */
#include "sessiond/channels/channel_journal.h"

#include "common/memory.h"

#include <stdlib.h>
#include <string.h>

static void
drop_records(struct channel_journal *journal)
{
	while (journal->records.count > 0)
		free(journal->records.items[--journal->records.count].data);
}

void
channel_journal_clear(struct channel_journal *journal)
{
	drop_records(journal);
	free(journal->ended.numbers);
	free(journal->records.items);
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

static struct record_change *
note(struct channel_journal *journal, enum store_kind kind, uint64_t number, uint64_t part)
{
	struct record_change *change;

	journal->records.items = xgrow(journal->records.items, &journal->records.room,
	    journal->records.count, sizeof *journal->records.items);
	change = &journal->records.items[journal->records.count++];
	*change = (struct record_change){kind, number, part, NULL, 0, false};
	return change;
}

static void
note_member(struct record_change *change, const struct presence_member *member)
{
	change->len = member->by_id.len + 1 + member->info_len;
	change->data = xmalloc(change->len);
	memcpy(change->data, member->id, change->len);
}

void
channel_journal_subscribe(struct channel_journal *journal, struct channel *channel,
    uint64_t session, const struct presence_member *member)
{
	struct record_change *change;

	if (!journal->is_kept)
		return;
	if (!channel->is_stored)
		channel_journal_mark(journal, channel);
	change = note(journal, STORE_SUBSCRIPTION, session, channel->number);
	if (member != NULL)
		note_member(change, member);
}

void
channel_journal_unsubscribe(struct channel_journal *journal, uint64_t channel, uint64_t session)
{
	if (journal->is_kept)
		note(journal, STORE_SUBSCRIPTION, session, channel)->ends = true;
}

void
channel_journal_join(struct channel_journal *journal, const struct presence_member *member)
{
	struct channel *channel = member->channel;

	if (!journal->is_kept)
		return;
	if (!channel->is_stored)
		channel_journal_mark(journal, channel);
	note_member(note(journal, STORE_MEMBER, channel->number, member->number), member);
}

void
channel_journal_part(struct channel_journal *journal, uint64_t channel, uint64_t member)
{
	if (journal->is_kept)
		note(journal, STORE_MEMBER, channel, member)->ends = true;
}

bool
channel_journal_is_empty(const struct channel_journal *journal)
{
	return LIST_EMPTY(&journal->changed) && journal->ended.count == 0 &&
	    journal->records.count == 0;
}

void
channel_journal_restart(struct channel_journal *journal)
{
	drop_records(journal);
	journal->ended.count = 0;
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
	channel_journal_restart(journal);
}
