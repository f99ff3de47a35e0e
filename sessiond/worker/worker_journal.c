/*
 * See worker_journal.h.
 */
#include "sessiond/worker/worker_journal.h"

#include "common/memory.h"

#include <stdlib.h>

void
worker_journal_begin(
    struct worker_journal *journal, struct worker_record *record, bool keeps_events)
{
	record->number = ++journal->last_number;
	record->keeps_events = keeps_events;
	worker_journal_mark(journal, record, true);
}

void
worker_journal_mark(struct worker_journal *journal, struct worker_record *record, bool itself)
{
	if (record->number == 0)
		return;
	record->is_changed = record->is_changed || itself;
	if (record->is_marked || (!itself && !record->keeps_events))
		return;
	record->is_marked = true;
	LIST_INSERT_HEAD(&journal->changed, record, entry);
}

void
worker_journal_forget(struct worker_journal *journal, uint64_t number)
{
	journal->ended.numbers = xgrow(journal->ended.numbers, &journal->ended.room,
	    journal->ended.count, sizeof *journal->ended.numbers);
	journal->ended.numbers[journal->ended.count++] = number;
}

void
worker_journal_end(struct worker_journal *journal, struct worker_record *record)
{
	if (record->is_marked)
		LIST_REMOVE(record, entry);
	if (record->is_stored)
		worker_journal_forget(journal, record->number);
	*record = (struct worker_record){.number = 0};
}

bool
worker_journal_is_empty(const struct worker_journal *journal)
{
	return LIST_EMPTY(&journal->changed) && journal->ended.count == 0;
}

void
worker_journal_clear(struct worker_journal *journal)
{
	free(journal->ended.numbers);
	*journal = (struct worker_journal){.last_number = 0};
}
