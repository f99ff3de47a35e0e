/*
 * See siblings.h. There is a link to each of the others, from the first connection that goes there
 * on. A handover is on one of two lists: it waits to be sent, or it was, and is not taken yet. This
 * daemon has the connection open until it is. Its deadline is one, however often it is sent.
 */
#include "sessiond/responder/siblings.h"

#include "common/log.h"
#include "common/log_limit.h"
#include "common/memory.h"
#include "sockjs/route.h"
#include "wire/link.h"
#include "wire/wire_daemons.h"
#include "wire/wire_home.h"
#include "wire/wire_messages.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	ANSWER_MAX = 1024, /* bytes of the largest message that a sibling sends */
	LAST_READS = 16,   /* of a client that is refused, which may not stop to send */
};

struct handover {
	struct sibling *sibling;
	TAILQ_ENTRY(handover) entry;
	struct timer wait; /* runs until it is taken */
	bool is_sent;	   /* it is among `untaken` */
	uint64_t id;
	int fd;
	struct address_entry *address;
	struct buffer bytes;
};

static void go_on(struct sibling *sibling);
static void on_gone(void *context, bool is_broken, const char *why);

/* --- handovers -------------------------------------------------------------------------------- */

/* Of a handover that is on no list. */
static void
destroy(struct handover *handover)
{
	struct siblings *all = handover->sibling->all;

	timer_stop(&handover->wait);
	close(handover->fd);
	address_count_drop(&all->sessions->limits.addresses, handover->address);
	buffer_free(&handover->bytes);
	all->connections->away--;
	free(handover);
}

/*
 * What the client sends still is read, as far as it has come: its socket would be reset otherwise.
 */
