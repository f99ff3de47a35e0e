/*
 * What of connections of workers the store has to be told. worker_store.c writes it.
 *
 * Each connection is a record from its begin until its application has handled its end; each event
 * that waits is another, if the session is stored as well: what a client was told to have arrived
 * outlives the daemon.
 */
#ifndef SESSIOND_WORKER_JOURNAL_H
#define SESSIOND_WORKER_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct worker_event;

/* Part of a connection. What the store knows of it, and whether that is to change. */
struct worker_record {
	uint64_t number; /* of the records; 0: it is not kept */
	bool keeps_events;
	bool is_stored, is_changed, is_marked;
	uint64_t stored_first, stored_end; /* numbers of events that are stored */
	struct worker_event *stored_last;  /* the last of them, while it is not handled */
	LIST_ENTRY(worker_record) entry;
};

/* All zero bytes: nothing has changed. */
struct worker_journal {
	uint64_t last_number;
	bool has_handled; /* in this turn: effects of it wait for the commit */
	LIST_HEAD(, worker_record) changed;
	struct {
		uint64_t *numbers;
		size_t count, room;
	} ended; /* records that are to be deleted */
};

/* A new connection: it is kept from now on. */
void worker_journal_begin(
    struct worker_journal *journal, struct worker_record *record, bool keeps_events);

/* Its events have changed; itself: what is known of it as well. */
void worker_journal_mark(struct worker_journal *journal, struct worker_record *record, bool itself);

/* It ends: what the store has of it is deleted. */
void worker_journal_end(struct worker_journal *journal, struct worker_record *record);

/* Records of a number that nobody has any more are deleted. */
void worker_journal_forget(struct worker_journal *journal, uint64_t number);

bool worker_journal_is_empty(const struct worker_journal *journal);

void worker_journal_clear(struct worker_journal *journal);

#endif
