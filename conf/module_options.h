/*
 * The options of modules: the lines `module.NAME = VALUE` of a section of sockjs.conf. They are
 * kept as they are; the module reads them (sockjs_option).
 */
#ifndef CONF_MODULE_OPTIONS_H
#define CONF_MODULE_OPTIONS_H

#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>

#define MODULE_OPTION_PREFIX "module."

struct module_option {
	char *name; /* with the prefix, as errors show it */
	char *value;
	unsigned line;
};

/* All zero bytes: none. */
struct module_options {
	struct module_option *items;
	size_t count, room;
};

/*
 * Adds a line of the file; copies. name begins with MODULE_OPTION_PREFIX. -1 and an error
 * (EX_CONFIG, without place) if nothing follows the prefix, or if the option was set before.
 */
int module_options_add(struct module_options *options, const char *name, const char *value,
    unsigned line, struct error *err);

/* Adds copies of all that `from` has to `to`, which has none of them. */
void module_options_copy(struct module_options *to, const struct module_options *from);

/* The option of that name, given without the prefix; NULL: not set. */
const struct module_option *
module_options_find(const struct module_options *options, const char *name);

/*
 * Looks for an option that the module does not know. known: the names of those it knows, without
 * the prefix, ended by NULL. Returns the first unknown one, and an error (EX_CONFIG, without
 * place); NULL if all are known.
 */
const struct module_option *module_options_find_unknown(
    const struct module_options *options, const char *const *known, struct error *err);

/* True if both have the same names with the same values, in whatever order. */
bool module_options_are_same(const struct module_options *a, const struct module_options *b);

/* Frees all; there are none then. */
void module_options_clear(struct module_options *options);

#endif
