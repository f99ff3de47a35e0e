/*
 * Reads sockjs.conf for sessiond: [server], [service ...], [fallback], and [fcgi], which is checked
 * here as well, so that `sockjs-sessiond -n` finds a mistake in it.
 */
#ifndef CONF_CONFIG_READ_H
#define CONF_CONFIG_READ_H

#include "common/error.h"
#include "conf/config.h"

/*
 * Reads the file. Returns a configuration that the caller destroys, or NULL and an error
 * (EX_CONFIG) that begins with the place. Relative paths in it are made relative to the file's
 * folder. Every section names a module, and every service has a name of its own.
 */
struct config *config_read(const char *path, struct error *err);

#endif
