/*
 * sockjs/net_address.h: one form for each address.
 */
#include "sockjs/net_address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/un.h>

#include <cmocka.h>

static void
assert_parsed(const char *text, const char *plain)
{
	union net_address address;
	char shown[INET6_ADDRSTRLEN];

	assert_int_equal(net_address_parse(&address, text, strlen(text)), plain[0] != '\0');
	assert_string_equal(net_address_text(&address.any, shown), plain);
	assert_int_equal(net_address_port(&address.any), 0);
}

static void
test_parse(void **state)
{
	(void)state;
	assert_parsed("192.0.2.7", "192.0.2.7");
	assert_parsed("0.9.10.99", "0.9.10.99");
	assert_parsed("100.101.200.255", "100.101.200.255");
	assert_parsed("2001:DB8:0::7", "2001:db8::7");
	assert_parsed("::ffff:192.0.2.7", "192.0.2.7");
	assert_parsed("0:0:0:0:0:ffff:c000:207", "192.0.2.7");
	assert_parsed("::1", "::1");
	assert_parsed("", "");
	assert_parsed("192.0.2", "");
	assert_parsed("192.0.2.7 ", "");
	assert_parsed("192.0.2.7:80", "");
	assert_parsed("[::1]", "");
	assert_parsed("fe80::1%eth0", "");
	assert_parsed("localhost", "");
	assert_parsed("1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb", "");
}

static void
test_a_nul_is_no_end(void **state)
{
	union net_address address;

	(void)state;
	assert_false(net_address_parse(&address, "192.0.2.7\0.1", 12));
	assert_true(net_address_parse(&address, "192.0.2.77", 9));
}

static void
test_a_socket_for_both_kinds(void **state)
{
	struct sockaddr_in6 mapped = {.sin6_family = AF_INET6, .sin6_port = htons(81)};
	union net_address address;
	char text[INET6_ADDRSTRLEN];

	(void)state;
	inet_pton(AF_INET6, "::ffff:192.0.2.7", &mapped.sin6_addr);
	assert_string_equal(
	    net_address_text((struct sockaddr *)(void *)&mapped, text), "192.0.2.7");
	assert_int_equal(net_address_port((struct sockaddr *)(void *)&mapped), 81);
	net_address_set(&address, (struct sockaddr *)(void *)&mapped);
	assert_int_equal(address.any.sa_family, AF_INET);
	assert_int_equal(ntohs(address.v4.sin_port), 81);
}

static void
test_no_addresses(void **state)
{
	struct sockaddr_un path = {.sun_family = AF_UNIX, .sun_path = "/run/x"};
	union net_address address;
	char text[INET6_ADDRSTRLEN];

	(void)state;
	net_address_set(&address, (struct sockaddr *)(void *)&path);
	assert_int_equal(address.any.sa_family, AF_UNIX);
	assert_string_equal(net_address_text(&address.any, text), "");
	assert_int_equal(net_address_port(&address.any), 0);
	net_address_set(&address, NULL);
	assert_int_equal(address.any.sa_family, AF_UNSPEC);
	assert_string_equal(net_address_text(NULL, text), "");
	assert_int_equal(net_address_port(NULL), 0);
}

static bool
is_same(const char *a, const char *b)
{
	union net_address left, right;

	net_address_parse(&left, a, strlen(a));
	net_address_parse(&right, b, strlen(b));
	left.v4.sin_port = 7;
	return net_address_is_same(&left, &right);
}

static void
test_sameness(void **state)
{
	(void)state;
	assert_true(is_same("192.0.2.7", "::ffff:192.0.2.7"));
	assert_false(is_same("192.0.2.7", "192.0.2.8"));
	assert_true(is_same("2001:db8::7", "2001:db8:0::7"));
	assert_false(is_same("2001:db8::7", "2001:db8::8"));
	assert_false(is_same("192.0.2.7", "2001:db8::7"));
	assert_false(is_same("192.0.2.7", ""));
	assert_true(is_same("", ""));
}

static void
test_ports(void **state)
{
	static const char *const bad[] = {"", "localhost:9000", "127.0.0.1",
	    "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1: 9", "127.0.0.1:+9",
	    "127.0.0.1:9x", "::1:9000", "[::1]", "[127.0.0.1]:9000", "[]:9000", ":9000"};
	union net_address address;
	size_t i;

	(void)state;
	assert_true(net_address_parse_port(&address, "127.0.0.1:9000"));
	assert_int_equal(net_address_port(&address.any), 9000);
	assert_true(net_address_parse_port(&address, "[::1]:65535"));
	assert_int_equal(net_address_port(&address.any), 65535);
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(net_address_parse_port(&address, bad[i]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_parse),
	    cmocka_unit_test(test_a_nul_is_no_end),
	    cmocka_unit_test(test_a_socket_for_both_kinds),
	    cmocka_unit_test(test_no_addresses),
	    cmocka_unit_test(test_ports),
	    cmocka_unit_test(test_sameness),
	};

	return cmocka_run_group_tests_name("net_address", tests, NULL, NULL);
}
