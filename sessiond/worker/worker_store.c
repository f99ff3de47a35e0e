/*
 * See worker_store.h. The bytes of the records:
 *
 *	STORE_WORKER        the service's name, NUL, its uuid, NUL, flags (a letter each: k its
 *	                    begin is handled, e its events are stored), NUL, what is known of its
 *	                    client (members of a JSON object), NUL, its state (JSON), NUL
 *	STORE_WORKER_EVENT  a letter for its kind (worker_event_kind), b if it is binary or t, the
 *	                    message
 */
#include "sessiond/worker/worker_store.h"

#include "common/buffer.h"
#include "common/log.h"
#include "common/memory.h"
#include "sessiond/service/service.h"
#include "sessiond/store/store.h"
#include "sessiond/worker/worker_connection.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char kinds[] = {
    [WORKER_EVENT_CONNECT] = 'a',
    [WORKER_EVENT_CONNECTION] = 'n',
    [WORKER_EVENT_DATA] = 'd',
    [WORKER_EVENT_CLOSE] = 'c',
};

static struct worker_journal *
journal_of(const void *owner)
{
	return &((const struct worker_store *)owner)->all->journal;
}

/* --- writing ---------------------------------------------------------------------------------- */

static enum store_result
put(struct store *store, enum store_kind kind, uint64_t number, uint64_t part, struct buffer *data)
{
	struct stored_record record = {kind, number, part, data->data, data->len};
	enum store_result result =
	    buffer_failed(data) ? STORE_FAILED : store_put_record(store, &record);

	buffer_free(data);
	return result;
}

static void
append_text(struct buffer *data, const char *text)
{
	buffer_append(data, text, strlen(text) + 1);
}

static enum store_result
put_connection(struct store *store, const struct worker_connection *connection)
{
	struct buffer data = BUFFER_INIT;

	append_text(&data, connection->service->service->name);
	append_text(&data, connection->id);
	if (connection->is_known)
		buffer_append_char(&data, 'k');
	if (connection->record.keeps_events)
		buffer_append_char(&data, 'e');
	buffer_append_char(&data, '\0');
	append_text(&data, connection->info);
	append_text(&data, connection->state == NULL ? "" : connection->state);
	return put(store, STORE_WORKER, connection->record.number, 0, &data);
}

static enum store_result
put_event(struct store *store, uint64_t number, uint64_t part, const struct worker_event *event)
{
	struct buffer data = BUFFER_INIT;

	buffer_append_char(&data, kinds[event->kind]);
	buffer_append_char(&data, event->is_binary ? 'b' : 't');
	buffer_append(&data, event->data, event->len);
	return put(store, STORE_WORKER_EVENT, number, part, &data);
}

static enum store_result
put_events(struct store *store, const struct worker_connection *connection)
{
	const struct worker_record *record = &connection->record;
	enum store_result result = STORE_OK;
	const struct worker_event *event = STAILQ_FIRST(&connection->events);
	uint64_t part = connection->first;

	if (record->stored_first < record->stored_end && record->stored_first < part)
		result = store_delete_records(
		    store, STORE_WORKER_EVENT, record->number, record->stored_first, part - 1);
	if (record->stored_end > part) {
		event = STAILQ_NEXT(record->stored_last, next);
		part = record->stored_end;
	}
	for (; result == STORE_OK && event != NULL; event = STAILQ_NEXT(event, next))
		result = put_event(store, record->number, part++, event);
	return result;
}

static enum store_result
delete_connection(struct store *store, uint64_t number)
{
	enum store_result result =
	    store_delete_records(store, STORE_WORKER_EVENT, number, 0, STORE_NUMBER_MAX);

	return result == STORE_OK ? store_delete_records(store, STORE_WORKER, number, 0, 0)
				  : result;
}

/* What is deleted makes room for what is put: it goes first. */
static enum store_result
write_changes(void *owner, struct store *store)
{
	const struct worker_journal *journal = journal_of(owner);
	const struct worker_record *record;
	enum store_result result = STORE_OK;
	size_t i;

	for (i = 0; result == STORE_OK && i < journal->ended.count; i++)
		result = delete_connection(store, journal->ended.numbers[i]);
	LIST_FOREACH(record, &journal->changed, entry) {
		const struct worker_connection *connection =
		    container_of(record, const struct worker_connection, record);

		if (result == STORE_OK && record->is_changed)
			result = put_connection(store, connection);
		if (result == STORE_OK && record->keeps_events)
			result = put_events(store, connection);
	}
	return result;
}

static bool
is_changed(const void *owner)
{
	return !worker_journal_is_empty(journal_of(owner));
}

static void
settle_connection(struct worker_connection *connection)
{
	struct worker_record *record = &connection->record;

	record->is_stored = true;
	record->is_changed = record->is_marked = false;
	if (!record->keeps_events)
		return;
	record->stored_first = connection->first;
	record->stored_end = connection->first + connection->count;
	record->stored_last = connection->last;
}

static void
settle(void *owner)
{
	struct worker_journal *journal = journal_of(owner);
	struct worker_record *record;

	while ((record = LIST_FIRST(&journal->changed)) != NULL) {
		LIST_REMOVE(record, entry);
		settle_connection(container_of(record, struct worker_connection, record));
	}
	journal->ended.count = 0;
}

