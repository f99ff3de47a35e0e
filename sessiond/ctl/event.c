/*
 * See event.h.
 */
#include "sessiond/ctl/event.h"

#include "sessiond/ctl/text.h"

#include <jansson.h>
#include <string.h>
#include <time.h>

static long long
integer(const json_t *event, const char *name)
{
	return (long long)json_integer_value(json_object_get(event, name));
}

static void
print_time(long long ms, FILE *to)
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm local;
	char text[16];

	if (localtime_r(&seconds, &local) == NULL ||
	    strftime(text, sizeof text, "%H:%M:%S", &local) == 0)
		strcpy(text, "-");
	fprintf(to, "%s.%03lld", text, ms % 1000);
}

/* What is not there is left out. */
static void
print_word(const json_t *event, const char *name, FILE *to)
{
	const char *word = json_string_value(json_object_get(event, name));

	if (word == NULL)
		return;
	fputc(' ', to);
	text_print(word, to);
}

static void
print_message(const json_t *event, FILE *to)
{
	const json_t *data = json_object_get(event, "data");

	if (json_object_get(event, "length") == NULL)
		return;
	fprintf(to, " %lld B ", integer(event, "length"));
	if (data == NULL)
		fputs("binary", to);
	else
		text_print_quoted(data, to);
	if (data != NULL && (size_t)integer(event, "length") > json_string_length(data))
		fputs("...", to);
}

static void
print_close(const json_t *event, FILE *to)
{
	if (json_object_get(event, "code") == NULL)
		return;
	if (integer(event, "code") == 0) {
		fputs(" its client has gone", to);
		return;
	}
	fprintf(to, " %lld ", integer(event, "code"));
	text_print_quoted(json_object_get(event, "reason"), to);
}

static void
print_event(const json_t *event, const char *name, FILE *to)
{
	print_time(integer(event, "time"), to);
	fputs("  ", to);
	text_print(name, to);
	fprintf(to, "%*s", (int)(strlen(name) < 12 ? 12 - strlen(name) : 0), "");
	print_word(event, "service", to);
	print_word(event, "id", to);
	print_word(event, "transport", to);
	print_word(event, "address", to);
	print_word(event, "channel", to);
	print_close(event, to);
	print_message(event, to);
	fputc('\n', to);
}

int
event_print(const char *line, FILE *to)
{
	json_t *event = json_loads(line, JSON_ALLOW_NUL, NULL);
	const char *name = json_string_value(json_object_get(event, "event"));

	if (name != NULL && strcmp(name, "lost") == 0)
		fprintf(to, "%lld events were not shown\n", integer(event, "count"));
	else if (name != NULL)
		print_event(event, name, to);
	json_decref(event);
	return name == NULL ? -1 : 0;
}
