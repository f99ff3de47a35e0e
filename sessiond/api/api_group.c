/*
 * See api_group.h and sockjs.h. Who is in a group is membership.c's.
 */
#include "sessiond/api/api_group.h"

#include "sessiond/service/live_set.h"
#include "common/memory.h"
#include "sessiond/api/api.h"
#include "sessiond/session/session.h"
#include "sessiond/session/session_write.h"

#include <stdlib.h>

/* Public as sockjs_group. */
struct sockjs_group {
	LIST_ENTRY(sockjs_group) entry; /* of the service's groups */
	struct member_array members;
};

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

sockjs_group *
sockjs_group_create(sockjs_service *service)
{
	sockjs_group *group;

	if (!api_is_service(service, __func__))
		return NULL;
	api_use(service, API_GROUPS);
	group = xcalloc(1, sizeof *group);
	LIST_INSERT_HEAD(&service->groups, group, entry);
	live_set_add(&live, group);
	return group;
}

static void
destroy(sockjs_group *group)
{
	live_set_remove(&live, group);
	LIST_REMOVE(group, entry);
	membership_dissolve(&group->members);
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
api_group_destroy_all(sockjs_service *service)
{
	while (!LIST_EMPTY(&service->groups))
		destroy(LIST_FIRST(&service->groups));
}

int
sockjs_group_add(sockjs_group *group, sockjs_connection connection)
{
	struct session *session;
	int result = look_up(group, __func__);

	if (result != SOCKJS_OK)
		return result;
	api_find(connection, __func__, &session);
	if (session == NULL || session->close_told)
		return api_refuse_gone(session, __func__);
	membership_join(&group->members, &session->memberships, session);
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
	if (session != NULL)
		membership_leave(&group->members, &session->memberships);
	return SOCKJS_OK;
}

size_t
sockjs_group_size(const sockjs_group *group)
{
	return look_up(group, __func__) == SOCKJS_OK ? group->members.count : 0;
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
	message = message_create(data, len, false);
	if (message == NULL)
		return SOCKJS_FULL;
	if (message_is_text(message))
		for (i = 0; i < group->members.count; i++)
			session_write(group->members.items[i]->session, message);
	else
		result = api_refuse(NULL, __func__, "the message is not UTF-8");
	message_unref(&message);
	return result;
}
