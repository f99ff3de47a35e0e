/*
 * What is said on a leg (doc/resume.md). A message that begins with ~ is the leg's own; one of the
 * application that does has another ~ before it. All others are the application's, as they are.
 * Over HTTP they have numbers: a browser may repeat a request whose answer it has not seen, and the
 * answer to a poll may be lost.
 *
 *	~NUMBER TEXT   both: the application's message of that number
 *	~n             client: a new session
 *	~r COUNT KEY   client: that session again; COUNT of its messages have arrived
 *	~o MS KEY      server: it is open, may be away for MS, and its key is KEY
 *	~r COUNT       server: it goes on; COUNT of the client's messages have arrived
 *	~a COUNT       client: as many have arrived
 *	~a COUNT SENT  server: the same; and as many were sent before this
 *	~?             both: say that now
 *	~c             client: it closes the session, or knows that it is closed
 *	~c CODE TEXT   server: it is closed
 *
 * Without the first blank: ~r5 0123…, ~a5 7, ~c3000 Go away!
 */
#ifndef SESSIOND_LEG_MESSAGE_H
#define SESSIOND_LEG_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

enum {
	LEG_MARK = '~',
	LEG_KEY_LEN = 32, /* characters: 128 bits as hexadecimal digits */
};

/* The largest count: what a number of JavaScript holds. */
#define LEG_COUNT_MAX ((uint64_t)1 << 53)

enum leg_message_kind {
	LEG_MESSAGE_DATA,
	LEG_MESSAGE_NEW,
	LEG_MESSAGE_RESUME,
	LEG_MESSAGE_ACK,
	LEG_MESSAGE_ASK,
	LEG_MESSAGE_CLOSE,
	LEG_MESSAGE_BROKEN, /* none that a client may send */
};

struct leg_message {
	enum leg_message_kind kind;
	const char *data; /* of DATA, as the application has it; borrowed */
	size_t len;
	uint64_t count;	 /* of RESUME and ACK; of DATA its number, 0: it has none */
	const char *key; /* of RESUME: LEG_KEY_LEN characters; borrowed */
};

/* Reads a client's message. */
struct leg_message leg_message_read(const char *data, size_t len);

/* Makes a key that nobody can guess. */
void leg_key_make(char key[LEG_KEY_LEN]);

#endif
