/*
 * The daemons that run on one configuration: each has a control socket of its own beside the one
 * that they share, see conf/daemon_place.h.
 */
#ifndef SESSIOND_CTL_DAEMONS_H
#define SESSIOND_CTL_DAEMONS_H

#include "conf/daemon_place.h"

struct daemons {
	const char *any;	    /* the socket by which one of them is reached; borrowed */
	char *sockets[DAEMONS_MAX]; /* of each */
	unsigned count;		    /* 1: any is the only one */
};

/* Looks who listens beside that socket. path: borrowed. */
void daemons_find(struct daemons *daemons, const char *path);
void daemons_clear(struct daemons *daemons);

#endif
