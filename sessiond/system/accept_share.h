/*
 * How many connections each of several daemons has, in memory that they share. They take turns at
 * accepting (acceptor.c), but connections do not end in turn, and a daemon that was started anew
 * has none: so one that has clearly more than another leaves the next ones to that. One that hangs
 * takes none of them: who has left it something leaves it no more until it is heard of again.
 */
#ifndef SESSIOND_ACCEPT_SHARE_H
#define SESSIOND_ACCEPT_SHARE_H

#include "conf/daemon_place.h"

#include <stdbool.h>
#include <stddef.h>

struct accept_share;

/* The supervisor: a descriptor (close-on-exec) of such memory, which says that none accepts. */
int accept_share_create(void);

/* A daemon, or the supervisor: maps it for good. Does not take fd. NULL without memory. */
struct accept_share *accept_share_map(int fd);

/* The daemon at that index accepts, and has so many connections; it says so in each turn. */
void accept_share_set(struct accept_share *share, unsigned index, size_t connections);

/* It accepts no more. */
void accept_share_leave(struct accept_share *share, unsigned index);

/*
 * True if the next connections are left to another daemon, which accepts, has clearly fewer, and
 * has said something since that was so the last time.
 */
bool accept_share_leaves(struct accept_share *share, const struct daemon_place *place);

#endif
