/*
 * sockjs/forwarded.h: the client of a request that came over proxies. The proxies here are
 * 10.0.0.0/8, fd00::/8 and the Unix socket.
 */
#include "sockjs/forwarded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NEAREST_PORT 4711

static struct trusted_proxies *trusted;

/* "ADDRESS PORT" of the client. nearest: "unix", "" (unknown) or an address. */
static const char *
client_of(const char *nearest, const char *list, const char *forwarded)
{
	static char text[INET6_ADDRSTRLEN + 10];
	char address[INET6_ADDRSTRLEN];
	union net_address from, client;

	net_address_parse(&from, nearest, strlen(nearest));
	if (strcmp(nearest, "unix") == 0)
		from.any.sa_family = AF_UNIX;
	else
		from.v4.sin_port = htons(NEAREST_PORT);
	memset(&client, 0xff, sizeof client);
	forwarded_client(trusted, &from, list, forwarded, &client);
	snprintf(text, sizeof text, "%s %u", net_address_text(&client.any, address),
	    net_address_port(&client.any));
	return text;
}

static void
test_who_is_not_trusted_is_the_client(void **state)
{
	(void)state;
	assert_string_equal(client_of("192.0.2.1", NULL, NULL), "192.0.2.1 4711");
	assert_string_equal(client_of("192.0.2.1", "203.0.113.7", NULL), "192.0.2.1 4711");
	assert_string_equal(client_of("192.0.2.1", NULL, "for=203.0.113.7"), "192.0.2.1 4711");
	assert_string_equal(client_of("", "203.0.113.7", NULL), " 0");
}

static void
test_a_proxy_names_the_client(void **state)
{
	static const char *const nearest[] = {"unix", "10.0.0.1", "fd00::1", "::ffff:10.0.0.1"};

	(void)state;
	for (size_t i = 0; i < sizeof nearest / sizeof nearest[0]; i++) {
		assert_string_equal(client_of(nearest[i], "203.0.113.7", NULL), "203.0.113.7 0");
		assert_string_equal(
		    client_of(nearest[i], NULL, "for=203.0.113.7"), "203.0.113.7 0");
	}
	assert_string_equal(client_of("10.0.0.1", NULL, NULL), "10.0.0.1 4711");
	assert_string_equal(client_of("unix", NULL, NULL), " 0");
}

static void
test_the_list_is_read_from_the_right(void **state)
{
	(void)state;
	assert_string_equal(client_of("unix", "6.6.6.6, 203.0.113.7", NULL), "203.0.113.7 0");
	assert_string_equal(
	    client_of("unix", "6.6.6.6,203.0.113.7,10.2.3.4,fd00::2", NULL), "203.0.113.7 0");
	assert_string_equal(client_of("unix", "6.6.6.6, 203.0.113.7, 203.0.113.8, 10.1.1.1", NULL),
	    "203.0.113.8 0");
	assert_string_equal(client_of("unix", "10.1.1.1, 10.1.1.2", NULL), "10.1.1.1 0");
	assert_string_equal(
	    client_of("unix", NULL, "for=6.6.6.6, for=203.0.113.7, for=10.1.1.1"), "203.0.113.7 0");
	assert_string_equal(
	    client_of("unix", "203.0.113.7, unix:, 10.1.1.1", NULL), "203.0.113.7 0");
}

static void
test_empty_elements_do_not_count(void **state)
{
	(void)state;
	assert_string_equal(client_of("unix", ", ,203.0.113.7, \t,", NULL), "203.0.113.7 0");
	assert_string_equal(client_of("unix", "", NULL), " 0");
	assert_string_equal(client_of("10.0.0.1", " , ,", NULL), "10.0.0.1 4711");
	assert_string_equal(client_of("unix", NULL, ",,for=203.0.113.7,,"), "203.0.113.7 0");
}

/* The forms of one node; the client is 203.0.113.7 or 2001:db8::7. */
static void
test_forms(void **state)
{
	static const char *const v4[] = {"203.0.113.7", "203.0.113.7:80", " 203.0.113.7 ",
	    "203.0.113.7:_port", "::ffff:203.0.113.7", "[::ffff:203.0.113.7]:1"};
	static const char *const v6[] = {
	    "2001:db8::7", "[2001:db8::7]", "[2001:DB8::7]:443", "[2001:db8:0:0::7]:_x.y-z"};

	(void)state;
	for (size_t i = 0; i < sizeof v4 / sizeof v4[0]; i++)
		assert_string_equal(client_of("unix", v4[i], NULL), "203.0.113.7 0");
	for (size_t i = 0; i < sizeof v6 / sizeof v6[0]; i++)
		assert_string_equal(client_of("unix", v6[i], NULL), "2001:db8::7 0");
}

static void
test_forms_of_forwarded(void **state)
{
	static const char *const v4[] = {"for=203.0.113.7", "For=\"203.0.113.7\"",
	    "FOR=\"203.0.113.7:80\"", "for=203.0.113.7:80", "proto=https;for=203.0.113.7",
	    "for=203.0.113.7;by=\"a;b,c=d\\\"for=6.6.6.6,\";proto=http", ";;for=203.0.113.7; ;",
	    "by=10.0.0.1 ; for=203.0.113.7 ; host=x", "for=\"203.0.113.\\7\"",
	    "host=\"\\\\\";for=203.0.113.7", "for=6.6.6.6,host=\"\\\\\";for=203.0.113.7"};
	static const char *const v6[] = {"for=\"[2001:db8::7]\"", "for=\"[2001:db8::7]:80\"",
	    "for=\"[2001:db8::7]:_p\"", "for=[2001:db8::7]"};

	(void)state;
	for (size_t i = 0; i < sizeof v4 / sizeof v4[0]; i++)
		assert_string_equal(client_of("unix", NULL, v4[i]), "203.0.113.7 0");
	for (size_t i = 0; i < sizeof v6 / sizeof v6[0]; i++)
		assert_string_equal(client_of("unix", NULL, v6[i]), "2001:db8::7 0");
}

