/*
 * See history.h.
 */
#include "sessiond/channels/history.h"

#include "common/memory.h"
#include "sessiond/session/message.h"

#include <stdlib.h>

enum { FIRST_ROOM = 4 };

static struct publication *
slot(const struct history *history, uint32_t i)
{
	return &history->items[(history->head + i) & (history->room - 1)];
}

static size_t
cost(const struct publication *publication)
{
	return publication->message->len + MESSAGE_COST;
}

const struct publication *
history_at(const struct history *history, uint64_t offset)
{
	return slot(history, (uint32_t)(offset - history->first));
}

static void
grow(struct history *history)
{
	uint32_t room = history->room == 0 ? FIRST_ROOM : 2 * history->room, i;
	struct publication *items = xcalloc(room, sizeof *items);

	for (i = 0; i < history->count; i++)
		items[i] = *slot(history, i);
	free(history->items);
	history->items = items;
	history->head = 0;
	history->room = room;
}

void
history_push(struct history *history, struct message *message, uint64_t time)
{
	struct publication *publication;

	if (history->count == history->room)
		grow(history);
	publication = slot(history, history->count++);
	*publication = (struct publication){message_ref(message), time};
	history->bytes += cost(publication);
}

void
history_shift(struct history *history)
{
	struct publication *publication = slot(history, 0);

	history->bytes -= cost(publication);
	message_unref(&publication->message);
	history->head = (history->head + 1) & (history->room - 1);
	history->count--;
	history->first++;
}

void
history_clear(struct history *history)
{
	while (history->count > 0)
		history_shift(history);
	free(history->items);
	history->items = NULL;
	history->room = history->head = 0;
}
