/*
 * conf/option_checks.h, alone and in the tables that name them.
 */
#include "conf/option_checks.h"

#include "conf/config_options.h"
#include "conf/responder_options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sysexits.h>

#include <cmocka.h>

typedef int option_check(const char *option, const char *value, struct error *err);

static void
refuses(option_check *check, const char *value, const char *expected)
{
	struct error err = ERROR_INIT;

	assert_int_equal(check("its_name", value, &err), -1);
	assert_int_equal(err.code, EX_CONFIG);
	assert_string_equal(err.text, expected);
}

static void
accepts(option_check *check, const char *value)
{
	struct error err = ERROR_INIT;

	assert_int_equal(check("its_name", value, &err), 0);
	assert_int_equal(err.code, 0);
}

static void
test_user(void **state)
{
	(void)state;
	accepts(option_check_user, "root");
	refuses(option_check_user, "no-such-user",
	    "its_name: there is no user \"no-such-user\"; make it, or name another");
	refuses(option_check_user, "", "its_name: there is no user \"\"; make it, or name another");
}

static void
test_group(void **state)
{
	(void)state;
	accepts(option_check_group, "root");
	refuses(option_check_group, "no-such-group",
	    "its_name: there is no group \"no-such-group\"; make it, or name another");
	refuses(option_check_group, "a\x1b",
	    "its_name: there is no group \"a\\x1b\"; make it, or name another");
}

static void
test_trusted_proxies(void **state)
{
	(void)state;
	accepts(option_check_trusted_proxies, "");
	accepts(option_check_trusted_proxies, "unix 10.0.0.0/8, fd00::/8 192.0.2.7");
	refuses(option_check_trusted_proxies, "unix 10.0.0.1/8",
	    "its_name: \"10.0.0.1/8\" has bits behind those that the number counts");
}

static void
test_mode(void **state)
{
	static const char *const good[] = {"0660", "660", "0777", "000", "0000"};
	static const char *const bad[] = {
	    "", "66", "00660", "888", "0680", "1660", "rw-", "-66", " 660"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof good / sizeof good[0]; i++)
		accepts(option_check_mode, good[i]);
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct error err = ERROR_INIT;

		if (option_check_mode("mode", bad[i], &err) == 0)
			fail_msg("%s is taken for a mode", bad[i]);
		assert_int_equal(err.code, EX_CONFIG);
	}
	refuses(option_check_mode, "rw", "its_name: \"rw\" is no octal mode, as 0660");
}

static void
test_log(void **state)
{
	(void)state;
	accepts(option_check_log, "stderr");
	accepts(option_check_log, "syslog");
	accepts(option_check_log, "./sockjs.log");
	refuses(option_check_log, "sockjs.log",
	    "its_name: \"sockjs.log\" is neither stderr nor syslog; if it is to be a file beside "
	    "this one, write ./sockjs.log");
}

static void
test_origins(void **state)
{
	(void)state;
	accepts(option_check_origins, "any");
	accepts(option_check_origins, "https://example.org https://*.example.org null same");
	refuses(option_check_origins, "example.org",
	    "its_name: \"example.org\" is neither an origin, as https://example.org, nor any, null "
	    "or same");
}

static void
test_cookie_path(void **state)
{
	(void)state;
	accepts(option_check_cookie_path, "/");
	refuses(
	    option_check_cookie_path, "app", "its_name: \"app\" is no path of a cookie, as /app");
	refuses(option_check_cookie_path, "/;Secure",
	    "its_name: \"/;Secure\" is no path of a cookie, as /app");
}

static void
test_tokens(void **state)
{
	(void)state;
	accepts(option_check_tokens, "v12.stomp mqtt");
	refuses(
	    option_check_tokens, "a/b", "its_name: \"a/b\" is no list of names, as v12.stomp mqtt");
	refuses(option_check_tokens, " ", "its_name: \" \" is no list of names, as v12.stomp mqtt");
}

/* The error does not say what the secret is. */
static void
test_token68(void **state)
{
	static const char error[] =
	    "its_name: only letters, digits and -._~+/ can be in it (openssl rand -hex 32 makes one)";

	(void)state;
	accepts(option_check_token68, "abcXYZ0189-._~+/");
	accepts(option_check_token68, "c2VjcmV0==");
	refuses(option_check_token68, "a secret", error);
	refuses(option_check_token68, "a\"b", error);
	refuses(option_check_token68, "a=b", error);
	refuses(option_check_token68, "==", error);
	refuses(option_check_token68, "", error);
}

static void
test_headers(void **state)
{
	static const char name[] = "x23456789012345678901234567890123456789012345678901";

	(void)state;
	accepts(option_check_headers, "authorization, X-Request-Id");
	accepts(option_check_headers, "");
	accepts(option_check_headers, "a b c d e f g h i j k l m n o p");
	accepts(option_check_headers, name + 1);
	refuses(option_check_headers, "a b c d e f g h i j k l m n o p q",
	    "its_name: more than 16 names");
	refuses(option_check_headers, "a x:y",
	    "its_name: \"x:y\" is no name of a header, as x-request-id");
	refuses(option_check_headers, name,
	    "its_name: \"x23456789012345678901234567890123456789012345678901\" is no name of a "
	    "header, as x-request-id");
}

static option_check *
check_of(const struct conf_option *table, size_t n, const char *name)
{
	const struct conf_option *option = conf_find(table, n, name);

	assert_non_null(option);
	return option->check;
}

static void
test_tables(void **state)
{
	(void)state;
	assert_ptr_equal(
	    check_of(server_option_table, server_option_count, "user"), option_check_user);
	assert_ptr_equal(
	    check_of(server_option_table, server_option_count, "group"), option_check_group);
	assert_ptr_equal(
	    check_of(server_option_table, server_option_count, "socket_group"), option_check_group);
	assert_ptr_equal(
	    check_of(server_option_table, server_option_count, "socket_mode"), option_check_mode);
	assert_ptr_equal(
	    check_of(fcgi_option_table, fcgi_option_count, "socket_mode"), option_check_mode);
	assert_ptr_equal(
	    check_of(server_option_table, server_option_count, "log"), option_check_log);
	assert_ptr_equal(check_of(fcgi_option_table, fcgi_option_count, "log"), option_check_log);
	assert_ptr_equal(check_of(service_option_table, service_option_count, "allowed_origins"),
	    option_check_origins);
	assert_ptr_equal(check_of(service_option_table, service_option_count, "jsessionid_path"),
	    option_check_cookie_path);
	assert_ptr_equal(
	    check_of(service_option_table, service_option_count, "websocket_protocols"),
	    option_check_tokens);
	assert_ptr_equal(
	    check_of(service_option_table, service_option_count, "headers"), option_check_headers);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_user),
	    cmocka_unit_test(test_group),
	    cmocka_unit_test(test_mode),
	    cmocka_unit_test(test_log),
	    cmocka_unit_test(test_trusted_proxies),
	    cmocka_unit_test(test_origins),
	    cmocka_unit_test(test_cookie_path),
	    cmocka_unit_test(test_tokens),
	    cmocka_unit_test(test_token68),
	    cmocka_unit_test(test_headers),
	    cmocka_unit_test(test_tables),
	};

	return cmocka_run_group_tests_name("option_checks", tests, NULL, NULL);
}
