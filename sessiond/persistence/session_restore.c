/*
 * See session_restore.h. Sessions are made first, with their messages; then their timers start;
 * then the applications are told, so that what they write comes after what was queued.
 */
#include "sessiond/persistence/session_restore.h"

#include "common/log.h"
#include "common/memory.h"
#include "sessiond/session/uuid.h"
#include "sessiond/service/application.h"
#include "sessiond/session/delivery.h"
#include "sessiond/session/sent_ids.h"
#include "sessiond/session/session.h"
#include "sessiond/session/session_set.h"
#include "sessiond/session/store_share.h"
#include "sessiond/store/store.h"
#include "sockjs/net_address.h"
#include "sockjs/transport.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

struct restored {
	struct session *session;
	uint64_t in_flight_last; /* as stored; only if its journal entry has a link_id */
};

struct restore {
	struct sessions *sessions;
	const struct persistence *persistence;
	struct sockjs_service *const *services;
	size_t service_count;
	struct restored *items;
	size_t count, room;
	struct session *session; /* whose messages come now; NULL: of none that goes on */
	size_t messages, forgotten;
};

static struct sockjs_service *
find_service(const struct restore *restore, const char *name)
{
	size_t i;

	for (i = 0; i < restore->service_count; i++)
		if (strcmp(restore->services[i]->name, name) == 0)
			return restore->services[i];
	return NULL;
}

/* A file that somebody else wrote into must not crash us. */
static bool
is_sound(const struct stored_session *stored)
{
	return stored->key != 0 && stored->id_len > 0 && strlen(stored->uuid) < UUID_SIZE &&
	    stored->transport >= 0 && stored->transport < TRANSPORT_COUNT &&
	    (stored->state == SESSION_DETACHED || stored->state == SESSION_CLOSING_DETACHED ||
		stored->state == SESSION_LINGERING) &&
	    stored->close_reason_len <= SESSION_REASON_MAX;
}

static const char *
no_header(const void *context, const char *name)
{
	(void)context;
	(void)name;
	return NULL;
}

static struct connection_info *
read_info(const struct stored_session *stored)
{
	static const struct connection_source nowhere = {.path = "", .header = no_header};
	struct connection_info *info = connection_info_from_bytes(stored->info, stored->info_len);

	return info != NULL ? info : connection_info_create(&nowhere);
}

/* For sessions_per_address and store_address_limit. */
static void
count_address(struct session *session)
{
	const char *text = connection_info_remote_address(session->info);
	union net_address address;

	net_address_parse(&address, text, strlen(text));
	session_count_address(session, &address.any);
}

static void
read_close(struct session *session, const struct stored_session *stored)
{
	session->close_code = (uint16_t)stored->close_code;
	if (stored->state == SESSION_DETACHED)
		return;
	session->close_reason = xcalloc(1, stored->close_reason_len + 1);
	if (stored->close_reason_len > 0)
		memcpy(session->close_reason, stored->close_reason, stored->close_reason_len);
	session->close_reason_len = (uint8_t)stored->close_reason_len;
}

static void
add(struct restore *restore, struct session *session, uint64_t in_flight_last)
{
	restore->items =
	    xgrow(restore->items, &restore->room, restore->count, sizeof *restore->items);
	restore->items[restore->count++] = (struct restored){session, in_flight_last};
}

/* It had one that is random. */
static void
rename_to(struct session *session, const char *uuid)
{
	struct hash_table *by_uuid = &session->service->sessions->by_uuid;

	hash_table_remove(by_uuid, &session->by_uuid);
	strcpy(session->uuid, uuid);
	session->by_uuid.len = strlen(uuid);
	hash_table_add(by_uuid, &session->by_uuid);
}

