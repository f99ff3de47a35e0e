/*
 * permessage-deflate: the negotiation, the examples of RFC 7692 7.2.3, and both contexts against
 * each other and against zlib.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "common/buffer.h"
#include "sockjs/ws_deflate.h"

#define BYTES(literal) (literal), sizeof(literal) - 1

enum { LIMIT = 1 << 24 };

static const struct ws_deflate_policy defaults = WS_DEFLATE_POLICY_INIT;
static const struct ws_deflate_params takeover = {false, false, 15, 15};
static const struct ws_deflate_params no_takeover = {true, true, 15, 15};

static uint64_t random_state = 88172645463325252u;

static size_t
random_below(size_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (size_t)(random_state % below);
}

/* expected: the answer; NULL: none; "": the header is malformed. */
static void
assert_negotiates(const char *header, const struct ws_deflate_policy *policy, const char *expected)
{
	struct buffer answer = BUFFER_INIT;
	struct ws_deflate_params agreed;
	char *exact = strdup(header);
	int result = ws_deflate_negotiate(exact, policy, &agreed, &answer);

	free(exact);
	assert_int_equal(result, expected == NULL ? 0 : expected[0] == '\0' ? -1 : 1);
	assert_int_equal(answer.len, expected == NULL ? 0 : strlen(expected));
	if (answer.len > 0)
		assert_memory_equal(answer.data, expected, answer.len);
	buffer_free(&answer);
}

static void
assert_agreed(
    const char *header, const struct ws_deflate_policy *policy, struct ws_deflate_params expected)
{
	struct buffer answer = BUFFER_INIT;
	struct ws_deflate_params agreed;

	assert_int_equal(ws_deflate_negotiate(header, policy, &agreed, &answer), 1);
	assert_int_equal(agreed.server_no_context_takeover, expected.server_no_context_takeover);
	assert_int_equal(agreed.client_no_context_takeover, expected.client_no_context_takeover);
	assert_int_equal(agreed.server_window_bits, expected.server_window_bits);
	assert_int_equal(agreed.client_window_bits, expected.client_window_bits);
	buffer_free(&answer);
}

#define PMD "permessage-deflate"

static void
test_negotiate(void **state)
{
	(void)state;
	assert_negotiates("", &defaults, NULL);
	assert_negotiates(" ", &defaults, NULL);
	assert_negotiates(",, ,", &defaults, NULL);
	assert_negotiates(PMD, &defaults, PMD);
	assert_negotiates(" , " PMD "\t,", &defaults, PMD);
	assert_negotiates("x-other", &defaults, NULL);
	assert_negotiates("Permessage-Deflate", &defaults, NULL);
	assert_negotiates("permessage-deflat", &defaults, NULL);
	assert_negotiates("x-webkit-deflate-frame; a=\"b\"; c, " PMD, &defaults, PMD);
	assert_negotiates(PMD "; client_max_window_bits", &defaults, PMD);
	assert_negotiates(
	    PMD ";server_no_context_takeover", &defaults, PMD "; server_no_context_takeover");
	assert_negotiates(PMD " ; client_no_context_takeover ; server_no_context_takeover",
	    &defaults, PMD "; server_no_context_takeover; client_no_context_takeover");
	assert_negotiates(
	    PMD "; server_max_window_bits=15", &defaults, PMD "; server_max_window_bits=15");
	assert_negotiates(PMD "; server_max_window_bits = \"10\"; client_max_window_bits=\"1\\2\"",
	    &defaults, PMD "; server_max_window_bits=10; client_max_window_bits=12");
	assert_negotiates(
	    PMD "; server_max_window_bits=9", &defaults, PMD "; server_max_window_bits=9");
	/*
	 * The client deflates with 8 bits: no trouble, and no answer as it could not be kept by
	 * every zlib.
	 */
	assert_negotiates(PMD "; client_max_window_bits=8", &defaults, PMD);
	assert_negotiates(
	    PMD "; client_max_window_bits=9", &defaults, PMD "; client_max_window_bits=9");
	/* We would have to: decline, take the next offer. */
	assert_negotiates(PMD "; server_max_window_bits=8", &defaults, NULL);
	assert_negotiates(PMD "; server_max_window_bits=8, " PMD "; client_no_context_takeover",
	    &defaults, PMD "; client_no_context_takeover");
	assert_negotiates(PMD "; server_no_context_takeover, " PMD, &defaults,
	    PMD "; server_no_context_takeover");
	assert_int_equal(ws_deflate_negotiate(NULL, &defaults, NULL, NULL), 0);
}

