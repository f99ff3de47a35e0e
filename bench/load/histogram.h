/*
 * How often each latency was seen, to within 1%: buckets that grow with the value.
 */
#ifndef LOAD_HISTOGRAM_H
#define LOAD_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_SUB_BITS 7 /* an octave has that many bits' worth of buckets */
#define HISTOGRAM_BUCKETS  ((64 - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS)

struct histogram {
	uint64_t count;
	uint64_t max;
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

/* Counts a value: ns here. */
void histogram_add(struct histogram *h, uint64_t value);

/* The value that the share q (0..1) of all does not exceed; 0 if there is none. */
uint64_t histogram_quantile(const struct histogram *h, double q);

#endif
