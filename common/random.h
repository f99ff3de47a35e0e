/*
 * Random bytes fit for secrets (session ids, masks, hash keys), from the kernel.
 */
#ifndef COMMON_RANDOM_H
#define COMMON_RANDOM_H

#include <stddef.h>

/*
 * Fills n bytes. Waits, early in a machine's boot only, until the kernel has entropy. fatal() if
 * the kernel has no getrandom(2).
 */
void random_bytes(void *to, size_t n);

#endif
