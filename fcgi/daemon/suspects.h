/*
 * Which request makes sessiond crash? When the connection to sessiond is lost, requests without an answer are sent again; one that
 * sessiond dies of would be so without end, and everybody's requests with it.
 *
 * A request is suspected that was issued less than SUSPECTS_WINDOW_MS before the connection was lost; each such loss in a row counts, a
 * later one proves it innocent. After two, it is held back on the next connection, and tried: requests that send before those that
 * receive, first one alone, then two, four, ..., each batch when the one before has lived for SUSPECTS_TRIAL_MS. One that is lost while
 * it is tried alone, with its third loss if it sends, its fifth if it receives, is guilty: it gets 503 and a line in the log, and the
 * others are cleared. A goodbye of sessiond is no loss.
 */
#ifndef FCGI_SUSPECTS_H
#define FCGI_SUSPECTS_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

enum {
	SUSPECTS_WINDOW_MS = 1000,
	SUSPECTS_TRIAL_MS = 50,
};

struct backend;
struct request;
struct suspects;

/* What is held against one request. All zero: nothing. */
struct suspicion {
	uint64_t issued_at; /* ms, the loop's time */
	unsigned losses;    /* in a row */
	bool is_tried;	    /* issued as one of those held back */
};

/* backend is borrowed. */
struct suspects *suspects_create(struct backend *backend, uv_loop_t *loop);
void suspects_destroy(struct suspects **suspects);

/* True if the request has to wait for its trial. */
bool suspects_hold_back(const struct request *request);

/* sessiond is there again, and has what is not held back: begins the trials. */
void suspects_try(struct suspects *suspects);

/* The connection was lost, and the requests are still as they were issued: judges them. The guilty one is answered. */
void suspects_judge(struct suspects *suspects);

#endif
