/*
 * Where a session lives when several daemons run on one configuration ([server] daemons): its home,
 * by its id. Responders and daemons of every version compute the same, and so does what moves
 * stored sessions when the number of daemons has changed. So the hash may never change.
 */
#ifndef WIRE_WIRE_HOME_H
#define WIRE_WIRE_HOME_H

#include <stddef.h>

/*
 * What of an id is behind this does not count. A client that connects again and again for the same
 * session (resume) so comes to the same daemon each time, with another id.
 */
#define WIRE_HOME_END '~'

/* The index of the daemon, from 0 to daemons - 1. daemons: at least 1. */
unsigned wire_home(const char *id, size_t len, unsigned daemons);

#endif
