/*
 * The drain event: which sessions have had more than drain_mark bytes waiting, and when nothing waits any more.
 *
 * Noted while messages are flushed, told after that, once a round: an application that writes again at once does so in the next
 * round, and the loop comes to its sockets between two.
 */
#ifndef SESSIOND_DRAIN_H
#define SESSIOND_DRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct session;
struct sessions;

/* Sessions to be told, by handle: one that ends meanwhile is not followed. All zero bytes: none. */
struct drain_list {
	uint64_t *handles;
	size_t count, room;
};

/* A message was queued. */
void drain_note_write(struct session *session);

/* Messages may have left. */
void drain_note_flush(struct session *session);

/* Tells the applications. Returns true if there was one to tell. */
bool drain_tell(struct sessions *sessions);

/* Frees the list's storage. */
void drain_clear(struct drain_list *list);

#endif
