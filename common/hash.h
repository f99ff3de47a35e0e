/*
 * A seeded hash for tables whose keys are chosen by peers: without the key nobody can pick strings
 * which collide.
 *
 * SipHash-2-4, from J.-P. Aumasson and D. J. Bernstein, "SipHash: a fast short-input PRF", 2012.
 * Not a cryptographic digest.
 */
#ifndef COMMON_HASH_H
#define COMMON_HASH_H

#include <stddef.h>
#include <stdint.h>

/*
 * The hash of n bytes (NULL is fine for 0). key: 128 secret bits, from random_bytes once in a
 * process; key[0] is the paper's k0. The same on every machine.
 */
uint64_t hash_bytes(const void *bytes, size_t n, const uint64_t key[2]);

#endif
