/*
 * sessiond/fastcgi/fastcgi_record.h: what we ask is what fcgi/webserver understands, and what of an
 * answer is one.
 */
#include "sessiond/fastcgi/fastcgi_record.h"

#include "fcgi/webserver/params.h"
#include "fcgi/webserver/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Appends a record with padding bytes behind it. */
static void
put(struct buffer *to, int type, const char *content, size_t len, int padding)
{
	const char header[] = {1, (char)type, 0, 1, (char)(len >> 8), (char)len, (char)padding, 0};

	buffer_append(to, header, sizeof header);
	buffer_append(to, content, len);
	buffer_append(to, "PADDING", (size_t)padding);
}

static void
put_text(struct buffer *to, int type, const char *text)
{
	put(to, type, text, strlen(text), 0);
}

/* --- requests --------------------------------------------------------------------------------- */

static void
check_request(size_t value_len, size_t body_len)
{
	char *value = calloc(1, value_len + 1), *body = malloc(body_len + 1);
	const struct fastcgi_param params[] = {{"A", value}, {"LEFT_OUT", NULL}, {"EMPTY", ""}};
	struct buffer out = BUFFER_INIT, got = BUFFER_INIT;
	struct record_scan scan = {.at = 0};
	unsigned char *bytes;
	const unsigned char *pairs;
	struct params *list;
	size_t len;

	memset(value, 'v', value_len);
	memset(body, 'b', body_len);
	fastcgi_append_request(&out, params, 3, body, body_len);
	bytes = (unsigned char *)out.data;
	while (record_scan(&scan, bytes, out.len) == RECORD_INCOMPLETE && scan.last_is_body)
		;
	assert_int_equal(scan.at, out.len);
	assert_false(scan.is_kept || scan.last_is_body);
	record_append_body(&scan, bytes, &got);
	assert_int_equal(got.len, body_len);
	if (body_len > 0)
		assert_memory_equal(got.data, body, body_len);
	len = record_join_params(&scan, bytes, &pairs);
	list = params_read(pairs, len);
	assert_non_null(list);
	assert_string_equal(params_find(list, "A"), value);
	assert_string_equal(params_find(list, "EMPTY"), "");
	assert_null(params_find(list, "LEFT_OUT"));
	buffer_free(&out);
	buffer_free(&got);
	free(list);
	free(value);
	free(body);
}

static void
a_request_is_understood(void **state)
{
	static const size_t sizes[] = {0, 1, 127, 128, 65528, 65529, 200000};
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		for (j = 0; j < sizeof sizes / sizeof sizes[0]; j++)
			check_request(sizes[i], sizes[j]);
}

/* --- answers ---------------------------------------------------------------------------------- */

/* Takes all that is whole; what the last call returned. */
static int
take_all(struct fastcgi_answer *answer, const struct buffer *bytes)
{
	size_t at = 0;
	int n = 0;

	while (!answer->is_over &&
	    (n = fastcgi_answer_take(answer, bytes->data + at, bytes->len - at)) > 0)
		at += (size_t)n;
	return n;
}

static void
records_become_an_answer(void **state)
{
	struct fastcgi_answer answer = {.limit = 1000};
	struct fastcgi_response response;
	struct buffer bytes = BUFFER_INIT;

	(void)state;
	put(&bytes, 6, "Status: 40", 10, 7);
	put_text(&bytes, 7, "oh");
	put_text(&bytes, 6, "3 Forbidden\r\nX: y\r\n\r\n[");
	put_text(&bytes, 6, "");
	put_text(&bytes, 7, "!\n");
	put_text(&bytes, 6, "]");
	put(&bytes, 3, "\0\0\1\2\0\0\0\0", 8, 0);
	put_text(&bytes, 6, "not read any more");
	assert_true(take_all(&answer, &bytes) > 0);
	assert_true(answer.is_over);
	assert_int_equal(answer.app_status, 0x102);
	assert_int_equal(answer.refusal, FASTCGI_DONE);
	assert_int_equal(answer.errors.len, 4);
	assert_memory_equal(answer.errors.data, "oh!\n", 4);
	assert_int_equal(fastcgi_answer_read(&answer, &response), 0);
	assert_int_equal(response.status, 403);
	assert_int_equal(response.body_len, 2);
	assert_memory_equal(response.body, "[]", 2);
	fastcgi_answer_free(&answer);
	buffer_free(&bytes);
}

