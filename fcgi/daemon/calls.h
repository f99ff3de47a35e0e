/*
 * The requests that sessiond has to answer, by their ids.
 *
 * A call is listed until its answer is complete, however often the connection to sessiond breaks
 * meanwhile. Each connection issues it once.
 */
#ifndef FCGI_DAEMON_CALLS_H
#define FCGI_DAEMON_CALLS_H

#include "common/buffer.h"
#include "common/timer_queue.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

enum { CALLS_BUCKETS = 4096 };

enum call_kind {
	CALL_RECEIVE,
	CALL_SEND,
	CALL_ASK, /* a request of the HTTP API, passed on whole */
};

struct backend;

/* Embedded in a request. Zeros and an id make one that is not listed. */
struct call {
	struct backend *backend; /* that it was listed with last; NULL: none (backends.h) */
	/* Of what the daemon that has it is to answer; borrowed. NULL: any daemon can. */
	const char *session;
	size_t session_len;
	uint64_t id; /* among all of this process, not 0; what sessiond calls it */
	enum call_kind kind;
	bool is_once;	 /* what sessiond may have done already, it is not asked for again */
	bool is_listed;	 /* it waits for an answer, or for the rest of one */
	bool is_issued;	 /* sessiond got it, on the present connection */
	bool was_issued; /* ... or on one before */
	/*
	 * The link by which its last frame came: sessiond wants to hear there if that was written.
	 * 0: none.
	 */
	uint64_t ended_by;
	struct buffer part; /* of a frame that comes in several messages, until the last is here */
	struct timer patience; /* runs while it is listed and not issued */
	/* What is held against it (suspects.h). */
	struct suspicion {
		uint64_t issued_at; /* ms, the loop's time */
		unsigned losses;    /* of connections, in a row */
		bool is_tried;
	} suspicion;
	LIST_ENTRY(call) entry;
};

struct calls {
	LIST_HEAD(calls_bucket, call) buckets[CALLS_BUCKETS];
};

/* Makes an empty table. */
void calls_init(struct calls *calls);

/* Lists a call (borrowed) that is not listed. */
void calls_add(struct calls *calls, struct call *call);

/* Takes a call off the list, and stops its patience; does nothing to one that is not listed. */
void calls_remove(struct call *call);

/* Takes a call off its list and lists it in these; its patience goes on. */
void calls_move(struct calls *to, struct call *call);

/* The listed call with that id; NULL: none. */
struct call *calls_find(const struct calls *calls, uint64_t id);

/* Calls fn with each listed call. fn may take that one off the list, and may list others. */
void calls_each(struct calls *calls, void (*fn)(struct call *call, void *context), void *context);

/* sessiond got it, on the present connection, at now (ms). */
void call_set_issued(struct call *call, uint64_t now);

/*
 * The connection is lost. What has come of a frame is forgotten: its client has seen nothing of it.
 */
void call_set_adrift(struct call *call);

/*
 * A part of a frame came: *bytes and *len. Returns true if the frame is whole, which *bytes and
 * *len are then; valid until whole, which the caller frees, is freed. more: others follow. If there
 * is no memory, returns false and buffer_failed(&call->part) is true.
 */
bool
call_take_part(struct call *call, const char **bytes, size_t *len, bool more, struct buffer *whole);

/* Frees what a call has that is not listed any more. */
void call_clear(struct call *call);

#endif
