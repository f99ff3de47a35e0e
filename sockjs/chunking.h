/*
 * The timetable of `base/chunking_test`, the probe by which clients of SockJS 0.1 learnt whether
 * chunks arrive one by one.
 */
#ifndef SOCKJS_CHUNKING_H
#define SOCKJS_CHUNKING_H

#include "common/buffer.h"

#define CHUNKING_STEPS 7

/*
 * When a step's chunk leaves, ms after the one before (the first: after the headers). step <
 * CHUNKING_STEPS.
 */
unsigned chunking_delay(unsigned step);

/* Appends the chunk of a step. */
void chunking_append(unsigned step, struct buffer *out);

#endif
