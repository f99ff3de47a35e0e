/*
 * See handle_table.h. A handle is a slot's index + 1 in its low half and the slot's generation in
 * its high half; the generation goes up with each removal, and a slot whose generation is used up
 * is not used again.
 */
#include "sessiond/service/handle_table.h"

#include <stdlib.h>

#define FIRST_ROOM 64

struct handle_slot {
	void *object; /* NULL: free */
	uint32_t generation;
	uint32_t next_free; /* index + 1 */
};

static void
grow(struct handle_table *table)
{
	uint32_t room = table->room == 0 ? FIRST_ROOM : table->room * 2;
	struct handle_slot *slots;

	if (room <= table->room)
		abort();
	slots = realloc(table->slots, (size_t)room * sizeof *slots);
	if (slots == NULL)
		abort();
	table->slots = slots;
	table->room = room;
}

static uint32_t
take_slot(struct handle_table *table)
{
	uint32_t index;

	if (table->first_free != 0) {
		index = table->first_free - 1;
		table->first_free = table->slots[index].next_free;
		return index;
	}
	if (table->count == table->room)
		grow(table);
	index = table->count++;
	table->slots[index].generation = 0;
	return index;
}

uint64_t
handle_table_add(struct handle_table *table, void *object)
{
	uint32_t index = take_slot(table);

	table->slots[index].object = object;
	return (uint64_t)table->slots[index].generation << 32 | (index + 1);
}

static struct handle_slot *
slot_of(const struct handle_table *table, uint64_t handle)
{
	uint32_t number = (uint32_t)handle;
	struct handle_slot *slot;

	if (number == 0 || number > table->count)
		return NULL;
	slot = &table->slots[number - 1];
	return slot->object != NULL && slot->generation == handle >> 32 ? slot : NULL;
}

void *
handle_table_find(const struct handle_table *table, uint64_t handle)
{
	struct handle_slot *slot = slot_of(table, handle);

	return slot == NULL ? NULL : slot->object;
}

void
handle_table_remove(struct handle_table *table, uint64_t handle)
{
	struct handle_slot *slot = slot_of(table, handle);

	if (slot == NULL)
		return;
	slot->object = NULL;
	if (slot->generation == UINT32_MAX)
		return;
	slot->generation++;
	slot->next_free = table->first_free;
	table->first_free = (uint32_t)handle;
}

void
handle_table_each(
    const struct handle_table *table, void (*fn)(void *object, void *context), void *context)
{
	uint32_t i;

	for (i = 0; i < table->count; i++)
		if (table->slots[i].object != NULL)
			fn(table->slots[i].object, context);
}

bool
handle_table_some(const struct handle_table *table, uint32_t *place, uint32_t n,
    void (*fn)(void *object, void *context), void *context)
{
	for (; *place < table->count && n > 0; ++*place, n--)
		if (table->slots[*place].object != NULL)
			fn(table->slots[*place].object, context);
	return *place < table->count;
}

void
handle_table_clear(struct handle_table *table)
{
	free(table->slots);
	*table = (struct handle_table){NULL, 0, 0, 0};
}
