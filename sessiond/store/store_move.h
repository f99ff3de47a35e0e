/*
 * The stores of several daemons: which rows are in which file follows from how many daemons there
 * are. With another number of them, this moves what lies in the wrong file, before any of them
 * opens its own.
 *
 * The one daemon's file is PATH; of several, each has PATH.INDEX. What no session of another daemon
 * is part of stays with the first. A row is in one file or in the other, whenever the process or
 * the machine ends: each pair of files is one transaction of SQLite over both. Whoever begins again
 * goes on where it ended, for any number of daemons. A process that is killed may leave a small
 * file of SQLite's behind, PATH-mj and nine digits, which nobody needs.
 *
 * Of the files of more daemons than there are, those are taken that all lower ones lead up to.
 * Behind a gap, a file is somebody's copy, such as PATH.1 beside the one daemon's, and is left
 * alone.
 */
#ifndef SESSIOND_STORE_MOVE_H
#define SESSIOND_STORE_MOVE_H

#include "common/error.h"
#include "sessiond/store/store_types.h"

#include <stddef.h>

/* What has to be known of rows, which the store does not look into. */
struct store_move_calls {
	/* The daemon, below count, of the session with that id. */
	unsigned (*home)(const char *id, size_t len, unsigned count);
	/* The uuid of the session that a STORE_WORKER belongs to. NULL: of none. Borrows. */
	const char *(*worker_uuid)(const struct stored_record *record, size_t *len);
	/*
	 * What a STORE_CHANNEL and no other one has: its service and its name. NULL: none. What is
	 * behind it in the record stays where it is.
	 */
	const char *(*channel_name)(const struct stored_record *record, size_t *len);
};

/*
 * Makes the files of path those of so many daemons. Nobody may have one of them open. Damaged ones
 * are set aside, as when a store is opened. Returns 0, or -1 and an error; what has been moved by
 * then has been moved.
 */
int store_move(
    const char *path, unsigned count, const struct store_move_calls *calls, struct error *err);

#endif
