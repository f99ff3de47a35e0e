/*
 * Which of the daemons this is, where [server] daemons runs several on one configuration.
 */
#ifndef CONF_DAEMON_PLACE_H
#define CONF_DAEMON_PLACE_H

enum { DAEMONS_MAX = 64 };

struct daemon_place {
	unsigned index; /* from 0 */
	unsigned count; /* 1: there is one daemon, as if there were no others ever */
};

/*
 * The path that daemon `index` alone listens on, or keeps its file at: PATH.INDEX; PATH itself if
 * count is 1. To be freed. path: NULL gives NULL.
 */
char *daemon_place_path(const char *path, const struct daemon_place *place);

#endif
