/*
 * wire/wire_daemons.h, byte by byte.
 */
#include "tests/unit/wire/wire_fixture.h"

#include "wire/wire_daemons.h"

static void
test_daemons(void **state)
{
	const struct wire_daemons daemons = {1, 0x0102};
	struct buffer out = BUFFER_INIT;
	struct wire_header header;
	struct wire_daemons got;
	char *payload;

	(void)state;
	wire_encode_daemons(&out, &daemons);
	assert_content(&out, BYTES("\0\0\0\4\0\x13\0\0\0\0\0\0\0\0\0\0\0\1\1\2"));
	payload = take_message(&out, &header);
	assert_int_equal(wire_decode_daemons(&header, payload, &got), 0);
	assert_int_equal(got.index, 1);
	assert_int_equal(got.count, 0x0102);
	free(payload);
	buffer_free(&out);
}

static void
test_handover(void **state)
{
	static char longer[WIRE_HANDOVER_MAX + 1];
	struct buffer out = BUFFER_INIT;

	(void)state;
	assert_int_equal(wire_encode_handover(&out, 7, BYTES("GET")), 0);
	assert_content(&out, BYTES("\0\0\0\3\0\x40\0\0\0\0\0\0\0\0\0\7GET"));
	buffer_clear(&out);
	assert_int_equal(wire_encode_handover(&out, 7, "", 0), -1);
	assert_int_equal(wire_encode_handover(&out, 7, longer, sizeof longer), -1);
	assert_int_equal(out.len, 0);
	assert_int_equal(wire_encode_handover(&out, 7, longer, sizeof longer - 1), 0);
	buffer_free(&out);
}

static void
test_taken(void **state)
{
	struct buffer out = BUFFER_INIT;
	struct wire_header header;
	char *payload;

	(void)state;
	wire_encode_taken(&out, 7);
	assert_content(&out, BYTES("\0\0\0\0\0\x41\0\0\0\0\0\0\0\0\0\7"));
	payload = take_message(&out, &header);
	assert_int_equal(wire_decode_taken(&header, payload), 0);
	free(payload);
	buffer_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_daemons),
	    cmocka_unit_test(test_handover),
	    cmocka_unit_test(test_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
