/* sessiond/ctl/chunk_reader.h: chunks, however they are cut. */
#include "sessiond/ctl/chunk_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Fed in pieces of `size` bytes. */
static int
read_in_pieces(const char *text, size_t size, struct buffer *out)
{
	struct chunk_reader reader = {.left = 0};
	size_t len = strlen(text), at;
	int status = 0;

	for (at = 0; at < len && status == 0; at += size)
		status =
		    chunk_reader_feed(&reader, text + at, len - at < size ? len - at : size, out);
	return status;
}

static void
expect(const char *text, int status, const char *content)
{
	size_t size;

	for (size = 1; size <= strlen(text); size++) {
		struct buffer out = BUFFER_INIT;

		assert_int_equal(read_in_pieces(text, size, &out), status);
		if (status != -1) {
			assert_int_equal(out.len, strlen(content));
			if (out.len > 0)
				assert_memory_equal(out.data, content, out.len);
		}
		buffer_free(&out);
	}
}

static void
test_good(void **state)
{
	(void)state;
	expect("5\r\nhello\r\n", 0, "hello");
	expect("5\r\nhel", 0, "hel");
	expect("5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n", 1, "hello world");
	expect("0A\r\n0123456789\r\n00\r\n\r\n", 1, "0123456789");
	expect("1a", 0, "");
}

static void
test_bad(void **state)
{
	(void)state;
	expect("x", -1, "");
	expect("\r\n", -1, "");
	expect("5 \r\nhello", -1, "");
	expect("-1\r\n", -1, "");
	expect("123456789\r\n", -1, "");
	expect("5\r\nhello!", -1, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_good),
	    cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
