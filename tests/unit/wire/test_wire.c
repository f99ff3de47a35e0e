/*
 * The framing of the local socket and the encoding of fields. The messages are in
 * test_wire_messages.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/buffer.h"
#include "wire/wire.h"

#define BYTES(literal) (literal), sizeof(literal) - 1

/* So that a read behind the end is one behind an allocation. */
static char *
exact_copy(const char *bytes, size_t len)
{
	char *copy = malloc(len == 0 ? 1 : len);

	assert_non_null(copy);
	if (len > 0)
		memcpy(copy, bytes, len);
	return copy;
}

static void
assert_content(const struct buffer *b, const char *expected, size_t len)
{
	assert_int_equal(b->len, len);
	assert_memory_equal(b->data, expected, len);
}

static void
test_header_is_big_endian(void **state)
{
	struct buffer out = BUFFER_INIT;
	struct wire_header header;
	size_t mark;

	(void)state;
	buffer_append_str(&out, "before");
	wire_begin(&out, WIRE_FRAME, 0x0102, UINT64_C(0x1122334455667788), &mark);
	buffer_append_str(&out, "abc");
	assert_int_equal(wire_end(&out, mark), 0);
	assert_content(&out,
	    BYTES("before"
		  "\0\0\0\3\0\x30\1\2\x11\x22\x33\x44\x55\x66\x77\x88"
		  "abc"));
	assert_int_equal(wire_parse_header(out.data + 6, out.len - 6, 3, &header), 1);
	assert_int_equal(header.length, 3);
	assert_int_equal(header.type, WIRE_FRAME);
	assert_int_equal(header.flags, 0x0102);
	assert_true(header.request == UINT64_C(0x1122334455667788));
	buffer_free(&out);
}

static void
test_length_above_a_byte(void **state)
{
	enum { LEN = 0x010203 };
	struct buffer out = BUFFER_INIT;
	struct wire_header header;
	size_t mark;
	char *to;

	(void)state;
	wire_begin(&out, WIRE_FRAME, 0, 1, &mark);
	to = buffer_reserve(&out, LEN);
	assert_non_null(to);
	memset(to, 'x', LEN);
	buffer_added(&out, LEN);
	assert_int_equal(wire_end(&out, mark), 0);
	assert_memory_equal(out.data, "\0\1\2\3", 4);
	assert_int_equal(wire_parse_header(out.data, out.len, LEN, &header), 1);
	assert_int_equal(header.length, LEN);
	assert_int_equal(wire_parse_header(out.data, out.len - 1, LEN, &header), 0);
	buffer_free(&out);
}

/*
 * Messages one behind the other, of which only the first so many bytes have arrived: as many as are
 * whole are found.
 */
static void
test_every_split(void **state)
{
	enum { MESSAGES = 6 };
	size_t ends[MESSAGES], mark, at, found;
	struct buffer out = BUFFER_INIT;
	struct wire_header header;
	char *arrived;
	int got;

	(void)state;
	for (size_t i = 0; i < MESSAGES; i++) {
		wire_begin(&out, WIRE_FRAME, 0, i + 1, &mark);
		for (size_t j = 0; j < i * 7 % 17; j++)
			wire_put_u8(&out, (uint8_t)j);
		assert_int_equal(wire_end(&out, mark), 0);
		ends[i] = out.len;
	}
	for (size_t len = 0; len <= out.len; len++) {
		arrived = exact_copy(out.data, len);
		at = found = 0;
		while ((got = wire_parse_header(arrived + at, len - at, 17, &header)) == 1) {
			at += WIRE_HEADER_SIZE + header.length;
			assert_int_equal(header.request, found + 1);
			assert_int_equal(at, ends[found++]);
		}
		assert_int_equal(got, 0);
		assert_true(found == MESSAGES || len < ends[found]);
		free(arrived);
	}
	buffer_free(&out);
}

static int
parse(uint32_t length, unsigned type, size_t max_payload)
{
	struct buffer out = BUFFER_INIT;
	struct wire_header header;
	char *exact;
	int got;

	wire_put_u32(&out, length);
	wire_put_u16(&out, (uint16_t)type);
	wire_put_u16(&out, 0);
	wire_put_u64(&out, 1);
	exact = exact_copy(out.data, out.len);
	got = wire_parse_header(exact, out.len, max_payload, &header);
	free(exact);
	buffer_free(&out);
	return got;
}

