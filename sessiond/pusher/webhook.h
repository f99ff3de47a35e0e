/*
 * What an app's `webhook` is told of its channels: channel_occupied, channel_vacated, member_added,
 * member_removed, client_event, cache_miss. Events wait for a moment and go together, in their
 * order: {"time_ms": N, "events": [...]}, with X-Pusher-Key, and X-Pusher-Signature of the body.
 *
 * Those that were not taken (an answer of 2xx) are sent again, after a pause that doubles each time
 * up to WEBHOOK_PAUSE_MAX. They are stored with what caused them, so that they outlive the daemon;
 * one that dies just after they were taken has the next one send them again. Of more than
 * WEBHOOK_EVENTS_MAX, or of more bytes than WEBHOOK_BYTES_MAX, the new ones are dropped, and the
 * log says so.
 *
 * Source: the Pusher Channels protocol's webhooks.
 */
#ifndef SESSIOND_WEBHOOK_H
#define SESSIOND_WEBHOOK_H

#include "sessiond/persistence/persistence.h"
#include "sessiond/sockjs.h"

#include <uv.h>

enum {
	WEBHOOK_DELAY = 100,	      /* ms that events wait for others */
	WEBHOOK_BATCH_MAX = 100,      /* events of one request */
	WEBHOOK_PAUSE_MIN = 1000,     /* ms */
	WEBHOOK_PAUSE_MAX = 300000,   /* ms */
	WEBHOOK_EVENTS_MAX = 10000,   /* that wait, of all apps */
	WEBHOOK_BYTES_MAX = 16 << 20, /* of these: what clients send may be long */
};

/*
 * From now on events are sent, on that loop. is_kept: the part is added to the persistence, and
 * events are stored. NULL: no more is sent, and what waits is forgotten here.
 */
void webhooks_bind(uv_loop_t *loop, bool is_kept);

/* What is stored of them, for persistence_add. */
extern const struct persistence_part webhooks_part;

/* All was read that is stored: what waits is sent. */
void webhooks_restored(void);

/*
 * An app has begun, or its options have changed: its events go to that URL (copied, as all), signed
 * with key and secret. url NULL: it has no webhook, or is none any more; its events are dropped.
 */
void webhook_set(const char *app, const char *url, const char *key, const char *secret);

/*
 * Tells the webhook of an app, if it has one, of an event of a channel. user: of which member;
 * NULL: of none.
 */
void webhook_tell(
    const sockjs_service *service, const char *event, const char *channel, const char *user);

/* The same of a client's event, whose data is JSON. */
void webhook_tell_client_event(const sockjs_service *service, const char *channel,
    const char *event, const char *data, const char *socket_id, const char *user);

#endif