/* The client is then who wrote the element: 10.1.1.1, whom the element to its right names. */
static void
test_what_says_nothing_ends_the_reading(void **state)
{
	static const char *const nodes[] = {"unknown", "_hidden", "nonsense",
	    "203.0.113.7:", "203.0.113.7:8 0", "203.0.113.7 6.6.6.6", "203.0.113", "[203.0.113.7]",
	    "[2001:db8::7", "2001:db8::7]", "[]", "[", "[2001:db8::7]x",
	    "[2001:db8::7]:", "fe80::1%eth0", ":", ":80", "\"", "203.0.113.7\"", "\"203.0.113.7",
	    "1111111111111111111111111111111111111111111111111111111111111111111111111111111.1"};
	static const char *const elements[] = {"for", "for=", "for=\"", "for=\"\"", "for=unknown",
	    "for=\"_gazonk\"", "proto=https", "for=203.0.113.7;for=203.0.113.7", "=203.0.113.7",
	    "for = 203.0.113.7", "203.0.113.7", "for=\"203.0.113.7", "for=203.0.113.7\"",
	    "for=\"203.0.113.7\"x", "for=\"203.0.113.7\\\"", "x;for=203.0.113.7",
	    "fort=203.0.113.7", "for=\"203.0.113.7\"\"\"", "for=[\"2001:db8::7\"]",
	    "for=\"                                                                203.0.113.7\""};
	char text[300];

	(void)state;
	for (size_t i = 0; i < sizeof nodes / sizeof nodes[0]; i++) {
		snprintf(text, sizeof text, "6.6.6.6, %s, 10.1.1.1", nodes[i]);
		assert_string_equal(client_of("unix", text, NULL), "10.1.1.1 0");
		assert_string_equal(client_of("10.0.0.1", nodes[i], NULL), "10.0.0.1 4711");
	}
	for (size_t i = 0; i < sizeof elements / sizeof elements[0]; i++) {
		snprintf(text, sizeof text, "for=6.6.6.6, %s, for=10.1.1.1", elements[i]);
		assert_string_equal(client_of("unix", NULL, text), "10.1.1.1 0");
		assert_string_equal(client_of("10.0.0.1", NULL, elements[i]), "10.0.0.1 4711");
	}
}

/* What the proxy appends stands, whatever the client has left open before it. */
static void
test_a_client_cannot_swallow_what_the_proxy_appends(void **state)
{
	static const char *const forged[] = {"for=\"", "for=\"\\", "for=6.6.6.6\\", "\"\"\"", "\\",
	    "for=\"6.6.6.6, for=6.6.6.6", "\\\"", "for=\"\\\\\\\""};
	char text[300];

	(void)state;
	for (size_t i = 0; i < sizeof forged / sizeof forged[0]; i++) {
		snprintf(text, sizeof text, "%s, for=203.0.113.7", forged[i]);
		assert_string_equal(client_of("unix", NULL, text), "203.0.113.7 0");
		snprintf(text, sizeof text, "%s, for=\"[2001:db8::7]\"", forged[i]);
		assert_string_equal(client_of("unix", NULL, text), "2001:db8::7 0");
		snprintf(text, sizeof text, "%s, 203.0.113.7", forged[i]);
		assert_string_equal(client_of("unix", text, NULL), "203.0.113.7 0");
	}
}

static void
test_two_headers_have_to_agree(void **state)
{
	(void)state;
	assert_string_equal(
	    client_of("unix", "203.0.113.7", "for=\"203.0.113.7:80\""), "203.0.113.7 0");
	assert_string_equal(
	    client_of("unix", "203.0.113.7, 10.1.1.1", "for=203.0.113.7"), "203.0.113.7 0");
	assert_string_equal(client_of("10.0.0.1", "203.0.113.7", "for=6.6.6.6"), "10.0.0.1 4711");
	assert_string_equal(client_of("10.0.0.1", "6.6.6.6", "for=203.0.113.7"), "10.0.0.1 4711");
	assert_string_equal(client_of("10.0.0.1", "203.0.113.7", "proto=http"), "10.0.0.1 4711");
	assert_string_equal(client_of("10.0.0.1", "unknown", "for=unknown"), "10.0.0.1 4711");
	/* An empty one is as good as none. */
	assert_string_equal(client_of("unix", "", "for=203.0.113.7"), "203.0.113.7 0");
	assert_string_equal(client_of("unix", "203.0.113.7", ", "), "203.0.113.7 0");
}

static int
set_up(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	trusted = trusted_proxies_create("unix 10.0.0.0/8 fd00::/8", &err);
	return trusted == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
	(void)state;
	trusted_proxies_destroy(&trusted);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_who_is_not_trusted_is_the_client),
	    cmocka_unit_test(test_a_proxy_names_the_client),
	    cmocka_unit_test(test_the_list_is_read_from_the_right),
	    cmocka_unit_test(test_empty_elements_do_not_count),
	    cmocka_unit_test(test_forms),
	    cmocka_unit_test(test_forms_of_forwarded),
	    cmocka_unit_test(test_what_says_nothing_ends_the_reading),
	    cmocka_unit_test(test_a_client_cannot_swallow_what_the_proxy_appends),
	    cmocka_unit_test(test_two_headers_have_to_agree),
	};

	return cmocka_run_group_tests_name("forwarded", tests, set_up, tear_down);
}
