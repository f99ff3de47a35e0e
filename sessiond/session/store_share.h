/*
 * What a session takes of the store, and whether that is more than its share. One client that
 * reads nothing could else fill the store, after which all get 503.
 *
 * A session's messages may take store_session_limit. While all that is stored of its address takes
 * more than store_address_limit, they may take an even part of that: sessions that take less go on,
 * but there are no new ones (session_set.h). Over its share, sends to a session get 503. At twice
 * its share, which only messages reach that others have caused, it is closed.
 *
 * What is taken is worked out from the bytes of messages, headers and ids; SQLite is not asked. It
 * is counted anew by each commit, and at once for messages that will lie in the store. Without a
 * store, and for websockets, nothing is counted or refused.
 */
#ifndef SESSIOND_STORE_SHARE_H
#define SESSIOND_STORE_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct session;
struct sessions;

/*
 * How many bytes a session and an address may take. 0: an address has the room of several sessions,
 * and several addresses have room in the store.
 */
void
store_share_limit(struct sessions *sessions, uint64_t store, uint64_t session, uint64_t address);

/* What it takes has changed, or may have: counts it, for its address too. */
void store_share_note(struct session *session);

/* True if it takes more than its share: a send to it is to get 503. The log says so. */
bool store_share_refuses(const struct session *session);

/*
 * Counts a message of len bytes that is about to be queued, if it will not leave in this turn.
 * False if it takes more than twice its share then: the session is to be closed. The log says
 * so.
 */
bool store_share_takes(struct session *session, size_t len);

#endif
