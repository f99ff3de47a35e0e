/* sessiond/limits/limit.h: taking, giving back, and what is refused. */
#include "sessiond/limits/limit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
test_take(void **state)
{
	struct limit limit = {.option = "some_limit", .most = 10};

	(void)state;
	assert_true(limit_take(&limit, 10));
	assert_false(limit_take(&limit, 1));
	assert_int_equal(limit.taken, 10);
	assert_int_equal(limit.refused, 1);
	limit_give(&limit, 4);
	assert_false(limit_take(&limit, 5));
	assert_false(limit_take(&limit, SIZE_MAX));
	assert_true(limit_take(&limit, 4));
	assert_int_equal(limit.refused, 3);
	/* Nothing always fits. */
	assert_true(limit_take(&limit, 0));
}

static void
test_lowered(void **state)
{
	struct limit limit = {.option = "some_limit", .most = 10};

	(void)state;
	assert_true(limit_take(&limit, 10));
	limit.most = 5;
	assert_false(limit_take(&limit, 1));
	limit_give(&limit, 5);
	assert_false(limit_take(&limit, 1));
	limit_give(&limit, 1);
	assert_true(limit_take(&limit, 1));
}

static void
test_resize(void **state)
{
	struct limit limit = {.option = "some_limit", .most = 10};
	size_t one = 0, two = 0;

	(void)state;
	assert_true(limit_resize(&limit, &one, 6));
	assert_false(limit_resize(&limit, &two, 5));
	assert_int_equal(two, 0);
	assert_true(limit_resize(&limit, &two, 4));
	assert_false(limit_resize(&limit, &one, 7));
	assert_int_equal(one, 6);
	assert_true(limit_resize(&limit, &one, 2));
	assert_int_equal(limit.taken, 6);
	assert_true(limit_resize(&limit, &two, 8));
	limit_resize(&limit, &one, 0);
	limit_resize(&limit, &two, 0);
	assert_int_equal(limit.taken, 0);
	assert_int_equal(limit.refused, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_take),
	    cmocka_unit_test(test_lowered),
	    cmocka_unit_test(test_resize),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
