/*
 * sessiond/service/id_table.h, with sessions that are nothing but their ids.
 */
#include "sessiond/service/id_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sessiond/session/session.h"

static struct session_table table;

static int
set_up(void **state)
{
	(void)state;
	session_table_init(&table);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	session_table_clear(&table);
	session_table_clear(&table);
	return 0;
}

static struct session *
session_of(const char *id, size_t len)
{
	struct session *session = calloc(1, sizeof *session + len);

	assert_non_null(session);
	memcpy(session->id, id, len);
	session->id_len = len;
	return session;
}

static void
test_empty(void **state)
{
	(void)state;
	assert_null(session_table_find(&table, "a", 1));
	assert_null(session_table_find(&table, "", 0));
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
	struct session *sessions[sizeof ids / sizeof ids[0]];
	const size_t n = sizeof ids / sizeof ids[0];
	size_t i, k;

	(void)state;
	for (i = 0; i < n; i++) {
		assert_null(session_table_find(&table, ids[i].id, ids[i].len));
		sessions[i] = session_of(ids[i].id, ids[i].len);
		session_table_add(&table, sessions[i]);
		for (k = 0; k <= i; k++)
			assert_ptr_equal(
			    session_table_find(&table, ids[k].id, ids[k].len), sessions[k]);
	}
	assert_null(session_table_find(&table, "abc", 3));
	assert_int_equal(table.count, n);
	for (i = 0; i < n; i++) {
		session_table_remove(&table, sessions[i]);
		assert_null(session_table_find(&table, ids[i].id, ids[i].len));
		for (k = i + 1; k < n; k++)
			assert_ptr_equal(
			    session_table_find(&table, ids[k].id, ids[k].len), sessions[k]);
		free(sessions[i]);
	}
	assert_int_equal(table.count, 0);
}

static void
test_tables_do_not_mix(void **state)
{
	struct session_table other;
	struct session *session = session_of("s", 1);

	(void)state;
	session_table_init(&other);
	assert_true(
	    memcmp(table.key, other.key, sizeof table.key) != 0); /* its key is a secret of each */
	session_table_add(&table, session);
	assert_null(session_table_find(&other, "s", 1));
	session_table_remove(&table, session);
	session_table_clear(&other);
	free(session);
}

static struct session *
find_number(int number)
{
	char id[16];

	return session_table_find(&table, id, (size_t)sprintf(id, "id-%d", number));
}

/* Past several sizes, and back in another order. */
static void
test_many(void **state)
{
	enum { SESSIONS = 2000 };
	static struct session *sessions[SESSIONS];
	char id[16];
	int i;

	(void)state;
	for (i = 0; i < SESSIONS; i++) {
		sessions[i] = session_of(id, (size_t)sprintf(id, "id-%d", i));
		session_table_add(&table, sessions[i]);
	}
	assert_true(table.room >= SESSIONS / 2 && table.room <= 2 * SESSIONS);
	for (i = 0; i < SESSIONS; i++)
		assert_ptr_equal(find_number(i), sessions[i]);
	assert_null(find_number(SESSIONS));
	for (i = 0; i < SESSIONS; i += 2)
		session_table_remove(&table, sessions[i]);
	for (i = 0; i < SESSIONS; i++)
		assert_ptr_equal(find_number(i), i % 2 == 0 ? NULL : sessions[i]);
	for (i = SESSIONS - 1; i >= 0; i -= 2)
		session_table_remove(&table, sessions[i]);
	assert_int_equal(table.count, 0);
	for (i = 0; i < SESSIONS; i++)
		free(sessions[i]);
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

	return cmocka_run_group_tests_name("session_table", tests, NULL, NULL);
}
