/*
 * sessiond/limits/limits.h and memory_watch.h: the caps of all together. The process's memory is
 * real; how much there may be is the test's.
 */
#include "sessiond/limits/limits.h"

#include "common/memory.h"
#include "conf/config_options.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MB = 1 << 20, BLOCKS = 4096, BLOCK = 16384 };

static struct timers timers;
static struct limits limits;
static struct server_options options;
static uint64_t now;
static size_t others; /* bytes of connections and sessions */

static int
set_up(void **state)
{
	(void)state;
	now = 1000;
	others = 0;
	timers_init(&timers);
	limits_init(&limits, &timers);
	options = (struct server_options){
	    .input_limit = MB, .queues_limit = MB, .deflate_limit = 2, .memory_limit = 1u << 31};
	limits_set(&limits, &options, 1);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	limits_clear(&limits);
	return 0;
}

/* Time goes by; timers fire, and each turn ends. */
static void
pass(uint64_t ms)
{
	uint64_t deadline, end = now + ms;

	limits_turn(&limits, 0, others, now);
	while (timers_next(&timers, &deadline) && deadline <= end) {
		now = deadline;
		timers_run(&timers, now);
		limits_turn(&limits, 0, others, now);
	}
	now = end;
}

static void
test_input(void **state)
{
	size_t large = 0, other = 0;

	(void)state;
	assert_true(limits_take_input(&limits, &large, MB));
	/* Who has little may always have that. */
	assert_true(limits_take_input(&limits, &other, LIMITS_SMALL_INPUT));
	assert_false(limits_take_input(&limits, &other, LIMITS_SMALL_INPUT + 1));
	assert_int_equal(other, LIMITS_SMALL_INPUT);
	limits_give_input(&limits, &large);
	assert_int_equal(large, 0);
	assert_true(limits_take_input(&limits, &other, MB));
	limits_give_input(&limits, &other);
	assert_int_equal(limits.input.taken, 0);
	assert_int_equal(limits.input.refused, 1);
}

static void
test_queue(void **state)
{
	(void)state;
	limits_turn(&limits, MB, 0, now);
	assert_int_equal(limits_queue(&limits, 10 * MB), 10 * MB);
	limits_turn(&limits, MB + 1, 0, now);
	assert_int_equal(limits_queue(&limits, 10 * MB), LIMITS_SCARCE_QUEUE);
	assert_int_equal(limits_queue(&limits, 100), 100);
	/* What a websocket did not take counts too. */
	limits.queued.taken = MB;
	limits_turn(&limits, 0, others, now);
	assert_int_equal(limits_queue(&limits, 10 * MB), 10 * MB);
	limits_turn(&limits, 1, 0, now);
	assert_int_equal(limits_queue(&limits, 10 * MB), LIMITS_SCARCE_QUEUE);
}

static void
test_connections(void **state)
{
	const struct sockaddr_in one = {.sin_family = AF_INET, .sin_addr.s_addr = 1},
				 two = {.sin_family = AF_INET, .sin_addr.s_addr = 2};
	struct address_entry *first, *other;

	(void)state;
	options.connections_per_address = 1;
	limits_set(&limits, &options, 1);
	first = limits_connection(&limits, (const struct sockaddr *)&one);
	assert_non_null(first);
	assert_null(limits_connection(&limits, (const struct sockaddr *)&one));
	other = limits_connection(&limits, (const struct sockaddr *)&two);
	assert_non_null(other);
	address_count_drop(&limits.addresses, first);
	first = limits_connection(&limits, (const struct sockaddr *)&one);
	assert_non_null(first);
	address_count_drop(&limits.addresses, first);
	address_count_drop(&limits.addresses, other);
	assert_int_equal(limits.connections.refused, 1);
}

static void
test_rates(void **state)
{
	struct rate_points one = {{0}}, other = {{0}};
	int i;

	(void)state;
	assert_false(limits_have_rates(&limits));
	options.ping_rate = 1;
	options.address_ping_rate = 2;
	limits_set(&limits, &options, 1);
	assert_true(limits_have_rates(&limits));
	for (i = 0; i < RATE_BURST_S; i++)
		assert_true(limits_rate(&limits, &one, 7, RATE_PING, 1, now));
	assert_false(limits_rate(&limits, &one, 7, RATE_PING, 1, now));
	/* Another connection of the address has what is left to both. */
	for (i = 0; i < RATE_BURST_S; i++)
		assert_true(limits_rate(&limits, &other, 7, RATE_PING, 1, now));
	assert_false(limits_rate(&limits, NULL, 7, RATE_PING, 1, now));
	assert_true(limits_rate(&limits, NULL, 8, RATE_PING, 1, now));
	assert_true(limits_rate(&limits, &one, 7, RATE_MESSAGE, 1, now));
}

