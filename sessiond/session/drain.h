/*
 * The drain event: sessions that have had more than drain_mark bytes waiting (session_write notes
 * that), and have nothing waiting any more.
 *
 * It is noted while messages are flushed, and told after that, once a round. An application that
 * writes again at once does so in the next round, and the loop comes to its sockets between two.
 */
#ifndef SESSIOND_DRAIN_H
#define SESSIOND_DRAIN_H

#include <stdbool.h>

struct session;
struct sessions;

/* Messages of the session may have left. */
void drain_note_flush(struct session *session);

/* Tells the applications. Returns true if there was one to tell. */
bool drain_tell(struct sessions *sessions);

#endif
