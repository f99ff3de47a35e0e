/* See module_options.h. */
#include "conf/module_options.h"

#include "common/memory.h"
#include "conf/conf.h"
#include "conf/conf_suggest.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { PREFIX_LEN = sizeof MODULE_OPTION_PREFIX - 1 };

int
module_options_add(struct module_options *options, const char *name, const char *value,
    unsigned line, struct error *err)
{
	const struct module_option *former = module_options_find(options, name + PREFIX_LEN);

	if (name[PREFIX_LEN] == '\0')
		return error_set(err, EX_CONFIG,
		    "\"" MODULE_OPTION_PREFIX
		    "\" needs a name of the module's own, as in module.interval = 5s");
	if (former != NULL)
		return error_set(err, EX_CONFIG, "option \"%s\" was already set on line %u",
		    former->name, former->line);
	options->items =
	    xgrow(options->items, &options->room, options->count, sizeof options->items[0]);
	options->items[options->count++] =
	    (struct module_option){xstrdup(name), xstrdup(value), line};
	return 0;
}

void
module_options_copy(struct module_options *to, const struct module_options *from)
{
	size_t i;

	for (i = 0; i < from->count; i++)
		module_options_add(
		    to, from->items[i].name, from->items[i].value, from->items[i].line, NULL);
}

const struct module_option *
module_options_find(const struct module_options *options, const char *name)
{
	size_t i;

	for (i = 0; i < options->count; i++)
		if (strcmp(options->items[i].name + PREFIX_LEN, name) == 0)
			return &options->items[i];
	return NULL;
}

static bool
is_known(const char *name, const char *const *known)
{
	while (*known != NULL && strcmp(*known, name) != 0)
		known++;
	return *known != NULL;
}

static void
refuse(const struct module_option *option, const char *const *known, struct error *err)
{
	char quoted[CONF_QUOTED_SIZE];
	const char *near;
	size_t n = 0;

	while (known[n] != NULL)
		n++;
	near = conf_suggest(option->name + PREFIX_LEN, known, n);
	conf_quote(option->name, quoted);
	if (near != NULL)
		error_set(err, EX_CONFIG,
		    "the module has no option %s, did you mean \"" MODULE_OPTION_PREFIX "%s\"?",
		    quoted, near);
	else
		error_set(err, EX_CONFIG, "the module has no option %s", quoted);
}

const struct module_option *
module_options_find_unknown(
    const struct module_options *options, const char *const *known, struct error *err)
{
	size_t i;

	for (i = 0; i < options->count; i++) {
		if (is_known(options->items[i].name + PREFIX_LEN, known))
			continue;
		refuse(&options->items[i], known, err);
		return &options->items[i];
	}
	return NULL;
}

bool
module_options_are_same(const struct module_options *a, const struct module_options *b)
{
	size_t i;

	for (i = 0; i < a->count; i++) {
		const struct module_option *other =
		    module_options_find(b, a->items[i].name + PREFIX_LEN);

		if (other == NULL || strcmp(other->value, a->items[i].value) != 0)
			return false;
	}
	return a->count == b->count;
}

void
module_options_clear(struct module_options *options)
{
	size_t i;

	for (i = 0; i < options->count; i++) {
		free(options->items[i].name);
		free(options->items[i].value);
	}
	free(options->items);
	*options = (struct module_options){NULL, 0, 0};
}
