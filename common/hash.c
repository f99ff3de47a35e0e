/*
 * See hash.h. Written from sections 2.1 to 2.4 of the paper; the names v and m are its own.
 */
#include "common/hash.h"

#include <endian.h>
#include <string.h>

enum {
	ROUNDS_PER_WORD = 2,
	ROUNDS_AT_END = 4,
};

static uint64_t
rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

/* SipRound, section 2.4. */
static void
mix(uint64_t v[4], int rounds)
{
	while (rounds-- > 0) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] = rotate(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] = rotate(v[2], 32);
	}
}

/* Up to 7 bytes as a little-endian number. */
static uint64_t
load(const unsigned char *bytes, size_t n)
{
	uint64_t word = 0;

	for (size_t i = 0; i < n; i++)
		word |= (uint64_t)bytes[i] << (8 * i);
	return word;
}

static void
absorb(uint64_t v[4], uint64_t m)
{
	v[3] ^= m;
	mix(v, ROUNDS_PER_WORD);
	v[0] ^= m;
}

uint64_t
hash_bytes(const void *bytes, size_t n, const uint64_t key[2])
{
	/* The paper's constants: "somepseudorandomlygeneratedbytes". */
	uint64_t v[4] = {
	    key[0] ^ 0x736f6d6570736575,
	    key[1] ^ 0x646f72616e646f6d,
	    key[0] ^ 0x6c7967656e657261,
	    key[1] ^ 0x7465646279746573,
	};
	const unsigned char *at = bytes;
	size_t left = n;

	while (left >= 8) {
		uint64_t word;

		memcpy(&word, at, 8);
		absorb(v, le64toh(word));
		at += 8;
		left -= 8;
	}
	/* The last word ends with the length's low byte, so that trailing zero bytes count. */
	absorb(v, load(at, left) | (uint64_t)n << 56);
	v[2] ^= 0xff;
	mix(v, ROUNDS_AT_END);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
