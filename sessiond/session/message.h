/*
 * A message on its way to clients, and the queue of a session's. All connections that a message
 * goes to share it by reference count, and its frame too, once more than one of them needs it.
 */
#ifndef SESSIOND_MESSAGE_H
#define SESSIOND_MESSAGE_H

#include "common/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MESSAGE_COST 64 /* bytes a queued message costs beside its own, in memory or the store */

struct message {
	uint32_t refs;
	bool binary;
	bool is_ascii; /* all of its text; unset if binary */
	char *frame;   /* `a["m"]`; made when a shared message is first framed, NULL before */
	size_t frame_len;
	size_t len;  /* bytes of data */
	char data[]; /* WTF-8, or any bytes if binary */
};

/*
 * A message with one reference, with a copy of data. NULL without memory: an application chose len.
 */
struct message *message_create(const char *data, size_t len, bool binary);

/* True if its bytes are WTF-8, as those of a text have to be. */
bool message_is_text(const struct message *message);

/* Bytes of all messages there are. */
size_t messages_bytes(void);

/* One more reference. Returns message. */
struct message *message_ref(struct message *message);

/*
 * Gives a reference back, and frees the message with the last one. Sets *message NULL; takes NULL.
 */
void message_unref(struct message **message);

/* Appends the message as a quoted JSON string. Failure is the buffer's. */
void message_append_json(struct message *message, struct buffer *out);

/* Bytes that a message of len takes in the store beyond len and MESSAGE_COST. */
size_t message_paged(size_t len);

/* A queue of messages, first in, first out. Costs no storage while nothing was ever queued. */
struct message_queue {
	struct message **items; /* a ring */
	uint32_t head, count, room;
	size_t bytes;	/* of the messages, with an allowance for each one's own cost */
	size_t paged;	/* what the long ones take in the store beside that */
	uint64_t first; /* position of the first among all that were ever queued; no gaps */
};

/* Takes a reference of its own. Returns -1 without memory. */
int message_queue_push(struct message_queue *queue, struct message *message);

/*
 * Takes the first message off the queue; its reference becomes the caller's. NULL if the queue is
 * empty.
 */
struct message *message_queue_shift(struct message_queue *queue);

/*
 * Puts n messages back before the first, in their order; their references become the queue's.
 * Aborts without memory for the ring.
 */
void
message_queue_put_back(struct message_queue *queue, struct message *const *messages, uint32_t n);

/* Drops everything and frees the storage. */
void message_queue_clear(struct message_queue *queue);

/*
 * The frame of a queue that has one message, which others share: borrowed, as long as the message
 * is there. NULL: it has more, or nobody shares it.
 */
const char *message_queue_shared_frame(const struct message_queue *queue, size_t *len);

/* Appends n messages as one frame, `a["m1","m2"]`. n is not 0. */
void message_append_frame(struct message *const *messages, uint32_t n, struct buffer *out);

/*
 * Takes everything off the queue and appends it as one frame, `a["m1","m2"]`. The queue must not be
 * empty. If the buffer fails, it has everything still.
 */
void message_queue_append_frame(struct message_queue *queue, struct buffer *out);

#endif
