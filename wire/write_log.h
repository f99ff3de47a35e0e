/*
 * What a responder was about to write when it died, in memory that outlives it.
 *
 * A responder that is killed right after it has written an answer to its web server cannot tell
 * sessiond any more. So it notes before the write which request it answers. The note is a store
 * into memory, whose descriptor sessiond got when the responder connected (link_send_descriptor).
 * What is noted and was never confirmed counts as written. Only a kill between the note and the
 * write makes that wrong. If sessiond is killed as well before it has read WRITTEN, which may be
 * kept back for a while, the note is gone, and the client may get the frame twice.
 *
 * Without it (doc/model/local-socket.pml, NO_WRITE_LOG): a responder writes an answer and dies
 * before sessiond has read its WRITTEN; sessiond takes the frame for lost, and the client gets it
 * twice. Chaos behind lighttpd without the log: twice in 92 kills.
 */
#ifndef WIRE_WRITE_LOG_H
#define WIRE_WRITE_LOG_H

#include <stdbool.h>
#include <stdint.h>

/* The last requests that are known: many more than are written before sessiond hears of it. */
#define WRITE_LOG_ENTRIES 1023

struct write_log {
	int fd; /* -1: there is none, as the system has no memory for it; all calls do nothing */
	uint64_t *memory;
};

void write_log_create(struct write_log *log);
void write_log_destroy(struct write_log *log);

/* The answer to that request is complete with the write that follows. id: not 0. */
void write_log_put(struct write_log *log, uint64_t id);

/* The write did not take all: what was put last is not so. */
void write_log_take_back(struct write_log *log);

/*
 * True if the descriptor that a peer gave is that of such a log: memory of that size which cannot
 * shrink, so that reading it neither waits for anybody nor fails.
 */
bool write_log_is_log(int fd);

/*
 * True if the id was put into the log with that descriptor, which a peer gave; -1: there is none.
 * False if it is no such log. Does not block.
 */
bool write_log_has(int fd, uint64_t id);

#endif
