/*
 * See worker_connection.h.
 */
#include "sessiond/worker/worker_connection.h"

#include "common/log_limit.h"
#include "common/memory.h"
#include "sessiond/api/api.h"
#include "sessiond/service/service.h"
#include "sessiond/session/session.h"
#include "sessiond/session/session_set.h"

#include <stdlib.h>
#include <string.h>

static struct worker_journal *
journal_of(const struct worker_connection *connection)
{
	return &connection->service->all->journal;
}

const char *
worker_event_name(enum worker_event_kind kind)
{
	static const char *const names[] = {"connect", "connection", "data", "close"};

	return names[kind];
}

struct worker_connection *
worker_connection_find(const struct worker_service *service, const char *id, size_t len)
{
	struct hash_entry *entry = hash_table_find(&service->all->by_id, id, len);
	struct worker_connection *connection =
	    entry == NULL ? NULL : container_of(entry, struct worker_connection, by_id);

	return connection == NULL || connection->service != service ? NULL : connection;
}

/* --- life ------------------------------------------------------------------------------------- */

static struct worker_connection *
create(struct worker_service *service, const char *id)
{
	struct worker_connection *connection = xcalloc(1, sizeof *connection);

	connection->service = service;
	connection->first = 1;
	STAILQ_INIT(&connection->events);
	memcpy(connection->id, id, strlen(id) + 1);
	connection->by_id = (struct hash_entry){.key = connection->id, .len = strlen(id)};
	hash_table_add(&service->all->by_id, &connection->by_id);
	LIST_INSERT_HEAD(&service->connections, connection, entry);
	service->count++;
	service_hold(service->service);
	return connection;
}

/* A session that is stored outlives the daemon, and what its client was told to have arrived. */
static bool
is_stored(sockjs_connection handle)
{
	struct session *session;

	return api_find(handle, __func__, &session) == SOCKJS_OK && session->journal != NULL;
}

static void
keep(struct worker_connection *connection)
{
	if (connection->service->all->is_kept)
		worker_journal_begin(
		    journal_of(connection), &connection->record, is_stored(connection->connection));
}

struct worker_connection *
worker_connection_create(
    struct worker_service *service, sockjs_connection handle, char *info, bool waits)
{
	struct worker_connection *connection = create(service, sockjs_id(handle));

	connection->connection = handle;
	connection->is_waiting = waits;
	connection->info = info;
	if (!waits)
		keep(connection);
	return connection;
}

struct worker_connection *
worker_connection_restore(
    struct worker_service *service, const char *id, uint64_t number, char *info, char *state)
{
	struct worker_connection *connection = create(service, id);

	connection->info = info;
	connection->state = state;
	connection->record.number = number;
	return connection;
}

/* What it has been given, the carrier does not answer for any more. */
static void
destroy(struct worker_connection *connection)
{
	struct worker_service *service = connection->service;
	struct sockjs_service *held = service->service;

	service->carrier->forget(connection);
	worker_journal_end(journal_of(connection), &connection->record);
	hash_table_remove(&service->all->by_id, &connection->by_id);
	LIST_REMOVE(connection, entry);
	service->count--;
	free(connection->info);
	free(connection->state);
	free(connection);
	service_drop(&held);
}

/* --- events ----------------------------------------------------------------------------------- */

static size_t
cost_of(const struct worker_event *event)
{
	return WORKER_EVENT_COST + event->len;
}

void
worker_connection_push(struct worker_connection *connection, enum worker_event_kind kind,
    const char *data, size_t len, bool is_binary)
{
	struct worker_event *event;
	bool had_none = connection->waiting == NULL;

	if (connection->is_over)
		return;
	event = xmalloc(sizeof *event + len);
	*event = (struct worker_event){.kind = (uint8_t)kind, .is_binary = is_binary, .len = len};
	if (len > 0)
		memcpy(event->data, data, len);
	STAILQ_INSERT_TAIL(&connection->events, event, next);
	connection->last = event;
	if (had_none)
		connection->waiting = event;
	connection->count++;
	connection->is_over = kind == WORKER_EVENT_CLOSE;
	connection->service->queued += cost_of(event);
	worker_journal_mark(journal_of(connection), &connection->record, false);
	worker_service_judge(connection->service);
	if (had_none)
		connection->service->carrier->wake(connection);
}

