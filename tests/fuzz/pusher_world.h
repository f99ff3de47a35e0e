/*
 * What is around fuzz_pusher.c: an app with its channels, and clients that believe what they hear.
 */
#ifndef TESTS_FUZZ_PUSHER_WORLD_H
#define TESTS_FUZZ_PUSHER_WORLD_H

#include "common/buffer.h"
#include "sessiond/channels/channels.h"
#include "sessiond/pusher/pusher_app.h"
#include "sessiond/session/session.h"
#include "sessiond/session/session_set.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Not assert(): it has to hold in a build with NDEBUG as well. */
#define REQUIRE(condition)                                                                         \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);    \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

#define APP_KEY	   "k"
#define APP_SECRET "s"

enum {
	CLIENTS = 4,
	DISCONNECT_DELAY = 5000, /* ms */
	PUBLISH_LIMIT = 100,	 /* bytes of data */
};

struct client {
	struct receiver receiver; /* first, so that one's address is the other's */
	struct session *session;  /* NULL: it is not connected, or was let go */
	bool is_paused, has_ended;
	/*
	 * By channel what it was told: {"ids": {}, "count": n, "next": offset}, each if it was. Its
	 * stream's session may outlive that of a websocket which comes later.
	 */
	json_t *beliefs, *of_socket, *of_stream; /* the first is one of the others */
};

struct world {
	struct sessions sessions;
	struct channels channels;
	struct sockjs_service *service;
	struct pusher_app *app;
	uint64_t now;
	struct client clients[CLIENTS];
	json_t *occupied; /* what the webhook was told: channels, and `CHANNEL MEMBER` */
	bool is_reloaded; /* `history` is another one than at first */
};

extern struct world world;

void world_begin(void);
void world_end_turn(void);
void world_pass(uint64_t ms);
void world_set_history(uint32_t history);
void world_end(void);

/* --- clients ---------------------------------------------------------------------------------- */

/* A client that is connected already keeps its connection. */
void client_connect(struct client *client, bool is_stream);
void client_break(struct client *client);
void client_pause(struct client *client);

/* The next publication to that channel it does not get. */
void client_skip(struct client *client, const char *channel, size_t len);

/* Compares what it was told with what is so. It has heard everything. */
void client_compare(const struct client *client);
void client_compare_counts(const struct client *client);

#endif