static void
refuse(const struct handover *handover)
{
	static const char text[] = "The daemon that has the session is not running.\n";
	static struct log_limit limit;
	char bytes[4096];
	int n = snprintf(bytes, sizeof bytes,
	    "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\n"
	    "Content-Type: text/plain; charset=UTF-8\r\nContent-Length: %zu\r\n\r\n%s",
	    sizeof text - 1, text);

	log_limited(&limit, SEVERITY_ERROR, "daemon %u is away: its requests get 503",
	    handover->sibling->index);
	send(handover->fd, bytes, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
	shutdown(handover->fd, SHUT_WR);
	for (int i = 0; i < LAST_READS; i++)
		if (recvfrom(handover->fd, bytes, sizeof bytes, MSG_DONTWAIT, NULL, NULL) <= 0)
			break;
}

/* Whether these are carried out nobody can tell: the next daemon must not get them. */
static void
refuse_untaken(struct sibling *sibling)
{
	struct handover *handover;

	while ((handover = TAILQ_FIRST(&sibling->untaken)) != NULL) {
		TAILQ_REMOVE(&sibling->untaken, handover, entry);
		refuse(handover);
		destroy(handover);
	}
	sibling->untaken_count = 0;
}

static void
wait_fire(struct timer *timer, void *context)
{
	struct handover *handover = container_of(timer, struct handover, wait);
	struct sibling *sibling = handover->sibling;

	(void)context;
	if (handover->is_sent) {
		refuse_untaken(sibling);
		on_gone(sibling, true, "it takes no connections");
		return;
	}
	TAILQ_REMOVE(&sibling->waiting, handover, entry);
	refuse(handover);
	destroy(handover);
}

/* Its descriptor leaves with its first bytes, so that what was put before it has to have left. */
static void
send_first(struct sibling *sibling)
{
	struct handover *handover = TAILQ_FIRST(&sibling->waiting);
	struct buffer *out = link_output(sibling->link);

	TAILQ_REMOVE(&sibling->waiting, handover, entry);
	if (wire_encode_handover(out, handover->id, handover->bytes.data, handover->bytes.len) ==
	    -1) {
		refuse(handover);
		destroy(handover);
		return;
	}
	TAILQ_INSERT_TAIL(&sibling->untaken, handover, entry);
	handover->is_sent = true;
	sibling->untaken_count++;
	link_send_descriptor(sibling->link, handover->fd);
	link_flush(sibling->link);
}

static void
send_waiting(struct sibling *sibling)
{
	while (sibling->is_there && !TAILQ_EMPTY(&sibling->waiting) &&
	    sibling->untaken_count < SIBLING_UNTAKEN_MAX && link_output(sibling->link)->len == 0)
		send_first(sibling);
}

/* --- what a sibling says ---------------------------------------------------------------------- */

static int
take_hello(struct sibling *sibling, const struct wire_header *header, const char *payload)
{
	static struct log_limit limit;
	struct wire_hello hello;
	const char *refusal;

	if (wire_decode_hello(header, payload, &hello) == -1)
		return -1;
	refusal = wire_hello_refusal(&hello, 1u << WIRE_DAEMON);
	if (refusal == NULL && hello.minor < WIRE_MINOR_DAEMONS)
		refusal = "an older version, which knows no other daemons";
	if (refusal != NULL) {
		log_limited(&limit, SEVERITY_ERROR, "daemon %u (process %u): %s", sibling->index,
		    hello.pid, refusal);
		return -1;
	}
	sibling->is_there = true;
	return 0;
}

static int
take_taken(struct sibling *sibling, const struct wire_header *header, const char *payload)
{
	struct handover *handover;

	if (wire_decode_taken(header, payload) == -1)
		return -1;
	TAILQ_FOREACH(handover, &sibling->untaken, entry)
		if (handover->id == header->request)
			break;
	if (handover == NULL)
		return -1;
	TAILQ_REMOVE(&sibling->untaken, handover, entry);
	sibling->untaken_count--;
	destroy(handover);
	return 0;
}

static int
on_message(void *context, const struct wire_header *header, const char *payload)
{
	struct sibling *sibling = context;

	switch (header->type) {
	case WIRE_HELLO:
		return take_hello(sibling, header, payload);
	case WIRE_TAKEN:
		return take_taken(sibling, header, payload);
	case WIRE_GOODBYE:
		/* Its end of the link closes; the next daemon gets what it does not take. */
		sibling->is_there = false;
		return 0;
	default:
		return -1;
	}
}

static void
on_taken(void *context)
{
	send_waiting(context);
}

/* --- the link --------------------------------------------------------------------------------- */

/* What was not taken is the first of what waits. */
static void
take_back(struct sibling *sibling)
{
	struct handover *handover;

	while ((handover = TAILQ_LAST(&sibling->untaken, handover_list)) != NULL) {
		TAILQ_REMOVE(&sibling->untaken, handover, entry);
		TAILQ_INSERT_HEAD(&sibling->waiting, handover, entry);
		handover->is_sent = false;
	}
	sibling->untaken_count = 0;
}

static void
rest(struct sibling *sibling)
{
	struct siblings *all = sibling->all;

	timer_start(&all->pauses, &sibling->pause, sessions_now(all->sessions));
}

static void
pause_fire(struct timer *timer, void *context)
{
	(void)context;
	go_on(container_of(timer, struct sibling, pause));
}

static void
on_gone(void *context, bool is_broken, const char *why)
{
	static struct log_limit limit;
	struct sibling *sibling = context;

	if (is_broken)
		log_limited(&limit, SEVERITY_ERROR, "daemon %u: %s", sibling->index, why);
	link_destroy(&sibling->link);
	sibling->is_there = false;
	take_back(sibling);
	rest(sibling);
}

static void
greet(struct sibling *sibling)
{
	const struct wire_hello hello = {
	    .role = WIRE_DAEMON,
	    .major = WIRE_MAJOR,
	    .minor = WIRE_MINOR,
	    .pid = (uint32_t)getpid(),
	};

	wire_encode_hello(link_output(sibling->link), &hello);
	link_flush(sibling->link);
}

static int
connect_to(const struct sibling *sibling)
{
	const struct config *config = sibling->all->config;
	struct daemon_place place = {sibling->index, config->place.count};
	char *path = daemon_place_path(config->server.socket, &place);
	int fd = link_connect(path);

	free(path);
	return fd;
}

static void
open_link(struct sibling *sibling)
{
	static const struct link_calls calls = {
	    .message = on_message, .taken = on_taken, .gone = on_gone};
	int fd = connect_to(sibling);

	if (fd == -1) {
		rest(sibling);
		return;
	}
	sibling->link =
	    link_create(sibling->all->loop, fd, WIRE_DAEMON, ANSWER_MAX, &calls, sibling);
	greet(sibling);
}

/* Something waits, or the pause is over. */
static void
go_on(struct sibling *sibling)
{
	if (sibling->link != NULL)
		send_waiting(sibling);
	else if (!TAILQ_EMPTY(&sibling->waiting) && !timer_is_running(&sibling->pause))
		open_link(sibling);
}

/* --- what leaves ------------------------------------------------------------------------------ */

/*
 * /metrics?daemon=INDEX, and /up: the daemon that is asked; `own` if the target names none that
 * there is.
 */
static unsigned
named_in(const char *target, size_t len, unsigned count, unsigned own)
{
	static const char *const names[] = {"/metrics?daemon=", "/up?daemon="};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		size_t at = strlen(names[i]);
		unsigned index = 0;

		if (len <= at || len > at + 2 || memcmp(target, names[i], at) != 0)
			continue;
		for (; at < len && isdigit((unsigned char)target[at]); at++)
			index = index * 10 + (unsigned)(target[at] - '0');
		if (at == len && index < count)
			return index;
	}
	return own;
}

