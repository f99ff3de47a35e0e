/*
 * For the tests of conf/conf.h: a table with an option of each type, and what is set by it.
 */
#ifndef TESTS_CONF_FIXTURE_H
#define TESTS_CONF_FIXTURE_H

#include "conf/conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>
#include <cmocka.h>

struct settings {
	bool flag;
	uint32_t number;
	size_t bytes;
	uint64_t delay;
	char *text;
	int choice;
	unsigned set;
	char *path;
	unsigned guard; /* no option: must stay as it is */
};

static const char *const colours[] = {"red", "green", "blue", NULL};

static const struct conf_option table[] = {
    {"websocket", CONF_BOOL, offsetof(struct settings, flag), 0, 0, "on", NULL, "a flag"},
    {"max_sessions", CONF_U32, offsetof(struct settings, number), 1, 100000, "5000", NULL,
	"a number"},
    {"response_limit", CONF_SIZE, offsetof(struct settings, bytes), 1, 1048576, "128k", NULL,
	"a size"},
    {"heartbeat_delay", CONF_MS, offsetof(struct settings, delay), 1, 86400000, "25s", NULL,
	"a delay"},
    {"title", CONF_STRING, offsetof(struct settings, text), 2, 10, "none", NULL, "a text"},
    {"colour", CONF_ENUM, offsetof(struct settings, choice), 0, 0, "green", colours, "a choice"},
    {"colours", CONF_SET, offsetof(struct settings, set), 1, 0, "red, blue", colours, "a set"},
    {"path", CONF_STRING, offsetof(struct settings, path), 0, 0, NULL, NULL, "another text"},
};

enum {
	OPTIONS = sizeof table / sizeof table[0],
	SETS_MAX = 32,
};

static struct settings settings;

static inline int
set_up(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	memset(&settings, 0, sizeof settings);
	settings.guard = 0xabcdef;
	return conf_set_defaults(table, OPTIONS, &settings, &err);
}

static inline int
tear_down(void **state)
{
	(void)state;
	conf_free_values(table, OPTIONS, &settings);
	return settings.guard == 0xabcdef ? 0 : -1;
}

static inline void
accept(const char *name, const char *text)
{
	struct error err = ERROR_INIT;
	int result = conf_parse_value(conf_find(table, OPTIONS, name), &settings, text, &err);

	assert_string_equal(err.text, "");
	assert_int_equal(result, 0);
	assert_int_equal(err.code, 0);
}

/* The error is `expected`, and no value changed. */
static inline void
refuse(const char *name, const char *text, const char *expected)
{
	struct error err = ERROR_INIT;
	struct settings before = settings;
	int result = conf_parse_value(conf_find(table, OPTIONS, name), &settings, text, &err);

	assert_string_equal(err.text, expected);
	assert_int_equal(result, -1);
	assert_int_equal(err.code, EX_CONFIG);
	assert_memory_equal(&before, &settings, sizeof before);
}

#endif
