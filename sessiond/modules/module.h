/*
 * Loading applications: the shared objects that sockjs.conf names (sockjs.h). Errors of this file
 * begin with the place in sockjs.conf.
 */
#ifndef SESSIOND_MODULE_H
#define SESSIOND_MODULE_H

#include "common/error.h"
#include "sessiond/service/service.h"

#include <stdbool.h>

/*
 * Adds a module of the daemon's own: its name is looked for before any file. Borrowed. At most
 * seven; one that is added again changes nothing.
 */
void module_add_own(const struct sockjs_module *module);

/*
 * Loads service->module_name: a path if it has a slash, else NAME.so in module_path. If module_path
 * is NULL, NAME.so is looked for in ../examples beside the program (a build tree), then where
 * modules are installed. Returns -1 and an error (EX_CONFIG) if there is no such file, if it is not
 * a module of this ABI, if it does not know one of its options, or if it has nothing for the
 * section that names it.
 */
int module_load(struct sockjs_service *service, const char *module_path, struct error *err);

/* Calls the module's start. -1 and an error if it refuses; the module has then to be unloaded. */
int module_start(struct sockjs_service *service, struct error *err);

/*
 * True if two loaded services differ in nothing that their module sees when it starts: they have
 * the same name, the same image and the same options of the module.
 */
bool module_is_same(const struct sockjs_service *a, const struct sockjs_service *b);

/*
 * Runs what the module has handed to the loop, calls its stop if it was started, and unloads it.
 * Safe on a service whose module was never loaded.
 */
void module_unload(struct sockjs_service *service);

#endif
