/*
 * See drain.h.
 */
#include "sessiond/session/drain.h"

#include "common/memory.h"
#include "sessiond/service/application.h"
#include "sessiond/session/session.h"
#include "sessiond/session/session_set.h"

#include <stdlib.h>

void
drain_note_flush(struct session *session)
{
	struct drain_list *list = &session->service->sessions->drained;

	if (!session->is_over_mark || session_ready_state(session) != SOCKJS_OPEN)
		return;
	sessions_write(session->service->sessions);
	if (session_queued_bytes(session) > 0)
		return;
	session->is_over_mark = false;
	list->handles = xgrow(list->handles, &list->room, list->count, sizeof *list->handles);
	list->handles[list->count++] = session->handle;
}

bool
drain_tell(struct sessions *sessions)
{
	struct drain_list list = sessions->drained;
	size_t i;

	/* Who drains while the others are told is told in the next round. */
	sessions->drained = (struct drain_list){NULL, 0, 0};
	for (i = 0; i < list.count; i++) {
		struct session *session = handle_table_find(&sessions->handles, list.handles[i]);

		if (session != NULL && session_ready_state(session) == SOCKJS_OPEN)
			application_drain(session->application, session->handle);
	}
	free(list.handles);
	return list.count > 0;
}
