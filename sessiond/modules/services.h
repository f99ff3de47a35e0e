/*
 * What becomes of the services when sockjs.conf is read again. Of each name:
 *
 * - a service whose module, and its options, are the same goes on, with its new options and all its sessions;
 * - another one begins, with the module started, and takes all new sessions;
 * - what it replaces, or what the file has no longer, is retired: found by the requests of the sessions that it has, and by no
 *   others, until the last of them is over; then its module is stopped and unloaded.
 *
 * The same holds for the fallback, whose requests keep it. Services are also numbered, for responders: a number belongs to one
 * name for the life of the daemon.
 */
#ifndef SESSIOND_SUCCESSION_H
#define SESSIOND_SUCCESSION_H

#include "common/error.h"
#include "conf/config.h"

#include <stdbool.h>
#include <stddef.h>

enum { SERVICE_NUMBERS_MAX = 65536 }; /* names, between two starts of the daemon */

/*
 * The first time: loads the modules of all services. -1 and an error "PATH:LINE: text"; what is loaded is then for
 * succession_end to unload.
 */
int succession_load(struct config *config, struct error *err);

/* The first time: numbers, prepares and starts all services. -1 and an error, as above. */
int succession_start(struct config *config, struct sessions *sessions, struct error *err);

/*
 * Begins to replace config's services by those of `fresh`, just read: loads its modules, and starts those services of it that will
 * be new. -1 and an error "PATH:LINE: text"; fresh has then nothing started or loaded, and config is as it was.
 */
int succession_prepare(
    struct config *config, struct config *fresh, struct sessions *sessions, struct error *err);

struct succession_counts {
	size_t services, begun, retired;
};

/* Does it; cannot fail. fresh is left with what is to be destroyed with it. */
struct succession_counts succession_commit(struct config *config, struct config *fresh);

/*
 * Stops, unloads and frees the retired services that nobody holds. Not from within a callback of a module. True if a name has
 * gone: responders are to be told.
 */
bool succession_bury(struct config *config);

/* The daemon ends: stops and unloads all, retired ones too; after their sessions. Safe if nothing was loaded. */
void succession_end(struct config *config);

/*
 * The service that a responder means by a number and a session's id: one that has the session, else where new ones go. NULL: there
 * is none (any more), and no session either.
 */
struct sockjs_service *
succession_find(const struct config *config, unsigned number, const char *id, size_t id_len);

/* True if the number was ever given to a service. */
bool succession_knows(const struct config *config, unsigned number);

/* True if the retired service is the only one of its name, the latest if there are several. */
bool succession_is_last(const struct config *config, const struct sockjs_service *retired);

#endif
