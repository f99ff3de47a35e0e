/* See memory.h. The one place where a process ends for want of memory. */
#include "common/memory.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

enum {
	FIRST_ROOM = 16,
	KEEP_FREED = 4 * 1048576, /* bytes */
	/*
	 * Larger ones are the system's own pieces. Else this grows with each of them, up to 32 MiB.
	 */
	MAPPED = 1048576, /* bytes */
};

void
memory_keep_freed(void)
{
	mallopt(M_TRIM_THRESHOLD, KEEP_FREED);
	mallopt(M_MMAP_THRESHOLD, MAPPED);
}

void *
xcalloc(size_t count, size_t size)
{
	void *memory = calloc(count, size);

	if (memory == NULL)
		abort();
	return memory;
}

void *
xmalloc(size_t size)
{
	void *memory = malloc(size);

	if (memory == NULL)
		abort();
	return memory;
}

char *
xstrdup(const char *text)
{
	char *copy;

	if (text == NULL)
		return NULL;
	copy = strdup(text);
	if (copy == NULL)
		abort();
	return copy;
}

void *
xgrow(void *items, size_t *room, size_t count, size_t size)
{
	if (count < *room)
		return items;
	*room = *room == 0 ? FIRST_ROOM : *room * 2;
	items = reallocarray(items, *room, size);
	if (items == NULL)
		abort();
	return items;
}
