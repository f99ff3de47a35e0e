/*
 * An [app]: the service of one key, and what its channels tell their subscribers. What its clients
 * say is pusher_protocol.h's.
 */
#ifndef SESSIOND_PUSHER_APP_H
#define SESSIOND_PUSHER_APP_H

#include "sessiond/channels/channels.h"
#include "sessiond/sockjs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct buffer;
struct session;
struct sessions;
struct subscribing;

struct pusher_app {
	LIST_ENTRY(pusher_app) entry;
	sockjs_service *service; /* its app, app_options and name say the rest */
	uint32_t connections;
	sockjs_timer *recount; /* channels whose number of subscribers is to be told; NULL: none */
};

/* Borrows the channels until it is called again; NULL: there are none. Before the first app. */
void pusher_bind(struct channels *channels);

/* The module of each [app], which modules/module.h is given. */
extern const struct sockjs_module pusher_module;

/* A service of an app begins, and ends: its module is started and stopped. */
struct pusher_app *pusher_app_create(sockjs_service *service);
void pusher_app_destroy(struct pusher_app **app);

/* The app of that name; NULL: there is none. */
struct pusher_app *pusher_app_find(const char *name);

/*
 * A reload has taken apps away, or given them other keys: nobody will publish to those connections
 * again, so they end.
 */
void pusher_end_retired(struct sessions *sessions);

struct channel_space *pusher_app_channels(const struct pusher_app *app);

/* Writes what is in the buffer to a client, and frees it. */
void pusher_send(struct session *session, struct buffer *text);

/*
 * Closes a connection with that code and text of at most 123 bytes. Over a websocket a pusher:error
 * says it before.
 */
void pusher_refuse(struct session *session, int code, const char *text);

/*
 * Subscribes a session whose signature is right. subscribing: as channel_subscribe.h has it. It is
 * told, also if it has subscribed already; what is neither CHANNEL_OK nor CHANNEL_LATER is why it
 * cannot be.
 */
enum channel_result pusher_subscribe(
    struct pusher_app *app, struct session *session, const struct subscribing *subscribing);

/* What can be wrong with an event that is published; a status of HTTP. */
enum pusher_result {
	PUSHER_OK = 200,
	PUSHER_BAD_REQUEST = 400,
	PUSHER_TOO_LARGE = 413,
};

/* Borrowed. */
struct pusher_event {
	const char *channel;
	size_t channel_len;
	const char *event;
	size_t event_len;
	const char *data; /* a text, mostly JSON */
	size_t len;
	const char *socket_id; /* of the connection that does not get it; NULL: all do */
};

/* Checks an event. limit: bytes of data. On failure why is a text for people, constant. */
enum pusher_result pusher_check(const struct pusher_event *event, size_t limit, const char **why);

/* Publishes an event that was checked, as channels_publish. */
enum channel_result pusher_publish(const struct pusher_app *app, const struct pusher_event *event,
    struct channel_waiter *waiter, struct channel_position *position);

/* The user who has signed in on a connection: the member of its user channel; NULL: nobody. */
const struct presence_member *pusher_user(const struct session *session);

/* Closes all connections of a user who has signed in: as channels_signal. */
enum channel_result pusher_terminate_user(
    const struct pusher_app *app, const char *user, size_t len, struct channel_waiter *waiter);

#endif
