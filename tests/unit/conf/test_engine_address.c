/* conf/engine_address.h */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conf/engine_address.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* Empty: there is none. */
static void
assert_text(const char *text, const char *expected)
{
	assert_string_equal(text == NULL ? "" : text, expected);
}

static void
test_addresses(void **state)
{
	static const struct {
		const char *text, *host, *path, *port, *user, *password, *name;
		unsigned db;
	} cases[] = {
	    {"redis://here", "here", "", "6379", "", "", "here:6379", 0},
	    {"redis://here/", "here", "", "6379", "", "", "here:6379", 0},
	    {"redis://10.0.0.1:7000/15", "10.0.0.1", "", "7000", "", "", "10.0.0.1:7000", 15},
	    {"redis://[::1]:7000", "::1", "", "7000", "", "", "[::1]:7000", 0},
	    {"redis://[::1]/2", "::1", "", "6379", "", "", "[::1]:6379", 2},
	    {"redis://:secret@here", "here", "", "6379", "", "secret", "here:6379", 0},
	    {"redis://ann:a%40%3ab@here", "here", "", "6379", "ann", "a@:b", "here:6379", 0},
	    {"redis://ann:a@b@here", "here", "", "6379", "ann", "a@b", "here:6379", 0},
	    {"redis+unix:///run/r.sock", "", "/run/r.sock", "", "", "", "/run/r.sock", 0},
	    {"redis+unix://:x@/run/r.sock?db=3", "", "/run/r.sock", "", "", "x", "/run/r.sock", 3},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct engine_address address;
		struct error err = ERROR_INIT;
		char *name;

		assert_int_equal(engine_address_read(cases[i].text, &address, &err), 1);
		assert_text(address.host, cases[i].host);
		assert_text(address.path, cases[i].path);
		assert_string_equal(address.port, cases[i].port);
		assert_text(address.user, cases[i].user);
		assert_text(address.password, cases[i].password);
		assert_int_equal(address.db, cases[i].db);
		name = engine_address_name(&address);
		assert_string_equal(name, cases[i].name);
		free(name);
		engine_address_clear(&address);
	}
}

static void
test_memory(void **state)
{
	struct engine_address address;

	(void)state;
	assert_int_equal(engine_address_read("memory", &address, NULL), 0);
	engine_address_clear(&address);
}

static void
test_mistakes(void **state)
{
	static const char *const texts[] = {"", "redis", "rediss://here", "redis://",
	    "redis://:6379", "redis://here:", "redis://here:0", "redis://here:65536",
	    "redis://here:x", "redis://here/x", "redis://here/-1", "redis://here/65536",
	    "redis://[::1", "redis://[::1]x", "redis+unix://run/r.sock",
	    "redis+unix:///r?database=1", "redis+unix:///r?db=", "http://here"};
	struct engine_address address;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct error err = ERROR_INIT;

		if (engine_address_read(texts[i], &address, &err) != -1)
			fail_msg("\"%s\"", texts[i]);
		assert_int_equal(err.code, EX_CONFIG);
		error_clear(&err);
		assert_int_equal(engine_address_check("engine", texts[i], &err), -1);
		assert_memory_equal(err.text, "engine: ", 8);
	}
	assert_int_equal(engine_address_check("engine", "redis://here", NULL), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_addresses),
	    cmocka_unit_test(test_memory),
	    cmocka_unit_test(test_mistakes),
	};

	return cmocka_run_group_tests_name("engine_address", tests, NULL, NULL);
}
