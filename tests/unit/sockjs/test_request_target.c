/*
 * sockjs/request_target.h: what stands for the path and the Host.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sockjs/request_target.h"

static void
assert_split(const char *target, const char *expected_path, const char *expected_authority)
{
	char copy[100], *path, *authority;

	snprintf(copy, sizeof copy, "%s", target);
	assert_int_equal(request_target_split(copy, &path, &authority), 0);
	assert_string_equal(path, expected_path);
	if (expected_authority == NULL)
		assert_null(authority);
	else
		assert_string_equal(authority, expected_authority);
}

static void
assert_bad(const char *target)
{
	char copy[100], *path, *authority;

	snprintf(copy, sizeof copy, "%s", target);
	assert_int_equal(request_target_split(copy, &path, &authority), -1);
	assert_string_equal(path, target);
	assert_null(authority);
}

static void
test_origin(void **state)
{
	(void)state;
	assert_split("/", "/", NULL);
	assert_split("/a?b", "/a?b", NULL);
	assert_split("//a/b", "//a/b", NULL);
	assert_split("/http://a/b", "/http://a/b", NULL);
	assert_split("*", "*", NULL);
	assert_split("", "", NULL);
	assert_split("http:/a", "http:/a", NULL);
	assert_split("ftp://a/b", "ftp://a/b", NULL);
}

static void
test_absolute(void **state)
{
	(void)state;
	assert_split("http://a/b?c", "/b?c", "a");
	assert_split("HTTPS://a:8080/b", "/b", "a:8080");
	assert_split("http://[::1]:80/", "/", "[::1]:80");
	assert_split("http://a", "/", "a");
	assert_split("http://a?b", "/?b", "a");
	assert_split("http://a#b", "/#b", "a");
	assert_split("http://a//b", "//b", "a");
}

static void
test_bad(void **state)
{
	(void)state;
	assert_bad("http:///a");
	assert_bad("http://?a");
	assert_bad("http://user@a/b");
	assert_bad("http://a b/c");
	assert_bad("http://a\\b/c");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_origin),
	    cmocka_unit_test(test_absolute),
	    cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests_name("request_target", tests, NULL, NULL);
}
