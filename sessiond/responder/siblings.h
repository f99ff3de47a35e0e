/*
 * The other daemons of [server] daemons, and the connections that are handed over to them.
 *
 * A request of a session that lives in another daemon is not passed on: the connection that it came
 * by is. Its descriptor goes over that daemon's own socket with what was read of the request, and
 * the other goes on with it as if it had accepted it. So nothing lies between a session and its
 * client. The other says when it has taken a connection, before it looks at the request. So one
 * that is not taken when that daemon dies waits for the next one, and no request is carried out
 * twice.
 */
#ifndef SESSIOND_SIBLINGS_H
#define SESSIOND_SIBLINGS_H

#include "common/timer_queue.h"
#include "conf/config.h"
#include "sessiond/http/http_connection.h"
#include "sessiond/session/session_set.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>
#include <uv.h>

enum {
	SIBLING_WAIT_MS = 10000, /* until a connection is taken; then it gets 503 */
	SIBLING_PAUSE_MS = 50,	 /* before an attempt to connect, after one that has failed */
	SIBLING_UNTAKEN_MAX =
	    64, /* connections that a daemon is sent before it has taken the first */
};

struct handover;
struct link;

TAILQ_HEAD(handover_list, handover);

struct sibling {
	struct siblings *all;
	unsigned index;
	struct link *link; /* NULL: not connected */
	bool is_there;	   /* it has greeted, and not said goodbye */
	struct handover_list waiting, untaken;
	size_t untaken_count;
	struct timer pause;
};

struct siblings {
	uv_loop_t *loop;
	struct sessions *sessions;
	struct http_connections *connections;
	const struct config *config;
	bool are_there; /* else nothing here is used */
	struct timer_queue waits, pauses;
	uint64_t last_id;
	struct sibling items[DAEMONS_MAX]; /* by index; its own is not used */
};

/*
 * Everything is borrowed; connections is not looked at before siblings_start. Not to be moved while
 * it is in use.
 */
void siblings_init(struct siblings *all, uv_loop_t *loop, struct sessions *sessions,
    struct http_connections *connections, const struct config *config);

/*
 * From now on, connections whose request is another daemon's leave. Does nothing with one daemon.
 * The HTTP server runs.
 */
void siblings_start(struct siblings *all);

/* Drops all that waits. */
void siblings_clear(struct siblings *all);

/*
 * Hands a connection over to the daemon of that index, another than this one. fd, a place among its
 * address's connections (NULL: none), and the bytes that were read of it, are taken.
 */
void siblings_hand_over(struct siblings *all, unsigned index, int fd, struct address_entry *address,
    struct buffer *bytes);

#endif
