/*
 * sessiond/service/handle_table.h: handles that are never valid again, and random operations
 * against a list of all handles there ever were.
 *
 * The source is included, not linked: a slot's generation runs out only after 2^32 uses, unless it
 * is set.
 */
#include "sessiond/service/handle_table.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct handle_table table;

static int
tear_down(void **state)
{
	(void)state;
	handle_table_clear(&table);
	assert_null(handle_table_find(&table, 1));
	handle_table_clear(&table);
	return 0;
}

static void
test_empty(void **state)
{
	(void)state;
	assert_null(handle_table_find(&table, 0));
	assert_null(handle_table_find(&table, 1));
	assert_null(handle_table_find(&table, UINT64_MAX));
	handle_table_remove(&table, 0);
	handle_table_remove(&table, 1);
}

static void
test_removed_is_gone(void **state)
{
	int a, b;
	uint64_t first, second;

	(void)state;
	first = handle_table_add(&table, &a);
	assert_true(first != 0);
	assert_ptr_equal(handle_table_find(&table, first), &a);
	handle_table_remove(&table, first);
	assert_null(handle_table_find(&table, first));
	second = handle_table_add(&table, &b);
	assert_true(second != first);
	assert_null(handle_table_find(&table, first));
	handle_table_remove(&table, first); /* stale: b stays */
	assert_ptr_equal(handle_table_find(&table, second), &b);
	assert_null(handle_table_find(&table, second + 1));
	assert_null(handle_table_find(&table, second ^ UINT64_C(1) << 63));
	assert_null(handle_table_find(&table, second & ~UINT64_C(0xffffffff)));
	assert_int_equal(table.count, 1); /* the slot was used again */
}

/*
 * A slot that has had every generation is given up, for otherwise its first handle would be valid
 * again.
 */
static void
test_generations_run_out(void **state)
{
	int a, b;
	uint64_t first, last, next;

	(void)state;
	first = handle_table_add(&table, &a);
	handle_table_remove(&table, first);
	table.slots[0].generation = UINT32_MAX;
	last = handle_table_add(&table, &a);
	assert_int_equal(last >> 32, UINT32_MAX);
	assert_ptr_equal(handle_table_find(&table, last), &a);
	handle_table_remove(&table, last);
	assert_null(handle_table_find(&table, last));
	next = handle_table_add(&table, &b);
	assert_int_equal((uint32_t)next, (uint32_t)last + 1);
	assert_null(handle_table_find(&table, first));
	assert_null(handle_table_find(&table, last));
}

static size_t visited;

static void
count_visit(void *object, void *context)
{
	assert_ptr_equal(context, &visited);
	assert_non_null(object);
	visited++;
}

struct thing {
	uint64_t handle, victim; /* victim: what its visit removes */
};

static void
remove_victim(void *object, void *context)
{
	(void)context;
	visited++;
	handle_table_remove(&table, ((struct thing *)object)->victim);
}

static void
test_each(void **state)
{
	struct thing things[5];
	int i;

	(void)state;
	visited = 0;
	handle_table_each(&table, count_visit, &visited);
	assert_int_equal(visited, 0);
	for (i = 0; i < 5; i++)
		things[i].handle = handle_table_add(&table, &things[i]);
	handle_table_remove(&table, things[1].handle);
	handle_table_each(&table, count_visit, &visited);
	assert_int_equal(visited, 4);
	things[0].victim = things[2].handle; /* one that is still to come */
	things[3].victim = things[0].handle; /* one that was */
	things[4].victim = things[4].handle; /* itself */
	visited = 0;
	handle_table_each(&table, remove_victim, NULL);
	assert_int_equal(visited, 3);
	assert_ptr_equal(handle_table_find(&table, things[3].handle), &things[3]);
	assert_null(handle_table_find(&table, things[0].handle));
	assert_null(handle_table_find(&table, things[2].handle));
	assert_null(handle_table_find(&table, things[4].handle));
}

/* Parts: each is met once, though others come and go between them. */
static void
test_some(void **state)
{
	int things[5];
	uint64_t handles[5];
	uint32_t place = 0;
	int i;

	(void)state;
	visited = 0;
	assert_false(handle_table_some(&table, &place, 2, count_visit, &visited));
	assert_int_equal(place, 0);
	for (i = 0; i < 5; i++)
		handles[i] = handle_table_add(&table, &things[i]);
	assert_true(handle_table_some(&table, &place, 2, count_visit, &visited));
	assert_int_equal(visited, 2);
	handle_table_remove(&table, handles[0]);
	handle_table_remove(&table, handles[3]);
	assert_true(handle_table_some(&table, &place, 2, count_visit, &visited));
	assert_int_equal(visited, 3);
	assert_false(handle_table_some(&table, &place, 2, count_visit, &visited));
	assert_int_equal(visited, 4);
	assert_int_equal(place, 5);
	place = UINT32_MAX;
	assert_false(handle_table_some(&table, &place, 1, count_visit, &visited));
	assert_int_equal(visited, 4);
}

static void
test_random_operations(void **state)
{
	enum { OPERATIONS = 3000 };
	static uint64_t handles[OPERATIONS];
	static bool is_live[OPERATIONS];
	size_t i, n = 0, live = 0;
	int step;

	(void)state;
	memset(is_live, 0, sizeof is_live);
	srand(1);
	for (step = 0; step < OPERATIONS; step++) {
		if (n == 0 || rand() % 5 < 3) {
			handles[n] = handle_table_add(&table, &handles[n]);
			for (i = 0; i < n; i++)
				assert_true(handles[i] != handles[n]);
			is_live[n++] = true;
			live++;
		} else {
			i = (size_t)rand() % n;
			handle_table_remove(&table, handles[i]);
			live -= is_live[i];
			is_live[i] = false;
		}
	}
	for (i = 0; i < n; i++)
		assert_ptr_equal(
		    handle_table_find(&table, handles[i]), is_live[i] ? &handles[i] : NULL);
	visited = 0;
	handle_table_each(&table, count_visit, &visited);
	assert_int_equal(visited, live);
}

#define TEST(name) cmocka_unit_test_teardown(test_##name, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(empty),
	    TEST(removed_is_gone),
	    TEST(generations_run_out),
	    TEST(each),
	    TEST(some),
	    TEST(random_operations),
	};

	return cmocka_run_group_tests_name("handle_table", tests, NULL, NULL);
}
