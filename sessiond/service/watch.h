/*
 * Who watches what happens, as it happens (sockjsctl tail). While nobody does, it costs a look at a
 * pointer: who has something to tell asks watch_is_on first.
 */
#ifndef SESSIOND_WATCH_H
#define SESSIOND_WATCH_H

#include <stdbool.h>
#include <stddef.h>

struct session;
struct sockjs_service;

enum watch_kind {
	WATCH_OPENED,
	WATCH_CLOSED,	/* close_code and close_reason of the session say how, 0: its client went */
	WATCH_RECEIVED, /* a message of the client */
	WATCH_SENT,	/* one to the client: it is queued */
	WATCH_PUBLISHED,
	WATCH_SUBSCRIBED,
	WATCH_UNSUBSCRIBED, /* a connection that closes has no such event */
	WATCH_KINDS,
};

/* Everything is borrowed. */
struct watch_event {
	enum watch_kind kind;
	const struct sockjs_service *service;
	const struct session *session; /* NULL: of something published */
	const char *channel;	       /* NULL: none */
	size_t channel_len;
	const char *data; /* WTF-8, or any bytes if is_binary; NULL: no message */
	size_t len;
	bool is_binary;
};

/* What it does must not end a session, nor send it anything. */
struct watcher {
	void (*saw)(struct watcher *watcher, const struct watch_event *event);
};

extern struct watcher *watch_watcher; /* NULL: nobody watches */

static inline bool
watch_is_on(void)
{
	return __builtin_expect(watch_watcher != NULL, false);
}

/* Each tells the watcher, if there is one. The service is the session's. */
void watch_session(
    const struct sockjs_service *service, const struct session *session, enum watch_kind kind);
void watch_message(const struct sockjs_service *service, const struct session *session,
    enum watch_kind kind, const char *data, size_t len, bool is_binary);
void watch_subscription(const struct sockjs_service *service, const struct session *session,
    enum watch_kind kind, const char *channel, size_t channel_len);
void watch_publication(const struct sockjs_service *service, const char *channel,
    size_t channel_len, const char *data, size_t len);

#endif
