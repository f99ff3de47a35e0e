/*
 * A section of sockjs.conf that is an application: [service ...] or [fallback], which name a
 * module, or [app ...].
 */
#ifndef CONF_CONFIG_SECTION_H
#define CONF_CONFIG_SECTION_H

#include "conf/app_options.h"
#include "conf/module_options.h"
#include "conf/worker_options.h"
#include "sockjs/service_options.h"

#include <stdbool.h>

struct config_section {
	bool is_fallback;
	/* Of a service: a prefix that prefix_init takes; "fallback"; of an app: see below. */
	char *name;
	unsigned line; /* where the section begins */
	char *module;  /* a name, or a path if it has a slash; NULL only while the file is read */
	struct service_options options;
	struct module_options module_options;
	char *app; /* of an [app]: its name; NULL: it is none */
	struct app_options app_options;
	struct worker_options worker_options; /* of a service; strings NULL in others */
};

/* Begins a section without a module. name, NULL for the fallback, and the defaults are copied. */
void config_section_init(struct config_section *section, const char *name, unsigned line,
    const struct service_options *defaults);

/*
 * Makes it the section of a service: its options of workers have their defaults. -1 and an error if
 * the table of options is broken.
 */
int config_section_make_service(struct config_section *section, struct error *err);

/*
 * Makes it the section of an app: its options have their defaults. Once the file is read its name
 * is the prefix of its service, and module is CONFIG_APP_MODULE. -1 and an error if the table of
 * options is broken.
 */
int config_section_make_app(struct config_section *section, const char *app, struct error *err);

#define CONFIG_APP_MODULE "app" /* the daemon's own */

/* Frees what a section holds. */
void config_section_clear(struct config_section *section);

#endif
