/* common/web_origin.h: what is an origin, and when two are the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/web_origin.h"

static void
assert_parts(const char *text, const char *scheme, const char *host, unsigned port)
{
	struct web_origin origin;

	assert_int_equal(web_origin_parse(&origin, text, strlen(text)), 0);
	assert_int_equal(origin.scheme_len, strlen(scheme));
	assert_memory_equal(origin.scheme, scheme, strlen(scheme));
	assert_int_equal(origin.host_len, strlen(host));
	assert_memory_equal(origin.host, host, strlen(host));
	assert_int_equal(origin.port, port);
}

static void
test_parts(void **state)
{
	(void)state;
	assert_parts("https://example.org", "https", "example.org", 443);
	assert_parts("http://example.org", "http", "example.org", 80);
	assert_parts("http://localhost:8080", "http", "localhost", 8080);
	assert_parts("wss://a", "wss", "a", 443);
	assert_parts("ws://a:1", "ws", "a", 1);
	assert_parts("HTTPS://Example.ORG:443", "HTTPS", "Example.ORG", 443);
	assert_parts("http://127.0.0.1:65535", "http", "127.0.0.1", 65535);
	assert_parts("http://[::1]", "http", "[::1]", 80);
	assert_parts("http://[fe80::1:2]:81", "http", "[fe80::1:2]", 81);
	assert_parts("https://a_b.example.org.", "https", "a_b.example.org.", 443);
	assert_parts(
	    "chrome-extension://abcdefghijklmnop", "chrome-extension", "abcdefghijklmnop", 0);
	assert_parts("capacitor://localhost", "capacitor", "localhost", 0);
	assert_parts("file://", "file", "", 0);
}

static void
test_none(void **state)
{
	static const char *const bad[] = {"", "null", "example.org", "https:", "https://", "://",
	    "://a", "https:/a", "https://a/", "https://a/b", "https://a?b", "https://a#b",
	    "https://u@a", "https://a:", "https://a:0", "https://a:65536", "https://a:100000",
	    "https://a:1:2", "https://a:-1", "https://a:x", "https://a b", " https://a",
	    "https://a ", "https://a,https://b", "https://a https://b", "https://.a",
	    "https://a..b", "https://.", "https://*.a", "https://\xc3\xa4", "https://a%20",
	    "1a://b", "h ttp://a", "https://[::1", "https://::1", "https://[]", "https://[::1]a",
	    "https://[x::1]", "https://[::1]:", "https://a[::1]", "https://a\r\nb"};
	struct web_origin origin;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (web_origin_parse(&origin, bad[i], strlen(bad[i])) != -1)
			fail_msg("it was taken: %s", bad[i]);
	assert_int_equal(web_origin_parse(&origin, "https://a\0b", 11), -1);
	/* What is behind len does not count. */
	assert_int_equal(web_origin_parse(&origin, "https://a/b", 9), 0);
}

static bool
is_same(const char *a, const char *b)
{
	struct web_origin left, right;

	assert_int_equal(web_origin_parse(&left, a, strlen(a)), 0);
	assert_int_equal(web_origin_parse(&right, b, strlen(b)), 0);
	assert_int_equal(web_origin_is_same(&left, &right), web_origin_is_same(&right, &left));
	return web_origin_is_same(&left, &right);
}

static void
test_same(void **state)
{
	(void)state;
	assert_true(is_same("https://a.b", "https://a.b"));
	assert_true(is_same("https://a.b", "HTTPS://A.B:443"));
	assert_true(is_same("http://a:80", "http://a"));
	assert_false(is_same("https://a", "http://a"));
	assert_false(is_same("https://a", "http://a:443"));
	assert_false(is_same("https://a", "https://a:8443"));
	assert_false(is_same("https://a", "https://a."));
	assert_false(is_same("https://a", "https://ab"));
	assert_false(is_same("https://b.a", "https://a"));
	assert_false(is_same("x://a", "y://a"));
	assert_true(is_same("file://", "file://"));
}

static bool
has(const char *text, const char *authority)
{
	struct web_origin origin;

	assert_int_equal(web_origin_parse(&origin, text, strlen(text)), 0);
	return web_origin_has_authority(&origin, authority, strlen(authority));
}

static void
test_authority(void **state)
{
	(void)state;
	assert_true(has("https://a", "a"));
	assert_true(has("http://a", "A"));
	assert_true(has("https://a", "a:443"));
	assert_false(has("https://a", "a:80"));
	assert_true(has("http://a", "a:80"));
	assert_true(has("http://a:8080", "a:8080"));
	assert_false(has("http://a:8080", "a"));
	assert_false(has("http://a", "a:8080"));
	assert_true(has("http://[::1]:8080", "[::1]:8080"));
	assert_false(has("http://[::1]:8080", "[::2]:8080"));
	assert_false(has("http://a", "b"));
	assert_false(has("http://a", ""));
	assert_false(has("http://a", "a:"));
	assert_false(has("http://a", "a, a"));
	assert_false(has("file://", ""));
	assert_true(has("capacitor://localhost", "localhost"));
}

static void
test_length(void **state)
{
	static const struct {
		const char *url, *origin;
	} cases[] = {
	    {"https://a.b/c?d=e://f", "https://a.b"},
	    {"https://a.b?c", "https://a.b"},
	    {"https://a.b#c", "https://a.b"},
	    {"https://a.b:1/", "https://a.b:1"},
	    {"https://a.b", "https://a.b"},
	    {"about:blank", "about:blank"},
	    {"", ""},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(web_origin_length(cases[i].url), strlen(cases[i].origin));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_parts),
	    cmocka_unit_test(test_none),
	    cmocka_unit_test(test_same),
	    cmocka_unit_test(test_authority),
	    cmocka_unit_test(test_length),
	};

	return cmocka_run_group_tests_name("web_origin", tests, NULL, NULL);
}