/* The daemon that is to answer the request for that target; this one's index if any can. */
static unsigned
home_of(const struct siblings *all, const char *target, size_t len)
{
	const struct endpoint *endpoint;
	const char *session;
	size_t path_len = 0, session_len;

	while (path_len < len && target[path_len] != '?' && target[path_len] != '#')
		path_len++;
	endpoint = route_session(target, path_len, &session, &session_len);
	if (endpoint == NULL)
		return named_in(target, len, all->config->place.count, all->config->place.index);
	/* A websocket lives where it comes, unless it comes for a session that there is. */
	if (endpoint->id == ENDPOINT_WEBSOCKET &&
	    memchr(session, WIRE_HOME_END, session_len) == NULL)
		return all->config->place.index;
	return wire_home(session, session_len, all->config->place.count);
}

static bool
is_elsewhere(const void *context, const char *target, size_t len)
{
	const struct siblings *all = context;

	return home_of(all, target, len) != all->config->place.index;
}

/* The target, which was judged when it was read, is the second word of the bytes. */
static void
left(void *context, int fd, struct address_entry *address, struct buffer *bytes)
{
	const char *target = (const char *)memchr(bytes->data, ' ', bytes->len) + 1,
		   *end = bytes->data + bytes->len;
	size_t len = (size_t)((const char *)memchr(target, ' ', (size_t)(end - target)) - target);

	siblings_hand_over(context, home_of(context, target, len), fd, address, bytes);
}

void
siblings_hand_over(struct siblings *all, unsigned index, int fd, struct address_entry *address,
    struct buffer *bytes)
{
	struct handover *handover = xcalloc(1, sizeof *handover);
	struct sibling *sibling = &all->items[index];

	handover->sibling = sibling;
	handover->id = ++all->last_id;
	handover->fd = fd;
	handover->address = address;
	handover->bytes = *bytes;
	*bytes = (struct buffer)BUFFER_INIT;
	all->connections->away++;
	TAILQ_INSERT_TAIL(&sibling->waiting, handover, entry);
	timer_start(&all->waits, &handover->wait, sessions_now(all->sessions));
	go_on(sibling);
}

/* --- life ------------------------------------------------------------------------------------- */

void
siblings_init(struct siblings *all, uv_loop_t *loop, struct sessions *sessions,
    struct http_connections *connections, const struct config *config)
{
	*all = (struct siblings){
	    .loop = loop, .sessions = sessions, .connections = connections, .config = config};
	/* Each queue of timers costs every turn of the loop. */
	all->are_there = config->place.count > 1 && config->server.socket != NULL;
	if (!all->are_there)
		return;
	timer_queue_add(&sessions->timers, &all->waits, SIBLING_WAIT_MS, wait_fire, all);
	timer_queue_add(&sessions->timers, &all->pauses, SIBLING_PAUSE_MS, pause_fire, all);
	for (unsigned i = 0; i < DAEMONS_MAX; i++) {
		struct sibling *sibling = &all->items[i];

		sibling->all = all;
		sibling->index = i;
		TAILQ_INIT(&sibling->waiting);
		TAILQ_INIT(&sibling->untaken);
	}
}

void
siblings_start(struct siblings *all)
{
	if (!all->are_there)
		return;
	all->connections->context = all;
	all->connections->left = left;
	all->connections->is_elsewhere = is_elsewhere;
}

static void
clear(struct sibling *sibling)
{
	struct handover *handover;

	link_destroy(&sibling->link);
	take_back(sibling);
	while ((handover = TAILQ_FIRST(&sibling->waiting)) != NULL) {
		TAILQ_REMOVE(&sibling->waiting, handover, entry);
		destroy(handover);
	}
}

void
siblings_clear(struct siblings *all)
{
	if (!all->are_there)
		return;
	for (unsigned i = 0; i < DAEMONS_MAX; i++)
		clear(&all->items[i]);
	timer_queue_remove(&all->sessions->timers, &all->waits);
	timer_queue_remove(&all->sessions->timers, &all->pauses);
}
