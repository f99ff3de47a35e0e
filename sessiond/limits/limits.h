/*
 * The caps that all sessions and connections share, one of each. `struct sessions` has them, so
 * that everybody who serves a peer can ask.
 */
#ifndef SESSIOND_LIMITS_H
#define SESSIOND_LIMITS_H

#include "sessiond/limits/address_count.h"
#include "sessiond/limits/guesses.h"
#include "sessiond/limits/limit.h"
#include "sessiond/limits/memory_watch.h"
#include "sessiond/limits/rate.h"

struct server_options;

/* Bytes that may wait for a client when there is little room: as long as it reads, it has them. */
#define LIMITS_SCARCE_QUEUE 65536

/* Bytes of a body or message, from a client that is not the reason why there is no room. */
#define LIMITS_SMALL_INPUT 16384

/* Limits that others keep, each named by its option: here is counted how often they are reached. */
enum limit_id {
	LIMIT_AUTHORIZE,
	LIMIT_BODY,
	LIMIT_CHANNELS,
	LIMIT_CHANNELS_PER_CONNECTION,
	LIMIT_MEMBERS,
	LIMIT_MEMBER,
	LIMIT_CONNECTION,
	LIMIT_FCGID_MAX_HELD,
	LIMIT_GUESSES,
	LIMIT_HEADERS,
	LIMIT_HISTORIES,
	LIMIT_HISTORY,
	LIMIT_LOCAL_BACKLOG,
	LIMIT_LOCAL_PEERS,
	LIMIT_MESSAGE,
	LIMIT_PUBLISH,
	LIMIT_ENGINE_BACKLOG,
	LIMIT_QUEUE,
	LIMIT_SESSION,
	LIMIT_SESSIONS_PER_ADDRESS,
	LIMIT_STORE_ADDRESS,
	LIMIT_STORE_SESSION,
	LIMIT_COUNT,
};

struct limits {
	struct limit
	    input; /* bytes of messages and bodies that are not complete, or wait to be heard */
	struct limit queued;  /* bytes that wait for clients */
	size_t seen;	      /* bytes that were taken when memory was looked at because of them */
	bool is_scarce;	      /* too much waits, or memory is short */
	struct limit deflate; /* websockets with compression */
	struct limit connections;	/* of one address */
	struct limit memory;		/* of the process; counts refusals only */
	struct limit rate;		/* the same */
	struct address_count addresses; /* their connections */
	struct memory_watch watch;
	struct rates of_connection, of_address;
	struct rate_table addresses_rates;
	struct guesses guesses;
	uint64_t reached[LIMIT_COUNT];
	uint64_t rates_reached[2][RATE_KINDS]; /* of a connection; of an address */
};

/* Their options: by enum limit_id, and as rates_reached is. */
extern const char *const limit_options[LIMIT_COUNT];
extern const char *const limit_rate_options[2][RATE_KINDS];

/* Without caps, until limits_set. */
void limits_init(struct limits *limits, struct timers *timers);
void limits_clear(struct limits *limits);

/* At the start, and when the options change. daemons: that share the machine's memory. */
void limits_set(struct limits *limits, const struct server_options *options, unsigned daemons);

/*
 * True if the memory of the process is short: whoever comes with something new is refused, which is
 * counted.
 */
bool limits_refuse_for_memory(struct limits *limits);

/*
 * Room for what is not complete yet: *own becomes `wanted` bytes. False if there is none, in this
 * cap or in memory; but LIMITS_SMALL_INPUT bytes everybody may have.
 */
bool limits_take_input(struct limits *limits, size_t *own, size_t wanted);
void limits_give_input(struct limits *limits, size_t *own);

/* True if limits_take_input may refuse n bytes more. */
static inline bool
limits_input_is_scarce(const struct limits *limits, size_t n)
{
	return limits->input.taken + n > limits->input.most ||
	    memory_watch_is_short(&limits->watch);
}

/*
 * The turn ends at `now`. queued: the bytes of all messages there are; others: of connections and
 * sessions, roughly. What was taken, or given back, meanwhile is looked at.
 */
void limits_turn(struct limits *limits, size_t queued, size_t others, uint64_t now);

/*
 * The bytes that may wait for one client: `limit`, its service's queue_limit, unless all together
 * had too many at the end of the last turn.
 */
static inline size_t
limits_queue(const struct limits *limits, size_t limit)
{
	return limits->is_scarce && limit > LIMITS_SCARCE_QUEUE ? LIMITS_SCARCE_QUEUE : limit;
}

/*
 * Counts n of a kind for a connection (NULL: none) and an address (its address_count_number), at
 * `now`. False if they are too many for one of the two.
 */
bool limits_rate(struct limits *limits, struct rate_points *connection, uint64_t address,
    enum rate_kind kind, size_t n, uint64_t now);

/*
 * Counts a request that came through a responder, whose connections are not the clients'. is_send:
 * it sends messages. False if its address has too many.
 */
bool
limits_request(struct limits *limits, const struct sockaddr *address, bool is_send, uint64_t now);

/* True if limits_rate may say no. */
bool limits_have_rates(const struct limits *limits);

/*
 * A connection from an address that is not a proxy's; to be given back with
 * address_count_drop(&limits->addresses, ...). NULL if the address has as many as it may.
 */
struct address_entry *limits_connection(struct limits *limits, const struct sockaddr *address);

#endif