/* As soon as the header is there, not only when the payload is. */
static void
test_header_errors(void **state)
{
	(void)state;
	assert_int_equal(parse(100, WIRE_FRAME, 100), 0);
	assert_int_equal(parse(101, WIRE_FRAME, 100), WIRE_TOO_LONG);
	assert_int_equal(parse(UINT32_MAX, WIRE_FRAME, WIRE_PAYLOAD_MAX), WIRE_TOO_LONG);
	assert_int_equal(parse(WIRE_PAYLOAD_MAX, WIRE_FRAME, WIRE_PAYLOAD_MAX), 0);
	assert_int_equal(parse(0, WIRE_ABORT, 100), 1);
	for (size_t i = 0; i < WIRE_TYPE_COUNT; i++) {
		if (wire_types[i].least == 0)
			continue;
		assert_int_equal(parse(wire_types[i].least, wire_types[i].type, 100), 0);
		assert_int_equal(
		    parse(wire_types[i].least - 1, wire_types[i].type, 100), WIRE_TOO_SHORT);
	}
}

static void
test_only_the_types_of_the_table(void **state)
{
	size_t known = 0;

	(void)state;
	for (unsigned type = 0; type <= UINT16_MAX; type++) {
		if (wire_type_find(type) == NULL) {
			assert_int_equal(parse(50, type, 100), WIRE_UNKNOWN_TYPE);
			assert_string_equal(wire_type_name(type), "unknown");
			continue;
		}
		known++;
		assert_int_equal(wire_type_find(type)->type, type);
		assert_int_equal(parse(50, type, 100), 0);
		assert_string_equal(wire_type_name(type), wire_type_find(type)->name);
	}
	assert_int_equal(known, WIRE_TYPE_COUNT);
}

static void
test_roles(void **state)
{
	static const struct {
		enum wire_type type;
		bool daemon, responder;
	} cases[] = {
	    {WIRE_HELLO, true, true},
	    {WIRE_GOODBYE, true, true},
	    {WIRE_SERVICES, true, false},
	    {WIRE_RECEIVE, false, true},
	    {WIRE_SEND, false, true},
	    {WIRE_ABORT, false, true},
	    {WIRE_WRITTEN, false, true},
	    {WIRE_FRAME, true, false},
	    {WIRE_SENT, true, false},
	    {WIRE_REFUSED, true, false},
	    {WIRE_COOKIE, true, false},
	    {WIRE_STATE, true, false},
	    {WIRE_COUNTS, false, true},
	    {WIRE_API, true, false},
	    {WIRE_ASK, false, true},
	    {WIRE_ANSWER, true, false},
	    {WIRE_DAEMONS, true, false},
	    {WIRE_HANDOVER, true, false},
	    {WIRE_TAKEN, true, false},
	};
	struct wire_header header = {.length = 50};

	(void)state;
	assert_int_equal(sizeof cases / sizeof cases[0], WIRE_TYPE_COUNT);
	for (size_t i = 0; i < WIRE_TYPE_COUNT; i++) {
		header.type = (uint16_t)cases[i].type;
		assert_int_equal(
		    wire_check(&header, WIRE_DAEMON), cases[i].daemon ? 0 : WIRE_WRONG_ROLE);
		assert_int_equal(
		    wire_check(&header, WIRE_RESPONDER), cases[i].responder ? 0 : WIRE_WRONG_ROLE);
	}
	header = (struct wire_header){.length = 2, .type = WIRE_GOODBYE};
	assert_int_equal(wire_check(&header, WIRE_DAEMON), WIRE_TOO_SHORT);
	header.type = 0x0003;
	assert_int_equal(wire_check(&header, WIRE_DAEMON), WIRE_UNKNOWN_TYPE);
}

static void
test_error_texts(void **state)
{
	(void)state;
	assert_string_equal(wire_error_text(0), "no error");
	for (int error = WIRE_WRONG_ROLE; error < 0; error++)
		for (int other = WIRE_WRONG_ROLE - 1; other < error; other++)
			assert_string_not_equal(wire_error_text(error), wire_error_text(other));
}

/* --- fields ----------------------------------------------------------------------------------- */

static const char all_fields[] = "\xfe"
				 "\xfe\xdc"
				 "\xfe\xdc\xba\x98"
				 "\xfe\xdc\xba\x98\x76\x54\x32\x10"
				 "\0\0\0\3a\0b"
				 "\0\2xy\0"
				 "\0\0\0"
				 "\0"
				 "\1\0\1z\0"
				 "\1";

/* Reads them; true if they are all right. */
static bool
read_all_fields(struct wire_reader *reader)
{
	const char *bytes, *xy, *empty, *absent, *z;
	size_t bytes_len, xy_len, empty_len, absent_len, z_len;
	uint8_t u8 = wire_get_u8(reader);
	uint16_t u16 = wire_get_u16(reader);
	uint32_t u32 = wire_get_u32(reader);
	uint64_t u64 = wire_get_u64(reader);
	bool flag;

	wire_get_bytes(reader, &bytes, &bytes_len);
	wire_get_string16(reader, &xy, &xy_len);
	wire_get_string16(reader, &empty, &empty_len);
	wire_get_optional_string16(reader, &absent, &absent_len);
	wire_get_optional_string16(reader, &z, &z_len);
	flag = wire_get_bool(reader);
	return u8 == 0xfe && u16 == 0xfedc && u32 == 0xfedcba98 &&
	    u64 == UINT64_C(0xfedcba9876543210) && bytes_len == 3 &&
	    memcmp(bytes, "a\0b", 3) == 0 && xy_len == 2 && strcmp(xy, "xy") == 0 &&
	    empty_len == 0 && strcmp(empty, "") == 0 && absent == NULL && absent_len == 0 &&
	    z_len == 1 && z != NULL && strcmp(z, "z") == 0 && flag;
}

