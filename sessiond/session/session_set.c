/*
 * See session_set.h.
 */
#include "sessiond/session/session_set.h"

#include "common/log_limit.h"
#include "sockjs/net_address.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum { SCRATCH_KEEP = 1024 * 1024 }; /* bytes of the shared buffer that are kept between frames */

void
sessions_init(struct sessions *sessions, uint64_t (*clock)(void *context), void *context,
    const struct session_fires *fires)
{
	struct timers *timers = &sessions->timers;

	*sessions = (struct sessions){.clock = clock,
	    .clock_context = context,
	    .limit = SIZE_MAX,
	    .store_session_limit = UINT64_MAX,
	    .store_address_limit = UINT64_MAX,
	    .scratch = BUFFER_INIT};
	hash_table_init(&sessions->by_uuid);
	STAILQ_INIT(&sessions->dirty);
	STAILQ_INIT(&sessions->decided);
	STAILQ_INIT(&sessions->held);
	STAILQ_INIT(&sessions->dead);
	address_count_init(&sessions->addresses);
	timers_init(timers);
	timer_queue_add(timers, &sessions->pongs, SESSION_PONG_DELAY, fires->pong, sessions);
	timer_queue_add(timers, &sessions->returns, SESSION_RETURN_DELAY, fires->timeout, sessions);
	timer_queue_add(timers, &sessions->graces, SESSION_GRACE_DELAY, fires->grace, sessions);
	journal_init(&sessions->journal, timers);
	limits_init(&sessions->limits, timers);
}

void
sessions_clear(struct sessions *sessions)
{
	timer_queue_remove(&sessions->timers, &sessions->pongs);
	timer_queue_remove(&sessions->timers, &sessions->returns);
	timer_queue_remove(&sessions->timers, &sessions->graces);
	journal_clear(&sessions->journal, &sessions->timers);
	limits_clear(&sessions->limits);
	handle_table_clear(&sessions->handles);
	hash_table_clear(&sessions->by_uuid);
	address_count_clear(&sessions->addresses);
	free(sessions->drained.handles);
	buffer_free(&sessions->scratch);
}

uint64_t
sessions_now(const struct sessions *sessions)
{
	return sessions->clock(sessions->clock_context);
}

static bool
is_address_over_share(struct sessions *sessions, const struct sockaddr *address)
{
	static struct log_limit limit;
	const struct address_entry *entry = address_count_find(&sessions->addresses, address);
	char text[INET6_ADDRSTRLEN];

	if (entry == NULL || !entry->is_known || entry->stored <= sessions->store_address_limit)
		return false;
	net_address_text(address, text);
	sessions->limits.reached[LIMIT_STORE_ADDRESS]++;
	log_limited(&limit, SEVERITY_ERROR,
	    "store_address_limit (%" PRIu64 " bytes) reached by %s: a session is refused",
	    sessions->store_address_limit, text);
	return true;
}

const char *
sessions_refusal(struct sessions *sessions, const struct sockaddr *address, bool is_stored)
{
	static struct log_limit all, of_address;
	char text[INET6_ADDRSTRLEN];

	is_stored = is_stored && sessions->journal.is_kept;
	if (sessions->closing && !is_stored)
		return "The server is stopping.\n";
	if (is_stored && sessions->journal.is_failing)
		return "Sessions cannot be stored.\n";
	if (limits_refuse_for_memory(&sessions->limits))
		return "The server has no memory left.\n";
	if (sessions->count >= sessions->limit) {
		sessions->limits.reached[LIMIT_SESSION]++;
		log_limited(&all, SEVERITY_ERROR,
		    "session_limit (%zu) reached: a session is refused", sessions->limit);
		return "Too many sessions.\n";
	}
	if (sessions->limit_per_address > 0 &&
	    address_count_get(&sessions->addresses, address) >= sessions->limit_per_address) {
		sessions->limits.reached[LIMIT_SESSIONS_PER_ADDRESS]++;
		log_limited(&of_address, SEVERITY_ERROR,
		    "sessions_per_address (%u) reached by %s: a session is refused",
		    sessions->limit_per_address, net_address_text(address, text));
		return "Too many sessions from your address.\n";
	}
	if (is_stored && is_address_over_share(sessions, address))
		return "Too much is stored for your address.\n";
	return NULL;
}

void
sessions_write(struct sessions *sessions)
{
	if (sessions->write != NULL)
		sessions->write(sessions->writer);
}

void
sessions_trim_scratch(struct sessions *sessions)
{
	if (sessions->scratch.room > SCRATCH_KEEP)
		buffer_free(&sessions->scratch);
	else
		buffer_clear(&sessions->scratch);
}

struct hash_entry *
sessions_find(const struct sessions *sessions, const char *uuid)
{
	return hash_table_find(&sessions->by_uuid, uuid, strlen(uuid));
}

void
sessions_each(struct sessions *sessions, void (*fn)(void *session, void *context), void *context)
{
	handle_table_each(&sessions->handles, fn, context);
}

bool
sessions_some(struct sessions *sessions, uint32_t *place, uint32_t n,
    void (*fn)(void *session, void *context), void *context)
{
	return handle_table_some(&sessions->handles, place, n, fn, context);
}
