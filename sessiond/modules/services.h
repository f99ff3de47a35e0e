/*
 * The services that live in the daemon: made of the sections of sockjs.conf, with their modules,
 * and replaced when the file is read again. Of each name:
 *
 * - a service whose module, and its options, are the same goes on, with its new options and all its
 *   sessions;
 * - another one begins, with the module started, and takes all new sessions;
 * - what it replaces, or what the file has no longer, is retired: the requests of the sessions that
 *   it has find it, and no others do. When the last of them is over, its module is stopped and
 *   unloaded.
 *
 * The same holds for the fallback, whose requests keep it. Services are also numbered, for
 * responders: a number belongs to one name for the life of the daemon.
 */
#ifndef SESSIOND_SERVICES_H
#define SESSIOND_SERVICES_H

#include "common/error.h"
#include "conf/config.h"
#include "sessiond/service/service.h"

#include <stdbool.h>
#include <stddef.h>

enum { SERVICE_NUMBERS_MAX = 65536 }; /* names, between two starts of the daemon */

/* A name that a service has or had. Responders call it by its index. */
struct service_number {
	char *name;
	struct sockjs_service *service; /* that has it now; NULL: none, but for retired ones */
};

/* All zero bytes: none. */
struct services {
	struct sockjs_service **items; /* in the order of the file */
	size_t count, room;
	struct sockjs_service *fallback; /* NULL: none */
	struct sockjs_service **retired; /* the latest last */
	size_t retired_count, retired_room;
	struct service_number *numbers; /* one for each name that a service ever had */
	size_t number_count, number_room;
};

/*
 * At the start: makes a service of each section, and loads the modules. -1 and an error
 * "PATH:LINE: text"; what is loaded is then for services_end to unload.
 */
int services_load(struct services *services, const struct config *config, struct error *err);

/* At the start: numbers, prepares and starts all services. -1 and an error as above. */
int services_start(struct services *services, struct sessions *sessions, struct error *err);

/*
 * Begins to replace the services by those of a configuration that was read anew: makes these in
 * `fresh`, which is empty, loads their modules, and starts those that will be new. -1 and an error
 * "PATH:LINE: text"; then nothing of fresh is started or loaded, and services is as it was.
 */
int services_prepare(struct services *services, struct services *fresh, const struct config *config,
    struct sessions *sessions, struct error *err);

struct services_counts {
	size_t services, begun, retired;
};

/* Replaces them; cannot fail. fresh is left with what services_clear has to free. */
struct services_counts services_commit(struct services *services, struct services *fresh);

/*
 * Stops, unloads and frees the retired services that nobody holds. Not from within a callback of a
 * module. True if a name has gone: responders are to be told.
 */
bool services_reap(struct services *services);

/*
 * The daemon ends: stops and unloads all, retired ones too. They must have no sessions left. Safe
 * if nothing was loaded, and a second time.
 */
void services_end(struct services *services);

/* Frees them all after services_end; there are none then. */
void services_clear(struct services *services);

/*
 * The service that a responder means by a number (services_has_number) and a session's id: the one
 * that has the session, else the one that takes new sessions. NULL: there is none any more, nor the
 * session.
 */
struct sockjs_service *
services_find(const struct services *services, unsigned number, const char *id, size_t id_len);

/* True if the number was ever given to a service. */
bool services_has_number(const struct services *services, unsigned number);

/*
 * True if the retired service is the only one of its name, or the latest of several retired ones.
 */
bool services_is_last(const struct services *services, const struct sockjs_service *retired);

#endif
