/*
 * Makes the sockjs.conf that is installed. The program reads a template (sockjs.conf.default.in) on
 * standard input, and writes it to standard output with every option of the programs' own tables,
 * each with its explanation and its default. So the file cannot grow stale.
 *
 * In the template, `%options server`, `%options service`, `%options app` or `%options fcgi` begins
 * a block, and `%end` ends it. A block contains only options that are set (`name = value`), each
 * after its own comments. They appear at their place in the table. All other options of the table
 * are commented out. Lines outside blocks are copied.
 */
#include "conf/app_options.h"
#include "conf/worker_options.h"
#include "conf/responder_options.h"
#include "conf/config_options.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 96 }; /* of comments */

/* An option that the template sets. */
struct setting {
	char *comment; /* whole lines; "": none */
	char *name;
	char *line;
	bool used;
};

struct block {
	const struct conf_option *table;
	size_t count;
	struct setting settings[CONF_OPTIONS_MAX];
	size_t setting_count;
	char *comment; /* collected for the next setting; NULL: none */
};

static unsigned line_number;

__attribute__((noreturn, format(printf, 1, 2))) static void
die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "sockjs.conf.default.in:%u: ", line_number);
	vfprintf(stderr, format, args);
	fprintf(stderr, "\n");
	va_end(args);
	exit(1);
}

/* --- printing --------------------------------------------------------------------------------- */

/* Prints the text as comment lines, broken at blanks. */
static void
print_comment(const char *text)
{
	size_t column = 0;

	while (*text != '\0') {
		size_t len = strcspn(text, " ");

		if (column != 0 && column + 1 + len > WIDTH) {
			putchar('\n');
			column = 0;
		}
		column += (size_t)printf("%s%.*s", column == 0 ? "# " : " ", (int)len, text);
		text += len + strspn(text + len, " ");
	}
	putchar('\n');
}

static void
print_names(const struct conf_option *option)
{
	char text[1000];
	size_t i, len;

	len =
	    (size_t)snprintf(text, sizeof text, option->type == CONF_SET ? "Any of all" : "One of");
	for (i = 0; option->names[i] != NULL; i++)
		len += (size_t)snprintf(text + len, sizeof text - len, "%s %s",
		    i == 0 && option->type == CONF_ENUM ? "" : ",", option->names[i]);
	snprintf(text + len, sizeof text - len, ".");
	print_comment(text);
}

static void
print_help(const struct conf_option *option)
{
	char text[1000];

	snprintf(text, sizeof text, "%c%s.", option->help[0] & ~0x20, option->help + 1);
	print_comment(text);
	if (option->names != NULL)
		print_names(option);
}

static struct setting *
find_setting(struct block *block, const char *name)
{
	size_t i;

	for (i = 0; i < block->setting_count; i++)
		if (strcmp(block->settings[i].name, name) == 0)
			return &block->settings[i];
	return NULL;
}

static void
print_option(struct block *block, const struct conf_option *option)
{
	struct setting *setting = find_setting(block, option->name);

	putchar('\n');
	print_help(option);
	if (setting == NULL) {
		printf("#%s =%s%s\n", option->name, option->default_text == NULL ? "" : " ",
		    option->default_text == NULL ? "" : option->default_text);
		return;
	}
	if (option->default_text == NULL)
		printf("# Not set by default.\n");
	else
		printf("# The default is %s.\n", option->default_text);
	printf("%s%s", setting->comment, setting->line);
	setting->used = true;
}

/* --- the template ----------------------------------------------------------------------------- */

static char *
copy_text(const char *text, size_t len)
{
	char *copy = strndup(text, len);

	if (copy == NULL)
		abort();
	return copy;
}

static void
begin_block(struct block *block, const char *name)
{
	const struct {
		const char *name;
		const struct conf_option *table;
		size_t count;
	} tables[] = {
	    {"server\n", server_option_table, server_option_count},
	    {"service\n", service_option_table, service_option_count},
	    {"worker\n", worker_option_table, worker_option_count},
	    {"app\n", app_option_table, app_option_count},
	    {"fcgi\n", fcgi_option_table, fcgi_option_count},
	};
	size_t i;

	*block = (struct block){.table = NULL};
	for (i = 0; i < sizeof tables / sizeof tables[0]; i++)
		if (strcmp(name, tables[i].name) == 0) {
			block->table = tables[i].table;
			block->count = tables[i].count;
			return;
		}
	die("there is no table %s", name);
}

static void
add_comment(struct block *block, const char *line)
{
	char *joined;

	if (asprintf(&joined, "%s%s", block->comment == NULL ? "" : block->comment, line) == -1)
		abort();
	free(block->comment);
	block->comment = joined;
}

static void
add_setting(struct block *block, const char *line)
{
	struct setting *setting = &block->settings[block->setting_count];

	if (line[0] == '#') {
		add_comment(block, line);
		return;
	}
	if (line[0] == '\n')
		return;
	if (block->setting_count == CONF_OPTIONS_MAX)
		die("too many options are set");
	setting->name = copy_text(line, strcspn(line, " ="));
	setting->line = copy_text(line, strlen(line));
	setting->comment = block->comment == NULL ? copy_text("", 0) : block->comment;
	block->comment = NULL;
	block->setting_count++;
}

static void
end_block(struct block *block)
{
	size_t i;

	for (i = 0; i < block->count; i++)
		print_option(block, &block->table[i]);
	for (i = 0; i < block->setting_count; i++) {
		if (!block->settings[i].used)
			die("there is no option \"%s\"", block->settings[i].name);
		free(block->settings[i].name);
		free(block->settings[i].line);
		free(block->settings[i].comment);
	}
	if (block->comment != NULL)
		die("a comment belongs to no option");
	block->table = NULL;
}

static void
take_line(struct block *block, const char *line)
{
	static const char begin[] = "%options ";

	if (strncmp(line, begin, strlen(begin)) == 0)
		begin_block(block, line + strlen(begin));
	else if (strcmp(line, "%end\n") == 0)
		end_block(block);
	else if (block->table != NULL)
		add_setting(block, line);
	else
		fputs(line, stdout);
}

int
main(void)
{
	struct block block = {.table = NULL};
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, stdin) != -1) {
		line_number++;
		take_line(&block, line);
	}
	free(line);
	if (block.table != NULL)
		die("the last block has no %%end");
	if (fflush(stdout) != 0 || ferror(stdout))
		die("standard output cannot be written");
	return 0;
}
