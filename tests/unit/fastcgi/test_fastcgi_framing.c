/*
 * fastcgi/fastcgi_framing.h: headers of records, streams of them, and pairs of a name and a value.
 */
#include "fastcgi/fastcgi_framing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
test_header(void **state)
{
	static const unsigned char bytes[FCGI_HEADER_LEN] = {1, 6, 0x12, 0x34, 0xfe, 0xdc, 7, 99};
	static const unsigned char ours[FCGI_HEADER_LEN] = {1, 6, 0x12, 0x34, 0xfe, 0xdc, 0, 0};
	struct fastcgi_header header = fastcgi_read_header(bytes);
	struct buffer out = BUFFER_INIT;

	(void)state;
	assert_int_equal(header.version, FCGI_VERSION_1);
	assert_int_equal(header.type, FCGI_STDOUT);
	assert_int_equal(header.id, 0x1234);
	assert_int_equal(header.content, 0xfedc);
	assert_int_equal(header.size, 8 + 0xfedc + 7);
	fastcgi_append_header(&out, FCGI_STDOUT, 0x1234, 0xfedc);
	assert_int_equal(out.len, sizeof ours);
	assert_memory_equal(out.data, ours, sizeof ours);
	buffer_free(&out);
}

/* No record is empty, none is longer than it may be, and the contents are the stream. */
static void
test_stream(void **state)
{
	static const size_t sizes[] = {0, 1, 65528, 65529, 65536, 200000};
	char *content = malloc(200000);
	size_t i, at, done;

	(void)state;
	assert_non_null(content);
	for (i = 0; i < 200000; i++)
		content[i] = (char)(i % 251);
	for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		struct buffer out = BUFFER_INIT;

		fastcgi_append_stream(&out, FCGI_STDIN, 3, content, sizes[i]);
		for (at = done = 0; at < out.len;) {
			struct fastcgi_header header =
			    fastcgi_read_header((unsigned char *)out.data + at);

			assert_int_equal(header.type, FCGI_STDIN);
			assert_int_equal(header.id, 3);
			assert_true(header.content > 0 && header.size <= out.len - at);
			assert_memory_equal(
			    out.data + at + FCGI_HEADER_LEN, content + done, header.content);
			done += header.content;
			at += header.size;
		}
		assert_int_equal(done, sizes[i]);
		buffer_free(&out);
	}
	free(content);
}

/* What is appended is read again. Of each shorter part of it, nothing is. */
static void
test_pairs(void **state)
{
	static const size_t sizes[] = {0, 1, 127, 128, 300, 70000};
	enum { COUNT = sizeof sizes / sizeof sizes[0] };
	char *text = calloc(1, 70000);
	struct fastcgi_pair got;
	size_t i, cut;

	(void)state;
	assert_non_null(text);
	for (i = 0; i < COUNT * COUNT; i++) {
		const struct fastcgi_pair pair = {text, text, sizes[i / COUNT], sizes[i % COUNT]};
		struct buffer out = BUFFER_INIT;
		const unsigned char *begin, *at;

		memset(text, 'a' + (int)i % 20, 70000);
		fastcgi_append_pair(&out, &pair);
		begin = at = (unsigned char *)out.data;
		for (cut = 0; cut < out.len; cut += cut < 500 ? 1 : 997) {
			assert_int_equal(fastcgi_read_pair(&at, begin + cut, &got), -1);
			assert_ptr_equal(at, begin);
		}
		assert_int_equal(fastcgi_read_pair(&at, begin + out.len, &got), 0);
		assert_ptr_equal(at, begin + out.len);
		assert_int_equal(got.name_len, pair.name_len);
		assert_int_equal(got.value_len, pair.value_len);
		assert_memory_equal(got.name, text, got.name_len);
		assert_memory_equal(got.value, text, got.value_len);
		buffer_free(&out);
	}
	free(text);
}

/* Short lengths in the long form are as good. What is promised and not there is not. */
static void
test_lengths(void **state)
{
	static const unsigned char whole[] = "\200\0\0\1\200\0\0\2abc";
	static const char *const broken[] = {"\377\377\377\377\377\377\377\377a",
	    "\377\377\377\377\0a", "\1\1ab", "\0\377\377\377\377"};
	static const size_t lengths[] = {9, 6, 3, 5};
	const unsigned char *at = whole;
	struct fastcgi_pair pair;

	(void)state;
	assert_int_equal(fastcgi_read_pair(&at, whole + sizeof whole - 1, &pair), 0);
	assert_int_equal(pair.name_len, 1);
	assert_memory_equal(pair.name, "a", 1);
	assert_int_equal(pair.value_len, 2);
	assert_memory_equal(pair.value, "bc", 2);
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		at = (const unsigned char *)broken[i];
		assert_int_equal(fastcgi_read_pair(&at, at + lengths[i], &pair), -1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_header),
	    cmocka_unit_test(test_stream),
	    cmocka_unit_test(test_pairs),
	    cmocka_unit_test(test_lengths),
	};

	return cmocka_run_group_tests_name("fastcgi_framing", tests, NULL, NULL);
}
