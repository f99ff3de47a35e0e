/*
 * `command_folder`: files that are commands. Who has FTP and no shell makes one named `reload`,
 * `restart` or `stop`. The first two are removed when they are obeyed. `stop` stays: as long as it
 * is there, autostart (fcgi/daemon/autostart.h) starts no daemon.
 *
 * The folder is looked at once a second. inotify would not see what another machine writes to NFS.
 */
#ifndef SESSIOND_COMMANDS_H
#define SESSIOND_COMMANDS_H

#include "common/error.h"

#include <stdbool.h>
#include <time.h>
#include <uv.h>

enum { COMMANDS_PERIOD_MS = 1000 };

/* Each is called from the loop. An error is logged. */
struct command_calls {
	int (*reload)(void *owner, struct error *err);
	int (*restart)(void *owner, struct error *err);
	int (*stop)(void *owner, struct error *err);
};

enum { COMMANDS = 3 };

struct commands {
	const char *folder; /* borrowed; NULL: none is looked at */
	const struct command_calls *calls;
	void *owner;
	uv_timer_t timer;
	struct timespec obeyed[COMMANDS]; /* what time a file has that could not be removed */
};

/* Begins to look. calls and folder are borrowed. The loop must close its handles at its end. */
void commands_start(struct commands *commands, uv_loop_t *loop, const char *folder,
    const struct command_calls *calls, void *owner);

/* Looks now. For commands_start's timer, and for tests. */
void commands_look(struct commands *commands);

#endif
