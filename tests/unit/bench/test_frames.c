/*
 * bench/load/frames.h: messages are counted rightly, however the bytes come.
 */
#include "bench/load/frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Two messages in one frame, a ping with a mark, an empty frame, a large one with one message. */
static char bytes[1024];

static size_t
make_bytes(void)
{
	static const char begin[] = "\x81\x0e"
				    "a[\"hi~\",\"yo~\"]\x89\x01~\x81\x00\x81\x7e\x01\x00";
	size_t len = sizeof begin - 1;

	memcpy(bytes, begin, len);
	memset(bytes + len, 'x', 256);
	bytes[len + 255] = MESSAGE_MARK;
	return len + 256;
}

static int
count(size_t len, size_t piece, bool compressed)
{
	struct frame_reader reader = {0};
	int all = 0;

	for (size_t at = 0; at < len; at += piece)
		all += frame_reader_take(
		    &reader, bytes + at, piece < len - at ? piece : len - at, compressed);
	return all;
}

static void
test_pieces(void **state)
{
	size_t len = make_bytes();

	(void)state;
	for (size_t piece = 1; piece <= len; piece++) {
		assert_int_equal(count(len, piece, false), 3);
		/* What is compressed has no marks: each frame of data is a message. */
		assert_int_equal(count(len, piece, true), 3);
	}
}

static void
test_pings(void **state)
{
	struct frame_reader reader = {0};

	(void)state;
	assert_int_equal(frame_reader_take(&reader, bytes, make_bytes(), false), 3);
	assert_int_equal(reader.pings, 1);
	/* A pong is none. */
	assert_int_equal(frame_reader_take(&reader, "\x8a\x00\x89\x00", 4, false), 0);
	assert_int_equal(reader.pings, 2);
}

static void
test_close(void **state)
{
	struct frame_reader reader = {0};

	(void)state;
	assert_int_equal(frame_reader_take(&reader, "\x88\x00", 2, false), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_pieces),
	    cmocka_unit_test(test_pings),
	    cmocka_unit_test(test_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