/* --- memory ----------------------------------------------------------------------------------- */

/* A sanitizer's allocator has other habits: there is nothing to see then. */
static bool
is_sanitized(void)
{
	const char *text = getenv("SOCKJS_SANITIZED");

	return text != NULL && strcmp(text, "1") == 0;
}

/* A default is there, and has something to do with the machine. */
static void
test_default(void **state)
{
	(void)state;
	options.memory_limit = 0;
	limits_set(&limits, &options, 1);
	assert_true(limits.watch.limit >= 64 * (size_t)MB);
	assert_true(limits.watch.limit < SIZE_MAX);
	assert_false(limits_refuse_for_memory(&limits));
}

static void
test_short(void **state)
{
	size_t own = 0, before;
	char *much;

	(void)state;
	if (is_sanitized())
		return;
	pass(10000);
	before = limits.watch.resident;
	options.memory_limit = 2 * (before + 16 * MB);
	limits_set(&limits, &options, 1);
	assert_false(limits_refuse_for_memory(&limits));
	much = malloc(before + 64 * MB);
	assert_non_null(much);
	memset(much, 1, before + 64 * MB);
	pass(MEMORY_WATCH_MS);
	assert_true(limits_refuse_for_memory(&limits));
	assert_false(limits_take_input(&limits, &own, LIMITS_SMALL_INPUT + 1));
	assert_int_equal(limits_queue(&limits, MB), LIMITS_SCARCE_QUEUE);
	free(much);
	pass(2000);
	assert_false(limits_refuse_for_memory(&limits));
	assert_int_equal(limits_queue(&limits, MB), MB);
	assert_int_equal(limits.memory.refused, 2);
}

/* Small blocks that became free between others are given back, once it is calm. */
static void
test_given_back(void **state)
{
	static char *blocks[BLOCKS];
	size_t before, full;
	int i;

	(void)state;
	if (is_sanitized())
		return;
	pass(10000);
	before = limits.watch.resident;
	for (i = 0; i < BLOCKS; i++) {
		blocks[i] = malloc(BLOCK);
		assert_non_null(blocks[i]);
		memset(blocks[i], 1, BLOCK);
	}
	limits.watch.is_wanted = true;
	pass(MEMORY_WATCH_MS);
	full = limits.watch.resident;
	assert_true(full >= before + BLOCKS * BLOCK / 2);
	/* The last one keeps the heap from shrinking by itself. */
	for (i = 0; i < BLOCKS - 1; i++)
		free(blocks[i]);
	limits.watch.is_wanted = true;
	pass(5000);
	assert_true(limits.watch.resident < before + BLOCKS * BLOCK / 2);
	free(blocks[BLOCKS - 1]);
}

/* What is freed long after the last look that found it in use is given back, too. */
static void
test_given_back_later(void **state)
{
	static char *blocks[BLOCKS];
	size_t before;
	int i;

	(void)state;
	if (is_sanitized())
		return;
	pass(10000);
	before = limits.watch.resident;
	for (i = 0; i < BLOCKS; i++) {
		blocks[i] = malloc(BLOCK);
		assert_non_null(blocks[i]);
		memset(blocks[i], 1, BLOCK);
	}
	others = BLOCKS * BLOCK;
	pass(60000);
	assert_true(limits.watch.resident >= before + BLOCKS * BLOCK / 2);
	for (i = 0; i < BLOCKS - 1; i++)
		free(blocks[i]);
	others = 0;
	pass(5000);
	assert_true(limits.watch.resident < before + BLOCKS * BLOCK / 2);
	free(blocks[BLOCKS - 1]);
}

/* Nothing wakes up a daemon to which nothing happens. */
static void
test_rest(void **state)
{
	uint64_t deadline;

	(void)state;
	limits.watch.is_wanted = true;
	pass(10000);
	assert_false(timers_next(&timers, &deadline));
	pass(10000);
	assert_false(timers_next(&timers, &deadline));
}

#define LIMITS_TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    LIMITS_TEST(input),
	    LIMITS_TEST(queue),
	    LIMITS_TEST(connections),
	    LIMITS_TEST(rates),
	    LIMITS_TEST(default),
	    LIMITS_TEST(short),
	    LIMITS_TEST(given_back),
	    LIMITS_TEST(given_back_later),
	    LIMITS_TEST(rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
