/*
 * A value's bucket is its highest HISTOGRAM_SUB_BITS + 1 bits and how far they were shifted; values
 * that have no more bits stand for themselves.
 */
#include "bench/load/histogram.h"

static unsigned
shift_of(uint64_t value)
{
	unsigned bits = value ? 64 - (unsigned)__builtin_clzll(value) : 0;

	return bits > HISTOGRAM_SUB_BITS + 1 ? bits - HISTOGRAM_SUB_BITS - 1 : 0;
}

void
histogram_add(struct histogram *h, uint64_t value)
{
	unsigned shift = shift_of(value);

	h->buckets[((uint64_t)shift << HISTOGRAM_SUB_BITS) + (value >> shift)]++;
	h->count++;
	if (value > h->max)
		h->max = value;
}

/* The largest value of a bucket. */
static uint64_t
bucket_end(unsigned bucket)
{
	unsigned shift = bucket >> HISTOGRAM_SUB_BITS;

	if (shift > 0)
		shift--;
	return ((uint64_t)(bucket - (shift << HISTOGRAM_SUB_BITS) + 1) << shift) - 1;
}

uint64_t
histogram_quantile(const struct histogram *h, double q)
{
	uint64_t wanted = (uint64_t)((double)h->count * q), seen = 0;

	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->buckets[i];
		if (seen > 0 && seen >= wanted)
			return bucket_end(i) < h->max ? bucket_end(i) : h->max;
	}
	return h->max;
}
