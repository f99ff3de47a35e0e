/*
 * See session_restore.h. Called when the daemon starts, before it accepts, and when it ends.
 */
#include "sessiond/persistence/session_restore.h"

#include "common/log.h"
#include "common/uuid.h"
#include "sessiond/service/application.h"
#include "sessiond/session/sent_ids.h"
#include "sessiond/store/store.h"
#include "sockjs/transport.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

struct restore {
	struct sessions *sessions;
	struct sockjs_service *const *services;
	size_t service_count;
	struct session **list;
	uint64_t *
	    in_flight_last; /* of each in the list; only where its persistent.connection is not 0 */
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

/* For sessions_per_address. */
static void
count_address(struct session *session)
{
	const char *text = connection_info_remote_address(session->info);
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		session_count_address(session, (struct sockaddr *)&v4);
	else if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1)
		session_count_address(session, (struct sockaddr *)&v6);
	else
		session_count_address(session, NULL);
}

static void
read_close(struct session *session, const struct stored_session *stored)
{
	session->close_code = stored->close_code;
	if (stored->state == SESSION_DETACHED)
		return;
	session->close_reason = malloc(stored->close_reason_len + 1);
	if (session->close_reason == NULL)
		abort();
	if (stored->close_reason_len > 0)
		memcpy(session->close_reason, stored->close_reason, stored->close_reason_len);
	session->close_reason_len = (uint32_t)stored->close_reason_len;
}

static void
add(struct restore *restore, struct session *session, uint64_t in_flight_last)
{
	if (restore->count == restore->room) {
		restore->room = restore->room == 0 ? 64 : restore->room * 2;
		restore->list = realloc(restore->list, restore->room * sizeof *restore->list);
		restore->in_flight_last = realloc(
		    restore->in_flight_last, restore->room * sizeof *restore->in_flight_last);
		if (restore->list == NULL || restore->in_flight_last == NULL)
			abort();
	}
	restore->list[restore->count] = session;
	restore->in_flight_last[restore->count++] = in_flight_last;
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
		persistence_forget_key(restore->sessions, stored->key);
		restore->forgotten++;
		return;
	}
	session = session_create(service, stored->id, stored->id_len);
	strcpy(session->uuid, stored->uuid);
	session->state = (enum session_state)stored->state;
	session->transport = transport_get((enum transport_id)stored->transport);
	session->info = read_info(stored);
	read_close(session, stored);
	session->sent_ids = sent_ids_from_bytes(delivery->sent_ids, delivery->sent_ids_len);
	count_address(session);
	persistence_resume(session, stored->key);
	session->persistent->connection = delivery->in_flight_connection;
	session->persistent->index = delivery->in_flight_index;
	session->close_told = session->is_forgotten = session->state == SESSION_LINGERING;
	add(restore, session, delivery->in_flight_last);
	restore->session = session;
}

/* Positions follow each other; after a gap, which only a damaged store has, the session's earlier messages are lost. */
static void
on_message(void *context, uint64_t key, uint64_t position, const char *data, size_t len)
{
	struct restore *restore = context;
	struct session *session = restore->session;
	struct persistent *persistent;
	struct message *message;

	if (session == NULL || session->persistent->key != key)
		return;
	persistent = session->persistent;
	if (session->queue.count == 0)
		persistent->first = persistent->until = session->queue.first = position;
	if (position != persistent->until) {
		session_log(session, SEVERITY_ERROR, "a message is missing in the store");
		message_queue_clear(&session->queue);
		session->queue.first = position;
	}
	message = message_create(data, len, false);
	if (message == NULL || message_queue_push(&session->queue, message) == -1)
		abort();
	message_unref(&message);
	persistent->until = position + 1;
	restore->messages++;
}

static void
start(struct session *session, uint64_t in_flight_last)
{
	const struct persistent *persistent = session->persistent;
	struct sessions *sessions = session->service->sessions;

	timer_start(&session->service->timeouts, &session->timer, sessions_now(sessions));
	if (persistent->connection == 0)
		return;
	if (session->queue.count > 0 && session->queue.first <= in_flight_last &&
	    in_flight_last - session->queue.first < session->queue.count)
		in_flight_restore(session, (uint32_t)(in_flight_last - session->queue.first) + 1,
		    persistent->connection, persistent->index);
	else
		in_flight_restore(session, 0, persistent->connection, persistent->index);
}

static void
tell(struct session *session)
{
	if (session->state != SESSION_LINGERING)
		application_resume(session->service, session->handle);
}

int
sessions_restore(
    struct sessions *sessions, struct sockjs_service *const *services, size_t n, struct error *err)
{
	struct restore restore = {.sessions = sessions, .services = services, .service_count = n};
	struct store_loader loader = {on_session, on_message, &restore};
	struct store *store = sessions->persistence.store;
	size_t i;

	if (store == NULL)
		return 0;
	if (store_load(store, &loader) != STORE_OK)
		error_set(err, EX_IOERR, "store: %s", store_error(store));
	else
		for (i = 0; i < restore.count; i++)
			start(restore.list[i], restore.in_flight_last[i]);
	/* Only now: what an application writes comes after what was queued. */
	for (i = 0; err->code == 0 && i < restore.count; i++)
		tell(restore.list[i]);
	if (restore.count > 0)
		log_info("%zu sessions go on, with %zu messages", restore.count, restore.messages);
	if (restore.forgotten > 0)
		log_info(
		    "%zu stored sessions are deleted: their service is gone", restore.forgotten);
	free(restore.list);
	free(restore.in_flight_last);
	return err->code == 0 ? 0 : -1;
}
