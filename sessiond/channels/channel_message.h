/*
 * What subscribers of a service's channel get: the data as it was published, or an envelope around
 * it (channel_envelope), a JSON object:
 *
 *	{"channel":"news","event":"added","data":"text","offset":7,"epoch":"0123456789abcdef"}
 *
 * Without an event there is no "event".
 */
#ifndef SESSIOND_CHANNEL_MESSAGE_H
#define SESSIOND_CHANNEL_MESSAGE_H

#include "sessiond/channels/channel.h"

#include <stdbool.h>

struct message;

/* What is published. Borrowed. */
struct publishing {
	const char *name; /* of the channel */
	size_t name_len;
	const char *event; /* NULL: none */
	size_t event_len;
	const char *data; /* WTF-8 */
	size_t len;
	const char *except; /* the uuid of a connection that does not get it; NULL: none */
};

#define CHANNEL_EPOCH_SIZE 17 /* bytes of an epoch as text, its NUL too */

/* An epoch as text: 16 hexadecimal digits. */
void channel_epoch_text(uint64_t epoch, char text[CHANNEL_EPOCH_SIZE]);

/* The same the other way; 0, which is no channel's, if it is none. */
uint64_t channel_epoch_parse(const char *text);

/* A message with one reference; NULL without memory. */
struct message *channel_message(const struct publishing *publishing,
    const struct channel_position *position, bool has_envelope);

#endif
