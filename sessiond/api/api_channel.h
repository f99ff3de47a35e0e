/*
 * Channels: sockjs_channel_... and sockjs_publish of sockjs.h. What they do is channels/'s.
 */
#ifndef SESSIOND_API_CHANNEL_H
#define SESSIOND_API_CHANNEL_H

#include "sessiond/sockjs.h"

struct channel_kind;
struct channels;

/* What the channels of modules are like. */
extern const struct channel_kind api_channel_kind;

/* Borrows the channels until it is called again; NULL: there are none. */
void api_channel_bind(struct channels *channels);

/* Ends the channels that a service has. */
void api_channel_end_all(sockjs_service *service);

#endif