void
worker_connection_over(struct worker_connection *connection)
{
	connection->connection = SOCKJS_NOBODY;
	connection->is_waiting = false;
	worker_connection_push(connection, WORKER_EVENT_CLOSE, NULL, 0, false);
}

void
worker_connection_opens(struct worker_connection *connection)
{
	if (connection->is_waiting)
		keep(connection);
	connection->is_waiting = false;
	worker_connection_push(connection, WORKER_EVENT_CONNECTION, NULL, 0, false);
}

void
worker_connection_give(struct worker_connection *connection)
{
	connection->waiting = STAILQ_NEXT(connection->waiting, next);
	connection->given++;
	connection->service->given++;
}

/* Its kind. */
static enum worker_event_kind
drop_first(struct worker_connection *connection)
{
	struct worker_event *event = STAILQ_FIRST(&connection->events);
	enum worker_event_kind kind = (enum worker_event_kind)event->kind;

	if (connection->waiting == event)
		connection->waiting = STAILQ_NEXT(event, next);
	STAILQ_REMOVE_HEAD(&connection->events, next);
	connection->service->queued -= cost_of(event);
	connection->first++;
	connection->count--;
	free(event);
	return kind;
}

bool
worker_connection_handled(struct worker_connection *connection, size_t n)
{
	struct worker_service *service = connection->service;
	bool is_known = connection->is_known, is_done;

	for (; n > 0; n--) {
		service->handled++;
		connection->given--;
		if (drop_first(connection) == WORKER_EVENT_CONNECTION)
			connection->is_known = true;
	}
	/*
	 * The events are not given again. So what was called for them is stored with that, also
	 * what leaves at once: the daemon may be killed before it has left.
	 */
	service->all->journal.has_handled = true;
	journal_note_send(&service->service->sessions->journal);
	worker_journal_mark(
	    journal_of(connection), &connection->record, connection->is_known != is_known);
	is_done = connection->count == 0 && connection->is_over;
	if (is_done)
		destroy(connection);
	worker_service_judge(service);
	return !is_done;
}

void
worker_connection_return(struct worker_connection *connection)
{
	connection->service->repeated += connection->given;
	connection->given = 0;
	connection->waiting = STAILQ_FIRST(&connection->events);
}

static void
drop_all(struct worker_connection *connection)
{
	while (connection->count > 0)
		drop_first(connection);
	connection->given = 0;
	worker_journal_mark(journal_of(connection), &connection->record, false);
}

bool
worker_connection_refuse(struct worker_connection *connection, int status)
{
	sockjs_connection handle = connection->connection;

	connection->connection = SOCKJS_NOBODY;
	connection->is_waiting = false;
	connection->is_over = true;
	sockjs_admit(handle, status);
	if (connection->count > 0)
		return true;
	destroy(connection);
	return false;
}

bool
worker_connection_is_deadly(struct worker_connection *connection, const char *how)
{
	static const char reason[] = "The application ends at a message";
	const struct worker_event *event = STAILQ_FIRST(&connection->events);
	bool is_end = event->kind == WORKER_EVENT_CLOSE;
	sockjs_connection handle = connection->connection;

	worker_log(connection->service,
	    "event %s of connection %s %s %d times: %s, with %zu events that are not handled",
	    worker_event_name((enum worker_event_kind)event->kind), connection->id, how,
	    WORKER_DEATHS_MAX, is_end ? "it is dropped" : "the connection is closed with 4500",
	    connection->count);
	drop_all(connection);
	if (is_end) {
		destroy(connection);
		return false;
	}
	/* Its close event is the last. */
	if (connection->is_over || handle.handle == 0) {
		connection->is_over = false;
		worker_connection_over(connection);
	} else if (connection->is_waiting) {
		return worker_connection_refuse(connection, 503);
	} else {
		sockjs_close(handle, WORKER_CODE_DEADLY, reason);
	}
	return true;
}

void
worker_connections_leave(struct worker_service *service)
{
	struct worker_connection *connection;

	while ((connection = LIST_FIRST(&service->connections)) != NULL) {
		while (connection->count > 0)
			drop_first(connection);
		connection->record.is_stored = false;
		destroy(connection);
	}
}

void
worker_connection_set_state(struct worker_connection *connection, const char *state)
{
	free(connection->state);
	connection->state = state == NULL ? NULL : xstrdup(state);
	worker_journal_mark(journal_of(connection), &connection->record, true);
}
