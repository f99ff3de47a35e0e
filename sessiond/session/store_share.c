/*
 * See store_share.h. What an address takes is the sum of what its sessions' journal entries say;
 * session.c subtracts what a session took when it ends.
 */
#include "sessiond/session/store_share.h"

#include "sessiond/session/session.h"
#include "sessiond/session/session_set.h"

#include <inttypes.h>

enum { SENT_IDS_COST = 384 }; /* bytes of a row with SENT_IDS_KEPT ids */

/* Rows of sessions leave a part of their pages unused: a quarter of what they take. */
static uint64_t
count_row(const struct session *session)
{
	size_t len = 0;

	if (session->info != NULL)
		connection_info_bytes(session->info, &len);
	len += session->by_id.len + session->close_reason_len;
	return len + len / 4 + MESSAGE_COST;
}

/* What its client has not read. */
static uint64_t
count_messages(const struct session *session)
{
	uint64_t bytes = session->queue.bytes + session->queue.paged;

	if (session->in_flight != NULL && session->journal->link_id != 0)
		bytes += session->in_flight->bytes;
	return bytes;
}

static void
set_messages(struct session *session, uint64_t bytes)
{
	struct journal_entry *entry = session->journal;

	bytes += entry->row;
	if (session->sent_ids != NULL)
		bytes += SENT_IDS_COST;
	if (session->address != NULL)
		session->address->stored += bytes - entry->taken;
	entry->taken = bytes;
}

void
store_share_note(struct session *session)
{
	struct journal_entry *entry = session->journal;

	if (entry == NULL)
		return;
	if (entry->row == 0 || (entry->changes & CHANGE_SESSION) != 0)
		entry->row = count_row(session);
	set_messages(session, count_messages(session));
}

static bool
is_address_over(const struct session *session)
{
	const struct address_entry *address = session->address;

	return address != NULL && address->is_known &&
	    address->stored > session->service->sessions->store_address_limit;
}

void
store_share_limit(struct sessions *sessions, uint64_t store, uint64_t session, uint64_t address)
{
	sessions->store_session_limit = session > 0 ? session : store / 32;
	sessions->store_address_limit = address > 0 ? address : store / 8;
}

static uint64_t
share_of(const struct session *session)
{
	const struct sessions *sessions = session->service->sessions;
	uint64_t even_part, share = sessions->store_session_limit;

	if (!is_address_over(session))
		return share;
	even_part = sessions->store_address_limit / session->address->sessions;
	return even_part < share ? even_part : share;
}

static void
log_refusal(const struct session *session, const char *consequence)
{
	static struct log_limit of_address, of_session;
	struct sessions *sessions = session->service->sessions;
	const char *address = connection_info_remote_address(session->info);
	bool is_address = is_address_over(session);

	sessions->limits.reached[is_address ? LIMIT_STORE_ADDRESS : LIMIT_STORE_SESSION]++;
	if (is_address)
		session_log_limited(&of_address, session, SEVERITY_ERROR,
		    "store_address_limit reached by an address",
		    "store_address_limit (%" PRIu64 " bytes) reached by %s: %s",
		    sessions->store_address_limit, address, consequence);
	else
		session_log_limited(&of_session, session, SEVERITY_ERROR,
		    "store_session_limit reached by a session",
		    "store_session_limit (%" PRIu64 " bytes) reached by a session of %s: %s",
		    sessions->store_session_limit, address, consequence);
}

/* True if nothing of it is in the store, since its client takes what is written at once. */
static bool
is_reading(const struct session *session)
{
	const struct journal_entry *entry = session->journal;

	return session->receiver != NULL && session->in_flight == NULL &&
	    entry->first == entry->until;
}

bool
store_share_refuses(const struct session *session)
{
	if (session->journal == NULL || is_reading(session) ||
	    count_messages(session) <= share_of(session))
		return false;
	log_refusal(session, "sends get 503");
	return true;
}

bool
store_share_takes(struct session *session, size_t len)
{
	uint64_t bytes;

	if (session->journal == NULL || is_reading(session))
		return true;
	bytes = count_messages(session) + len + message_paged(len) + MESSAGE_COST;
	if (bytes / 2 > share_of(session)) {
		log_refusal(session, "it is closed");
		return false;
	}
	set_messages(session, bytes);
	return true;
}
