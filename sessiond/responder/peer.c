/*
 * See peer.h. Whatever ends a peer goes through peer_drop, from the loop or from a timer and never
 * from within a message, so that a peer lives as long as the call that it is given to.
 */
#include "sessiond/responder/peer.h"

#include "common/log.h"
#include "common/log_limit.h"
#include "common/memory.h"
#include "common/random.h"
#include "sessiond/session/session_set.h"
#include "wire/write_log.h"

#include <stdlib.h>
#include <unistd.h>

enum { GREETING_MAX = 1024 }; /* bytes of what a peer may say before it is known, a HELLO */

static void
set_state(struct peer *peer, enum peer_state state)
{
	static const char *const names[] = {"greeting", "open", "leaving"};

	log_debug("responder %u: %s -> %s", peer->pid, names[peer->state], names[state]);
	peer->state = state;
}

void
peer_open(struct peer *peer)
{
	timer_stop(&peer->timer);
	link_set_payload_max(peer->link, peer->all->payload_max);
	set_state(peer, PEER_OPEN);
}

void
peer_open_daemon(struct peer *peer)
{
	peer->is_daemon = true;
	link_expect_descriptors(peer->link);
	peer_open(peer);
}

void
peer_leave(struct peer *peer)
{
	set_state(peer, PEER_LEAVING);
	peer_mark(peer);
}

/* --- writing ---------------------------------------------------------------------------------- */

void
peer_mark(struct peer *peer)
{
	if (peer->is_dirty)
		return;
	peer->is_dirty = true;
	LIST_INSERT_HEAD(&peer->all->dirty, peer, dirty_entry);
}

static void
unmark(struct peer *peer)
{
	if (peer->is_dirty)
		LIST_REMOVE(peer, dirty_entry);
	peer->is_dirty = false;
}

struct buffer *
peer_output(struct peer *peer)
{
	struct buffer *out = link_output(peer->link);

	peer_mark(peer);
	/* What came before is incomplete: the link gives it up, and the peer with it. */
	if (buffer_failed(out))
		link_flush(peer->link);
	return out;
}

/* What was written to it and has not arrived, the sessions still have. */
static void
check_backlog(struct peer *peer)
{
	static struct log_limit limit;
	size_t len = link_output(peer->link)->len;

	if (len <= *peer->all->backlog_max)
		return;
	peer->all->sessions->limits.reached[LIMIT_LOCAL_BACKLOG]++;
	log_limited(&limit, SEVERITY_ERROR,
	    "local_backlog (%zu bytes) reached: responder %u does not read, its connection is closed",
	    *peer->all->backlog_max, peer->pid);
	peer_drop(peer);
}

bool
peers_flush(struct peers *all)
{
	struct peer *peer;

	if (LIST_EMPTY(&all->dirty))
		return false;
	while ((peer = LIST_FIRST(&all->dirty)) != NULL) {
		unmark(peer);
		if (peer->state == PEER_LEAVING && peer->requests.count == 0)
			link_finish(peer->link);
		else
			link_flush(peer->link);
		check_backlog(peer);
	}
	return true;
}

/* --- descriptors ------------------------------------------------------------------------------ */

static bool
keep_descriptor(struct peer *peer, int fd)
{
	if (peer->kept_count == PEER_DESCRIPTORS)
		return false;
	peer->kept[peer->kept_count++] = fd;
	return true;
}

int
peer_take_descriptor(struct peer *peer)
{
	int fd = peer->kept[0];

	if (peer->kept_count == 0)
		return -1;
	peer->kept_count--;
	peer->kept[0] = peer->kept[1];
	return fd;
}

static void
close_descriptors(struct peer *peer)
{
	int fd;

	while ((fd = peer_take_descriptor(peer)) != -1)
		close(fd);
}

/* --- the link --------------------------------------------------------------------------------- */

static int
on_message(void *context, const struct wire_header *header, const char *payload)
{
	struct peer *peer = context;

	return peer->all->calls->message(peer, header, payload);
}

static bool
on_descriptor(void *context, int fd)
{
	struct peer *peer = context;

	return peer->is_daemon ? keep_descriptor(peer, fd) : write_log_is_log(fd);
}

static void
on_gone(void *context, bool is_broken, const char *why)
{
	static struct log_limit limit;
	struct peer *peer = context;

	if (is_broken)
		log_limited(&limit, SEVERITY_ERROR,
		    "a peer of the local socket (process %u) breaks the protocol: its connection is closed (%s)",
		    peer->pid, why);
	peer_drop(peer);
}

/* --- life ------------------------------------------------------------------------------------- */

void
peer_drop(struct peer *peer)
{
	log_debug("responder %u: gone", peer->pid);
	peer->all->calls->gone(peer);
	unmark(peer);
	timer_stop(&peer->timer);
	LIST_REMOVE(peer, entry);
	peer->all->count--;
	close_descriptors(peer);
	link_destroy(&peer->link);
	hash_table_clear(&peer->requests);
	free(peer);
}

static void
greeting_fire(struct timer *timer, void *context)
{
	(void)context;
	peer_drop(container_of(timer, struct peer, timer));
}

void
peers_init(struct peers *all, uv_loop_t *loop, struct sessions *sessions,
    const struct peer_calls *calls, void *context, const size_t *backlog_max)
{
	*all = (struct peers){
	    .backlog_max = backlog_max,
	    .loop = loop,
	    .sessions = sessions,
	    .calls = calls,
	    .context = context,
	    .payload_max = WIRE_OVERHEAD_MAX,
	};
	LIST_INIT(&all->list);
	LIST_INIT(&all->dirty);
	timer_queue_add(&sessions->timers, &all->greetings, PEER_GREETING_WAIT, greeting_fire, all);
}

void
peers_clear(struct peers *all)
{
	while (!LIST_EMPTY(&all->list))
		peer_drop(LIST_FIRST(&all->list));
	timer_queue_remove(&all->sessions->timers, &all->greetings);
}

void
peers_add(struct peers *all, int fd)
{
	static const struct link_calls calls = {
	    .message = on_message, .descriptor = on_descriptor, .gone = on_gone};
	struct peer *peer;

	if (!all->calls->admit(all, fd)) {
		close(fd);
		return;
	}
	peer = xcalloc(1, sizeof *peer);
	peer->all = all;
	hash_table_init(&peer->requests);
	random_bytes(&peer->link_id, sizeof peer->link_id);
	peer->link_id |= 1; /* 0 says that there was none */
	peer->link = link_create(all->loop, fd, WIRE_RESPONDER, GREETING_MAX, &calls, peer);
	LIST_INSERT_HEAD(&all->list, peer, entry);
	all->count++;
	timer_start(&all->greetings, &peer->timer, sessions_now(all->sessions));
}

bool
peers_drop_silent(struct peers *all)
{
	struct timer *oldest = timer_queue_first(&all->greetings);

	if (oldest == NULL)
		return false;
	peer_drop(container_of(oldest, struct peer, timer));
	return true;
}

void
peers_raise_payload_max(struct peers *all, size_t payload_max)
{
	struct peer *peer;

	if (payload_max <= all->payload_max)
		return;
	all->payload_max = payload_max;
	LIST_FOREACH(peer, &all->list, entry)
		if (peer->state != PEER_GREETING)
			link_set_payload_max(peer->link, payload_max);
}
