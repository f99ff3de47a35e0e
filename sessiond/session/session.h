/*
 * A session: what connects a client, through whatever receiver it has at the moment, with an
 * application. Its states are session_state.h's table; this module carries out what the table says.
 *
 * Everything happens in turns. Calls of an application only queue and mark; turn.h sends what was
 * queued, and frees what ended.
 */
#ifndef SESSIOND_SESSION_H
#define SESSIOND_SESSION_H

#include "common/log_limit.h"
#include "common/timer_queue.h"
#include "common/hash_table.h"
#include "sessiond/service/service.h"
#include "sessiond/service/service_log.h"
#include "sessiond/session/journal.h"
#include "sessiond/session/membership.h"
#include "sessiond/session/message.h"
#include "sessiond/session/receiver.h"
#include "sessiond/session/session_state.h"
#include "wire/connection_info.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/queue.h>
#include <sys/socket.h>

/* Close codes of our own. */
enum {
	SESSION_CODE_NORMAL = 1000,
	SESSION_CODE_TOO_SLOW = 1008, /* queue_limit */
	SESSION_CODE_PROTOCOL = 3000, /* broken framing, no answer to a heartbeat: as sockjs-node */
	SESSION_CODE_STILL_OPEN = 2010, /* a second receiver */
};

#define SESSION_REASON_MAX 123 /* bytes: what a WebSocket close frame takes */

struct address_entry;
struct transport_counts;
struct in_flight;
struct sent_ids;

/*
 * Of a session that outlives its client's connections (resume/): the messages that each side has
 * had. The session's queue begins behind those that the client has confirmed.
 */
struct session_counted {
	uint64_t received, confirmed;
};

/*
 * What a message needs is at the beginning, close together: of many sessions, little of each is in
 * the processor's caches.
 */
struct session {
	struct sockjs_service *service;
	struct receiver *receiver;	 /* NULL: none */
	struct journal_entry *journal;	 /* NULL: is not stored */
	struct in_flight *in_flight;	 /* NULL: nothing */
	struct transport_counts *counts; /* of its transport; never NULL */
	STAILQ_ENTRY(session) turn_next; /* in the set's dirty, decided or dead */
	struct message_queue queue;
	uint16_t close_code;   /* 0: not closed */
	uint16_t refused_with; /* of one that is decided: a status of HTTP; 0: it is let in */
	enum session_state state : 8;
	uint8_t close_reason_len;	       /* at most SESSION_REASON_MAX */
	bool is_dirty, awaits_pong, is_listed; /* is_dirty: also in decided */
	bool is_admitted;		       /* its module was asked, and has to hear of it */
	bool is_over_mark;		       /* of drain_mark, and has not drained yet */
	bool owes_open;			       /* its open frame did not arrive */
	bool is_suspended; /* for the application it is over; the next daemon has it */
	bool close_told;   /* the application's close event was begun */
	bool is_forgotten; /* ... and is over: its handle finds nothing any more */
	uint64_t handle;   /* what the application holds */
	const struct sockjs_service *application; /* the service; of a leg (resume/): the set's */
	const struct transport *transport;	  /* of the last receiver */
	struct receiver *waiter; /* of one that is SESSION_WAITING (admission.h); else NULL */
	struct connection_info *info;
	struct timer timer; /* heartbeat or pong with a receiver, disconnect_delay without; or of
			       authorize_timeout */
	struct hash_entry by_id;   /* in its service's table, if is_listed */
	struct hash_entry by_uuid; /* in the set's, until it has ended */
	struct membership_list memberships;
	void *user_data;
	uint64_t number;		 /* what the log calls it */
	char *close_reason;		 /* close_reason_len bytes; NULL with none */
	struct sent_ids *sent_ids;	 /* of responders' sends; NULL: none came */
	struct session_counted *counted; /* NULL: ends with its client's connection */
	struct address_entry *address;	 /* NULL: not counted */
	uint32_t channels; /* that it has subscribed to, or waits for; channels' own count */
	uint32_t began;	   /* s of the set's clock; of one that was restored: when it was */
	char uuid[37];	   /* what the application knows it by; NUL-terminated */
	char id[]; /* of the URL, its client's secret; by_id has the length; websockets: none */
};

/* --- life ------------------------------------------------------------------------------------- */

/*
 * A new session. id NULL: a websocket's, which nobody else can find. One with a dot, which no URL
 * has: a session that is counted. Aborts without memory: the length of an id is bounded by that of
 * a request's head.
 */
struct session *session_create(struct sockjs_service *service, const char *id, size_t id_len);

/* The session of that id, NULL if the service has none. */
struct session *session_find(const struct sockjs_service *service, const char *id, size_t len);

/* True if a session of the service with such an id cannot keep info (headers_limit). */
bool session_info_is_too_large(
    const struct sockjs_service *service, size_t id_len, const struct connection_info *info);

/*
 * Its module lets the client in later, or does so now: a session that is new becomes
 * SESSION_WAITING, and that becomes new again. admission.c decides.
 */
void session_must_wait(struct session *session);
void session_may_enter(struct session *session);

/* Counts the session among those of its client's address. Once, after session_create. */
void session_count_address(struct session *session, const struct sockaddr *address);

