/*
 * The tables of options, for the documentation's test (tests/e2e/documentation.test.js): one line
 * of JSON each, with the members section, name, type, min, max (0: the largest of the type),
 * default (null: none), names (of enumerations and sets) and atStart.
 */
#include <inttypes.h>
#include <stdio.h>

#include "conf/app_options.h"
#include "conf/worker_options.h"
#include "conf/responder_options.h"
#include "conf/config_options.h"

static void
print_names(const char *const *names)
{
	size_t i;

	printf("[");
	for (i = 0; names != NULL && names[i] != NULL; i++)
		printf("%s\"%s\"", i == 0 ? "" : ",", names[i]);
	printf("]");
}

/* No text of a table has a character that JSON escapes; JSON.parse would tell. */
static void
print_table(const char *section, const struct conf_option *table, size_t count)
{
	static const char *const types[] = {
	    [CONF_BOOL] = "bool",
	    [CONF_U32] = "number",
	    [CONF_SIZE] = "size",
	    [CONF_MS] = "time",
	    [CONF_STRING] = "string",
	    [CONF_ENUM] = "enum",
	    [CONF_SET] = "set",
	};
	size_t i;

	for (i = 0; i < count; i++) {
		const struct conf_option *option = &table[i];

		printf("{\"section\":\"%s\",\"name\":\"%s\",\"type\":\"%s\",\"min\":%" PRIu64
		       ",\"max\":%" PRIu64 ",\"default\":",
		    section, option->name, types[option->type], option->min, option->max);
		if (option->default_text == NULL)
			printf("null");
		else
			printf("\"%s\"", option->default_text);
		printf(",\"names\":");
		print_names(option->names);
		printf(",\"atStart\":%s}\n", option->at_start ? "true" : "false");
	}
}

int
main(void)
{
	print_table("server", server_option_table, server_option_count);
	print_table("service", service_option_table, service_option_count);
	print_table("worker", worker_option_table, worker_option_count);
	print_table("app", app_option_table, app_option_count);
	print_table("fcgi", fcgi_option_table, fcgi_option_count);
	return 0;
}
