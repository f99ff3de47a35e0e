/*
 * Who is in a channel: members, each with an id and what is known of it, a text. A member is there
 * as long as a connection is that said it was this member, or several are.
 *
 * After a restart those are members, too, whose connections are gone: until disconnect_delay has
 * passed they may come back.
 */
#ifndef SESSIOND_PRESENCE_H
#define SESSIOND_PRESENCE_H

#include "common/hash_table.h"
#include "common/timer_queue.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct channel;

/* Whom a connection says to be. Borrowed. */
struct channel_member {
	const char *id; /* UTF-8, not empty, without NUL */
	size_t id_len;
	const char *info; /* any bytes */
	size_t info_len;
};

struct presence_member {
	struct hash_entry by_id;
	struct channel *channel;
	uint64_t number; /* in the store, among its channel's; from 1 */
	unsigned connections;
	bool is_listed;	      /* for who compares the members with a list */
	struct timer absence; /* with no connection */
	const char *info;
	size_t info_len;
	char id[]; /* NUL-terminated; by_id has its length */
};

struct presence {
	struct hash_table members;
	uint64_t last_number;
};

/* The member of that id; NULL: none, or presence is NULL. */
struct presence_member *
presence_find(const struct presence *presence, const char *id, size_t id_len);

/* A new member, without connections. *presence is made if it is NULL. Copies. */
struct presence_member *presence_add(struct presence **presence, struct channel *channel,
    const struct channel_member *member, uint64_t number);

/* Its number is taken: the next one that is new gets a larger one. */
void
presence_set_number(struct presence *presence, struct presence_member *member, uint64_t number);

/* Takes a member out and frees it. */
void presence_remove(struct presence *presence, struct presence_member *member);

/* How many members there are; presence may be NULL. */
size_t presence_count(const struct presence *presence);

/* Calls each for every member, in no order; it may remove the one it is called for. */
void presence_each(const struct presence *presence,
    void (*each)(struct presence_member *member, void *context), void *context);

/* Frees all. Sets *presence NULL; takes NULL. */
void presence_destroy(struct presence **presence);

#endif
