/*
 * common/hash_table.h: what was added is found by its key until it is removed, however many there
 * are.
 */
#include "common/hash_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/memory.h"

static struct hash_table table;

static int
set_up(void **state)
{
	(void)state;
	hash_table_init(&table);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	hash_table_clear(&table);
	hash_table_clear(&table);
	return 0;
}

static struct hash_entry *
entry_of(const char *id, size_t len)
{
	struct hash_entry *entry = xcalloc(1, sizeof *entry + len);

	memcpy(entry + 1, id, len);
	entry->key = (const char *)(entry + 1);
	entry->len = len;
	return entry;
}

static void
test_empty(void **state)
{
	(void)state;
	assert_null(hash_table_find(&table, "a", 1));
	assert_null(hash_table_find(&table, "", 0));
}

/* An id is its bytes, all of them and no others. */
static void
test_ids_are_bytes(void **state)
{
	static const struct {
		const char *id;
		size_t len;
	} ids[] = {{"a", 1}, {"A", 1}, {"ab", 2}, {"a\0b", 3}, {"a\0c", 3}, {"a\0", 2}, {"%61", 3},
	    {"\xff\xfe", 2}};
	struct hash_entry *entries[sizeof ids / sizeof ids[0]];
	const size_t n = sizeof ids / sizeof ids[0];
	size_t i, k;

	(void)state;
	for (i = 0; i < n; i++) {
		assert_null(hash_table_find(&table, ids[i].id, ids[i].len));
		entries[i] = entry_of(ids[i].id, ids[i].len);
		hash_table_add(&table, entries[i]);
		for (k = 0; k <= i; k++)
			assert_ptr_equal(
			    hash_table_find(&table, ids[k].id, ids[k].len), entries[k]);
	}
	assert_null(hash_table_find(&table, "abc", 3));
	assert_int_equal(table.count, n);
	for (i = 0; i < n; i++) {
		hash_table_remove(&table, entries[i]);
		assert_null(hash_table_find(&table, ids[i].id, ids[i].len));
		for (k = i + 1; k < n; k++)
			assert_ptr_equal(
			    hash_table_find(&table, ids[k].id, ids[k].len), entries[k]);
		free(entries[i]);
	}
	assert_int_equal(table.count, 0);
}

static void
test_tables_do_not_mix(void **state)
{
	struct hash_table other;
	struct hash_entry *entry = entry_of("s", 1);

	(void)state;
	hash_table_init(&other);
	assert_true(memcmp(table.secret, other.secret, sizeof table.secret) !=
	    0); /* its key is a secret of each */
	hash_table_add(&table, entry);
	assert_null(hash_table_find(&other, "s", 1));
	hash_table_remove(&table, entry);
	hash_table_clear(&other);
	free(entry);
}

static struct hash_entry *
find_number(int number)
{
	char id[16];

	return hash_table_find(&table, id, (size_t)sprintf(id, "id-%d", number));
}

/* Past several sizes, and back in another order. */
static void
test_many(void **state)
{
	enum { ENTRIES = 2000 };
	static struct hash_entry *entries[ENTRIES];
	char id[16];
	int i;

	(void)state;
	for (i = 0; i < ENTRIES; i++) {
		entries[i] = entry_of(id, (size_t)sprintf(id, "id-%d", i));
		hash_table_add(&table, entries[i]);
	}
	assert_true(table.room >= ENTRIES / 2 && table.room <= 2 * ENTRIES);
	for (i = 0; i < ENTRIES; i++)
		assert_ptr_equal(find_number(i), entries[i]);
	assert_null(find_number(ENTRIES));
	for (i = 0; i < ENTRIES; i += 2)
		hash_table_remove(&table, entries[i]);
	for (i = 0; i < ENTRIES; i++)
		assert_ptr_equal(find_number(i), i % 2 == 0 ? NULL : entries[i]);
	for (i = ENTRIES - 1; i >= 0; i -= 2)
		hash_table_remove(&table, entries[i]);
	assert_int_equal(table.count, 0);
	for (i = 0; i < ENTRIES; i++)
		free(entries[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(empty),
	    TEST(ids_are_bytes),
	    TEST(tables_do_not_mix),
	    TEST(many),
	};

	return cmocka_run_group_tests_name("hash_table", tests, NULL, NULL);
}
