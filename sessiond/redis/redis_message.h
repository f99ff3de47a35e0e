/*
 * What passes through Redis, as bytes. Pure: what comes from there may be anything.
 *
 *     P OFFSET EPOCH TIME EXCEPT EVENT ...   a publication: lengths, then except, event and data
 *     S EXCEPT ...                           a text that is not counted: a length, except, the text
 *     + VERSION LEN ...                      a member joined: its id of that length, what is known
 *     - VERSION LEN ...                      a member parted
 *     # COUNT                                so many subscribers are there
 *     X                                      a signal
 *
 * with no blank behind the letter. EVENT is - for none. An entry of a stream begins with TIME.
 * Times are ms since 1970.
 */
#ifndef SESSIOND_REDIS_MESSAGE_H
#define SESSIOND_REDIS_MESSAGE_H

#include "common/buffer.h"
#include "sessiond/channels/channel_message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REDIS_UUID_SIZE = 37 };

/* A publication that was read. Borrows, but for except. */
struct redis_publication {
	struct publishing publishing; /* without a name */
	struct channel_position position;
	uint64_t time;
	char except[REDIS_UUID_SIZE];
};

/* Appends what the script that publishes is given: from EXCEPT on. */
void redis_message_put(struct buffer *out, const struct publishing *publishing);

/* Reads an entry of a stream, or what follows EPOCH. False: it is none. */
bool redis_message_read_entry(const char *bytes, size_t len, struct redis_publication *publication);

enum redis_message_kind {
	REDIS_PUBLISHED,
	REDIS_SENT,
	REDIS_JOINED,
	REDIS_PARTED,
	REDIS_COUNTED,
	REDIS_SIGNALLED,
	REDIS_STRANGE, /* it is none of ours */
};

/* A message that was read: which members are set depends on the kind. Borrows. */
struct redis_message {
	enum redis_message_kind kind;
	struct redis_publication publication;
	const char *text; /* that was sent; or the id of a member */
	size_t len;
	const char *info; /* of a member */
	size_t info_len;
	uint64_t number; /* the version; or the count */
};

void redis_message_read(const char *bytes, size_t len, struct redis_message *message);

/* Appends a text that is sent. except NULL: to all. */
void redis_message_put_text(struct buffer *out, const char *text, size_t len, const char *except);

/* Reads "OFFSET-0", the id of an entry. 0: it is none. */
uint64_t redis_message_read_id(const char *text, size_t len);

#endif
