/*
 * bench/load/http_answer.h: where answers end, however much of them is there.
 */
#include "bench/load/http_answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define OK "HTTP/1.1 200 OK\r\n"

static const struct {
	const char *text;
	size_t len; /* of the first answer; 0: it is none */
	int status;
	bool closes;
} answers[] = {
    {OK "Content-Length: 2\r\n\r\nhi", 40, 200, false},
    {OK "content-length: 0\r\nConnection: close\r\n\r\n", 57, 200, true},
    {OK "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", 59, 200, false},
    {"HTTP/1.1 204 No Content\r\n\r\n", 27, 204, false},
    {OK "\r\nhi", 0, 0, false},
    {"not HTTP\r\n\r\n", 0, 0, false},
};

static void
test_answers(void **state)
{
	struct http_answer answer;

	(void)state;
	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
		const char *text = answers[i].text;

		for (size_t len = 0; len < answers[i].len; len++)
			assert_int_equal(http_answer_find(text, len, &answer), 0);
		if (answers[i].len == 0) {
			assert_int_equal(http_answer_find(text, strlen(text), &answer), -1);
			continue;
		}
		assert_int_equal(strlen(text), answers[i].len);
		assert_int_equal(http_answer_find(text, strlen(text), &answer), 1);
		assert_int_equal(answer.len, answers[i].len);
		assert_int_equal(answer.status, answers[i].status);
		assert_int_equal(answer.closes, answers[i].closes);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
