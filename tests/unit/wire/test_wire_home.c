/*
 * wire/wire_home.h. The expected values come from another implementation of the paper's hash: what
 * fails here would make programs of two versions look for a session at different daemons.
 */
#include "wire/wire_home.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void
test_vectors(void **state)
{
	static const unsigned counts[] = {2, 3, 5, 16, 64};
	static const struct {
		const char *id;
		unsigned homes[5];
	} cases[] = {
	    {"", {1, 2, 2, 7, 23}},
	    {"a", {1, 0, 0, 9, 9}},
	    {"abc", {0, 0, 3, 14, 30}},
	    {"8hsv4d2x", {1, 2, 0, 9, 25}},
	    {"0123456789abcdef", {0, 2, 0, 4, 52}},
	    {"kl3mk4xq/y", {1, 0, 0, 15, 47}},
	    {"session-0001", {0, 0, 3, 12, 12}},
	    {"session-0002", {1, 0, 0, 5, 53}},
	    /* What is behind ~ does not count. */
	    {"abc~", {0, 0, 3, 14, 30}},
	    {"abc~1", {0, 0, 3, 14, 30}},
	    {"~abc", {1, 2, 2, 7, 23}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *id = cases[i].id;

		assert_int_equal(wire_home(id, strlen(id), 1), 0);
		for (size_t j = 0; j < 5; j++)
			assert_int_equal(wire_home(id, strlen(id), counts[j]), cases[i].homes[j]);
	}
}

/* Ids that differ in little: each of three daemons has its third, more or less. */
static void
test_spread(void **state)
{
	unsigned homes[3] = {0};
	char id[16];

	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		snprintf(id, sizeof id, "id%u", i);
		homes[wire_home(id, strlen(id), 3)]++;
	}
	for (size_t i = 0; i < 3; i++)
		assert_in_range(homes[i], 900, 1100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_vectors),
	    cmocka_unit_test(test_spread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
