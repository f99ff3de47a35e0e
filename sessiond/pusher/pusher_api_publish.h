/*
 * What publishes, of the API (pusher_api.h).
 */
#ifndef SESSIOND_PUSHER_API_PUBLISH_H
#define SESSIOND_PUSHER_API_PUBLISH_H

struct pusher_api_call;

enum {
	PUSHER_API_CHANNELS_MAX = 100, /* of one event */
	PUSHER_API_BATCH_MAX = 10,     /* events */
};

/* POST /events, and POST /batch_events. */
void pusher_api_events(struct pusher_api_call *call);
void pusher_api_batch_events(struct pusher_api_call *call);

#endif
