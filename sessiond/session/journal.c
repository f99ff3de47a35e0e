/*
 * See journal.h. An entry is in one list at most: one that is late and changes again is changed.
 */
#include "sessiond/session/journal.h"

#include "common/memory.h"

#include <stdlib.h>

static void
late_fire(struct timer *timer, void *ctx)
{
	(void)timer;
	((struct journal *)ctx)->is_late_due = true;
}

void
journal_init(struct journal *journal, struct timers *timers)
{
	*journal = (struct journal){.is_kept = false};
	timer_queue_add(timers, &journal->late_delays, JOURNAL_LATE_DELAY, late_fire, journal);
}

void
journal_clear(struct journal *journal, struct timers *timers)
{
	timer_queue_remove(timers, &journal->late_delays);
	free(journal->ended.keys);
}

/* --- a session -------------------------------------------------------------------------------- */

static struct journal_entry *
create(void *owner, uint64_t key)
{
	struct journal_entry *entry = xcalloc(1, sizeof *entry);

	entry->owner = owner;
	entry->key = key;
	return entry;
}

struct journal_entry *
journal_begin(struct journal *journal, void *owner)
{
	struct journal_entry *entry;

	if (!journal->is_kept)
		return NULL;
	entry = create(owner, ++journal->last_key);
	journal_mark(journal, entry, CHANGE_SESSION);
	return entry;
}

static void
note_key(struct journal *journal, uint64_t key)
{
	if (journal->last_key < key)
		journal->last_key = key;
}

struct journal_entry *
journal_resume(struct journal *journal, void *owner, uint64_t key)
{
	struct journal_entry *entry = create(owner, key);

	entry->is_stored = true;
	note_key(journal, key);
	return entry;
}

static void
add_ended(struct journal *journal, uint64_t key)
{
	journal->ended.keys = xgrow(journal->ended.keys, &journal->ended.room, journal->ended.count,
	    sizeof *journal->ended.keys);
	journal->ended.keys[journal->ended.count++] = key;
	journal->is_touched = true;
}

void
journal_forget(struct journal *journal, uint64_t key)
{
	add_ended(journal, key);
	note_key(journal, key);
}

static void
move(struct journal_entry *entry, struct journal_list *list, int place)
{
	if (entry->place != JOURNAL_SETTLED)
		LIST_REMOVE(entry, next);
	entry->place = place;
	if (list != NULL)
		LIST_INSERT_HEAD(list, entry, next);
}

void
journal_end(struct journal *journal, struct journal_entry **entry, bool forget)
{
	if (*entry == NULL)
		return;
	if (forget && (*entry)->is_stored)
		add_ended(journal, (*entry)->key);
	move(*entry, NULL, JOURNAL_SETTLED);
	free(*entry);
	*entry = NULL;
}

void
journal_mark(struct journal *journal, struct journal_entry *entry, enum change change)
{
	if (entry == NULL)
		return;
	entry->changes |= change;
	if (entry->place != JOURNAL_CHANGED)
		move(entry, &journal->changed, JOURNAL_CHANGED);
	journal->is_touched = true;
}

void
journal_note_send(struct journal *journal)
{
	journal->has_sends = true;
}

void
journal_mark_send(struct journal *journal, struct journal_entry *entry)
{
	journal_note_send(journal);
	journal_mark(journal, entry, CHANGE_SENT);
}

void
journal_mark_delivered(
    struct journal *journal, struct journal_entry *entry, enum change_urgency urgency, uint64_t now)
{
	if (entry == NULL || entry->link_id == 0)
		return;
	if (urgency == CHANGE_NOW) {
		journal_mark(journal, entry, CHANGE_MESSAGES);
		return;
	}
	if (entry->place == JOURNAL_SETTLED)
		move(entry, &journal->late, JOURNAL_LATE);
	if (!timer_is_running(&journal->late_timer))
		timer_start(&journal->late_delays, &journal->late_timer, now);
}

void
journal_hurry(struct journal *journal)
{
	if (!LIST_EMPTY(&journal->late))
		journal->is_late_due = true;
}

/* --- for the store's owner -------------------------------------------------------------------- */

void
journal_settle(struct journal_entry *entry)
{
	entry->changes = 0;
	entry->was_returned = false;
	move(entry, NULL, JOURNAL_SETTLED);
}

void
journal_end_turn(struct journal *journal)
{
	journal->is_touched = journal->has_sends = false;
}
