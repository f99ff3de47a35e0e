/*
 * What a responder was about to write when it died, in memory that outlives it.
 *
 * A responder that is killed right after it has written an answer to its web server cannot tell sessiond any more. So it notes, before the
 * write, which request it answers: a store into memory, whose descriptor sessiond was given at the start. What is noted and was
 * never confirmed counts as written: only a kill between the note and the write makes that wrong.
 */
#ifndef COMMON_WRITE_LOG_H
#define COMMON_WRITE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The last requests that are known: many more than are written before sessiond hears of it. */
#define WRITE_LOG_ENTRIES 1023

struct write_log {
	int fd; /* -1: there is none, as the system has no memory for it; all calls then do nothing */
	uint64_t *memory;
};

void write_log_create(struct write_log *log);
void write_log_destroy(struct write_log *log);

/* The answer to that request is complete with the write that follows. id: not 0. */
void write_log_put(struct write_log *log, uint64_t id);

/* The write did not take all: what was put last is not so. */
void write_log_take_back(struct write_log *log);

/* As send(2) to a Unix socket, with the log's descriptor. */
ssize_t write_log_send(const struct write_log *log, int socket, const void *data, size_t len);

/*
 * As recv(2); a descriptor that comes along is stored in *fd, which is -1 or closed before, and is then the caller's. More than one is
 * closed by the system.
 */
ssize_t write_log_receive(int socket, void *data, size_t len, int *fd);

/* What was put into the log with that descriptor, which a peer gave: false if it is no such log, or the id is not there. Does not block. */
bool write_log_has(int fd, uint64_t id);

#endif
