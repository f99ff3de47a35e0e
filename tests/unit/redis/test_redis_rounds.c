/* sessiond/redis/redis_rounds.h: each has its turn once in a round, and turns are spread over it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sessiond/redis/redis_rounds.h"

static void
test_spread(void **state)
{
	static const size_t counts[] = {
	    0, 1, 2, REDIS_ROUND - 1, REDIS_ROUND, REDIS_ROUND + 1, 9999};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof counts / sizeof counts[0]; i++) {
		struct redis_rounds rounds = {0};
		size_t tick, turns, sum = 0, most = counts[i] / REDIS_ROUND + 1;

		for (tick = 0; tick < 3 * REDIS_ROUND; tick++) {
			turns = redis_rounds_next(&rounds, counts[i]);
			assert_true(turns <= most && turns + 1 >= most);
			sum += turns;
			if ((tick + 1) % REDIS_ROUND == 0)
				assert_int_equal(sum, (tick + 1) / REDIS_ROUND * counts[i]);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_spread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
