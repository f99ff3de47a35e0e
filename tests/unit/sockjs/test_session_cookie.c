/*
 * sockjs/session_cookie.h: the attributes of the cookie, and what a module may set. What is echoed
 * is test_reply_cookie.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sockjs/session_cookie.h"

static struct service_options options;

static void
assert_cookie(const char *value, const char *expected)
{
	struct buffer out = BUFFER_INIT;

	session_cookie_append(&out, value, &options);
	buffer_append_char(&out, '\0');
	assert_string_equal(out.data, expected);
	buffer_free(&out);
}

static void
test_attributes(void **state)
{
	char path[] = "/app";

	(void)state;
	options = (struct service_options){.jsessionid = JSESSIONID_ON};
	assert_cookie("dummy", "JSESSIONID=dummy; path=/");
	options.jsessionid_samesite = SAMESITE_LAX;
	assert_cookie("dummy", "JSESSIONID=dummy; path=/; SameSite=Lax");
	options.jsessionid_samesite = SAMESITE_STRICT;
	options.jsessionid_path = path;
	assert_cookie("a", "JSESSIONID=a; path=/app; SameSite=Strict");
	options.jsessionid_secure = options.jsessionid_httponly = true;
	assert_cookie("a", "JSESSIONID=a; path=/app; SameSite=Strict; Secure; HttpOnly");
	options = (struct service_options){.jsessionid_samesite = SAMESITE_NONE};
	assert_cookie("a", "JSESSIONID=a; path=/; SameSite=None; Secure");
}

static void
test_attributes_of_module(void **state)
{
	(void)state;
	options = (struct service_options){.jsessionid_secure = true};
	assert_cookie("a;path=/b; SameSite=Lax", "JSESSIONID=a;path=/b; SameSite=Lax");
	assert_cookie("a", "JSESSIONID=a; path=/; Secure");
}

static void
test_valid(void **state)
{
	static const char *const good[] = {"a", "!#$%&'()*+-./:<=>?@[]^_`{|}~", "a=b", "a;Secure",
	    "a; Path=/; Domain=example.org; Expires=Wed, 21 Oct 2026 07:28:00 GMT",
	    "a; Max-Age=3; HttpOnly; SameSite=None; Secure; Partitioned", "a;path=/",
	    "a; HTTPONLY"};
	static const char *const bad[] = {"", ";Secure", "a b", "a\"", "a,b", "a\\", "\xc3\xa4",
	    "a\r\nX: 1", "a;b", "a;", "a; ", "a; =b", "a; Secure;", "a; Path=/\r\nX: 1",
	    "a; Path=/\t", "a; Path=\xc3\xa4", "a; Securely", "a ; Secure", "a; Path /", "\x7f"};
	static char longest[SESSION_COOKIE_MAX + 1];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof good / sizeof good[0]; i++)
		if (!session_cookie_is_valid(good[i]))
			fail_msg("it was refused: %s", good[i]);
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (session_cookie_is_valid(bad[i]))
			fail_msg("it was taken: %s", bad[i]);
	memset(longest, 'x', SESSION_COOKIE_MAX);
	assert_false(session_cookie_is_valid(longest));
	longest[SESSION_COOKIE_MAX - 1] = '\0';
	assert_true(session_cookie_is_valid(longest));
}

static void
test_path(void **state)
{
	(void)state;
	assert_true(session_cookie_is_path("/"));
	assert_true(session_cookie_is_path("/a/b"));
	assert_false(session_cookie_is_path(""));
	assert_false(session_cookie_is_path("a"));
	assert_false(session_cookie_is_path("/a;Secure"));
	assert_false(session_cookie_is_path("/a\r\nX: 1"));
	assert_false(session_cookie_is_path("/\xc3\xa4"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_attributes),
	    cmocka_unit_test(test_attributes_of_module),
	    cmocka_unit_test(test_valid),
	    cmocka_unit_test(test_path),
	};

	return cmocka_run_group_tests_name("session_cookie", tests, NULL, NULL);
}
