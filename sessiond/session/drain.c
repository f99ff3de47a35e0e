/*
 * See drain.h. Called by session.c.
 */
#include "sessiond/session/drain.h"

#include "sessiond/service/application.h"
#include "sessiond/session/session.h"

#include <stdlib.h>

#define FIRST_ROOM 16

void
drain_note_write(struct session *session)
{
	if (session_queued_bytes(session) > session->service->protocol.options.drain_mark)
		session->is_over_mark = true;
}

static void
add(struct drain_list *list, uint64_t handle)
{
	size_t room = list->room == 0 ? FIRST_ROOM : list->room * 2;

	if (list->count == list->room) {
		list->handles = reallocarray(list->handles, room, sizeof list->handles[0]);
		if (list->handles == NULL)
			abort();
		list->room = room;
	}
	list->handles[list->count++] = handle;
}

void
drain_note_flush(struct session *session)
{
	if (!session->is_over_mark || session_ready_state(session) != SOCKJS_OPEN ||
	    session_queued_bytes(session) > 0)
		return;
	session->is_over_mark = false;
	add(&session->service->sessions->drained, session->handle);
}

bool
drain_tell(struct sessions *sessions)
{
	struct drain_list list = sessions->drained;
	size_t i;

	sessions->drained = (struct drain_list){NULL, 0, 0};
	for (i = 0; i < list.count; i++) {
		struct session *session = handle_table_find(&sessions->handles, list.handles[i]);

		if (session != NULL && session_ready_state(session) == SOCKJS_OPEN)
			application_drain(session->service, session->handle);
	}
	free(list.handles);
	return list.count > 0;
}

void
drain_clear(struct drain_list *list)
{
	free(list->handles);
	*list = (struct drain_list){NULL, 0, 0};
}
