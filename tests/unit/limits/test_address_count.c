/*
 * sessiond/limits/address_count.h: which addresses are one, and many of them against a plain array.
 */
#include "sessiond/limits/address_count.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <sys/un.h>

static struct address_count table;

static int
set_up(void **state)
{
	(void)state;
	address_count_init(&table);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	assert_int_equal(table.table.count, 0);
	address_count_clear(&table);
	address_count_clear(&table);
	return 0;
}

/* An address of any family from its text; "unix" and NULL as well. */
static const struct sockaddr *
address_of(const char *text)
{
	static struct sockaddr_storage storage;
	struct sockaddr_in *v4 = (struct sockaddr_in *)&storage;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&storage;

	if (text == NULL)
		return NULL;
	memset(&storage, 0xee, sizeof storage); /* ports and the like must not matter */
	if (strcmp(text, "unix") == 0) {
		storage.ss_family = AF_UNIX;
	} else if (strchr(text, ':') != NULL) {
		v6->sin6_family = AF_INET6;
		assert_int_equal(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
	} else {
		v4->sin_family = AF_INET;
		assert_int_equal(inet_pton(AF_INET, text, &v4->sin_addr), 1);
	}
	return (const struct sockaddr *)&storage;
}

static struct address_entry *
add(const char *text)
{
	return address_count_add(&table, address_of(text));
}

static uint32_t
get(const char *text)
{
	return address_count_get(&table, address_of(text));
}

static void
drop(struct address_entry *entry)
{
	address_count_drop(&table, entry);
}

static void
test_counts(void **state)
{
	struct address_entry *a, *b, *c;

	(void)state;
	assert_int_equal(get("192.0.2.1"), 0);
	a = add("192.0.2.1");
	b = add("192.0.2.1");
	c = add("192.0.2.2");
	assert_ptr_equal(a, b);
	assert_int_equal(get("192.0.2.1"), 2);
	assert_int_equal(get("192.0.2.2"), 1);
	assert_int_equal(get("192.0.2.3"), 0);
	drop(a);
	assert_int_equal(get("192.0.2.1"), 1);
	drop(b);
	assert_int_equal(get("192.0.2.1"), 0);
	assert_int_equal(table.table.count, 1);
	drop(c);
	drop(NULL);
}

static void
expect_same(const char *a, const char *b)
{
	struct address_entry *entry = add(a);

	assert_int_equal(get(b), 1);
	drop(entry);
}

static void
expect_different(const char *a, const char *b)
{
	struct address_entry *entry = add(a);

	assert_int_equal(get(b), 0);
	drop(entry);
}

static void
test_what_is_one_address(void **state)
{
	(void)state;
	expect_same("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff");
	expect_different("2001:db8:1:2::1", "2001:db8:1:3::1");
	expect_different("2001:db8:1:2::1", "2001:db9:1:2::1");
	expect_same("192.0.2.1", "::ffff:192.0.2.1");
	expect_same("::ffff:192.0.2.1", "192.0.2.1");
	expect_different("::ffff:192.0.2.1", "::ffff:192.0.2.2");
	expect_same(NULL, "unix");
	expect_same("unix", NULL);
}

/* The families' numbers must not meet. */
static void
test_what_is_not(void **state)
{
	(void)state;
	expect_different("2001:db8::1", "32.1.13.184");
	expect_different("::1", "unix");
	expect_different("::1", NULL);
	expect_different("0.0.0.0", "unix");
	expect_different("::1", "0.0.0.0");
	expect_different("0:0:7f00:1::", "127.0.0.1");
	expect_different("7f00:1::", "127.0.0.1");
}

/* Enough to let the table grow several times, and to empty it again. */
static void
test_many(void **state)
{
	enum { ADDRESSES = 1000, SESSIONS = 3 };
	static struct address_entry *entries[ADDRESSES][SESSIONS];
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	const struct sockaddr *address = (const struct sockaddr *)(const void *)&v4;
	int a, s;

	(void)state;
	for (s = 0; s < SESSIONS; s++) {
		for (a = 0; a < ADDRESSES; a++) {
			v4.sin_addr.s_addr = htonl(0x0a000000u + (unsigned)a);
			entries[a][s] = address_count_add(&table, address);
		}
	}
	assert_int_equal(table.table.count, ADDRESSES);
	for (a = 0; a < ADDRESSES; a++)
		for (s = 0; s < a % (SESSIONS + 1); s++)
			drop(entries[a][s]);
	for (a = 0; a < ADDRESSES; a++) {
		v4.sin_addr.s_addr = htonl(0x0a000000u + (unsigned)a);
		assert_int_equal(address_count_get(&table, address), SESSIONS - a % (SESSIONS + 1));
	}
	for (a = 0; a < ADDRESSES; a++)
		for (s = a % (SESSIONS + 1); s < SESSIONS; s++)
			drop(entries[a][s]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

/* What its users add stays as long as the entry. */
static void
test_entry(void **state)
{
	struct address_entry *known, *unknown;

	(void)state;
	assert_null(address_count_find(&table, address_of("192.0.2.1")));
	known = add("192.0.2.1");
	unknown = add(NULL);
	known->stored += 5;
	assert_ptr_equal(address_count_find(&table, address_of("192.0.2.1")), known);
	assert_ptr_equal(address_count_find(&table, address_of("unix")), unknown);
	assert_true(known->is_known);
	assert_false(unknown->is_known);
	drop(unknown);
	add("192.0.2.1");
	drop(known);
	assert_int_equal(known->stored, 5);
	assert_int_equal(known->sessions, 1);
	drop(known);
	known = add("192.0.2.1");
	assert_int_equal(known->stored, 0);
	drop(known);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(counts),
	    TEST(entry),
	    TEST(what_is_one_address),
	    TEST(what_is_not),
	    TEST(many),
	};

	return cmocka_run_group_tests_name("address_count", tests, NULL, NULL);
}
