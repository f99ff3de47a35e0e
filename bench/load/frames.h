/*
 * Counts the messages in what a websocket's server sends (RFC 6455, 5.2). Payloads are not kept.
 */
#ifndef LOAD_FRAMES_H
#define LOAD_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Each message has this character once, as its last: counting it counts messages. */
#define MESSAGE_MARK '~'

/* Zeroed for a new connection. */
struct frame_reader {
	uint8_t head[10];
	uint8_t head_len; /* bytes of an incomplete head */
	uint64_t left;	  /* bytes of the payload that are still to come */
	unsigned pings;	  /* that have come; whoever answers them takes them off */
};

/* How many marks there are in len bytes. */
unsigned count_marks(const char *data, size_t len);

/*
 * Takes the next len bytes of the connection. Returns how many messages they complete: marks in
 * text and binary frames, or, if compressed, whose marks cannot be seen, the last frames of
 * messages. Returns -1 if there is a close frame.
 */
int frame_reader_take(struct frame_reader *r, const char *data, size_t len, bool compressed);

#endif
