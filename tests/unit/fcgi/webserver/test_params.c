/*
 * fcgi/webserver/params.h: the variables of a request.
 */
#include "fcgi/webserver/params.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fastcgi/fastcgi_framing.h"

static void
put(struct buffer *to, const char *name, const char *value)
{
	fastcgi_append_pair(to, &(struct fastcgi_pair){name, value, strlen(name), strlen(value)});
}

/* From a copy without a byte to spare, so that a sanitizer sees what is read beyond it. */
static struct params *
read_exact(const char *data, size_t len)
{
	unsigned char *copy = malloc(len == 0 ? 1 : len);
	struct params *params;

	assert_non_null(copy);
	if (len > 0)
		memcpy(copy, data, len);
	params = params_read(copy, len);
	free(copy);
	return params;
}

static void
test_found(void **state)
{
	struct buffer b = BUFFER_INIT;
	char *large = calloc(1, 70001);
	struct params *params;

	(void)state;
	assert_non_null(large);
	memset(large, 'x', 70000);
	put(&b, "REQUEST_METHOD", "POST");
	put(&b, "EMPTY", "");
	put(&b, "LARGE", large);
	put(&b, "HTTP_ORIGIN", "http://a=b");
	params = read_exact(b.data, b.len);
	assert_non_null(params);
	assert_string_equal(params_find(params, "REQUEST_METHOD"), "POST");
	assert_string_equal(params_find(params, "EMPTY"), "");
	assert_string_equal(params_find(params, "LARGE"), large);
	assert_string_equal(params_find(params, "HTTP_ORIGIN"), "http://a=b");
	assert_null(params_find(params, "REQUEST"));
	assert_null(params_find(params, "REQUEST_METHODS"));
	assert_null(params_find(params, "HTTP_ORIGIN=http"));
	assert_null(params_find(params, ""));
	free(params);
	buffer_free(&b);
	free(large);
}

static void
test_headers(void **state)
{
	struct buffer b = BUFFER_INIT;
	struct params *params;

	(void)state;
	put(&b, "HTTP_X_FORWARDED_FOR", "first");
	put(&b, "HTTP_HOST", "localhost");
	put(&b, "X_FORWARDED_FOR", "none");
	put(&b, "HTTP_X_FORWARDED_FOR", "last");
	put(&b, "HTTP_", "empty");
	params = read_exact(b.data, b.len);
	assert_string_equal(params_find_header(params, "X-Forwarded-For"), "last");
	assert_string_equal(params_find_header(params, "x-forwarded-for"), "last");
	assert_string_equal(params_find_header(params, "HOST"), "localhost");
	assert_null(params_find_header(params, ""));
	assert_null(params_find_header(params, "X-Forwarded"));
	assert_null(params_find_header(params, "X-Forwarded-Form"));
	assert_null(params_find_header(params, "Hos"));
	free(params);
	buffer_free(&b);
}

/* Of two that are alike. */
static void
test_last_one_counts(void **state)
{
	struct buffer b = BUFFER_INIT;
	struct params *params;

	(void)state;
	put(&b, "A", "first");
	put(&b, "B", "between");
	put(&b, "A", "last");
	params = read_exact(b.data, b.len);
	assert_string_equal(params_find(params, "A"), "last");
	assert_string_equal(params_find(params, "B"), "between");
	free(params);
	buffer_free(&b);
}

/* Of equal length and with the same last character, they share a bucket. */
static void
test_share_a_bucket(void **state)
{
	struct buffer b = BUFFER_INIT;
	struct params *params;

	(void)state;
	put(&b, "HTTP_X_A", "first");
	put(&b, "HTTP_Y_A", "between");
	put(&b, "HTTP_Z_A", "last");
	params = read_exact(b.data, b.len);
	assert_string_equal(params_find(params, "HTTP_X_A"), "first");
	assert_string_equal(params_find(params, "HTTP_Y_A"), "between");
	assert_string_equal(params_find(params, "HTTP_Z_A"), "last");
	assert_null(params_find(params, "HTTP_W_A"));
	assert_string_equal(params_find_header(params, "X-A"), "first");
	assert_string_equal(params_find_header(params, "Y-A"), "between");
	assert_string_equal(params_find_header(params, "Z-A"), "last");
	assert_null(params_find_header(params, "W-A"));
	free(params);
	buffer_free(&b);
}

static void
test_none(void **state)
{
	struct params *params = read_exact("", 0);

	(void)state;
	assert_non_null(params);
	assert_null(params_find(params, "A"));
	free(params);
}

/* A prefix that ends within a pair promises too much. */
static void
test_promises(void **state)
{
	static const char params[] = "\1\2ABC\0\0\200\0\0\2\1DEF\3\200\0\0\0GHI";
	static const size_t ends[] = {0, 5, 7, 15, 23};
	size_t len, end = 0;
	struct params *list;

	(void)state;
	for (len = 0; len < sizeof params; len++) {
		if (len > ends[end])
			end++;
		list = read_exact(params, len);
		assert_int_equal(list != NULL, len == ends[end]);
		free(list);
	}
	assert_null(read_exact("\377\377\377\377\377\377\377\377A", 9));
	assert_null(read_exact("\377\377\377\377\0A", 6));
	assert_null(read_exact("\1\1AB\0\177", 6));
}

/* A NUL ends a value; a name that has one is nobody's. */
static void
test_nul(void **state)
{
	static const char bytes[] = "\1\3Ax\0y\3\1B\0Cz";
	struct params *params = read_exact(bytes, sizeof bytes - 1);

	(void)state;
	assert_non_null(params);
	assert_string_equal(params_find(params, "A"), "x");
	assert_null(params_find(params, "B"));
	free(params);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_found),
	    cmocka_unit_test(test_headers),
	    cmocka_unit_test(test_last_one_counts),
	    cmocka_unit_test(test_share_a_bucket),
	    cmocka_unit_test(test_none),
	    cmocka_unit_test(test_promises),
	    cmocka_unit_test(test_nul),
	};

	return cmocka_run_group_tests_name("params", tests, NULL, NULL);
}
