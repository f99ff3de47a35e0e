/*
 * See conf.h. All of this runs at start-up and at a reload, so clarity goes before speed.
 *
 * First come the parsers, one for each type (option_types), then what works on whole tables.
 */
#include "conf/conf.h"

#include "common/log.h"
#include "common/memory.h"
#include "conf/conf_suggest.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

enum {
	LIST_SIZE = 256,    /* names listed in an error */
	SET_NAMES_MAX = 32, /* bits of an unsigned */
};

struct unit {
	const char *suffix;
	uint64_t factor;
};

static const struct unit plain_units[] = {{"", 1}, {NULL, 0}};
static const struct unit size_units[] = {
    {"", 1}, {"k", 1024}, {"m", 1024 * 1024}, {"g", 1024 * 1024 * 1024}, {NULL, 0}};
static const struct unit time_units[] = {{"", 1}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {NULL, 0}};

const char *
conf_quote(const char *text, char out[CONF_QUOTED_SIZE])
{
	size_t n;

	out[0] = '"';
	n = 1 + log_escape(out + 1, CONF_QUOTED_SIZE - 2, text);
	out[n] = '"';
	out[n + 1] = '\0';
	return out;
}

static int
parse_bool(const struct conf_option *option, void *to, const char *text, struct error *err)
{
	static const char *const words[] = {"off", "on", "no", "yes", "false", "true"};
	char quoted[CONF_QUOTED_SIZE];

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (strcasecmp(text, words[i]) == 0) {
			*(bool *)to = i % 2 == 1;
			return 0;
		}
	}
	return error_set(err, EX_CONFIG, "%s: %s is neither \"on\" nor \"off\"", option->name,
	    conf_quote(text, quoted));
}

/* Digits and one of the units. Returns 0, 1 if it needs more than 64 bits, -1 if it is none. */
static int
parse_digits(const char *text, const struct unit *units, uint64_t *value)
{
	const char *at = text;
	uint64_t sum = 0;
	bool huge = false;

	for (; *at >= '0' && *at <= '9'; at++) {
		huge |= __builtin_mul_overflow(sum, 10, &sum);
		huge |= __builtin_add_overflow(sum, (uint64_t)(*at - '0'), &sum);
	}
	if (at == text)
		return -1;
	while (units->suffix != NULL && strcasecmp(at, units->suffix) != 0)
		units++;
	if (units->suffix == NULL)
		return -1;
	huge |= __builtin_mul_overflow(sum, units->factor, value);
	return huge;
}

/*
 * What somebody may have meant by a number with a unit that is written out, as "25 sec" or "4 MB":
 * the unit that the word begins with, the longest first. Empty if there is none.
 */
static void
suggest_unit(const char *text, const struct unit *units, char *out, size_t size)
{
	size_t digits = strspn(text, "0123456789");
	const char *word = text + digits + strspn(text + digits, " \t"), *meant = NULL;

	out[0] = '\0';
	for (; units->suffix != NULL; units++)
		if (units->suffix[0] != '\0' &&
		    strncasecmp(word, units->suffix, strlen(units->suffix)) == 0 &&
		    (meant == NULL || strlen(units->suffix) > strlen(meant)))
			meant = units->suffix;
	if (meant != NULL && strcmp(meant, "m") == 0 && strncasecmp(word, "milli", 5) == 0)
		meant = "ms";
	if (digits > 0 && meant != NULL)
		snprintf(out, size, "; say %.*s%s", (int)digits, text, meant);
}

/*
 * A number within the option's limits and those of its type. `what`: what it counts, " of bytes"
 * and the like. An error shows the type's own limit only if the value is over it.
 */