/*
 * The daemon stops, and the next one will find the session in the store: tells its application. The
 * receiver has been let go. session_leave follows once what the application still wrote is
 * committed.
 */
void session_suspend(struct session *session);

/* Ends a session that the next daemon finds in the store; no event. */
void session_leave(struct session *session);

/*
 * Ends a session at once, without a close frame: the daemon stops, or the client of a new one has
 * gone. The application gets its close event, if it had a connection event or was to let it in
 * later. If it was asked and has let it in (is_admitted), it gets both.
 */
void session_abort(struct session *session);

/* Frees a session that has ended; the turn's end does that. Sets *session NULL; takes NULL. */
void session_destroy(struct session **session);

/* --- for receivers and their owners ----------------------------------------------------------- */

/*
 * A receiver comes, with the request that brought it (source; NULL: session->info is set already).
 * What is known of the request replaces what was known of the former, unless it is larger than
 * headers_limit.
 * The session takes it, or answers it with a close frame and lets it end; receiver->session tells
 * which. The receiver's ops may be called before this returns.
 */
void session_arrive(
    struct session *session, struct receiver *receiver, const struct connection_source *source);

/* Its connection is gone: no op will be called again. */
void session_receiver_broke(struct receiver *receiver);

/* Its peer has shown life, which answers a ping. */
void session_receiver_alive(struct receiver *receiver);

/* Its peer has taken what was sent: more can be. */
void session_receiver_drained(struct receiver *receiver);

/*
 * Lets the receiver go after a heartbeat, and the client asks again. The session has a receiver,
 * which is not a websocket.
 */
void session_release_receiver(struct session *session);

/*
 * The same, to make room for others. The client has SESSION_RETURN_DELAY to come back, if
 * disconnect_delay is shorter: where there is so little room, its web server may take that long.
 */
void session_turn_away(struct session *session);

/*
 * Lets the receiver go without a word: its owner's process asks the next daemon. The session has a
 * receiver.
 */
void session_lose_receiver(struct session *session);

/* --- messages --------------------------------------------------------------------------------- */

/* A message from the client; data is borrowed. */
void session_receive(struct session *session, const char *data, size_t len, bool binary);

/* The messages of a send, as message_array_decode leaves them. */
void session_receive_all(struct session *session, const char *messages, size_t len);

/* Drops what waits for the client, and closes the session, if it is not closing already. */
void session_close_too_slow(struct session *session);

/* Bytes that wait for the client: queued, or sent and not taken yet. */
size_t session_queued_bytes(const struct session *session);

/*
 * The application, or the daemon, closes. reason: at most SESSION_REASON_MAX bytes. False if the
 * session is not open: it is closing already, or has never been opened.
 */
bool session_close(struct session *session, int code, const char *reason, size_t reason_len);

static inline enum sockjs_ready_state
session_ready_state(const struct session *session)
{
	return session->is_suspended ? SOCKJS_CLOSED : session_state_seen(session->state);
}

/* --- for the files above it in its room, and the store's -------------------------------------- */

/* The transport of its last receiver, or of the one that is to come; what it does counts there. */
void session_set_transport(struct session *session, const struct transport *transport);

/* Whether it is what carries another one (resume/). */
static inline bool
session_is_leg(const struct session *session)
{
	return session->application != session->service;
}

/* Begins the time that its client has to come back. */
void session_start_timeout(struct session *session);

/* session_mark, of one that is stored. */
void session_mark_stored(const struct session *session, enum change change);

/* It is to be looked at by the next commit, if it is stored. */
static inline void
session_mark(const struct session *session, enum change change)
{
	if (session->journal != NULL)
		session_mark_stored(session, change);
}

/* Whether its open frame did not arrive, so that the next receiver gets it first. It is stored. */
void session_owe_open(struct session *session, bool owes);

/* What kept it from sending is over: what is queued is sent at the end of the turn. */
void session_continue(struct session *session);

/* Goes on as the result of a receiver's op says: the receiver stays, or is let go. */
void session_sent(struct session *session, enum receiver_result result);

/* Sends the close frame, the last there is. The session is CLOSING_ATTACHED. */
void session_send_close(struct session *session);

/* Sends a heartbeat now, which ends a poll. The session has a receiver. */
void session_send_heartbeat(struct session *session);

/* A line about a session in the log of its service. */
#define session_log(session, severity, ...)                                                        \
	service_log((session)->service, severity, (session)->number, __VA_ARGS__)

/*
 * The same for a line that a client can cause at will; `what` stands for those that are left out.
 */
#define session_log_limited(limit, session, severity, what, ...)                                   \
	do {                                                                                       \
		if ((int)(severity) <= (session)->service->protocol.options.log_level &&           \
		    log_limit_takes(limit, severity, what))                                        \
			session_log(session, severity, __VA_ARGS__);                               \
	} while (0)

/* Callbacks of the timer queues; ctx is the struct sessions. */
void session_heartbeat_fire(struct timer *timer, void *ctx);
void session_pong_fire(struct timer *timer, void *ctx);
void session_timeout_fire(struct timer *timer, void *ctx);

#endif