/* The store was begun anew. */
static void
forget(void *owner)
{
	const struct worker_store *store = owner;
	struct worker_connection *connection;
	struct worker_service *service;

	store->all->journal.ended.count = 0;
	LIST_FOREACH(service, &store->all->services, entry)
		LIST_FOREACH(connection, &service->connections, entry) {
			connection->record.is_stored = false;
			connection->record.stored_first = connection->record.stored_end = 0;
			worker_journal_mark(&store->all->journal, &connection->record, true);
		}
}

/* --- reading ---------------------------------------------------------------------------------- */

static struct worker_service *
find_service(const struct workers *all, const char *name)
{
	struct worker_service *service;

	LIST_FOREACH(service, &all->services, entry)
		if (strcmp(service->service->name, name) == 0)
			return service;
	return NULL;
}

/* A file that somebody else wrote into must not crash us. */
static bool
split(const struct stored_record *record, const char *fields[5])
{
	const char *at = record->data, *end = record->data + record->len;
	size_t i;

	for (i = 0; i < 5; i++) {
		const char *nul = at < end ? memchr(at, '\0', (size_t)(end - at)) : NULL;

		if (nul == NULL)
			return false;
		fields[i] = at;
		at = nul + 1;
	}
	return true;
}

const char *
worker_store_uuid(const struct stored_record *record, size_t *len)
{
	const char *fields[5];

	if (record->len == 0 || !split(record, fields))
		return NULL;
	*len = strlen(fields[1]);
	return fields[1];
}

static struct worker_connection *
parse_connection(const struct worker_store *store, const struct stored_record *record)
{
	struct worker_connection *connection;
	struct worker_service *service;
	const char *fields[5];

	if (record->len == 0 || !split(record, fields) ||
	    strlen(fields[1]) >= sizeof connection->id)
		return NULL;
	service = find_service(store->all, fields[0]);
	if (service == NULL ||
	    worker_connection_find(service, fields[1], strlen(fields[1])) != NULL)
		return NULL;
	connection = worker_connection_restore(service, fields[1], record->number,
	    xstrdup(fields[3]), fields[4][0] == '\0' ? NULL : xstrdup(fields[4]));
	connection->is_known = strchr(fields[2], 'k') != NULL;
	connection->record.keeps_events = strchr(fields[2], 'e') != NULL;
	return connection;
}

static void
read_connection(struct worker_store *store, const struct stored_record *record)
{
	struct worker_connection *connection = parse_connection(store, record);

	if (record->number > store->all->journal.last_number)
		store->all->journal.last_number = record->number;
	if (connection == NULL) {
		worker_journal_forget(&store->all->journal, record->number);
		store->forgotten++;
		return;
	}
	store->items = xgrow(store->items, &store->room, store->count, sizeof *store->items);
	store->items[store->count++] = connection;
}

/* Numbers come in order. */
static struct worker_connection *
find_connection(const struct worker_store *store, uint64_t number)
{
	size_t low = 0, high = store->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (store->items[middle]->record.number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < store->count && store->items[low]->record.number == number ? store->items[low]
										: NULL;
}

static bool
parse_kind(char letter, enum worker_event_kind *kind)
{
	const char *found = letter == '\0' ? NULL : memchr(kinds, letter, sizeof kinds);

	if (found == NULL)
		return false;
	*kind = (enum worker_event_kind)(found - kinds);
	return true;
}

static void
read_event(struct worker_store *store, const struct stored_record *record)
{
	struct worker_connection *connection = find_connection(store, record->number);
	enum worker_event_kind kind;

	if (connection == NULL || record->len < 2 || record->part == 0 ||
	    !parse_kind(record->data[0], &kind))
		return;
	/* They follow each other without a gap; else somebody else wrote the file. */
	if (connection->count == 0)
		connection->first = record->part;
	else if (record->part != connection->first + connection->count)
		return;
	worker_connection_push(
	    connection, kind, record->data + 2, record->len - 2, record->data[1] == 'b');
}

static void
read_record(void *owner, const struct stored_record *record, struct session *session)
{
	(void)session;
	if (record->kind == STORE_WORKER)
		read_connection(owner, record);
	else if (record->kind == STORE_WORKER_EVENT)
		read_event(owner, record);
}

void
worker_store_init(struct worker_store *store, struct workers *all)
{
	*store = (struct worker_store){
	    .all = all, .part = {store, is_changed, write_changes, settle, forget, read_record}};
	all->is_kept = true;
}

/* Larger than the number of any event that a connection had before. */
static uint64_t
unused_number(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* It is known to the store as it is now. That of events which were handled is not stored. */
static void
begin_again(struct worker_connection *connection)
{
	const struct worker_carrier *carrier = connection->service->carrier;

	if (connection->count == 0)
		connection->first = unused_number();
	if (connection->record.is_marked)
		LIST_REMOVE(&connection->record, entry);
	settle_connection(connection);
	if (connection->is_known && carrier->restored != NULL)
		carrier->restored(connection);
	if (connection->connection.handle == 0)
		worker_connection_over(connection);
}

void
worker_store_end_restore(struct worker_store *store)
{
	size_t i;

	for (i = 0; i < store->count; i++)
		begin_again(store->items[i]);
	if (store->forgotten > 0)
		log_error("%zu connections have ended with the last daemon and no application is "
			  "told: their services are gone",
		    store->forgotten);
	free(store->items);
	store->items = NULL;
	store->count = store->room = 0;
}
