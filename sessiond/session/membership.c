/*
 * See membership.h. The last of a group's array takes the place of one that leaves. All memberships
 * are in one table as well, since a session may be in many groups that have many members.
 */
#include "sessiond/session/membership.h"

#include "common/memory.h"

#include <stdint.h>
#include <stdlib.h>

#define FIRST_ROOM 64

/* By group and session; it doubles when it has as many as buckets. */
static struct {
	struct membership **buckets;
	size_t count, room; /* room is a power of two, or 0 */
} all;

/* Multiplying spreads what addresses have in common: their low and high bits. */
static struct membership **
bucket_of(const struct member_array *group, const struct session *session)
{
	uint64_t spread = (uint64_t)(uintptr_t)group * UINT64_C(0x9e3779b97f4a7c15) +
	    (uint64_t)(uintptr_t)session * UINT64_C(0xc2b2ae3d27d4eb4f);

	return &all.buckets[(spread >> 32) & (all.room - 1)];
}

static void
insert(struct membership *membership)
{
	struct membership **bucket = bucket_of(membership->group, membership->session);

	membership->next = *bucket;
	*bucket = membership;
}

static void
grow(void)
{
	struct membership **old = all.buckets;
	size_t i, old_room = all.room;

	all.room = old_room == 0 ? FIRST_ROOM : old_room * 2;
	all.buckets = xcalloc(all.room, sizeof(struct membership *));
	for (i = 0; i < old_room; i++) {
		struct membership *membership = old[i], *next;

		for (; membership != NULL; membership = next) {
			next = membership->next;
			insert(membership);
		}
	}
	free(old);
}

static void
add(struct membership *membership)
{
	if (all.count == all.room)
		grow();
	insert(membership);
	all.count++;
}

static void
take_out(const struct membership *membership)
{
	struct membership **at = bucket_of(membership->group, membership->session);

	while (*at != membership)
		at = &(*at)->next;
	*at = membership->next;
	if (--all.count > 0)
		return;
	free(all.buckets);
	all.buckets = NULL;
	all.room = 0;
}

struct membership *
membership_find(const struct member_array *group, const struct membership_list *list)
{
	const struct session *session = LIST_EMPTY(list) ? NULL : LIST_FIRST(list)->session;
	struct membership *membership = session == NULL ? NULL : *bucket_of(group, session);

	while (membership != NULL && (membership->group != group || membership->session != session))
		membership = membership->next;
	return membership;
}

static void
end(struct membership *membership)
{
	struct member_array *group = membership->group;
	struct session *session = membership->session;
	struct membership *last = group->items[--group->count];
	void *data = membership->data;

	group->items[membership->index] = last;
	last->index = membership->index;
	LIST_REMOVE(membership, entry);
	take_out(membership);
	free(membership);
	if (group->left != NULL)
		group->left(group, session, data);
}

struct membership *
membership_join(struct member_array *group, struct membership_list *list, struct session *session)
{
	struct membership *membership;

	if (membership_find(group, list) != NULL)
		return NULL;
	group->items = xgrow(group->items, &group->room, group->count, sizeof *group->items);
	membership = xcalloc(1, sizeof *membership);
	membership->group = group;
	membership->session = session;
	membership->index = group->count;
	group->items[group->count++] = membership;
	LIST_INSERT_HEAD(list, membership, entry);
	add(membership);
	return membership;
}

void
membership_leave(const struct member_array *group, struct membership_list *list)
{
	struct membership *membership = membership_find(group, list);

	if (membership != NULL)
		end(membership);
}

void
membership_leave_all(struct membership_list *list)
{
	while (!LIST_EMPTY(list))
		end(LIST_FIRST(list));
}

void
membership_dissolve(struct member_array *group)
{
	while (group->count > 0)
		end(group->items[group->count - 1]);
	free(group->items);
	group->items = NULL;
	group->room = 0;
}
