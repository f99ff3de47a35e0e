/*
 * The connections that libmicrohttpd holds, and what it does not do for them: a time within which a
 * request has to arrive, room for newcomers when silent connections take all places, and noticing
 * that the client of a suspended connection has hung up.
 */
#ifndef SESSIOND_HTTP_CONNECTION_H
#define SESSIOND_HTTP_CONNECTION_H

#include "common/error.h"
#include "common/timer_queue.h"
#include "sessiond/http/http_framing.h"
#include "sessiond/http/http_handler.h"

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <uv.h>

struct address_entry;
struct http_connection;
struct http_response;
struct rate_points;
struct sessions;

/* What all connections share. */
struct http_connections {
	struct sessions *sessions; /* whose timers and time are used */
	/* The client of a suspended connection hung up: its response has to resume it. */
	void (*hung_up)(struct http_response *response);
	/* Its peer takes more of a response that awaits that. */
	void (*can_write)(struct http_response *response);
	/* One that left past libmicrohttpd is over. Returns true if another request may follow. */
	bool (*ended)(struct http_response *response);
	/*
	 * A whole request was read, which ends with a body of body_len bytes. Returns true if it
	 * passes libmicrohttpd by.
	 */
	bool (*pass)(void *pass_context, struct http_connection *connection, const char *text,
	    size_t len, size_t body_len);
	void *pass_context;
	/*
	 * For so long (ms) the requests of a connection may do so. Then libmicrohttpd has one: a
	 * connection that it hears nothing of has a timeout there.
	 */
	uint64_t pass_for;
	unsigned mhd_timeout; /* s: that one */
	LIST_HEAD(, http_connection) list;
	size_t count;
	struct http_connection **by_fd; /* NULL: none with that descriptor */
	size_t by_fd_size;
	int hangup_fd; /* an epoll set of all connections, for their hang-ups */
	uv_poll_t hangup_poll;
	struct timer_queue heads;  /* connections whose first request, or begun one, has to come */
	struct timer_queue bodies; /* requests whose body has to */
	struct timer_queue idles;  /* kept connections between two requests */
	struct timer_queue lasts;  /* while draining: connections that await a request still */
	struct timer_queue stalls; /* streams whose peer has to read on */
	struct timer_queue waits;  /* suspended ones that are to be parked */
	TAILQ_HEAD(http_connection_queue, http_connection) due, done; /* http_parking.c's */
	size_t parked_count;
	size_t ghosts; /* connections of libmicrohttpd that it has not ended yet */
	struct http_connection *returning; /* is given back to it now; NULL: none */
	struct address_entry *arriving;	   /* of the connection that is being added, */
	enum http_way arriving_way;	   /* as is this */
	size_t control_count;		   /* of `count`: those of the control socket, */
	size_t publish_count;		   /* and of these: those that may publish only */
	/*
	 * Whether a request is another daemon's; NULL: there is no other. To be set before the
	 * first.
	 */
	bool (*is_elsewhere)(const void *context, const char *target, size_t len);
	/*
	 * A connection leaves for that daemon: fd, a place among its address's connections (NULL:
	 * none) and what was read of its request (buffer_free) are the callee's.
	 */
	void (*left)(void *context, int fd, struct address_entry *address, struct buffer *bytes);
	void *context; /* of both */
	LIST_HEAD(, http_connection) leaving;
	size_t away;	  /* that have left, and are not with the other daemon yet */
	size_t head_max;  /* bytes of a request's head */
	bool is_draining; /* none is kept for another request */
	bool has_work;	  /* libmicrohttpd has to run in this turn */
};

/* A connection inside libmicrohttpd, whose socket is libmicrohttpd's; or a parked one. */
struct http_connection {
	struct http_connections *all;
	LIST_ENTRY(http_connection) entry;
	struct MHD_Connection *mhd; /* NULL while it is parked */
	enum http_way way;
	int fd;
	struct timer timer;		/* of a queue above; none while a response is under way */
	struct http_framing framing;	/* of what was read */
	uint64_t heads;			/* that libmicrohttpd has handed over */
	bool is_in_head;		/* of the next request; true also before the first byte */
	struct http_response *response; /* to the current request; NULL between two */
	bool is_answering;		/* a request is here whole, and not answered yet */
	bool is_suspended;		/* libmicrohttpd does not look at it, or it passes */
	bool skips_read;		/* libmicrohttpd finds nothing when it reads next */
	bool passes;	    /* its request passes libmicrohttpd by, which reads nothing */
	bool was_looked_at; /* libmicrohttpd has tried meanwhile */
	bool is_spared;	    /* it has no timeout there meanwhile */
	uint64_t heard;	    /* ms: libmicrohttpd had it, or a request of it, last */
	bool is_held;	    /* suspended, and goes on also if the peer hangs up */
	bool is_gone;	    /* the peer hung up */
	bool is_due;	    /* resumed to be parked, and not suspended again yet */
	bool is_parked;	    /* suspended, and not libmicrohttpd's any more */
	bool is_dead;	    /* destroyed, but for its ghosts */
	unsigned ghosts;    /* connections of libmicrohttpd that have left it behind */
	TAILQ_ENTRY(http_connection) queue_entry;
	struct http_connection_queue *queue; /* in which it is; NULL: none */
	unsigned char shuts;		     /* how often libmicrohttpd was made to read that */
	bool awaits_output;		     /* can_write is to be called */
	struct address_entry *address; /* its place among its address's connections; NULL: none */
	struct rate_points *rates;     /* NULL: no rate is limited */
	bool is_leaving;	       /* it is in that list */
	LIST_ENTRY(http_connection) leaving_entry;
	struct buffer brought; /* what another daemon had read of it, before its socket */
	bool has_local;	       /* local is filled */
	struct sockaddr_storage local;
};

