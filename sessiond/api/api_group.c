/*
 * See group.h and sockjs.h. A membership is an entry of its group's array and of its session's list.
 */
#include "sessiond/api/api_group.h"

#include "sessiond/api/api.h"
#include "common/live_set.h"
#include "sessiond/session/session.h"
#include "sockjs/utf8.h"

#include <stdlib.h>

struct group_member {
	struct sockjs_group *group;
	struct session *session;
	struct group_member *next; /* of the same session */
	size_t index;		   /* in the group's array */
};

struct sockjs_group {
	struct sockjs_group *next, **link; /* of the service's groups */
	struct group_member **members;
	size_t count, room;
};

#define FIRST_ROOM 16

static struct live_set live;

/* SOCKJS_OK if the group may be followed; else call is refused. */
static int
look_up(const sockjs_group *group, const char *call)
{
	if (!api_is_loop(call))
		return SOCKJS_WRONG_THREAD;
	if (live_set_has(&live, group))
		return SOCKJS_OK;
	if (group == NULL)
		return api_refuse(NULL, call, "group is NULL");
	api_refuse(NULL, call, "the group was destroyed");
	return SOCKJS_GONE;
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
	sockjs_group *group;

	if (!api_is_service(service, __func__))
		return NULL;
	group = calloc(1, sizeof *group);
	if (group == NULL)
		abort();
	group->next = service->groups;
	group->link = &service->groups;
	if (group->next != NULL)
		group->next->link = &group->next;
	service->groups = group;
	live_set_add(&live, group);
	return group;
}

static void
destroy(sockjs_group *group)
{
	live_set_remove(&live, group);
	*group->link = group->next;
	if (group->next != NULL)
		group->next->link = group->link;
	while (group->count > 0)
		leave(link_of(group->members[group->count - 1]->session, group));
	free(group->members);
	free(group);
}

int
sockjs_group_destroy(sockjs_group **group)
{
	sockjs_group *g;
	int result;

	if (!api_is_loop(__func__))
		return SOCKJS_WRONG_THREAD;
	if (group == NULL)
		return api_refuse(NULL, __func__, "group is NULL");
	g = *group;
	*group = NULL;
	if (g == NULL)
		return SOCKJS_OK;
	result = look_up(g, __func__);
	if (result == SOCKJS_OK)
		destroy(g);
	return result;
}

void
group_destroy_all(sockjs_service *service)
{
	while (service->groups != NULL)
		destroy(service->groups);
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
	struct session *session;
	struct group_member *member;
	int result = look_up(group, __func__);

	if (result != SOCKJS_OK)
		return result;
	api_find(connection, __func__, &session);
	if (session == NULL || session->close_told)
		return api_refuse_gone(session, __func__);
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

int
sockjs_group_remove(sockjs_group *group, sockjs_connection connection)
{
	struct session *session;
	int result = look_up(group, __func__);

	if (result != SOCKJS_OK)
		return result;
	api_find(connection, __func__, &session);
	if (session != NULL && *link_of(session, group) != NULL)
		leave(link_of(session, group));
	return SOCKJS_OK;
}

size_t
sockjs_group_size(const sockjs_group *group)
{
	return look_up(group, __func__) == SOCKJS_OK ? group->count : 0;
}

int
sockjs_group_write(sockjs_group *group, const char *data, size_t len)
{
	struct message *message;
	size_t i;
	int result = look_up(group, __func__);

	if (result != SOCKJS_OK)
		return result;
	if (data == NULL)
		return api_refuse(NULL, __func__, "data is NULL");
	if (!utf8_is_valid_wtf8(data, len))
		return api_refuse(NULL, __func__, "the message is not UTF-8");
	message = message_create(data, len, false);
	if (message == NULL)
		return SOCKJS_FULL;
	for (i = 0; i < group->count; i++)
		session_write(group->members[i]->session, message);
	message_unref(&message);
	return SOCKJS_OK;
}
