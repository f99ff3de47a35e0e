/*
 * The set of all sessions (session.h): what they share, who may join, and the end of a set. What happens to one of them is session.c's.
 */
#include "sessiond/session/session.h"

#include <stdint.h>

enum { SCRATCH_KEEP = 1024 * 1024 }; /* bytes of the shared buffer that are kept between frames */

void
sessions_init(struct sessions *sessions, uint64_t (*clock)(void *context), void *context)
{
	*sessions =
	    (struct sessions){.clock = clock, .clock_context = context, .scratch = BUFFER_INIT};
	sessions->dirty_tail = &sessions->dirty;
	sessions->limit = SIZE_MAX;
	address_count_init(&sessions->addresses);
	timers_init(&sessions->timers);
	timer_queue_add(
	    &sessions->timers, &sessions->pongs, SESSION_PONG_DELAY, session_pong_fire, sessions);
	timer_queue_add(&sessions->timers, &sessions->returns, SESSION_RETURN_DELAY,
	    session_timeout_fire, sessions);
	timer_queue_add(
	    &sessions->timers, &sessions->graces, IN_FLIGHT_GRACE, in_flight_grace_fire, sessions);
	journal_init(&sessions->journal, &sessions->timers);
}

uint64_t
sessions_now(const struct sessions *sessions)
{
	return sessions->clock(sessions->clock_context);
}

void
sessions_clear(struct sessions *sessions)
{
	timer_queue_remove(&sessions->timers, &sessions->pongs);
	timer_queue_remove(&sessions->timers, &sessions->returns);
	timer_queue_remove(&sessions->timers, &sessions->graces);
	journal_clear(&sessions->journal, &sessions->timers);
	handle_table_clear(&sessions->handles);
	address_count_clear(&sessions->addresses);
	drain_clear(&sessions->drained);
	buffer_free(&sessions->scratch);
}

const char *
session_refusal(const struct sessions *sessions, const struct sockaddr *address, bool is_stored)
{
	is_stored = is_stored && sessions->journal.is_kept;
	if (sessions->closing && !is_stored)
		return "The server is stopping.\n";
	if (is_stored && sessions->journal.is_failing)
		return "Sessions cannot be stored.\n";
	if (sessions->count >= sessions->limit) {
		log_error("session_limit (%zu) reached: a session is refused", sessions->limit);
		return "Too many sessions.\n";
	}
	if (sessions->limit_per_address > 0 &&
	    address_count_get(&sessions->addresses, address) >= sessions->limit_per_address) {
		log_error("sessions_per_address (%u) reached: a session is refused",
		    sessions->limit_per_address);
		return "Too many sessions from your address.\n";
	}
	return NULL;
}

void
session_count_address(struct session *session, const struct sockaddr *address)
{
	struct sessions *sessions = session->service->sessions;

	if (sessions->limit_per_address > 0)
		session->address = address_count_add(&sessions->addresses, address);
}

void
sessions_trim_scratch(struct sessions *sessions)
{
	if (sessions->scratch.room > SCRATCH_KEEP || buffer_failed(&sessions->scratch))
		buffer_free(&sessions->scratch);
	else
		buffer_clear(&sessions->scratch);
}

struct session *
session_obtain(struct sockjs_service *service, const char *id, size_t id_len,
    const struct sockaddr *address, const char **refusal)
{
	struct session *session = session_find(service, id, id_len);

	if (session != NULL)
		return session;
	*refusal = session_refusal(service->sessions, address, true);
	if (*refusal != NULL)
		return NULL;
	session = session_create(service, id, id_len);
	session_count_address(session, address);
	return session;
}

void
sessions_each(struct sessions *sessions, void (*fn)(void *session, void *context), void *context)
{
	handle_table_each(&sessions->handles, fn, context);
}
