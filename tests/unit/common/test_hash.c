/*
 * common/hash.h against values of another implementation (OpenSSL's SIPHASH with an 8-byte tag).
 */
#include "common/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const uint64_t key[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};

/* The bytes 00, 01, 02 ... under the key 00 .. 0f; the one of 15 bytes is the paper's example. */
static const struct {
	size_t n;
	uint64_t hash;
} vectors[] = {
    {0, 0x726fdb47dd0e0e31},
    {1, 0x74f839c593dc67fd},
    {7, 0xab0200f58b01d137},
    {8, 0x93f5f5799a932462},
    {15, 0xa129ca6149be45e5},
    {16, 0x3f2acc7f57c29bdb},
    {63, 0x958a324ceb064572},
};

static void
test_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
		/* Of the exact size, so that a read beyond it is seen. */
		unsigned char *bytes = malloc(vectors[i].n > 0 ? vectors[i].n : 1);

		assert_non_null(bytes);
		for (size_t j = 0; j < vectors[i].n; j++)
			bytes[j] = (unsigned char)j;
		assert_true(hash_bytes(bytes, vectors[i].n, key) == vectors[i].hash);
		free(bytes);
	}
}

static void
test_empty(void **state)
{
	(void)state;
	assert_true(hash_bytes(NULL, 0, key) == vectors[0].hash);
}

static void
test_unaligned(void **state)
{
	unsigned char bytes[8 + 15];

	(void)state;
	for (size_t shift = 0; shift < 8; shift++) {
		for (size_t i = 0; i < 15; i++)
			bytes[shift + i] = (unsigned char)i;
		assert_true(hash_bytes(bytes + shift, 15, key) == 0xa129ca6149be45e5);
	}
}

/* Another key, other hashes; and zeros at the end are not lost. */
static void
test_differs(void **state)
{
	const uint64_t low[2] = {key[0] ^ 1, key[1]}, high[2] = {key[0], key[1] ^ 1};
	const char zeros[16] = {0};

	(void)state;
	assert_true(hash_bytes("session", 7, key) != hash_bytes("session", 7, low));
	assert_true(hash_bytes("session", 7, key) != hash_bytes("session", 7, high));
	for (size_t n = 0; n < sizeof zeros; n++)
		assert_true(hash_bytes(zeros, n, key) != hash_bytes(zeros, n + 1, key));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_vectors),
	    cmocka_unit_test(test_empty),
	    cmocka_unit_test(test_unaligned),
	    cmocka_unit_test(test_differs),
	};

	return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