/*
 * Makes an empty set. Everything given is borrowed. The timeouts are in ms. Returns -1 and an error
 * (EX_OSERR) without an epoll set.
 */
int http_connections_init(struct http_connections *all, uv_loop_t *loop, struct sessions *sessions,
    uint64_t request_timeout, uint64_t keepalive_timeout, struct error *err);

/* Times (ms) for what begins from now on. */
void http_connections_set_timeouts(
    struct http_connections *all, uint64_t request_timeout, uint64_t keepalive_timeout);

enum { HTTP_DRAIN_GRACE = 500 /* ms */ };

/*
 * Connections between two requests are closed now, the others when their response is complete. A
 * request that has come, and was not read yet, has its response first. One that comes too late, on
 * a connection that was kept, its client sends again (RFC 9112, 9.3.1: any client must reckon with
 * that end). Nobody does so on a new connection: those have HTTP_DRAIN_GRACE for a first request,
 * as has a request of which a part has come.
 */
void http_connections_drain(struct http_connections *all);

/*
 * Ends the connection that has been waited for the longest: of those whose head has not come, if
 * there is one, else of those that are kept, else of those whose body has not. False if there is
 * none of them.
 */
bool http_connections_drop_waiting(struct http_connections *all);

/* Frees what they share. All connections must be gone, that is, libmicrohttpd stopped. */
void http_connections_clear(struct http_connections *all);

/*
 * libmicrohttpd has a new connection, whose first request has to arrive; or has one back, which is
 * the one that is returned then. Aborts without memory.
 */
struct http_connection *
http_connection_create(struct http_connections *all, struct MHD_Connection *mhd);

/* libmicrohttpd is about to close its connection, which may be none of ours any more. */
void http_connection_closed(struct http_connection *connection, struct MHD_Connection *mhd);

/* Ends it; closes a parked one's socket. Sets *connection NULL; takes NULL. */
void http_connection_destroy(struct http_connection **connection);

/* The connection with that descriptor, NULL if it is none of these. */
struct http_connection *http_connections_find(const struct http_connections *all, int fd);

/* Bytes have come: if they begin a head, all of it has to come in request_timeout. */
void http_connection_hear(struct http_connection *connection);

/* The request's head has arrived: its body has to, in request_timeout. */
void http_connection_expect_body(struct http_connection *connection);

/* The request is here; how long its answer takes is nobody's fault. */
void http_connection_arrived(struct http_connection *connection);

/* The response is complete: the next request may come within keepalive_timeout. */
void http_connection_idle(struct http_connection *connection);

/*
 * Has libmicrohttpd look away from the connection until it is resumed. Called within a callback of
 * libmicrohttpd. Returns false, and does nothing, if the client has gone meanwhile.
 */
bool http_connection_suspend(struct http_connection *connection);

/* The same for what goes on soon in any case: also if the client has gone, or goes meanwhile. */
void http_connection_hold(struct http_connection *connection);

/*
 * Lets libmicrohttpd go on in this turn; a parked one is over then. Does nothing if the connection
 * is not suspended.
 */
void http_connection_resume(struct http_connection *connection);

/*
 * The next request is another daemon's (HTTP_FRAMING_ELSEWHERE): the connection leaves, as soon as
 * those before it are answered.
 */
void http_connection_leave(struct http_connection *connection);

/* Those whose turn it is leave. Not within libmicrohttpd. */
void http_connections_leave(struct http_connections *all);

/*
 * The connection has come from another daemon, which had read those bytes (copied): they come
 * before what is in the socket. Its next request is answered here, whatever it asks for.
 */
void http_connection_bring(struct http_connection *connection, const char *bytes, size_t len);

/*
 * A peer has not taken all that was written: can_write is called when it takes more. It has
 * keepalive_timeout for that, anew if it took something; on the control socket as long as it likes.
 */
void http_connection_await_output(struct http_connection *connection, bool took_something);

/* It has taken all. False if nothing was awaited. */
bool http_connection_output_taken(struct http_connection *connection);

/* libmicrohttpd, which hears nothing of a request that passes it by, does not end it for that. */
void http_connection_spare(struct http_connection *connection);

/*
 * Gives the descriptor up to its new owner: no watching any more. Before it is taken from
 * libmicrohttpd.
 */
void http_connection_unwatch(struct http_connection *connection);

/* Its socket has that descriptor, and is watched for a hang-up. */
void http_connection_watch(struct http_connection *connection, int fd);

/* It waits in that queue now; it waits in none. */
void http_connection_enter(struct http_connection *connection, struct http_connection_queue *queue);
void http_connection_leave_queue(struct http_connection *connection);

/*
 * Ends a request that is still being read: a bare response with that status, written past
 * libmicrohttpd, then the end of the connection, which libmicrohttpd will see.
 */
void http_connection_abort(struct http_connection *connection, int status);

/*
 * Writes a bare response with that status (400, 408, 413, 501, 503) to a socket that nobody else
 * writes to.
 */
void http_connection_refuse(int fd, int status);

/* The two ends, borrowed; NULL if unknown. */
const struct sockaddr *http_connection_peer(struct http_connection *connection);
const struct sockaddr *http_connection_local(struct http_connection *connection);

#endif
