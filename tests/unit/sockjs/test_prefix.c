/*
 * sockjs/prefix.h: which paths are below a service's prefix, and which of two prefixes wins.
 */
#include "sockjs/prefix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <cmocka.h>

static long
match(const char *name, const char *path)
{
	struct error err = ERROR_INIT;
	struct prefix prefix;
	long len;

	if (prefix_init(&prefix, name, &err) == -1)
		fail_msg("%s", err.text);
	assert_string_equal(prefix.name, name);
	len = prefix_match(&prefix, path);
	prefix_clear(&prefix);
	prefix_clear(&prefix);
	return len;
}

static void
test_paths(void **state)
{
	(void)state;
	assert_int_equal(match("/echo", "/echo"), 5);
	assert_int_equal(match("/echo", "/echo/"), 5);
	assert_int_equal(match("/echo", "/echo/a/b/xhr"), 5);
	assert_int_equal(match("/echo", "/echo//"), 5);
	assert_int_equal(match("/a/b", "/a/b/info"), 4);
	assert_int_equal(match("/e%20o", "/e%20o/info"), 6);

	assert_int_equal(match("/echo", ""), -1);
	assert_int_equal(match("/echo", "/"), -1);
	assert_int_equal(match("/echo", "/ech"), -1);
	assert_int_equal(match("/echo", "/echoes"), -1);
	assert_int_equal(match("/echo", "/Echo"), -1);
	assert_int_equal(match("/echo", "/x/echo"), -1);
	assert_int_equal(match("/echo", "//echo"), -1);
	assert_int_equal(match("/echo", "/echo?x"), -1);
}

/* A browser encodes what a configuration may have as it is, and a web server decodes some of it. */
static void
test_encoded(void **state)
{
	(void)state;
	assert_int_equal(match("/caf\xc3\xa9", "/caf%C3%A9/info"), 10);
	assert_int_equal(match("/caf%C3%A9", "/caf%c3%a9/info"), 10);
	assert_int_equal(match("/caf%C3%A9", "/caf\xc3\xa9/info"), 6);
	assert_int_equal(match("/%7Euser/", "/~user/info"), 6);
	assert_int_equal(match("/~user", "/%7euser"), 8);
	assert_int_equal(match("/e%20o", "/e o"), 4);
	assert_int_equal(match("/100%", "/100%/info"), 5);
	assert_int_equal(match("/100%", "/100%25/info"), 7);
	assert_int_equal(match("/100%4", "/100%4"), 6);
	assert_int_equal(match("/a%2Fb", "/a%2fb/info"), 6);

	assert_int_equal(match("/a%2Fb", "/a/b"), -1);
	assert_int_equal(match("/a/b", "/a%2Fb"), -1);
	assert_int_equal(match("/a", "/a%2Fb"), -1);
	assert_int_equal(match("/a", "/a%00"), -1);
	assert_int_equal(match("/a%", "/a"), -1);
	assert_int_equal(match("/a%00", "/a"), -1);
	assert_int_equal(match("/%7Euser", "/%7"), -1);
	assert_int_equal(match("/caf%C3%A9", "/caf%C3"), -1);
}

static void
test_slashes_at_the_end(void **state)
{
	(void)state;
	assert_int_equal(match("/echo/", "/echo"), 5);
	assert_int_equal(match("/echo///", "/echo/info"), 5);
}

/* The service of everything. */
static void
test_root(void **state)
{
	(void)state;
	assert_int_equal(match("/", "/"), 0);
	assert_int_equal(match("/", ""), 0);
	assert_int_equal(match("/", "/info"), 0);
	assert_int_equal(match("/", "info"), -1);
}

static void
test_patterns(void **state)
{
	(void)state;
	assert_int_equal(match("~ /chat[0-9]+", "/chat12/info"), 7);
	assert_int_equal(match("~ ^/chat[0-9]+", "/chat12"), 7);
	assert_int_equal(match("~/chat", "/chat/"), 5);
	assert_int_equal(match("~ /(a|b)", "/b/x"), 2);
	assert_int_equal(match("~ /a|/b", "/b/x"), 2);
	assert_int_equal(match("~ /.*", "/a/b"), 4);

	assert_int_equal(match("~ /chat[0-9]+", "/chat/info"), -1);
	assert_int_equal(match("~ /chat[0-9]", "/chat12"), -1);
	assert_int_equal(match("~ /a|/b", "/c/b"), -1);
	assert_int_equal(match("~ /chat", "/x/chat"), -1);
	assert_int_equal(match("~ /chat", "/CHAT"), -1);
	assert_int_equal(match("~ /chat", ""), -1);
}

static void
assert_refused(const char *name, const char *words)
{
	struct error err = ERROR_INIT;
	struct prefix prefix;

	assert_int_equal(prefix_init(&prefix, name, &err), -1);
	assert_int_equal(err.code, EX_CONFIG);
	assert_non_null(strstr(err.text, words));
	assert_null(prefix.name);
	prefix_clear(&prefix);
}

static void
test_mistakes(void **state)
{
	(void)state;
	assert_refused("", "named by its prefix");
	assert_refused("echo", "[service echo]");
	assert_refused(" /echo", "named by its prefix");
	assert_refused("~", "regular expression is expected");
	assert_refused("~  ", "regular expression is expected");
	assert_refused("~ ^", "regular expression is expected");
	assert_refused("~ /(", "[service ~ /(]");
	assert_refused("~ /[", "[service ~ /[]");
}

static bool
beats(const char *challenger, const char *holder, const char *path)
{
	struct error err = ERROR_INIT;
	struct prefix a, b;
	bool won;

	assert_int_equal(prefix_init(&a, challenger, &err), 0);
	assert_int_equal(prefix_init(&b, holder, &err), 0);
	assert_true(prefix_match(&a, path) >= 0 && prefix_match(&b, path) >= 0);
	won = prefix_beats(&a, (size_t)prefix_match(&a, path), &b, (size_t)prefix_match(&b, path));
	prefix_clear(&a);
	prefix_clear(&b);
	return won;
}

static void
test_beats(void **state)
{
	(void)state;
	assert_true(beats("/a/b", "/a", "/a/b/info"));
	assert_false(beats("/a", "/a/b", "/a/b/info"));
	assert_false(beats("/a", "/a", "/a"));
	/* A path before a pattern, however long that is; and the first pattern. */
	assert_true(beats("/a", "~ /a/b", "/a/b"));
	assert_false(beats("~ /a/b", "/a", "/a/b"));
	assert_false(beats("~ /a/b", "~ /a", "/a/b"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_paths),
	    cmocka_unit_test(test_encoded),
	    cmocka_unit_test(test_slashes_at_the_end),
	    cmocka_unit_test(test_root),
	    cmocka_unit_test(test_patterns),
	    cmocka_unit_test(test_mistakes),
	    cmocka_unit_test(test_beats),
	};

	return cmocka_run_group_tests_name("prefix", tests, NULL, NULL);
}
