/*
 * A connection to the server that is always wanted: it is made again when it is lost. It greets
 * with user, password and database. What is called is answered in its order; if nothing is answered
 * for REDIS_TIMEOUT, the server is away.
 *
 * A server that has forgotten scripts (SCRIPT FLUSH) is given all of them again, once it has
 * answered what was sent; then what it did not know, and what was called meanwhile, in the order of
 * the calls. So a call that is repeated is overtaken only by what was sent before that and did run:
 * calls without a script, and with one that the server has learnt from another connection.
 *
 * There are two: one calls, the other listens to topics.
 */
#ifndef SESSIOND_REDIS_LINK_H
#define SESSIOND_REDIS_LINK_H

#include "common/buffer.h"
#include "common/timer_queue.h"
#include "conf/engine_address.h"
#include "sessiond/redis/redis_client.h"
#include "sessiond/redis/redis_scripts.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <uv.h>

enum {
	REDIS_TIMEOUT = 5000, /* ms */
	REDIS_RETRY = 500,    /* ms between two attempts */
	REDIS_PING = 10000,   /* ms of silence after which it is asked whether it is there */
};

/* The reply to a call; NULL: there is none, and it may have been carried out or not. */
typedef void redis_reply_fn(void *data, const struct redis_reply *reply);

struct redis_call;
STAILQ_HEAD(redis_calls, redis_call);

/* A command as it is made: words one after another. All zero bytes: empty. */
struct redis_words {
	struct buffer bytes;
	size_t *lens;
	size_t count, room;
};

void redis_words_add(struct redis_words *words, const char *word, size_t len);
void redis_words_text(struct redis_words *words, const char *word);
void redis_words_number(struct redis_words *words, int64_t number);
void redis_words_clear(struct redis_words *words);

struct redis_link_calls {
	void (*greets)(void *owner); /* it may call what is to come first, then ready */
	void (*lost)(void *owner);   /* its calls were told before */
	void (*pushed)(
	    void *owner, const struct redis_reply *reply); /* a list of three, of topics */
};

struct redis_link {
	const struct redis_client_ops *ops;
	const struct engine_address *address;
	uv_loop_t *loop;
	uint64_t (*now)(void *context); /* ms, of the timers */
	void *clock;
	const struct redis_link_calls *calls;
	void *owner;
	const char *what;	     /* for the log */
	struct redis_client *client; /* NULL: away */
	bool is_connected, is_ready;
	struct redis_calls pending; /* sent, and to be answered */
	struct redis_calls unknown; /* answered: the server has forgotten the script */
	struct redis_calls held;    /* called since then */
	struct timer_queue timeouts, retries, pings;
	struct timer timeout, retry, ping;
	bool was_told; /* the log has that it is away */
};

/* Borrows everything; connects. */
void redis_link_init(struct redis_link *link, struct timers *timers);

/* Ends it; calls hear that there is no reply. */
void redis_link_clear(struct redis_link *link);

/* It can be used, from now on until it is lost. */
void redis_link_ready(struct redis_link *link);

/*
 * Calls. fn may be NULL. Takes what is in the words, which are empty then. If it is not connected,
 * fn is called at once.
 */
void
redis_link_call(struct redis_link *link, struct redis_words *words, redis_reply_fn *fn, void *data);

/* The same with a script, whose keys (and their number before them) and arguments these are. */
void redis_link_run(struct redis_link *link, enum redis_script script, struct redis_words *words,
    redis_reply_fn *fn, void *data);

/* The server gets to know the scripts, so that no call has to be repeated. */
void redis_link_load_scripts(struct redis_link *link);

/* A command that has no reply of its own: SUBSCRIBE and UNSUBSCRIBE. */
void redis_link_say(struct redis_link *link, struct redis_words *words);

/* What it says is wrong: the log gets that, and it begins anew. */
void redis_link_break(struct redis_link *link, const char *why);

#endif
