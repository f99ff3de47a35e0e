/* See redis_found.h. */
#include "sessiond/redis/redis_found.h"

#include "common/memory.h"
#include "sessiond/service/service.h"
#include "sessiond/session/message.h"

#include <stdlib.h>

void
redis_found_clear(struct redis_found *found)
{
	uint32_t i;

	for (i = 0; i < found->count; i++)
		message_unref(&found->publications[i].message);
	free(found->publications);
	free(found->parts);
}

static struct message *
compose(const struct redis_channel *it, struct redis_publication *part)
{
	const struct channel_space *space = it->channel->space;

	part->publishing.name = it->channel->name;
	part->publishing.name_len = it->channel->by_name.len;
	return space->kind->compose(space, &part->publishing, &part->position);
}

/* Where one is missing, those before it are of no use. */
static void
begin_anew(struct redis_found *found, uint64_t offset)
{
	while (found->count > 0)
		message_unref(&found->publications[--found->count].message);
	found->first = offset;
}

static void
take_entry(const struct redis_channel *it, const struct redis_reply *id,
    const struct redis_reply *entry, struct redis_found *found)
{
	const struct redis_client_ops *ops = it->engine->commands.ops;
	struct redis_publication *part = &found->parts[found->count];
	struct message *message;
	size_t id_len, len;
	const char *id_text = ops->text(id, &id_len), *text = ops->text(entry, &len);

	part->position = (struct channel_position){
	    redis_message_read_id(id_text, id_len), found->position.epoch};
	if (part->position.offset == 0 || !redis_message_read_entry(text, len, part))
		return;
	if (part->position.offset != found->first + found->count) {
		struct redis_publication copy = *part;

		begin_anew(found, part->position.offset);
		part = &found->parts[0];
		*part = copy;
	}
	part->publishing.except = part->publishing.except == NULL ? NULL : part->except;
	message = compose(it, part);
	if (message == NULL)
		return;
	found->publications[found->count++] = (struct publication){message, part->time};
}

bool
redis_found_read(
    const struct redis_channel *it, const struct redis_reply *reply, struct redis_found *found)
{
	const struct redis_client_ops *ops = it->engine->commands.ops;
	size_t i, count = ops->count(reply), len;

	*found = (struct redis_found){.first = 0};
	if (count < 2)
		return false;
	found->position.epoch = channel_epoch_parse(ops->text(ops->at(reply, 0), &len));
	found->position.offset = strtoull(ops->text(ops->at(reply, 1), &len), NULL, 10);
	if (found->position.offset > REDIS_OFFSET_MAX)
		return false;
	found->publications = xcalloc(count, sizeof *found->publications);
	found->parts = xcalloc(count, sizeof *found->parts);
	for (i = 2; i + 1 < count; i += 2)
		take_entry(it, ops->at(reply, i), ops->at(reply, i + 1), found);
	if (found->first + found->count != found->position.offset + 1)
		begin_anew(found, found->position.offset + 1);
	return found->position.epoch != 0;
}
