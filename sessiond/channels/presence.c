/* See presence.h. */
#include "sessiond/channels/presence.h"

#include "common/memory.h"

#include <stdlib.h>
#include <string.h>

struct presence_member *
presence_find(const struct presence *presence, const char *id, size_t id_len)
{
	struct hash_entry *entry =
	    presence == NULL ? NULL : hash_table_find(&presence->members, id, id_len);

	return entry == NULL ? NULL : container_of(entry, struct presence_member, by_id);
}

static struct presence *
create(void)
{
	struct presence *presence = xcalloc(1, sizeof *presence);

	hash_table_init(&presence->members);
	return presence;
}

struct presence_member *
presence_add(struct presence **presence, struct channel *channel,
    const struct channel_member *member, uint64_t number)
{
	struct presence_member *added =
	    xcalloc(1, sizeof *added + member->id_len + member->info_len + 2);
	char *info = added->id + member->id_len + 1;

	if (*presence == NULL)
		*presence = create();
	added->channel = channel;
	memcpy(added->id, member->id, member->id_len);
	if (member->info_len > 0)
		memcpy(info, member->info, member->info_len);
	added->info = info;
	added->info_len = member->info_len;
	added->by_id = (struct hash_entry){.key = added->id, .len = member->id_len};
	hash_table_add(&(*presence)->members, &added->by_id);
	presence_set_number(*presence, added, number);
	return added;
}

void
presence_set_number(struct presence *presence, struct presence_member *member, uint64_t number)
{
	member->number = number;
	if (number > presence->last_number)
		presence->last_number = number;
}

void
presence_remove(struct presence *presence, struct presence_member *member)
{
	hash_table_remove(&presence->members, &member->by_id);
	timer_stop(&member->absence);
	free(member);
}

size_t
presence_count(const struct presence *presence)
{
	return presence == NULL ? 0 : presence->members.count;
}

void
presence_each(const struct presence *presence,
    void (*each)(struct presence_member *member, void *context), void *context)
{
	size_t i, room = presence == NULL ? 0 : presence->members.room;

	for (i = 0; i < room; i++) {
		struct hash_entry *entry, *next;

		for (entry = SLIST_FIRST(&presence->members.buckets[i]); entry != NULL;
		     entry = next) {
			next = SLIST_NEXT(entry, next);
			each(container_of(entry, struct presence_member, by_id), context);
		}
	}
}

static void
forget(struct presence_member *member, void *context)
{
	presence_remove(context, member);
}

void
presence_destroy(struct presence **presence)
{
	if (*presence == NULL)
		return;
	presence_each(*presence, forget, *presence);
	hash_table_clear(&(*presence)->members);
	free(*presence);
	*presence = NULL;
}
