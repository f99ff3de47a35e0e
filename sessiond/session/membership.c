/*
 * See membership.h. The last of a group's array takes the place of one that leaves.
 */
#include "sessiond/session/membership.h"

#include "common/memory.h"

#include <stdlib.h>

/* A session is in few groups: its list is short. */
struct membership *
membership_find(const struct member_array *group, const struct membership_list *list)
{
	struct membership *membership;

	LIST_FOREACH(membership, list, entry)
		if (membership->group == group)
			break;
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
