/*
 * A connection to a Redis, as the shared object that knows hiredis has it (client_hiredis.c). The
 * daemon loads that when it has an `engine`; nothing else needs the library.
 *
 * It sends commands, and tells of each reply in the order in which they come; what a reply is for,
 * who uses the connection knows. Of hiredis only its codec is used: its own connections abort the
 * process when a server says what they do not expect.
 */
#ifndef SESSIOND_REDIS_CLIENT_H
#define SESSIOND_REDIS_CLIENT_H

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

enum {
	REDIS_CLIENT_ABI = 1,
	REDIS_REPLY_MAX = 64 << 20, /* bytes of a reply: a longer one ends the connection */
	REDIS_LIST_MAX = 1 << 20,   /* things in a list: the same */
};

#define REDIS_CLIENT_SYMBOL "sockjs_redis_client"

struct redis_client;
struct redis_reply; /* opaque */

enum redis_type {
	REDIS_TEXT,
	REDIS_NUMBER,
	REDIS_LIST,
	REDIS_NIL,
	REDIS_ERROR, /* its text says what is wrong */
};

/* What its owner hears, from the loop; each may destroy the client. */
struct redis_client_calls {
	void (*connected)(void *owner);
	void (*replied)(void *owner, const struct redis_reply *reply); /* valid during the call */
	void (*ended)(void *owner, const char *why);		       /* the last call */
};

struct redis_client_ops {
	unsigned abi;
	/*
	 * Connects to host and port (a name or number), or to path. Everything is borrowed until it
	 * is destroyed, but the three texts, which are copied. Never NULL.
	 */
	struct redis_client *(*create)(uv_loop_t *loop, const char *host, const char *port,
	    const char *path, const struct redis_client_calls *calls, void *owner);
	/* Queues a command of argc words. -1: there is no memory for it. */
	int (*put)(struct redis_client *client, int argc, const char **words, const size_t *lens);
	/* Sends what is queued, as far as the server takes it. */
	void (*flush)(struct redis_client *client);
	/* Bytes that were queued and not taken. */
	size_t (*waits)(const struct redis_client *client);
	/* Ends it; nothing is called any more. Sets *client NULL; takes NULL. */
	void (*destroy)(struct redis_client **client);

	enum redis_type (*type)(const struct redis_reply *reply);
	int64_t (*number)(const struct redis_reply *reply);
	/* Bytes of a text or an error, and their number; NUL-terminated. "" of all else. */
	const char *(*text)(const struct redis_reply *reply, size_t *len);
	/* How many there are in a list, and which; 0 and NULL of all else. */
	size_t (*count)(const struct redis_reply *reply);
	const struct redis_reply *(*at)(const struct redis_reply *reply, size_t i);
};

#endif
