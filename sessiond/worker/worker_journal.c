/*
 * See worker_journal.h.
 */
#include "sessiond/worker/worker_journal.h"

#include "common/memory.h"
#include "sessiond/worker/worker_connection.h"

#include <stdlib.h>

void
worker_journal_begin(
    struct worker_journal *journal, struct worker_connection *connection, bool keeps_events)
{
	connection->record.number = ++journal->last_number;
	connection->record.keeps_events = keeps_events;
	worker_journal_mark(journal, connection, true);
}

void
worker_journal_mark(
    struct worker_journal *journal, struct worker_connection *connection, bool record)
{
	struct worker_record *kept = &connection->record;

	if (kept->number == 0)
		return;
	kept->is_changed = kept->is_changed || record;
	if (kept->is_marked || (!record && !kept->keeps_events))
		return;
	kept->is_marked = true;
	LIST_INSERT_HEAD(&journal->changed, connection, record.entry);
}

void
worker_journal_forget(struct worker_journal *journal, uint64_t number)
{
	journal->ended.numbers = xgrow(journal->ended.numbers, &journal->ended.room,
	    journal->ended.count, sizeof *journal->ended.numbers);
	journal->ended.numbers[journal->ended.count++] = number;
}

void
worker_journal_end(struct worker_journal *journal, struct worker_connection *connection)
{
	struct worker_record *kept = &connection->record;

	if (kept->is_marked)
		LIST_REMOVE(connection, record.entry);
	if (kept->is_stored)
		worker_journal_forget(journal, kept->number);
	*kept = (struct worker_record){.number = 0};
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