static void
a_broken_record_is_refused(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		int error;
	} cases[] = {
	    {"HTTP/1.1 400", 12, FASTCGI_BAD_VERSION},
	    {"\2", 1, FASTCGI_BAD_VERSION},
	    {"\1\6\0\2\0\0\0\0", 8, FASTCGI_BAD_ID},
	    {"\1\6\0\0\0\0\0\0", 8, FASTCGI_BAD_ID},
	    {"\1\5\0\1\0\0\0\0", 8, FASTCGI_BAD_TYPE},
	    {"\1\13\0\1\0\0\0\0", 8, FASTCGI_BAD_TYPE},
	    {"\1\3\0\1\0\7\0\0\0\0\0\0\0\0\0", 15, FASTCGI_BAD_END},
	    /* Its content would not fit; nothing of it has to come before. */
	    {"\1\6\0\1\0\135\0\0", 8, FASTCGI_TOO_LONG},
	    {"\1\6\0\1\0\134\0\0", 8, FASTCGI_MORE},
	    {"\1\6\0\1\0\1\0\0", 8, FASTCGI_MORE},
	    {"\1\6\0\1\0", 5, FASTCGI_MORE},
	    {"", 0, FASTCGI_MORE},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fastcgi_answer answer = {.limit = 100};

		assert_int_equal(
		    fastcgi_answer_take(&answer, cases[i].bytes, cases[i].len), cases[i].error);
		assert_false(answer.is_over);
		if (cases[i].error != FASTCGI_MORE)
			assert_non_null(fastcgi_error_text((enum fastcgi_error)cases[i].error));
		fastcgi_answer_free(&answer);
	}
}

/* Empty records, too, come to an end. */
static void
all_records_count(void **state)
{
	struct fastcgi_answer answer = {.limit = 80};
	struct buffer bytes = BUFFER_INIT;
	int i;

	(void)state;
	for (i = 0; i < 11; i++)
		put_text(&bytes, i % 2 == 0 ? 6 : 7, "");
	assert_int_equal(take_all(&answer, &bytes), FASTCGI_TOO_LONG);
	fastcgi_answer_free(&answer);
	buffer_free(&bytes);
}

static void
heads_are_read(void **state)
{
	static const struct {
		const char *out, *body;
		int error;
		unsigned status;
	} cases[] = {
	    {"A: b\n\nbody\n\n", "body\n\n", 0, 200},
	    {"A: b\r\n\r\n", "", 0, 200},
	    {"\n[]", "[]", 0, 200},
	    {"\r\n[]", "[]", 0, 200},
	    {"status:500\n\n", "", 0, 500},
	    {"STATUS: \t 404 Not\n\n", "", 0, 404},
	    {"Location: /\n\n", "", 0, 302},
	    {"Location: /\nStatus: 201\n\n", "", 0, 201},
	    {"Status: 201\nLocation: /\n\n", "", 0, 201},
	    {"Status: 99\n\n", NULL, FASTCGI_BAD_STATUS, 0},
	    {"Status: 600\n\n", NULL, FASTCGI_BAD_STATUS, 0},
	    {"Status: 4294967496\n\n", NULL, FASTCGI_BAD_STATUS, 0},
	    {"Status:\n\n", NULL, FASTCGI_BAD_STATUS, 0},
	    {"Status: no\n\n", NULL, FASTCGI_BAD_STATUS, 0},
	    {"[]", NULL, FASTCGI_BAD_HEAD, 0},
	    {"[]\n\n", NULL, FASTCGI_BAD_HEAD, 0},
	    {"A: b\n", NULL, FASTCGI_BAD_HEAD, 0},
	    {"A: b", NULL, FASTCGI_BAD_HEAD, 0},
	    {"", NULL, FASTCGI_BAD_HEAD, 0},
	};
	struct fastcgi_response response;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fastcgi_answer answer = {.limit = 0};

		buffer_append_str(&answer.out, cases[i].out);
		assert_int_equal(fastcgi_answer_read(&answer, &response), cases[i].error);
		if (cases[i].error == 0) {
			assert_int_equal(response.status, cases[i].status);
			assert_int_equal(response.body_len, strlen(cases[i].body));
			assert_memory_equal(response.body, cases[i].body, response.body_len);
		}
		fastcgi_answer_free(&answer);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_request_is_understood),
	    cmocka_unit_test(records_become_an_answer),
	    cmocka_unit_test(a_broken_record_is_refused),
	    cmocka_unit_test(all_records_count),
	    cmocka_unit_test(heads_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
