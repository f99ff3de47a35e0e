/* See command_line.h. getopt_long reads; its tables are made of ours. */
#include "common/command_line.h"

#include <assert.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

enum {
	MAX_OPTIONS = 16,
	FIRST_NUMBER = 256, /* what getopt_long returns for the options of the table; no letter */
	ASKS_HELP = FIRST_NUMBER + MAX_OPTIONS,
	ASKS_VERSION,
};

/* getopt's two tables, with --version and --help at their end. */
struct tables {
	struct option names[MAX_OPTIONS + 3];
	char letters[1 + 2 * (MAX_OPTIONS + 2) + 1]; /* begins with `:`: getopt prints nothing */
};

static void
add_letter(struct tables *tables, char letter, bool has_value)
{
	char text[] = {letter, has_value ? ':' : '\0', '\0'};

	if (letter != '\0')
		strcat(tables->letters, text);
}

static void
make_tables(const struct command_option *options, struct tables *tables)
{
	int n;

	*tables = (struct tables){.letters = ":"};
	for (n = 0; options[n].name != NULL; n++) {
		bool has_value = options[n].value != NULL;

		assert(n < MAX_OPTIONS && has_value == (options[n].flag == NULL));
		tables->names[n] =
		    (struct option){options[n].name, has_value, NULL, FIRST_NUMBER + n};
		add_letter(tables, options[n].letter, has_value);
	}
	tables->names[n] = (struct option){"version", no_argument, NULL, ASKS_VERSION};
	tables->names[n + 1] = (struct option){"help", no_argument, NULL, ASKS_HELP};
	add_letter(tables, 'v', false);
	add_letter(tables, 'h', false);
}

/* What getopt_long returned, a letter or a number, as a number. */
static int
number_of(const struct command_option *options, int found)
{
	int n;

	if (found == 'v' || found == 'h')
		return found == 'v' ? ASKS_VERSION : ASKS_HELP;
	for (n = 0; found < FIRST_NUMBER && options[n].name != NULL; n++)
		if (options[n].letter == found)
			return FIRST_NUMBER + n;
	return found;
}

static void
take(const struct command_option *option)
{
	if (option->value != NULL)
		*option->value = optarg;
	else
		*option->flag = true;
}

int
command_line_read(const struct command_line *line, int argc, char **argv)
{
	struct tables tables;
	int found, n;

	make_tables(line->options, &tables);
	opterr = 0;
	while ((found = getopt_long(argc, argv, tables.letters, tables.names, NULL)) != -1) {
		if (found == ':')
			return command_line_mistake(
			    line, argv[optind - 1], "this option needs a value");
		if (found == '?')
			return command_line_mistake(line, argv[optind - 1], "unknown option");
		found = number_of(line->options, found);
		if (found == ASKS_VERSION) {
			printf("%s (sockjs-fcgi) " PACKAGE_VERSION "\n", line->program);
			return EX_OK;
		}
		if (found == ASKS_HELP) {
			fputs(line->usage, stdout);
			return EX_OK;
		}
		take(&line->options[found - FIRST_NUMBER]);
	}
	for (n = 0; n < line->argument_max && optind < argc; n++)
		line->arguments[n] = argv[optind++];
	if (optind < argc)
		return command_line_mistake(line, argv[optind],
		    line->argument_max == 0 ? "there are no arguments beside options"
					    : "there are too many arguments");
	return -1;
}

int
command_line_mistake(const struct command_line *line, const char *word, const char *mistake)
{
	fprintf(
	    stderr, "%s: %s: %s\nTry `%s --help`.\n", line->program, word, mistake, line->program);
	return EX_USAGE;
}

int
command_line_fail(const struct command_line *line, const struct error *err)
{
	fprintf(stderr, "%s: %s\n", line->program, err->text);
	return err->code;
}
