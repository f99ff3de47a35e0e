/*
 * Eight bytes at a time in a 64-bit word, or sixteen in a vector: what the codecs share to run
 * through plain text. Private to sockjs/ and to what judges HTTP (sessiond/http/http_framing.c).
 *
 * A word holds its first byte in the lowest eight bits on every machine. A mask has the high bit of
 * a byte set where the byte was found; a borrow may set further ones above the lowest set one, so
 * only two questions are exact: "none?" (mask == 0) and "where is the first?" (swar_first).
 */
#ifndef SOCKJS_SWAR_H
#define SOCKJS_SWAR_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SWAR_ONES  UINT64_C(0x0101010101010101)
#define SWAR_HIGHS UINT64_C(0x8080808080808080)

enum { SWAR_STEP = 8 };

/* The eight bytes at p, which need no alignment. */
static inline uint64_t
swar_load(const void *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return le64toh(word);
}

/*
 * Sixteen bytes, which need no alignment: a vector register, where the processor has one. Compilers
 * do not make one of words by themselves at -O2.
 */
typedef uint64_t swar_block __attribute__((vector_size(16), aligned(1), may_alias));

enum { SWAR_BLOCKS = 4 * sizeof(swar_block) };

/*
 * True if these bytes are ASCII. Of several blocks, ask for one that has the bits of all. By its
 * address: how a vector is passed depends on whether the processor has one.
 */
static inline bool
swar_block_is_ascii(const swar_block *block)
{
	return (((*block)[0] | (*block)[1]) & SWAR_HIGHS) == 0;
}

/* Stores the bytes of a word that swar_load made. */
static inline void
swar_store(void *p, uint64_t word)
{
	word = htole64(word);
	memcpy(p, &word, sizeof(word));
}

/* The bytes outside ASCII. */
static inline uint64_t
swar_non_ascii(uint64_t word)
{
	return word & SWAR_HIGHS;
}

/*
 * The bytes that cannot stand for themselves in a JSON string (RFC 8259, 7): controls, the
 * quotation mark, the backslash. The subtractions underflow for these bytes only; what is outside
 * ASCII they would flag as well, hence the last term.
 */
static inline uint64_t
swar_json_special(uint64_t word)
{
	uint64_t quote = (word ^ SWAR_ONES * '"') - SWAR_ONES;
	uint64_t backslash = (word ^ SWAR_ONES * '\\') - SWAR_ONES;
	uint64_t control = word - SWAR_ONES * 0x20;

	return (quote | backslash | control) & ~word & SWAR_HIGHS;
}

/* The bytes below c, which is at most 0x80. */
static inline uint64_t
swar_below(uint64_t word, unsigned char c)
{
	return (word - SWAR_ONES * c) & ~word & SWAR_HIGHS;
}

/* The bytes equal to c. */
static inline uint64_t
swar_equal(uint64_t word, unsigned char c)
{
	uint64_t difference = word ^ SWAR_ONES * c;

	return (difference - SWAR_ONES) & ~difference & SWAR_HIGHS;
}

/* The bytes of value c and up; c is above 0x80. */
static inline uint64_t
swar_at_least(uint64_t word, unsigned char c)
{
	return ((word & ~SWAR_HIGHS) + SWAR_ONES * (uint64_t)(0x100 - c)) & word & SWAR_HIGHS;
}

/* The index, 0..7, of the first byte found. mask must not be 0. */
static inline size_t
swar_first(uint64_t mask)
{
	return (size_t)__builtin_ctzll(mask) / 8;
}

#endif