static int
parse_number(const struct conf_option *option, const char *text, const struct unit *units,
    uint64_t type_max, const char *what, uint64_t *value, struct error *err)
{
	uint64_t max = option->max == 0 || option->max > type_max ? type_max : option->max;
	unsigned long long from = option->min, to = max;
	int result = parse_digits(text, units, value);
	bool too_large = result == 1 || (result == 0 && *value > max);
	char quoted[CONF_QUOTED_SIZE];
	char range[64], hint[64];

	conf_quote(text, quoted);
	if (option->max == 0 && !too_large)
		snprintf(range, sizeof range, "%llu or more", from);
	else
		snprintf(range, sizeof range, "%llu to %llu", from, to);
	suggest_unit(text, units, hint, sizeof hint);
	if (result == -1)
		return error_set(err, EX_CONFIG, "%s: %s is not a number%s (%s)%s", option->name,
		    quoted, what, range, hint);
	if (too_large || *value < option->min)
		return error_set(
		    err, EX_CONFIG, "%s: %s is out of range (%s)", option->name, quoted, range);
	return 0;
}

static int
parse_u32(const struct conf_option *option, void *to, const char *text, struct error *err)
{
	uint64_t value;

	if (parse_number(option, text, plain_units, UINT32_MAX, "", &value, err) == -1)
		return -1;
	*(uint32_t *)to = (uint32_t)value;
	return 0;
}

static int
parse_size(const struct conf_option *option, void *to, const char *text, struct error *err)
{
	uint64_t value;

	if (parse_number(option, text, size_units, SIZE_MAX, " of bytes", &value, err) == -1)
		return -1;
	*(size_t *)to = (size_t)value;
	return 0;
}

static int
parse_ms(const struct conf_option *option, void *to, const char *text, struct error *err)
{
	uint64_t value;

	if (parse_number(option, text, time_units, CONF_MS_MAX, " of milliseconds", &value, err))
		return -1;
	*(uint64_t *)to = value;
	return 0;
}

static int
parse_string(const struct conf_option *option, void *to, const char *text, struct error *err)
{
	size_t len = strlen(text);
	char quoted[CONF_QUOTED_SIZE];
	char *copy;

	if (len == 0 && option->min > 0)
		return error_set(err, EX_CONFIG, "%s: must not be empty", option->name);
	if (len < option->min)
		return error_set(err, EX_CONFIG, "%s: %s is shorter than %llu bytes", option->name,
		    conf_quote(text, quoted), (unsigned long long)option->min);
	if (option->max != 0 && len > option->max)
		return error_set(err, EX_CONFIG, "%s: %s is longer than %llu bytes", option->name,
		    conf_quote(text, quoted), (unsigned long long)option->max);
	copy = xstrdup(text);
	free(*(char **)to);
	*(char **)to = copy;
	return 0;
}

/* The index of the name of n bytes, or -1. */
static int
find_name(const char *const *names, const char *name, size_t n)
{
	for (int i = 0; names[i] != NULL; i++) {
		if (strncmp(names[i], name, n) == 0 && names[i][n] == '\0')
			return i;
	}
	return -1;
}

/* Sets the error "NAME: TEXT is not one of: a, b". also: a name after them, or NULL. */
static int
refuse_name(const struct conf_option *option, const char *text, const char *also, struct error *err)
{
	char quoted[CONF_QUOTED_SIZE];
	char list[LIST_SIZE] = "";
	size_t n = 0;

	for (size_t i = 0; option->names[i] != NULL && n < sizeof list; i++)
		n += (size_t)snprintf(
		    list + n, sizeof list - n, "%s%s", i == 0 ? "" : ", ", option->names[i]);
	if (also != NULL && n < sizeof list)
		snprintf(list + n, sizeof list - n, ", %s", also);
	return error_set(err, EX_CONFIG, "%s: %s is not one of: %s", option->name,
	    conf_quote(text, quoted), list);
}

static int
parse_enum(const struct conf_option *option, void *to, const char *text, struct error *err)
{
	int index = find_name(option->names, text, strlen(text));

	if (index == -1)
		return refuse_name(option, text, NULL, err);
	*(int *)to = index;
	return 0;
}

