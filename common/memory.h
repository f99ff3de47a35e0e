/*
 * Small memory: what is allocated here has a size that no peer decides, so there is nobody to
 * refuse when there is none, and the process ends. What a peer makes large is allocated with
 * malloc, and its failure costs that peer only.
 */
#ifndef COMMON_MEMORY_H
#define COMMON_MEMORY_H

#include <stddef.h>

/*
 * Zeroed memory for count items of size bytes; the caller frees it. Never NULL: aborts without
 * memory.
 */
void *xcalloc(size_t count, size_t size);

/* The same for size bytes that are not zeroed. */
void *xmalloc(size_t size);

/* A copy of text, which the caller frees; NULL for NULL. Aborts without memory. */
char *xstrdup(const char *text);

/*
 * For the start of a program. The C library gives the end of its heap back to the system as soon as
 * a large message there is freed, and takes it again for the next one, which costs more than all
 * else that is done with that message. From now on it keeps up to 4 MiB there.
 */
void memory_keep_freed(void);

/*
 * Makes room for one more item in an array of *room items, count of them in use: if it is full, it
 * is moved and has twice the room. items: NULL with *room 0 for none yet. Returns the array; aborts
 * without memory.
 */
void *xgrow(void *items, size_t *room, size_t count, size_t size);

/* The struct of that type whose member is at pointer. */
#define container_of(pointer, type, member)                                                        \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