static void
test_declined_parameters(void **state)
{
	static const char *const parameters[] = {"unknown", "unknown=1",
	    "server_no_context_takeover=1", "client_no_context_takeover=true",
	    "server_no_context_takeover; server_no_context_takeover",
	    "client_no_context_takeover; client_no_context_takeover", "server_max_window_bits",
	    "server_max_window_bits=7", "server_max_window_bits=16", "server_max_window_bits=08",
	    "server_max_window_bits=010", "server_max_window_bits=150", "server_max_window_bits=1",
	    "server_max_window_bits=+9", "server_max_window_bits=9x",
	    "server_max_window_bits=\"10a\"", "server_max_window_bits=999999999999",
	    "server_max_window_bits=\"1000000000\"",
	    "server_max_window_bits=10; server_max_window_bits=10", "client_max_window_bits=7",
	    "client_max_window_bits=16", "client_max_window_bits=0", "client_max_window_bits=-9",
	    "client_max_window_bits; client_max_window_bits=9", "client_max_window_bits=1e",
	    "Server_max_window_bits=10", "server_max_window_bit=10", "server_max_window_bitss=10"};
	char header[200];

	(void)state;
	for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++) {
		snprintf(header, sizeof(header), "%s; %s", PMD, parameters[i]);
		assert_negotiates(header, &defaults, NULL);
		snprintf(header, sizeof(header), "%s; %s, %s", PMD, parameters[i], PMD);
		assert_negotiates(header, &defaults, PMD);
		/* What is another extension's parameter is not ours to judge. */
		snprintf(header, sizeof(header), "x; %s, %s", parameters[i], PMD);
		assert_negotiates(header, &defaults, PMD);
	}
}

static void
test_malformed_headers(void **state)
{
	static const char *const headers[] = {"=", ";", "a b", PMD ";", PMD "; ", PMD ";;",
	    PMD "; a=", PMD "; a=,", PMD "; a==b", PMD "; a=\"", PMD "; a=\"b", PMD "; a=\"\"",
	    PMD "; a=\"b c\"", PMD "; a=\"b\\", PMD "; a=\"b\"c", PMD "; a b", PMD "; =b",
	    PMD ", =", PMD ", a;", PMD "; a=(", PMD "\x01", PMD "; \xc3\xa4", "\"" PMD "\"",
	    PMD "/1"};

	(void)state;
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		assert_negotiates(headers[i], &defaults, "");
}

static void
test_policy(void **state)
{
	struct ws_deflate_policy policy = {true, true, 11, 10};

	(void)state;
	assert_negotiates(PMD, &policy,
	    PMD "; server_no_context_takeover; client_no_context_takeover; "
		"server_max_window_bits=11");
	assert_agreed(PMD, &policy, (struct ws_deflate_params){true, true, 11, 15});
	assert_negotiates(PMD "; client_max_window_bits; server_max_window_bits=14", &policy,
	    PMD "; server_no_context_takeover; client_no_context_takeover; "
		"server_max_window_bits=11; client_max_window_bits=10");
	assert_agreed(PMD "; client_max_window_bits=9", &policy,
	    (struct ws_deflate_params){true, true, 11, 9});
	assert_agreed(PMD "; server_max_window_bits=9; client_max_window_bits=15", &policy,
	    (struct ws_deflate_params){true, true, 9, 10});
	assert_agreed(PMD "; client_max_window_bits=8", &defaults,
	    (struct ws_deflate_params){false, false, 15, 9});
	assert_agreed(PMD "; server_no_context_takeover", &defaults,
	    (struct ws_deflate_params){true, false, 15, 15});
	assert_agreed(PMD "; client_no_context_takeover", &defaults,
	    (struct ws_deflate_params){false, true, 15, 15});
}

