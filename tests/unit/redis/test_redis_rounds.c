/*
 * sessiond/redis/redis_rounds.h: each has its turn once in a round, and turns are spread over it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sessiond/redis/redis_rounds.h"

enum { TICKS = REDIS_ROUND / REDIS_TICK };

static void
test_spread(void **state)
{
	static const size_t counts[] = {0, 1, 2, TICKS - 1, TICKS, TICKS + 1, 9999};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof counts / sizeof counts[0]; i++) {
		struct redis_rounds rounds = {0};
		size_t tick, turns, sum = 0, most = counts[i] / TICKS + 1;

		for (tick = 0; tick < 3 * TICKS; tick++) {
			turns = redis_rounds_next(&rounds, counts[i], REDIS_TICK);
			assert_true(turns <= most && turns + 1 >= most);
			sum += turns;
			if ((tick + 1) % TICKS == 0)
				assert_int_equal(sum, (tick + 1) / TICKS * counts[i]);
		}
	}
}

/* A round is as long, and after a long sleep each has one turn. */
static void
test_late(void **state)
{
	struct redis_rounds rounds = {0};
	size_t tick, sum = 0;

	(void)state;
	for (tick = 0; tick < 13; tick++)
		sum += redis_rounds_next(&rounds, 100, tick % 2 == 0 ? 500 : 1500);
	assert_int_equal(sum, 96); /* of 12.5 s */
	sum += redis_rounds_next(&rounds, 100, 500);
	assert_int_equal(sum, 100);
	assert_int_equal(redis_rounds_next(&rounds, 100, 10 * REDIS_ROUND), 100);
	assert_int_equal(redis_rounds_next(&rounds, 100, UINT64_MAX), 100);
	assert_int_equal(redis_rounds_next(&rounds, 100, 0), 0);
}

/* One that is there for a round has a turn in it, however many come and go: turns go round. */
static void
test_changing(void **state)
{
	struct redis_rounds rounds = {0};
	size_t tick, turns, count, before = 60;

	(void)state;
	for (tick = 0; tick <= TICKS && before > 0; tick++) {
		count = tick % 2 == 0 ? 1000 : before;
		turns = redis_rounds_next(&rounds, count, REDIS_TICK);
		assert_true(turns <= count);
		before -= turns < before ? turns : before;
	}
	assert_int_equal(before, 0);
	assert_int_equal(redis_rounds_next(&rounds, 0, REDIS_ROUND), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_spread),
	    cmocka_unit_test(test_late),
	    cmocka_unit_test(test_changing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
