/*
 * What tells of channels, of the API (pusher_api.h).
 */
#ifndef SESSIOND_PUSHER_API_CHANNELS_H
#define SESSIOND_PUSHER_API_CHANNELS_H

struct pusher_api_call;

/* GET /channels: those with subscribers, but for the users' own. GET /channels/CHANNEL. */
void pusher_api_channels(struct pusher_api_call *call);
void pusher_api_channel(struct pusher_api_call *call);

/* GET /channels/CHANNEL/users: who is in a presence channel. */
void pusher_api_users(struct pusher_api_call *call);

#endif
