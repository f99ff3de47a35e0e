/*
 * sessiond/limits/guesses.h: so many in a minute, at once or evenly, for each address.
 */
#include "sessiond/limits/guesses.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>

enum { A_MINUTE = 6, MINUTE = 60000 };

static struct guesses guesses;
static const uint64_t now = 1000000;

static int
set_up(void **state)
{
	(void)state;
	guesses_init(&guesses);
	guesses.a_minute = A_MINUTE;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	guesses_clear(&guesses);
	return 0;
}

static const struct sockaddr *
address(uint32_t number)
{
	static struct sockaddr_in v4;

	v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(number)};
	return (const struct sockaddr *)(const void *)&v4;
}

/* How many are let through at that time. */
static unsigned
let_through(uint32_t number, uint64_t at)
{
	unsigned n = 0;

	for (; n < 100 && !guesses_are_used_up(&guesses, address(number), at); n++)
		guesses_note(&guesses, address(number), at);
	return n;
}

static void
test_all_at_once_and_then_evenly(void **state)
{
	(void)state;
	assert_int_equal(let_through(1, now), A_MINUTE);
	assert_int_equal(let_through(1, now + MINUTE / A_MINUTE - 1), 0);
	assert_int_equal(let_through(1, now + MINUTE / A_MINUTE), 1);
	assert_int_equal(let_through(1, now + MINUTE / 2), A_MINUTE / 2 - 1);
	assert_int_equal(let_through(1, now + 10 * MINUTE), A_MINUTE);
}

/* What is refused does not count: whoever goes on gets no less. */
static void
test_refused_ones_do_not_count(void **state)
{
	(void)state;
	assert_int_equal(let_through(1, now), A_MINUTE);
	for (int i = 0; i < 1000; i++)
		guesses_note(&guesses, address(1), now);
	assert_int_equal(let_through(1, now + MINUTE), A_MINUTE);
}

static void
test_addresses_are_apart(void **state)
{
	const struct sockaddr of_unix = {.sa_family = AF_UNIX};

	(void)state;
	assert_int_equal(let_through(1, now), A_MINUTE);
	assert_int_equal(let_through(2, now), A_MINUTE);
	assert_false(guesses_are_used_up(&guesses, NULL, now));
	for (int i = 0; i < A_MINUTE; i++)
		guesses_note(&guesses, NULL, now);
	assert_true(guesses_are_used_up(&guesses, NULL, now));
	assert_true(guesses_are_used_up(&guesses, &of_unix, now));
	assert_false(guesses_are_used_up(&guesses, address(3), now));
}

static void
test_without_a_limit(void **state)
{
	(void)state;
	guesses.a_minute = 0;
	assert_int_equal(let_through(1, now), 100);
	assert_int_equal(guesses.addresses.count, 0);
}

/* The table has a cap: whoever was wrong longest ago is forgotten. */
static void
test_many_addresses(void **state)
{
	(void)state;
	for (uint32_t i = 1; i <= RATE_ADDRESSES_MAX; i++)
		assert_int_equal(let_through(i, now), A_MINUTE);
	assert_true(guesses_are_used_up(&guesses, address(1), now));
	assert_int_equal(let_through(RATE_ADDRESSES_MAX + 1, now), A_MINUTE);
	assert_int_equal(guesses.addresses.count, RATE_ADDRESSES_MAX);
	assert_false(guesses_are_used_up(&guesses, address(1), now));
	assert_true(guesses_are_used_up(&guesses, address(2), now));
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(all_at_once_and_then_evenly),
	    TEST(refused_ones_do_not_count),
	    TEST(addresses_are_apart),
	    TEST(without_a_limit),
	    TEST(many_addresses),
	};

	return cmocka_run_group_tests_name("guesses", tests, NULL, NULL);
}
