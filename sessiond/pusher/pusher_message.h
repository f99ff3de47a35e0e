/*
 * What the server says in protocol 7: each is a JSON object, `event`, mostly `channel`, and `data`,
 * a string which holds JSON (but for pusher:error, whose data is an object). Appended to a buffer;
 * failure is the buffer's. Source: the Pusher Channels protocol, 7.
 */
#ifndef SESSIOND_PUSHER_MESSAGE_H
#define SESSIOND_PUSHER_MESSAGE_H

#include "common/buffer.h"
#include "sessiond/channels/channel.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct publishing;

#define PUSHER_SOCKET_ID_SIZE 42 /* its NUL is counted */

/*
 * The socket_id of a connection, two numbers with a point between them, and its uuid: each is the
 * other in another form.
 */
void pusher_socket_id(const char *uuid, char id[PUSHER_SOCKET_ID_SIZE]);

#define PUSHER_UUID_SIZE 37

/* False: it is no socket_id of ours. */
bool pusher_socket_uuid(const char *socket_id, char uuid[PUSHER_UUID_SIZE]);

/* Close codes, which are those of pusher:error as well. */
enum pusher_code {
	PUSHER_NO_APP = 4001,
	PUSHER_OVER_QUOTA = 4004,
	PUSHER_BAD_PROTOCOL = 4007,
	PUSHER_UNAUTHORIZED = 4009,
	PUSHER_OVER_CAPACITY = 4100,
	PUSHER_CLIENT_EVENT_RATE = 4301,
};

/* pusher:connection_established. timeout: s of silence after which the client asks. */
void pusher_append_established(struct buffer *out, const char *socket_id, unsigned timeout);

/* pusher:error. code 0: none, null. */
void pusher_append_error(struct buffer *out, int code, const char *text);

/* An event without a channel, and with data that is JSON already. */
void pusher_append_plain(struct buffer *out, const char *event, const char *data);

/* pusher:signin_success, with the user's data as it came. */
void pusher_append_signed_in(struct buffer *out, const char *user_data, size_t len);

/* An event of a channel; data[0..len) is JSON. */
void pusher_append_event(
    struct buffer *out, const char *event, const char *channel, const char *data, size_t len);

/*
 * pusher_internal:subscription_succeeded. position: where the channel is; NULL: it keeps nothing.
 * recovered NULL: nothing was asked for.
 */
void pusher_append_succeeded(struct buffer *out, const struct channel *channel,
    const struct buffer *data, const struct channel_position *position, const bool *recovered);

/* pusher:subscription_error: who may not, or what is wrong with it. */
void pusher_append_refusal(
    struct buffer *out, const char *channel, const char *type, const char *text, int status);

/*
 * What is published: data is a text. position NULL: without offset and epoch.
 */
void pusher_append_published(struct buffer *out, const struct publishing *publishing,
    const struct channel_position *position);

/*
 * What a client has sent, as it came: data is JSON. user: who it is on a presence channel; NULL:
 * not said.
 */
void pusher_append_client_event(
    struct buffer *out, const char *event, const char *channel, const char *data, const char *user);

/* The data of subscription_succeeded on a presence channel: who is there. */
void pusher_append_members(struct buffer *out, const struct presence *presence);

/* The data of member_added, and of member_removed. */
void pusher_append_member(struct buffer *out, const struct presence_member *member);
void pusher_append_member_id(struct buffer *out, const struct presence_member *member);

#endif