static void
test_fields(void **state)
{
	struct buffer out = BUFFER_INIT;
	struct wire_reader reader;

	(void)state;
	wire_put_u8(&out, 0xfe);
	wire_put_u16(&out, 0xfedc);
	wire_put_u32(&out, 0xfedcba98);
	wire_put_u64(&out, UINT64_C(0xfedcba9876543210));
	wire_put_bytes(&out, BYTES("a\0b"));
	wire_put_string16(&out, "xyz", 2);
	wire_put_str(&out, "");
	wire_put_optional_string16(&out, NULL);
	wire_put_optional_string16(&out, "z");
	wire_put_u8(&out, 1);
	assert_content(&out, BYTES(all_fields));
	wire_reader_init(&reader, out.data, out.len);
	assert_true(read_all_fields(&reader));
	assert_true(wire_reader_done(&reader));
	buffer_free(&out);
}

static void
test_fields_cut_at_every_byte(void **state)
{
	size_t len = sizeof all_fields - 1;
	struct wire_reader reader;
	char *exact;

	(void)state;
	for (size_t n = 0; n < len; n++) {
		exact = exact_copy(all_fields, n);
		wire_reader_init(&reader, exact, n);
		assert_false(read_all_fields(&reader));
		assert_true(reader.failed && !wire_reader_done(&reader));
		free(exact);
	}
}

static void
test_done_means_everything(void **state)
{
	struct wire_reader reader;

	(void)state;
	wire_reader_init(&reader, BYTES("\1\2"));
	assert_int_equal(wire_get_u8(&reader), 1);
	assert_false(wire_reader_done(&reader));
	assert_int_equal(wire_get_u8(&reader), 2);
	assert_true(wire_reader_done(&reader));
	wire_reader_init(&reader, NULL, 0);
	assert_true(wire_reader_done(&reader));
	assert_int_equal(wire_get_u8(&reader), 0);
	assert_false(wire_reader_done(&reader));
}

static void
test_failure_sticks(void **state)
{
	struct wire_reader reader;
	const char *str;
	size_t len;

	(void)state;
	wire_reader_init(&reader, BYTES("\7\1\2\3\4\5\6\7\0\0\0\0\0\0"));
	assert_false(wire_get_bool(&reader));
	assert_int_equal(wire_get_u8(&reader), 0);
	assert_int_equal(wire_get_u16(&reader), 0);
	assert_int_equal(wire_get_u32(&reader), 0);
	assert_int_equal(wire_get_u64(&reader), 0);
	assert_null(wire_get_raw(&reader, 0));
	wire_get_bytes(&reader, &str, &len);
	assert_true(len == 0 && str != NULL);
	wire_get_string16(&reader, &str, &len);
	assert_true(len == 0 && str != NULL && *str == '\0');
	wire_get_optional_string16(&reader, &str, &len);
	assert_true(len == 0 && str == NULL);
	assert_false(wire_reader_done(&reader));
	wire_reader_init(&reader, BYTES("\1\0\3ab"));
	wire_get_optional_string16(&reader, &str, &len);
	assert_true(reader.failed && len == 0 && str == NULL);
}

static bool
is_good_string16(const char *bytes, size_t n)
{
	char *exact = exact_copy(bytes, n);
	struct wire_reader reader;
	const char *str;
	bool is_good;
	size_t len;

	wire_reader_init(&reader, exact, n);
	wire_get_string16(&reader, &str, &len);
	is_good = wire_reader_done(&reader);
	assert_true(is_good || (len == 0 && *str == '\0'));
	free(exact);
	return is_good;
}

