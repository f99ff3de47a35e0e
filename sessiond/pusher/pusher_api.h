/*
 * The HTTP API of the apps, for servers that publish and want to know who is there:
 *
 *     POST /apps/NAME/events         {"name", "data", "channels" or "channel", "socket_id", "info"}
 *     POST /apps/NAME/batch_events   {"batch": [{"name", "data", "channel", "socket_id", "info"}]}
 *     GET  /apps/NAME/channels       ?filter_by_prefix=TEXT&info=ATTRIBUTES
 *     GET  /apps/NAME/channels/CHANNEL        ?info=ATTRIBUTES
 *     GET  /apps/NAME/channels/CHANNEL/users
 *     POST /apps/NAME/users/USER/terminate_connections
 *
 * ATTRIBUTES are some of user_count, subscription_count and cache, with commas between them. Each
 * request is signed (pusher_signature.h). `data` is a string. An event that is published is stored
 * before it is answered, if it is stored at all.
 *
 * The answer is a JSON object; or an error, a text for people: 400 what is asked for is wrong, 401
 * the signature is, 404 there is no such app or path, 413 data is longer than publish_limit, 503 it
 * cannot be done now. All of an event, or of a batch, is checked before any is published.
 *
 * Source: the Pusher Channels HTTP API; what its public libraries send and read.
 */
#ifndef SESSIOND_PUSHER_API_H
#define SESSIOND_PUSHER_API_H

#include "sessiond/http/api_request.h"
#include "sessiond/http/http_handler.h"

struct config;

struct pusher_api {
	const struct config *config; /* borrowed; changes with reloads */
	struct api api;		     /* for whoever passes requests on */
};

/* Not to be moved while api is in use. */
void pusher_api_init(struct pusher_api *pusher, const struct config *config);

/* The same over HTTP; its context is the struct pusher_api. */
struct http_handlers pusher_api_handlers(struct pusher_api *pusher);

#endif
