/*
 * See conf_doubt.h. The file is read once more, as only --check wants to know.
 */
#include "conf/conf_doubt.h"

#include "conf/conf_read.h"

#include <stdio.h>
#include <string.h>

struct doubting {
	const char *program, *path;
	conf_doubt_find *find;
};

static uint64_t
milliseconds(const struct conf_option *option, const char *text)
{
	struct conf_option plain = *option;
	struct error err = ERROR_INIT;
	uint64_t value = 0;

	plain.offset = 0;
	conf_parse_value(&plain, &value, text, &err);
	return value;
}

/* It has no unit, and is less than a second and than a tenth of the default. */
static bool
is_hardly_meant(const struct conf_option *option, const char *text)
{
	uint64_t value;

	if (option->type != CONF_MS || text[strspn(text, "0123456789")] != '\0')
		return false;
	value = milliseconds(option, text);
	return value > 0 && value < 1000 && value < milliseconds(option, option->default_text) / 10;
}

static int
on_option(void *user, const struct conf_line *line, struct error *err)
{
	const struct doubting *doubting = user;
	const struct conf_option *option = doubting->find(line->section, line->name);

	(void)err;
	if (option != NULL && is_hardly_meant(option, line->value))
		fprintf(stderr, "%s: %s:%u: %s: %s is %s ms; did you mean %ss?\n",
		    doubting->program, doubting->path, line->number, line->name, line->value,
		    line->value, line->value);
	return 0;
}

void
conf_doubt(const char *program, const char *path, conf_doubt_find *find)
{
	static const struct conf_handler handler = {.option = on_option};
	struct doubting doubting = {program, path, find};
	struct error err = ERROR_INIT;

	conf_read(path, &handler, &doubting, &err);
}
