/*
 * See group.h and sockjs.h. A membership is an entry of its group's array and of its session's list.
 */
#include "sessiond/group.h"

#include "sessiond/session.h"
#include "sockjs/utf8.h"

#include <stdlib.h>

struct group_member {
	struct sockjs_group *group;
	struct session *session;
	struct group_member *next; /* of the same session */
	size_t index;		   /* in the group's array */
};

struct sockjs_group {
	struct sockjs_service *service;
	struct group_member **members;
	size_t count, room;
};

#define FIRST_ROOM 16

static struct session *
session_of(const sockjs_group *group, sockjs_connection connection)
{
	struct session *session =
	    handle_table_find(&group->service->sessions->handles, connection.handle);

	return session == NULL || session->close_told ? NULL : session;
}

static struct group_member **
link_of(struct session *session, const sockjs_group *group)
{
	struct group_member **link = &session->memberships;

	while (*link != NULL && (*link)->group != group)
		link = &(*link)->next;
	return link;
}

/* Takes the membership at *link out of its session's list and its group's array. */
static void
leave(struct group_member **link)
{
	struct group_member *member = *link, *last;
	struct sockjs_group *group = member->group;

	*link = member->next;
	last = group->members[--group->count];
	group->members[member->index] = last;
	last->index = member->index;
	free(member);
}

void
group_leave_all(struct session *session)
{
	while (session->memberships != NULL)
		leave(&session->memberships);
}

sockjs_group *
sockjs_group_create(sockjs_service *service)
{
	sockjs_group *group = calloc(1, sizeof *group);

	if (group == NULL)
		abort();
	group->service = service;
	return group;
}

void
sockjs_group_destroy(sockjs_group **group)
{
	sockjs_group *g = *group;

	*group = NULL;
	if (g == NULL)
		return;
	while (g->count > 0)
		leave(link_of(g->members[g->count - 1]->session, g));
	free(g->members);
	free(g);
}

static void
grow(sockjs_group *group)
{
	size_t room = group->room == 0 ? FIRST_ROOM : group->room * 2;
	struct group_member **members =
	    realloc(group->members, room * sizeof(struct group_member *));

	if (members == NULL)
		abort();
	group->members = members;
	group->room = room;
}

int
sockjs_group_add(sockjs_group *group, sockjs_connection connection)
{
	struct session *session = session_of(group, connection);
	struct group_member *member;

	if (session == NULL)
		return SOCKJS_GONE;
	if (*link_of(session, group) != NULL)
		return SOCKJS_OK;
	if (group->count == group->room)
		grow(group);
	member = malloc(sizeof *member);
	if (member == NULL)
		abort();
	*member = (struct group_member){group, session, session->memberships, group->count};
	session->memberships = member;
	group->members[group->count++] = member;
	return SOCKJS_OK;
}

void
sockjs_group_remove(sockjs_group *group, sockjs_connection connection)
{
	struct session *session = session_of(group, connection);

	if (session != NULL && *link_of(session, group) != NULL)
		leave(link_of(session, group));
}

size_t
sockjs_group_size(const sockjs_group *group)
{
	return group->count;
}

int
sockjs_group_write(sockjs_group *group, const char *data, size_t len)
{
	struct message *message;
	size_t i;

	if (data == NULL || !utf8_is_valid_wtf8(data, len))
		return SOCKJS_INVALID;
	message = message_create(data, len, false);
	if (message == NULL)
		return SOCKJS_FULL;
	for (i = 0; i < group->count; i++)
		session_write(group->members[i]->session, message);
	message_unref(&message);
	return SOCKJS_OK;
}