static unsigned
set_of_all(const char *const *names)
{
	size_t n = 0;

	while (names[n] != NULL)
		n++;
	if (n > SET_NAMES_MAX)
		fatal(EX_SOFTWARE, "a set of configuration names has more than %d of them",
		    SET_NAMES_MAX);
	return (unsigned)((UINT64_C(1) << n) - 1);
}

static int
parse_set(const struct conf_option *option, void *to, const char *text, struct error *err)
{
	static const char between[] = " \t,";
	const char *word = text + strspn(text, between);
	unsigned all = set_of_all(option->names);
	unsigned set = 0;

	while (*word != '\0') {
		size_t len = strcspn(word, between);
		int index = find_name(option->names, word, len);
		char shown[CONF_QUOTED_SIZE];

		if (index != -1) {
			set |= 1u << index;
		} else if (len == strlen("all") && memcmp(word, "all", len) == 0) {
			set |= all;
		} else {
			snprintf(shown, sizeof shown, "%.*s", (int)len, word);
			return refuse_name(option, shown, "all", err);
		}
		word += len;
		word += strspn(word, between);
	}
	if (set == 0 && option->min > 0)
		return error_set(err, EX_CONFIG, "%s: must not be empty", option->name);
	*(unsigned *)to = set;
	return 0;
}

/* By enum conf_type. */
static const struct {
	size_t size;
	int (*parse)(const struct conf_option *, void *to, const char *text, struct error *err);
} option_types[] = {
    [CONF_BOOL] = {sizeof(bool), parse_bool},
    [CONF_U32] = {sizeof(uint32_t), parse_u32},
    [CONF_SIZE] = {sizeof(size_t), parse_size},
    [CONF_MS] = {sizeof(uint64_t), parse_ms},
    [CONF_STRING] = {sizeof(char *), parse_string},
    [CONF_ENUM] = {sizeof(int), parse_enum},
    [CONF_SET] = {sizeof(unsigned), parse_set},
};

static void *
value_of(const struct conf_option *option, void *target)
{
	return (char *)target + option->offset;
}

int
conf_parse_value(
    const struct conf_option *option, void *target, const char *text, struct error *err)
{
	return option_types[option->type].parse(option, value_of(option, target), text, err);
}

static void
clear_value(const struct conf_option *option, void *target)
{
	void *value = value_of(option, target);

	if (option->type == CONF_STRING)
		free(*(char **)value);
	memset(value, 0, option_types[option->type].size);
}

int
conf_set_defaults(const struct conf_option *table, size_t n, void *target, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		if (table[i].default_text == NULL)
			clear_value(&table[i], target);
		else if (conf_parse_value(&table[i], target, table[i].default_text, err) == -1)
			return -1;
	}
	return 0;
}

void
conf_free_values(const struct conf_option *table, size_t n, void *target)
{
	for (size_t i = 0; i < n; i++) {
		if (table[i].type == CONF_STRING)
			clear_value(&table[i], target);
	}
}

void
conf_copy_values(const struct conf_option *table, size_t n, void *to, const void *from)
{
	for (size_t i = 0; i < n; i++) {
		const void *source = (const char *)from + table[i].offset;
		void *value = value_of(&table[i], to);

		if (table[i].type == CONF_STRING) {
			char *copy = xstrdup(*(char *const *)source);

			free(*(char **)value);
			*(char **)value = copy;
		} else {
			memmove(value, source, option_types[table[i].type].size);
		}
	}
}

bool
conf_is_same(const struct conf_option *option, const void *a, const void *b)
{
	const void *of_a = (const char *)a + option->offset,
		   *of_b = (const char *)b + option->offset;
	const char *text_a, *text_b;

	if (option->type != CONF_STRING)
		return memcmp(of_a, of_b, option_types[option->type].size) == 0;
	text_a = *(char *const *)of_a;
	text_b = *(char *const *)of_b;
	return text_a == NULL || text_b == NULL ? text_a == text_b : strcmp(text_a, text_b) == 0;
}