static void
on_session(
    void *context, const struct stored_session *stored, const struct stored_delivery *delivery)
{
	struct restore *restore = context;
	struct sockjs_service *service = find_service(restore, stored->service);
	struct session *session;

	restore->session = NULL;
	if (service == NULL || !is_sound(stored) ||
	    session_find(service, stored->id, stored->id_len) != NULL) {
		journal_forget(&restore->sessions->journal, stored->key);
		restore->forgotten++;
		return;
	}
	session = session_create(service, stored->id, stored->id_len);
	rename_to(session, stored->uuid);
	session->state = (enum session_state)stored->state;
	session_set_transport(session, transport_get((enum transport_id)stored->transport));
	session->info = read_info(stored);
	read_close(session, stored);
	if (session->counted == NULL)
		session->sent_ids = sent_ids_from_bytes(delivery->sent_ids, delivery->sent_ids_len);
	else if (delivery->sent_ids_len == sizeof *session->counted)
		memcpy(session->counted, delivery->sent_ids, sizeof *session->counted);
	session->owes_open = delivery->owes_open;
	count_address(session);
	session->journal = journal_resume(&restore->sessions->journal, session, stored->key);
	session->journal->link_id = delivery->in_flight_link_id;
	session->journal->index = delivery->in_flight_index;
	session->close_told = session->is_forgotten = session->state == SESSION_LINGERING;
	add(restore, session, delivery->in_flight_last);
	restore->session = session;
}

/*
 * Positions follow each other. Only a damaged store has a gap: what the session had before it is
 * lost.
 */
static void
on_message(void *context, uint64_t key, uint64_t position, const char *data, size_t len)
{
	struct restore *restore = context;
	struct session *session = restore->session;
	struct journal_entry *entry;
	struct message *message;

	if (session == NULL || session->journal->key != key)
		return;
	entry = session->journal;
	if (session->queue.count == 0)
		entry->first = entry->until = session->queue.first = position;
	if (position != entry->until) {
		session_log(session, SEVERITY_ERROR, "a message is missing in the store");
		message_queue_clear(&session->queue);
		session->queue.first = position;
	}
	message = message_create(data, len, false);
	if (message == NULL || message_queue_push(&session->queue, message) == -1)
		abort();
	message_unref(&message);
	entry->until = position + 1;
	restore->messages++;
}

/* They came in the order of their keys. NULL: none of that key goes on. */
static struct session *
find_session(const struct restore *restore, uint64_t key)
{
	size_t low = 0, high = restore->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (restore->items[middle].session->journal->key < key)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == restore->count || restore->items[low].session->journal->key != key)
		return NULL;
	return restore->items[low].session;
}

static void
on_record(void *context, const struct stored_record *record)
{
	const struct restore *restore = context;
	const struct persistence *persistence = restore->persistence;
	struct session *session = find_session(restore, record->number);
	size_t i;

	for (i = 0; i < persistence->part_count; i++)
		persistence->parts[i]->read(persistence->parts[i]->owner, record, session);
}

static void
start(const struct restored *restored)
{
	struct session *session = restored->session;
	uint64_t last = restored->in_flight_last;
	const struct journal_entry *entry = session->journal;

	session_start_timeout(session);
	store_share_note(session);
	if (entry->link_id == 0)
		return;
	if (session->queue.count > 0 && session->queue.first <= last &&
	    last - session->queue.first < session->queue.count)
		delivery_restore(session, (uint32_t)(last - session->queue.first) + 1,
		    entry->link_id, entry->index);
	else
		delivery_restore(session, 0, entry->link_id, entry->index);
}

static void
tell(struct session *session)
{
	if (session->state != SESSION_LINGERING)
		application_resume(session->service, session->handle);
}

int
sessions_restore(struct persistence *persistence, struct sockjs_service *const *services, size_t n,
    struct error *err)
{
	struct restore restore = {.sessions = persistence->sessions,
	    .persistence = persistence,
	    .services = services,
	    .service_count = n};
	struct store_loader loader = {on_session, on_message, on_record, &restore};
	struct store *store = persistence->store;
	size_t i;

	if (store == NULL)
		return 0;
	if (store_load(store, &loader) != STORE_OK)
		error_set(err, EX_IOERR, "store: %s", store_error(store));
	else
		for (i = 0; i < restore.count; i++)
			start(&restore.items[i]);
	/* Only now: what an application writes comes after what was queued. */
	for (i = 0; err->code == 0 && i < restore.count; i++)
		tell(restore.items[i].session);
	if (restore.count > 0)
		log_info("%zu sessions go on, with %zu messages", restore.count, restore.messages);
	if (restore.forgotten > 0)
		log_info(
		    "%zu stored sessions are deleted: their service is gone", restore.forgotten);
	free(restore.items);
	return err->code == 0 ? 0 : -1;
}
