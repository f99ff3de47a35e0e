/*
 * sockjs/chunking.h: the timetable and the bytes of chunking_test, as SockJS 0.1's clients expect
 * them.
 */
#include "sockjs/chunking.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
test_delays(void **state)
{
	static const unsigned delays[] = {0, 1, 5, 25, 125, 625, 3125};
	unsigned i;

	(void)state;
	assert_int_equal(CHUNKING_STEPS, sizeof delays / sizeof delays[0]);
	for (i = 0; i < CHUNKING_STEPS; i++)
		assert_int_equal(chunking_delay(i), delays[i]);
}

static void
test_chunks(void **state)
{
	struct buffer out = BUFFER_INIT;
	unsigned i;
	size_t k;

	(void)state;
	for (i = 0; i < CHUNKING_STEPS; i++) {
		size_t padding = i == 1 ? 2048 : 0;

		chunking_append(i, &out);
		assert_int_equal(out.len, padding + 2);
		for (k = 0; k < padding; k++)
			assert_int_equal(out.data[k], ' ');
		assert_memory_equal(out.data + padding, "h\n", 2);
		buffer_clear(&out);
	}
	buffer_free(&out);
}

/* It adds to what is there. */
static void
test_appends(void **state)
{
	struct buffer out = BUFFER_INIT;

	(void)state;
	buffer_append_str(&out, "x");
	chunking_append(0, &out);
	chunking_append(2, &out);
	assert_int_equal(out.len, 5);
	assert_memory_equal(out.data, "xh\nh\n", 5);
	buffer_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_delays),
	    cmocka_unit_test(test_chunks),
	    cmocka_unit_test(test_appends),
	};

	return cmocka_run_group_tests_name("chunking", tests, NULL, NULL);
}