void
conf_exchange(const struct conf_option *option, void *a, void *b)
{
	void *of_a = value_of(option, a), *of_b = value_of(option, b);
	size_t size = option_types[option->type].size;
	unsigned char former[sizeof(uint64_t)];

	memcpy(former, of_a, size);
	memcpy(of_a, of_b, size);
	memcpy(of_b, former, size);
}

static uint64_t
part_of(const struct conf_option *option, uint64_t total, unsigned n)
{
	uint64_t part = total / n + (total % n != 0);

	return total > 0 && part < option->min ? option->min : part;
}

void
conf_divide(const struct conf_option *table, size_t count, void *target, unsigned n)
{
	for (size_t i = 0; i < count; i++) {
		void *value = value_of(&table[i], target);

		if (!table[i].is_total)
			continue;
		if (table[i].type == CONF_U32)
			*(uint32_t *)value = (uint32_t)part_of(&table[i], *(uint32_t *)value, n);
		else
			*(size_t *)value = (size_t)part_of(&table[i], *(size_t *)value, n);
	}
}

const struct conf_option *
conf_find(const struct conf_option *table, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	}
	return NULL;
}

static int
refuse_unknown(const struct conf_option *table, size_t n, const char *name, struct error *err)
{
	const char *names[CONF_OPTIONS_MAX];
	char quoted[CONF_QUOTED_SIZE];
	const char *near;

	if (n > CONF_OPTIONS_MAX)
		fatal(EX_SOFTWARE, "a table has more than %d options", CONF_OPTIONS_MAX);
	for (size_t i = 0; i < n; i++)
		names[i] = table[i].name;
	near = conf_suggest(name, names, n);
	conf_quote(name, quoted);
	if (near == NULL)
		return error_set(err, EX_CONFIG, "unknown option %s", quoted);
	return error_set(err, EX_CONFIG, "unknown option %s, did you mean \"%s\"?", quoted, near);
}

/* The line on which the option was set before; 0: it was not. */
static unsigned
former_line(const struct conf_seen *seen, const struct conf_option *option)
{
	for (size_t i = 0; i < seen->n; i++)
		if (seen->entries[i].option == option)
			return seen->entries[i].line;
	return 0;
}

/* Remembers that the option is set on this line. */
static void
see(struct conf_seen *seen, const struct conf_option *option, unsigned line)
{
	if (seen->n == CONF_OPTIONS_MAX)
		fatal(EX_SOFTWARE, "a section has more than %d options", CONF_OPTIONS_MAX);
	seen->entries[seen->n].option = option;
	seen->entries[seen->n].line = line;
	seen->n++;
}

static int
set_value(const struct conf_option *option, void *target, const char *text, struct error *err)
{
	if (conf_parse_value(option, target, text, err) == -1)
		return -1;
	return option->check == NULL ? 0 : option->check(option->name, text, err);
}

/* Adds text to the list that earlier lines have set. */
static int
add_to_list(const struct conf_option *option, void *target, const char *text, struct error *err)
{
	char **list = (char **)(void *)((char *)target + option->offset), *longer;
	int result;

	if (asprintf(&longer, "%s %s", *list == NULL ? "" : *list, text) == -1)
		abort();
	result = set_value(option, target, longer, err);
	free(longer);
	return result;
}

int
conf_apply(const struct conf_option *table, size_t n, void *target, const struct conf_line *line,
    struct error *err)
{
	const struct conf_option *option = conf_find(table, n, line->name);
	unsigned former;

	if (option == NULL)
		return refuse_unknown(table, n, line->name, err);
	former = former_line(line->seen, option);
	if (former != 0 && option->is_list)
		return add_to_list(option, target, line->value, err);
	if (former != 0)
		return error_set(err, EX_CONFIG, "option \"%s\" was already set on line %u",
		    option->name, former);
	see(line->seen, option, line->number);
	return set_value(option, target, line->value, err);
}
