/*
 * A section of sockjs.conf that names a module: [service ...] or [fallback].
 */
#ifndef CONF_CONFIG_SECTION_H
#define CONF_CONFIG_SECTION_H

#include "conf/module_options.h"
#include "sockjs/service_options.h"

#include <stdbool.h>

struct config_section {
	bool is_fallback;
	char *name;    /* of a service: a prefix that prefix_init takes; "fallback" */
	unsigned line; /* where the section begins */
	char *module;  /* a name, or a path if it has a slash; NULL only while the file is read */
	struct service_options options;
	struct module_options module_options;
};

/* Begins a section without a module. name, NULL for the fallback, and the defaults are copied. */
void config_section_init(struct config_section *section, const char *name, unsigned line,
    const struct service_options *defaults);

/* Frees what a section holds. */
void config_section_clear(struct config_section *section);

#endif
