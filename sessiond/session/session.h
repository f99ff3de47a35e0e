/*
 * A session: what connects a client, through whatever receiver it has at the moment, with an
 * application. Its states are session_state.h's table; this module carries out what the table says.
 *
 * Everything happens in turns: calls of an application only queue and mark, and turn.h sends what was
 * queued and frees what ended.
 */
#ifndef SESSIOND_SESSION_H
#define SESSIOND_SESSION_H

#include "common/timer_queue.h"
#include "sessiond/service/id_table.h"
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

/* Close codes of our own (protocol: 3000.. are the application's or SockJS's). */
enum {
	SESSION_CODE_NORMAL = 1000,
	SESSION_CODE_GOING_AWAY = 1001, /* the daemon stops */
	SESSION_CODE_TOO_SLOW = 1008,	/* queue_limit */
	SESSION_CODE_PROTOCOL = 3000, /* broken framing, no answer to a heartbeat: as sockjs-node */
	SESSION_CODE_STILL_OPEN = 2010, /* a second receiver */
};

#define SESSION_REASON_MAX 123 /* bytes: what a WebSocket close frame takes */
struct address_entry;
struct in_flight;
struct sent_ids;

struct session {
	struct sockjs_service *service;
	struct receiver *receiver;	   /* NULL: none */
	const struct transport *transport; /* of the last receiver */
	struct connection_info *info;
	struct timer timer; /* heartbeat or pong with a receiver, disconnect_delay without */
	struct message_queue queue;
	struct id_entry by_id;		 /* in its service's table, if is_listed */
	STAILQ_ENTRY(session) turn_next; /* in the set's dirty or dead */
	struct membership_list memberships;
	struct journal_entry *journal; /* NULL: is not stored */
	struct in_flight *in_flight;   /* NULL: nothing */
	void *user_data;
	uint64_t handle;    /* what the application holds */
	uint64_t number;    /* what the log calls it */
	char *close_reason; /* close_reason_len bytes; NULL with none */
	uint32_t close_reason_len;
	int close_code;
	enum session_state state;
	bool is_dirty, awaits_pong, is_listed;
	bool is_over_mark;	       /* of drain_mark, and has not drained yet */
	bool owes_open;		       /* its open frame did not arrive */
	bool is_suspended;	       /* for the application it is over; the next daemon has it */
	bool close_told;	       /* the application's close event was begun */
	bool is_forgotten;	       /* ... and is over: its handle finds nothing any more */
	struct sent_ids *sent_ids;     /* of responders' sends; NULL: none came */
	struct address_entry *address; /* NULL: not counted */
	char uuid[37];		       /* what the application knows it by; NUL-terminated */
	char id
	    []; /* of the URL, a secret of its client; by_id has its length; none for websockets */
};

/* Marks it for the next commit, if it is stored. */
void session_mark(const struct session *session, enum change change);

/* The store or a receiver's owner let it go on: what is queued is sent at the end of the turn. */
void session_continue(struct session *session);

/* Counts the session among those of its client's address. Once, after session_create. */
void session_count_address(struct session *session, const struct sockaddr *address);

/* A new session; id NULL for a websocket, which nobody else can find. Aborts without memory (its size is bounded by the head's). */
struct session *session_create(struct sockjs_service *service, const char *id, size_t id_len);

/* The session of that id, NULL if the service has none. */
struct session *session_find(const struct sockjs_service *service, const char *id, size_t len);

/*
 * A receiver comes, with the request it came by (source; NULL: session->info is set already). The session takes it, or answers it (2010, a close frame) and ends it:
 * receiver->session tells which. Its ops may be called before this returns.
 */
void session_arrive(
    struct session *session, struct receiver *receiver, const struct connection_source *source);

/*
 * The session of that id, made if there is none. NULL if there can be none, and *refusal says why (a text for a 503). address: of the
 * client, NULL if unknown.
 */
struct session *session_obtain(struct sockjs_service *service, const char *id, size_t id_len,
    const struct sockaddr *address, const char **refusal);

/* What a receiver's op returned decides how the session goes on: the receiver stays, or is let go. */
void session_sent(struct session *session, enum receiver_result result);

/* Sends the close frame, the last there is. The session is CLOSING_ATTACHED. */
void session_send_close(struct session *session);

/* Sends a heartbeat now, which ends a poll. The session must have a receiver. */
void session_send_heartbeat(struct session *session);

/*
 * Sends a heartbeat to an HTTP or remote receiver that makes room for others, and lets it go: its client asks again at once, but where there
 * is so little room the web server may need longer than disconnect_delay to pass that on.
 */
void session_turn_away(struct session *session);

/* Lets an HTTP or remote receiver go, after a heartbeat; the client asks again. The session must have a receiver. */
void session_release_receiver(struct session *session);

/* A message from the client; data is borrowed. */
void session_receive(struct session *session, const char *data, size_t len, bool binary);

/* The messages of a send, as message_array_decode leaves them. */
void session_receive_all(struct session *session, const char *messages, size_t len);

/* The receiver's owner tells: its connection is gone (no op will be called again), or its peer has shown life. */
void session_receiver_broke(struct receiver *receiver);
void session_receiver_alive(struct receiver *receiver);

/* Has the receiver sent more than its peer takes, so that it has to wait? Its owner calls this when that has changed. */
void session_receiver_drained(struct receiver *receiver);

/* Bytes that wait for the client: queued, or sent and not taken yet. */
size_t session_queued_bytes(const struct session *session);

/* The application writes; takes a reference of its own. Returns an enum sockjs_result. */
int session_write(struct session *session, struct message *message);

/* The application, or the daemon, closes. reason: at most SESSION_REASON_MAX bytes. False if the session is not open: it is closing already, or nothing has opened it yet. */
bool session_close(struct session *session, int code, const char *reason, size_t reason_len);

/* Lets the receiver go without a word: its owner's process asks the next daemon. The session must have a receiver. */
void session_lose_receiver(struct session *session);

/*
 * The daemon stops: tells the application of a session that the next one will find in the store. Its
 * receiver has been let go. session_leave follows, once what the application still wrote is committed.
 */
void session_suspend(struct session *session);

/* Frees a session that the next daemon finds in the store; no event. */
void session_leave(struct session *session);

/* Ends a session at once, without a close frame: the daemon stops. The application gets its close event, if it had a connection event. */
void session_abort(struct session *session);

/* Frees a session that has ended: the turn's end does. Sets *session NULL; takes NULL. */
void session_destroy(struct session **session);

/* A line about a session in the log of its service. */
#define session_log(session, severity, ...)                                                        \
	service_log((session)->service, severity, (session)->number, __VA_ARGS__)

/* Callbacks of the timer queues; ctx is the struct sessions. */
void session_heartbeat_fire(struct timer *timer, void *ctx);
void session_pong_fire(struct timer *timer, void *ctx);
void session_timeout_fire(struct timer *timer, void *ctx);

enum sockjs_ready_state session_ready_state(const struct session *session);

#endif