static void
test_string16(void **state)
{
	struct buffer out = BUFFER_INIT;
	char *longest = malloc(WIRE_STRING_MAX + 2);

	(void)state;
	assert_true(is_good_string16(BYTES("\0\3abc\0")));
	assert_true(is_good_string16(BYTES("\0\0\0")));
	assert_false(is_good_string16(BYTES("\0\3abcd")));     /* no NUL behind it */
	assert_false(is_good_string16(BYTES("\0\3a\0c\0")));   /* one inside */
	assert_false(is_good_string16(BYTES("\0\3ab\0\0")));   /* at its end */
	assert_false(is_good_string16(BYTES("\0\3\0\0\0\0"))); /* everywhere */
	assert_false(is_good_string16(BYTES("\0\3abc")));      /* ends before it */
	assert_false(is_good_string16(BYTES("\xff\xff"
					    "abc\0")));
	assert_false(is_good_string16(BYTES("\0\0"))); /* empty, and no NUL */
	assert_non_null(longest);
	memset(longest, 'a', WIRE_STRING_MAX + 1);
	longest[WIRE_STRING_MAX + 1] = '\0';
	assert_false(wire_is_short(longest) || wire_is_string16(longest, WIRE_STRING_MAX + 1));
	longest[WIRE_STRING_MAX] = '\0';
	assert_true(wire_is_short(longest) && wire_is_string16(longest, WIRE_STRING_MAX));
	assert_false(wire_is_string16(longest, WIRE_STRING_MAX + 1));
	assert_false(wire_is_string16(BYTES("a\0b")));
	assert_true(wire_is_string16(NULL, 0));
	wire_put_str(&out, longest);
	assert_true(is_good_string16(out.data, out.len));
	buffer_free(&out);
	free(longest);
}

static void
test_bytes_that_lie(void **state)
{
	static const char *const lengths[] = {"\0\0\0\4", "\xff\xff\xff\xff", "\x7f\xff\xff\xff"};
	struct wire_reader reader;
	const char *bytes;
	char message[7];
	char *exact;
	size_t len;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		memcpy(message, lengths[i], 4);
		memcpy(message + 4, "abc", 3);
		exact = exact_copy(message, 7);
		wire_reader_init(&reader, exact, 7);
		wire_get_bytes(&reader, &bytes, &len);
		assert_true(reader.failed && len == 0);
		free(exact);
	}
}

static void
test_at_most(void **state)
{
	struct wire_reader reader;

	(void)state;
	wire_reader_init(&reader, NULL, 0);
	assert_int_equal(wire_at_most(&reader, 7, 7), 7);
	assert_false(reader.failed);
	assert_int_equal(wire_at_most(&reader, 8, 7), 0);
	assert_true(reader.failed);
}

/* --- writing without success ------------------------------------------------------------------ */

static void
test_cancel(void **state)
{
	struct buffer out = BUFFER_INIT;
	size_t mark;

	(void)state;
	buffer_append_str(&out, "before");
	wire_begin(&out, WIRE_FRAME, 0, 1, &mark);
	wire_put_u64(&out, 1);
	wire_cancel(&out, mark);
	assert_content(&out, BYTES("before"));
	buffer_free(&out);
}

/* Only wire_end looks at the length, so there need not be a gigabyte. */
static void
test_too_long_a_payload(void **state)
{
	char bytes[WIRE_HEADER_SIZE] = "";
	struct buffer out = {bytes, WIRE_HEADER_SIZE, SIZE_MAX, bytes, false};

	(void)state;
	out.len += WIRE_PAYLOAD_MAX;
	assert_int_equal(wire_end(&out, 0), 0);
	assert_memory_equal(bytes, "\x40\x80\0\0", 4);
	out.len++;
	assert_int_equal(wire_end(&out, 0), -1);
	assert_int_equal(out.len, 0);
}

static void
test_no_memory(void **state)
{
	struct buffer out = BUFFER_INIT;
	size_t mark;

	(void)state;
	buffer_append_str(&out, "before");
	wire_begin(&out, WIRE_FRAME, 0, 1, &mark);
	assert_null(buffer_reserve(&out, SIZE_MAX));
	wire_put_u64(&out, 1);
	assert_int_equal(wire_end(&out, mark), -1);
	assert_true(buffer_failed(&out));
	assert_content(&out, BYTES("before"));
	wire_begin(&out, WIRE_FRAME, 0, 1, &mark);
	wire_put_str(&out, "x");
	assert_int_equal(wire_end(&out, mark), -1);
	assert_content(&out, BYTES("before"));
	buffer_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_header_is_big_endian),
	    cmocka_unit_test(test_length_above_a_byte),
	    cmocka_unit_test(test_every_split),
	    cmocka_unit_test(test_header_errors),
	    cmocka_unit_test(test_only_the_types_of_the_table),
	    cmocka_unit_test(test_roles),
	    cmocka_unit_test(test_error_texts),
	    cmocka_unit_test(test_fields),
	    cmocka_unit_test(test_fields_cut_at_every_byte),
	    cmocka_unit_test(test_done_means_everything),
	    cmocka_unit_test(test_failure_sticks),
	    cmocka_unit_test(test_string16),
	    cmocka_unit_test(test_bytes_that_lie),
	    cmocka_unit_test(test_at_most),
	    cmocka_unit_test(test_cancel),
	    cmocka_unit_test(test_too_long_a_payload),
	    cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
