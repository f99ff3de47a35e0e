/*
 * What clients of an app say, and what comes of it. Source: the Pusher Channels protocol, 7.
 *
 *     pusher:subscribe    {"channel", "auth", "channel_data", "recover": {"offset", "epoch"}}
 *     pusher:unsubscribe  {"channel"}
 *     pusher:signin       {"auth", "user_data"}
 *     pusher:ping         {}
 *     client-NAME         any data, for the other subscribers of `channel`
 *
 * `recover` is ours: what was published after that is sent again, or it is said that it cannot be.
 * A message that is none of these, or wrong, is answered by pusher:error; the connection goes on.
 */
#ifndef SESSIOND_PUSHER_PROTOCOL_H
#define SESSIOND_PUSHER_PROTOCOL_H

#include "sessiond/pusher/pusher_app.h"

#include <stddef.h>

struct session;

/* A new connection: it is greeted, or refused. */
void pusher_greet(struct pusher_app *app, struct session *session);

/* A message of a client. */
void pusher_receive(struct pusher_app *app, struct session *session, const char *data, size_t len);

#endif
