/*
 * One round at a time, and so one state of it. A round is a number of units of work (messages, or
 * clients that connect), which begin when they are due and there is room for one more.
 */
#include "bench/load/round.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>

#include "common/memory.h"

#define EVENTS	  512
#define NS	  1000000000ull
#define AFTERMATH (NS / 50)  /* in which the server does what a round has left it, as polls */
#define PATIENCE  (20 * NS)  /* without progress: a message was lost */
#define NO_LIMIT  UINT64_MAX /* of units at a time */

/* Clients that open at a time: below what servers let wait for them. */
#define OPENING 100

struct work {
	uint64_t total;
	uint64_t at_once; /* units, at most */
	double rate;	  /* units a second; 0: as soon as there is room */
	/* Begins a unit that was due then (ns), and returns true; false if it has to wait. */
	bool (*start)(uint64_t due);
	void (*on_event)(struct client *client, enum client_event event, unsigned count);
};

static struct target *target;
static struct client **clients;
static size_t client_count, client_room;
static TAILQ_HEAD(, client) idle = TAILQ_HEAD_INITIALIZER(idle);

/* Of the round that is running. */
static const struct work *work;
static struct round_result *result;
static uint64_t round_begin, begun, done;
static uint64_t *dues; /* of a fan-out: when each message was to be sent */

static uint64_t
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS + (uint64_t)now.tv_nsec;
}

static double
own_cpu(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	    (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void
note_latency(uint64_t since)
{
	histogram_add(&result->latency, now_ns() - since);
	result->count++;
}

static bool
has_room(void)
{
	return begun < work->total && begun - done < work->at_once;
}

static uint64_t
next_due(uint64_t now)
{
	return work->rate > 0 ? round_begin + (uint64_t)((double)begun / work->rate * (double)NS)
			      : now;
}

/* Returns when to look again (ns), if no event comes before. */
static uint64_t
start_what_is_due(void)
{
	uint64_t now = now_ns();

	while (has_room()) {
		uint64_t due = next_due(now);

		if (due > now)
			return due;
		/* It may be done at once. */
		begun++;
		if (!work->start(due)) {
			begun--;
			break;
		}
	}
	return now + PATIENCE;
}

/* Returns the number of events that there were until then. */
static int
wait_until(uint64_t then)
{
	struct epoll_event events[EVENTS];
	uint64_t now = now_ns(), left = then > now ? then - now : 0;
	struct timespec timeout = {(time_t)(left / NS), (long)(left % NS)};
	int count = epoll_pwait2(target->epoll, events, EVENTS, &timeout, NULL);

	if (count == -1 && errno != EINTR)
		die("epoll_pwait2: %s", strerror(errno));
	for (int i = 0; i < count; i++)
		client_read(events[i].data.ptr);
	return count;
}

static void
run(const struct work *of, struct round_result *into)
{
	double cpu = own_cpu();
	uint64_t end, seen = 0, seen_at;

	work = of;
	result = into;
	memset(result, 0, sizeof *result);
	begun = done = 0;
	while (wait_until(0) > 0) /* what has come since the last round */
		continue;
	round_begin = seen_at = now_ns();
	while (done < work->total) {
		uint64_t look = start_what_is_due();

		if (done < work->total)
			wait_until(look);
		if (result->count > seen) {
			seen = result->count;
			seen_at = now_ns();
		} else if (now_ns() > seen_at + PATIENCE) {
			die("%llu of %llu were not answered", (unsigned long long)(begun - done),
			    (unsigned long long)work->total);
		}
	}
	end = now_ns();
	result->seconds = (double)(end - round_begin) / NS;
	result->own_cpu = own_cpu() - cpu;
	while (now_ns() < end + AFTERMATH)
		wait_until(end + AFTERMATH);
}

static void
forward(struct client *client, enum client_event event, unsigned count)
{
	work->on_event(client, event, count);
}

void
round_prepare(struct target *of)
{
	target = of;
	target->epoll = epoll_create1(EPOLL_CLOEXEC);
	target->on_event = forward;
	if (target->epoll == -1)
		die("epoll_create1: %s", strerror(errno));
}

/* --- clients that open, and stay */

static bool
start_open(uint64_t due)
{
	clients = xgrow(clients, &client_room, client_count, sizeof *clients);
	clients[client_count++] = client_create(target, due);
	return true;
}

static void
on_open_event(struct client *client, enum client_event event, unsigned count)
{
	(void)count;
	if (event != CLIENT_OPENED)
		return;
	TAILQ_INSERT_TAIL(&idle, client, idle);
	note_latency(client->intended);
	done++;
}

void
round_open(uint64_t wanted, struct round_result *into)
{
	struct work opening = {wanted > client_count ? wanted - client_count : 0, OPENING, 0,
	    start_open, on_open_event};

	run(&opening, into);
}

/* --- messages that come back to their sender */

static bool
start_echo(uint64_t due)
{
	struct client *client = TAILQ_FIRST(&idle);

	if (!client)
		return false;
	TAILQ_REMOVE(&idle, client, idle);
	/* Without a rate, a message is due when it can be sent. */
	client->intended = work->rate > 0 ? due : now_ns();
	client->heard = client->sent = false;
	client_send(client);
	return true;
}

static void
on_echo_event(struct client *client, enum client_event event, unsigned count)
{
	(void)count;
	client->heard |= event == CLIENT_DELIVERED;
	client->sent |= event == CLIENT_SENT;
	if (!client->heard || !client->sent)
		return;
	client->heard = client->sent = false;
	note_latency(client->intended);
	done++;
	TAILQ_INSERT_TAIL(&idle, client, idle);
}

void
round_echo(uint64_t messages, uint64_t at_once, double rate, struct round_result *into)
{
	struct work echo = {messages, at_once, rate, start_echo, on_echo_event};

	run(&echo, into);
}

/* --- messages of one to all */

static bool
start_fanout(uint64_t due)
{
	struct client *sender = clients[0];

	if (!sender->sent)
		return false;
	sender->sent = false;
	dues[begun - 1] = work->rate > 0 ? due : now_ns();
	client_send(sender);
	return true;
}

static void
on_fanout_event(struct client *client, enum client_event event, unsigned count)
{
	if (event == CLIENT_SENT)
		client->sent = true;
	if (event != CLIENT_DELIVERED)
		return;
	while (count-- > 0 && client->received < work->total)
		note_latency(dues[client->received++]);
	done = result->count / client_count;
}

void
round_fanout(uint64_t messages, double rate, struct round_result *into)
{
	struct work fanout = {
	    messages, rate > 0 ? NO_LIMIT : 1, rate, start_fanout, on_fanout_event};

	if (client_count == 0)
		die("no client is open");
	dues = xcalloc(messages, sizeof *dues);
	for (size_t i = 0; i < client_count; i++)
		clients[i]->received = 0;
	clients[0]->sent = true;
	run(&fanout, into);
	free(dues);
}

/* --- clients that come and go */

static bool
start_connect(uint64_t due)
{
	client_create(target, due);
	return true;
}

static void
on_connect_event(struct client *client, enum client_event event, unsigned count)
{
	(void)count;
	if (event == CLIENT_OPENED)
		client_close(client);
	if (event != CLIENT_ENDED)
		return;
	note_latency(client->intended);
	done++;
	client_destroy(&client);
}

void
round_connect(uint64_t wanted, uint64_t at_once, struct round_result *into)
{
	struct work connecting = {wanted, at_once, 0, start_connect, on_connect_event};

	run(&connecting, into);
}
