/*
 * See live_set.h. Open addressing with linear probing, at most half full; removal moves up what
 * would not be found any more.
 */
#include "sessiond/service/live_set.h"

#include "common/memory.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#define FIRST_ROOM 16

/*
 * Where the search for a pointer begins. Multiplying spreads what allocations have in common: their
 * low and high bits.
 */
static size_t
home_of(const struct live_set *set, const void *pointer)
{
	return (size_t)(((uint64_t)(uintptr_t)pointer * UINT64_C(0x9e3779b97f4a7c15)) >> 32) &
	    (set->room - 1);
}

/* The slot that has the pointer, or the free one where it belongs. The set has room. */
static size_t
slot_of(const struct live_set *set, const void *pointer)
{
	size_t i = home_of(set, pointer);

	while (set->slots[i] != NULL && set->slots[i] != pointer)
		i = (i + 1) & (set->room - 1);
	return i;
}

static void
grow(struct live_set *set)
{
	struct live_set larger = {NULL, set->count, set->room == 0 ? FIRST_ROOM : set->room * 2};
	size_t i;

	larger.slots = xcalloc(larger.room, sizeof *larger.slots);
	for (i = 0; i < set->room; i++)
		if (set->slots[i] != NULL)
			larger.slots[slot_of(&larger, set->slots[i])] = set->slots[i];
	free(set->slots);
	*set = larger;
}

void
live_set_add(struct live_set *set, const void *pointer)
{
	size_t i;

	if (set->count * 2 >= set->room)
		grow(set);
	i = slot_of(set, pointer);
	assert(pointer != NULL && set->slots[i] == NULL);
	set->slots[i] = pointer;
	set->count++;
}

bool
live_set_has(const struct live_set *set, const void *pointer)
{
	return pointer != NULL && set->room > 0 && set->slots[slot_of(set, pointer)] == pointer;
}

void
live_set_remove(struct live_set *set, const void *pointer)
{
	size_t hole, i, mask = set->room - 1;

	assert(live_set_has(set, pointer));
	hole = slot_of(set, pointer);
	for (i = (hole + 1) & mask; set->slots[i] != NULL; i = (i + 1) & mask) {
		/* It may move if its search would have passed the hole. */
		if (((i - home_of(set, set->slots[i])) & mask) < ((i - hole) & mask))
			continue;
		set->slots[hole] = set->slots[i];
		hole = i;
	}
	set->slots[hole] = NULL;
	if (--set->count > 0)
		return;
	free(set->slots);
	*set = (struct live_set){NULL, 0, 0};
}
