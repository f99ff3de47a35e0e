/*
 * sockjs/trusted_proxies.h: what a list may say, and who is on it.
 */
#include "sockjs/trusted_proxies.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include <cmocka.h>

/* "unix", "" (unknown) or an address. */
static bool
has(const char *list, const char *text)
{
	struct error err = ERROR_INIT;
	struct trusted_proxies *trusted = trusted_proxies_create(list, &err);
	union net_address address;
	bool is_listed;

	if (trusted == NULL)
		fail_msg("%s", err.text);
	net_address_parse(&address, text, strlen(text));
	if (strcmp(text, "unix") == 0)
		address.any.sa_family = AF_UNIX;
	is_listed = trusted_proxies_has(trusted, &address);
	trusted_proxies_destroy(&trusted);
	assert_null(trusted);
	return is_listed;
}

static void
test_addresses(void **state)
{
	(void)state;
	assert_true(has("192.0.2.7", "192.0.2.7"));
	assert_true(has("192.0.2.7", "::ffff:192.0.2.7"));
	assert_true(has("::ffff:192.0.2.7", "192.0.2.7"));
	assert_false(has("192.0.2.7", "192.0.2.6"));
	assert_false(has("192.0.2.7", "unix"));
	assert_false(has("192.0.2.7", ""));
	assert_true(has("2001:db8::7", "2001:db8:0:0::7"));
	assert_false(has("2001:db8::7", "2001:db8::8"));
}

static void
test_networks(void **state)
{
	(void)state;
	assert_true(has("10.0.0.0/8", "10.255.255.255"));
	assert_false(has("10.0.0.0/8", "11.0.0.0"));
	assert_false(has("10.0.0.0/8", "9.255.255.255"));
	assert_true(has("192.0.2.128/25", "192.0.2.255"));
	assert_false(has("192.0.2.128/25", "192.0.2.127"));
	assert_true(has("192.0.2.7/32", "192.0.2.7"));
	assert_false(has("192.0.2.7/32", "192.0.2.6"));
	assert_true(has("0.0.0.0/0", "203.0.113.9"));
	assert_false(has("0.0.0.0/0", "2001:db8::7"));
	assert_false(has("0.0.0.0/0", "unix"));
	assert_true(has("fd00::/8", "fdff::1"));
	assert_false(has("fd00::/8", "fc00::1"));
	assert_false(has("fd00::/8", "253.0.0.1"));
	assert_true(has("2001:db8::/33", "2001:db8:7fff::"));
	assert_false(has("2001:db8::/33", "2001:db8:8000::"));
	assert_true(has("::/0", "2001:db8::7"));
	assert_true(has("::ffff:10.0.0.0/104", "10.1.2.3"));
	assert_false(has("::ffff:10.0.0.0/104", "11.1.2.3"));
}

static void
test_lists(void **state)
{
	static const char list[] = " unix,\t10.0.0.0/8 , 192.0.2.7  fd00::/8, ";

	(void)state;
	assert_true(has(list, "unix"));
	assert_true(has(list, "10.1.1.1"));
	assert_true(has(list, "192.0.2.7"));
	assert_true(has(list, "fd00::1"));
	assert_false(has(list, "192.0.2.8"));
	assert_true(has("unix", "unix"));
	assert_false(has("unix", ""));
	assert_false(has("unix", "127.0.0.1"));
	assert_false(has("", "unix"));
	assert_false(has(" , ", "192.0.2.7"));
}

static void
test_nobody_is_trusted_without_a_list(void **state)
{
	union net_address address = {.any.sa_family = AF_UNIX};
	struct trusted_proxies *trusted = NULL;

	(void)state;
	assert_false(trusted_proxies_has(NULL, &address));
	trusted_proxies_destroy(&trusted);
}

static void
assert_refused(const char *list, const char *text)
{
	struct error err = ERROR_INIT;

	assert_null(trusted_proxies_create(list, &err));
	assert_int_equal(err.code, EX_CONFIG);
	assert_string_equal(err.text, text);
}

static void
test_mistakes(void **state)
{
	static const char slash[] = "needs a number behind the slash: 0 to 32, for IPv6 0 to 128";
	static const char *const networks[] = {"10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1",
	    "10.0.0.0/8/8", "10.0.0.0/0x8", "::/129", "::/4294967296", "10.0.0.0/255.0.0.0"};
	char text[200];

	(void)state;
	for (size_t i = 0; i < sizeof networks / sizeof networks[0]; i++) {
		snprintf(text, sizeof text, "\"%s\" %s", networks[i], slash);
		assert_refused(networks[i], text);
	}
	assert_refused("unix localhost 10.0.0.1",
	    "\"localhost\" is no address, no network such as 10.0.0.0/8 or fd00::/8, and not \"unix\"");
	assert_refused("Unix",
	    "\"Unix\" is no address, no network such as 10.0.0.0/8 or fd00::/8, and not \"unix\"");
	assert_refused("10.0.0/8",
	    "\"10.0.0/8\" is no address, no network such as 10.0.0.0/8 or fd00::/8, and not \"unix\"");
	assert_refused("10.0.0.1/8", "\"10.0.0.1/8\" has bits behind those that the number counts");
	assert_refused("fd00::1/64", "\"fd00::1/64\" has bits behind those that the number counts");
	assert_refused("\x01",
	    "\"\\x01\" is no address, no network such as 10.0.0.0/8 or fd00::/8, and not \"unix\"");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_addresses),
	    cmocka_unit_test(test_networks),
	    cmocka_unit_test(test_lists),
	    cmocka_unit_test(test_nobody_is_trusted_without_a_list),
	    cmocka_unit_test(test_mistakes),
	};

	return cmocka_run_group_tests_name("trusted_proxies", tests, NULL, NULL);
}