/* Inflates one message in pieces of `step` bytes, each in an allocation of its size. */
static int
inflate_steps(struct ws_inflater *inflater, const char *data, size_t len, size_t step, size_t limit,
    struct buffer *out)
{
	size_t part;
	int result;

	do {
		char *exact;

		part = len < step ? len : step;
		exact = malloc(part > 0 ? part : 1);
		if (part > 0)
			memcpy(exact, data, part);
		result = ws_inflate(inflater, exact, part, part == len, limit, 3, out);
		free(exact);
		while (result == 1)
			result = ws_inflate_more(inflater, limit, 3, out);
		data += part;
		len -= part;
	} while (result == 0 && len > 0);
	return result;
}

static void
assert_inflates(struct ws_inflater *inflater, const char *data, size_t len, size_t step,
    const char *expected, size_t expected_len)
{
	struct buffer out = BUFFER_INIT;

	buffer_append_str(&out, "before");
	assert_int_equal(inflate_steps(inflater, data, len, step, expected_len, &out), 0);
	assert_int_equal(out.len, 6 + expected_len);
	assert_memory_equal(out.data, "before", 6);
	if (expected_len > 0)
		assert_memory_equal(out.data + 6, expected, expected_len);
	buffer_free(&out);
}

static void
test_rfc_examples(void **state)
{
	(void)state;
	for (size_t step = 1; step < 20; step++) {
		struct ws_inflater *in = ws_inflater_create(&takeover);

		/* 7.2.3.1, 7.2.3.2: the second Hello refers to the first. */
		assert_inflates(in, BYTES("\xf2\x48\xcd\xc9\xc9\x07\x00"), step, BYTES("Hello"));
		assert_inflates(in, BYTES("\xf2\x00\x11\x00\x00"), step, BYTES("Hello"));
		/* 7.2.3.3: a block without compression. */
		assert_inflates(in, BYTES("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"), step,
		    BYTES("Hello"));
		/* 7.2.3.4: a final block, then one to end at a byte; the context goes on. */
		assert_inflates(
		    in, BYTES("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), step, BYTES("Hello"));
		assert_inflates(in, BYTES("\xf2\x00\x11\x00\x00"), step, BYTES("Hello"));
		/* The tail may be what completes the final block. */
		assert_inflates(in, BYTES("\x01"), step, "", 0);
		/* 7.2.3.5: two blocks. 7.2.3.6: nothing. */
		assert_inflates(in, BYTES("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"),
		    step, BYTES("Hello"));
		assert_inflates(in, BYTES("\x00"), step, "", 0);
		assert_inflates(in, "", 0, step, "", 0);
		assert_inflates(in, BYTES("\xf2\x48\xcd\xc9\xc9\x07\x00"), step, BYTES("Hello"));
		ws_inflater_destroy(&in);
		assert_null(in);
		ws_inflater_destroy(&in);
	}
}

static void
test_rfc_examples_deflated(void **state)
{
	struct ws_deflater *deflater = ws_deflater_create(&takeover, 6);
	struct buffer out = BUFFER_INIT;

	(void)state;
	assert_int_equal(ws_deflate(deflater, BYTES("Hello"), &out), 0);
	assert_int_equal(ws_deflate(deflater, "", 0, &out), 0);
	assert_int_equal(ws_deflate(deflater, BYTES("Hello"), &out), 0);
	assert_int_equal(out.len, 7 + 1 + 5);
	assert_memory_equal(out.data, "\xf2\x48\xcd\xc9\xc9\x07\x00\x00\xf2\x00\x11\x00\x00", 13);
	ws_deflater_destroy(&deflater);
	assert_null(deflater);
	ws_deflater_destroy(&deflater);

	/* Without context takeover, and shared: the same each time. */
	deflater = ws_deflater_create(&no_takeover, 6);
	for (int i = 0; i < 3; i++) {
		buffer_clear(&out);
		assert_int_equal(ws_deflate(deflater, BYTES("Hello"), &out), 0);
		assert_int_equal(ws_deflate_shared(9, 6, BYTES("Hello"), &out), 0);
		assert_int_equal(out.len, 14);
		assert_memory_equal(out.data, "\xf2\x48\xcd\xc9\xc9\x07\x00", 7);
		assert_memory_equal(out.data + 7, "\xf2\x48\xcd\xc9\xc9\x07\x00", 7);
	}
	ws_deflater_destroy(&deflater);
	buffer_free(&out);
}

static void
assert_broken(const struct ws_deflate_params *params, const char *data, size_t len)
{
	for (size_t step = 1; step <= len; step++) {
		struct ws_inflater *in = ws_inflater_create(params);
		struct buffer out = BUFFER_INIT;

		assert_int_equal(inflate_steps(in, data, len, step, LIMIT, &out), -1007);
		/* And so it stays. */
		assert_int_equal(ws_inflate(in, BYTES("\xf2\x48\xcd\xc9\xc9\x07\x00"), true, LIMIT,
				     SIZE_MAX, &out),
		    -1007);
		ws_inflater_destroy(&in);
		buffer_free(&out);
	}
}

static void
test_broken(void **state)
{
	struct ws_inflater *in = ws_inflater_create(&no_takeover);

	(void)state;
	assert_broken(&takeover, BYTES("\xff")); /* no such block type */
	assert_broken(
	    &takeover, BYTES("\x00\x05\x00\xfa\xfe\x48\x65"));	 /* length and its complement */
	assert_broken(&takeover, BYTES("\xf2\x00\x11\x00\x00")); /* refers to nothing */
	assert_broken(&takeover, BYTES("\xf2\x48\xcd"));	 /* cut */
	assert_broken(&takeover, BYTES("\x00\x05\x00\xfa\xff\x48\x65")); /* cut in a stored block */
	assert_broken(
	    &takeover, BYTES("\xf3\x48\xcd\xc9\xc9\x07\x00")); /* final, nothing after it */
	assert_broken(
	    &takeover, BYTES("\xf2\x48\xcd\xc9\xc9\x07\x00\x00\x00\xff\xff")); /* with the tail */
	/* In a longer stored block, of which the tail then is a part. */
	assert_broken(&takeover, BYTES("\x00\x0a\x00\xf5\xff\x48\x65"));
	/* Without context takeover a reference to the message before is broken. */
	assert_inflates(in, BYTES("\xf2\x48\xcd\xc9\xc9\x07\x00"), 3, BYTES("Hello"));
	assert_inflates(in, BYTES("\xf2\x48\xcd\xc9\xc9\x07\x00"), 3, BYTES("Hello"));
	struct buffer out = BUFFER_INIT;
	assert_int_equal(
	    ws_inflate(in, BYTES("\xf2\x00\x11\x00\x00"), true, LIMIT, SIZE_MAX, &out), -1007);
	ws_inflater_destroy(&in);
	buffer_free(&out);
}

static void
test_destroyed_within_message(void **state)
{
	struct ws_inflater *in = ws_inflater_create(&takeover);
	struct buffer out = BUFFER_INIT;

	(void)state;
	assert_int_equal(ws_inflate(in, BYTES("\xf2\x48"), false, LIMIT, SIZE_MAX, &out), 0);
	ws_inflater_destroy(&in);
	buffer_free(&out);
}

static void
test_size_limit(void **state)
{
	const size_t sizes[] = {0, 1, 255, 256, 257, 1000, 65535, 65536, 65537, 300000};
	char *zeros = calloc(1, 300000);

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct ws_inflater *in = ws_inflater_create(&takeover);
		struct buffer packed = BUFFER_INIT, out = BUFFER_INIT;
		size_t limits[] = {sizes[i], SIZE_MAX, sizes[i] - 1};

		assert_int_equal(ws_deflate_shared(15, 9, zeros, sizes[i], &packed), 0);
		for (size_t j = 0; j < (sizes[i] > 0 ? 3 : 2); j++) {
			buffer_clear(&out);
			assert_int_equal(
			    inflate_steps(in, packed.data, packed.len, 7, limits[j], &out),
			    j == 2 ? -1009 : 0);
			/* Of what is too much, a byte is made at most. */
			assert_int_equal(out.len, sizes[i]);
		}
		ws_inflater_destroy(&in);
		buffer_free(&packed);
		buffer_free(&out);
	}
	free(zeros);
}

/* 10 MB of zeros in 10 KB, a limit of 1000 bytes: little is made of them before it is refused. */
static void
test_bomb(void **state)
{
	struct ws_inflater *in = ws_inflater_create(&takeover);
	struct buffer packed = BUFFER_INIT, out = BUFFER_INIT;
	char *zeros = calloc(1, 10000000);

	(void)state;
	assert_int_equal(ws_deflate_shared(15, 9, zeros, 10000000, &packed), 0);
	assert_true(packed.len < 11000);
	assert_int_equal(
	    ws_inflate(in, packed.data, packed.len, true, 1000, SIZE_MAX, &out), -1009);
	assert_int_equal(out.len, 1001);
	assert_true(out.room < 100000);
	ws_inflater_destroy(&in);
	buffer_free(&packed);
	buffer_free(&out);
	free(zeros);
}

/* No memory for the output: an error, nothing half done, and the contexts are not used any more. */
static void
test_out_of_memory(void **state)
{
	struct ws_deflater *deflater = ws_deflater_create(&takeover, 6);
	struct ws_inflater *in = ws_inflater_create(&takeover);
	struct buffer out = BUFFER_INIT;

	(void)state;
	buffer_append_str(&out, "before");
	out.failed = true;
	assert_int_equal(ws_deflate_shared(15, 6, BYTES("Hello"), &out), -1);
	assert_int_equal(ws_deflate_shared(15, 6, "", 0, &out), -1);
	assert_int_equal(ws_deflate(deflater, BYTES("Hello"), &out), -1);
	assert_int_equal(ws_inflate(in, BYTES("\xf2\x48"), true, LIMIT, SIZE_MAX, &out), -1011);
	assert_int_equal(out.len, 6);
	out.failed = false;
	assert_int_equal(ws_deflate(deflater, BYTES("Hello"), &out), -1);
	assert_int_equal(ws_inflate(in, BYTES("\x00"), true, LIMIT, SIZE_MAX, &out), -1011);
	assert_int_equal(out.len, 6);
	ws_deflater_destroy(&deflater);
	ws_inflater_destroy(&in);
	buffer_free(&out);
}

static void
random_payload(struct buffer *to)
{
	size_t kind = random_below(4),
	       len = random_below(10) == 0 ? random_below(200000) : random_below(600);

	buffer_clear(to);
	for (size_t i = 0; i < len; i++)
		buffer_append_char(to,
		    kind == 0	    ? (char)random_below(256)
			: kind == 1 ? 'x'
			: kind == 2 ? (char)('a' + random_below(3))
				    : "[\"some text that comes again\"]"[i % 30]);
}

/* Inflated at once, whatever room the last byte finds: some fill what was reserved exactly. */
static void
test_every_length(void **state)
{
	static char text[6000];
	size_t n;

	(void)state;
	memset(text, 'x', sizeof text);
	for (n = 1; n <= sizeof text; n++) {
		struct buffer packed = BUFFER_INIT, out = BUFFER_INIT;
		struct ws_inflater *in = ws_inflater_create(&takeover);

		assert_int_equal(ws_deflate_shared(15, 6, text, n, &packed), 0);
		assert_int_equal(
		    ws_inflate(in, packed.data, packed.len, true, LIMIT, SIZE_MAX, &out), 0);
		assert_int_equal(out.len, n);
		assert_memory_equal(out.data, text, n);
		buffer_free(&packed);
		buffer_free(&out);
		ws_inflater_destroy(&in);
	}
}

/*
 * What one side deflates the other inflates, whatever the window, the level, and the place of the
 * context.
 */
static void
test_round_trip(void **state)
{
	struct buffer plain = BUFFER_INIT, packed = BUFFER_INIT;

	(void)state;
	for (unsigned bits = 9; bits <= 15; bits++) {
		for (int variant = 0; variant < 8; variant++) {
			bool forgets = (variant & 1) != 0;
			struct ws_deflate_params params = {
			    forgets, forgets, (unsigned char)bits, (unsigned char)bits};
			struct ws_deflater *deflater =
			    ws_deflater_create(&params, variant / 2 == 3 ? 9 : variant / 2);
			struct ws_inflater *in = ws_inflater_create(&params);

			for (int i = 0; i < 12; i++) {
				random_payload(&plain);
				buffer_clear(&packed);
				if (forgets && i % 2 == 0)
					assert_int_equal(ws_deflate_shared(bits, 6, plain.data,
							     plain.len, &packed),
					    0);
				else
					assert_int_equal(
					    ws_deflate(deflater, plain.data, plain.len, &packed),
					    0);
				assert_true(packed.len <= plain.len + plain.len / 4 + 256);
				assert_inflates(in, packed.data, packed.len,
				    1 + random_below(packed.len), plain.data, plain.len);
			}
			ws_deflater_destroy(&deflater);
			ws_inflater_destroy(&in);
		}
	}
	buffer_free(&plain);
	buffer_free(&packed);
}

/*
 * zlib as the client, with the smallest window it has: our inflater's is never smaller than what
 * was agreed.
 */
static void
test_zlib_client(void **state)
{
	struct ws_deflate_params params = {false, false, 15, 9};
	struct ws_inflater *in = ws_inflater_create(&params);
	unsigned char packed[4000];
	char plain[3000];
	z_stream z;

	(void)state;
	memset(&z, 0, sizeof(z));
	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -9, 9, Z_DEFAULT_STRATEGY), Z_OK);
	for (int i = 0; i < 20; i++) {
		for (size_t j = 0; j < sizeof(plain); j++)
			plain[j] = (char)("0123456789abcdef"[random_below(4)]);
		z.next_in = (Bytef *)plain;
		z.avail_in = sizeof(plain);
		z.next_out = packed;
		z.avail_out = sizeof(packed);
		assert_int_equal(deflate(&z, i % 2 == 0 ? Z_SYNC_FLUSH : Z_FULL_FLUSH), Z_OK);
		assert_inflates(in, (char *)packed, sizeof(packed) - z.avail_out - 4, 100, plain,
		    sizeof(plain));
	}
	deflateEnd(&z);
	ws_inflater_destroy(&in);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_negotiate),
	    cmocka_unit_test(test_declined_parameters),
	    cmocka_unit_test(test_malformed_headers),
	    cmocka_unit_test(test_policy),
	    cmocka_unit_test(test_rfc_examples),
	    cmocka_unit_test(test_rfc_examples_deflated),
	    cmocka_unit_test(test_broken),
	    cmocka_unit_test(test_destroyed_within_message),
	    cmocka_unit_test(test_size_limit),
	    cmocka_unit_test(test_bomb),
	    cmocka_unit_test(test_out_of_memory),
	    cmocka_unit_test(test_every_length),
	    cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_zlib_client),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
