/*
 * The daemon of fuzz_session.c around its sessions: turns and their commits, and one daemon after
 * the other. As server.c and peer_messages.c have it.
 */
#include "tests/fuzz/session_world.h"

#include "sessiond/api/api_group.h"
#include "sessiond/persistence/session_restore.h"
#include "sessiond/session/delivery.h"
#include "sessiond/session/turn.h"
#include "tests/unit/store/store_memory.h"

#include <string.h>

enum { ROUNDS = 1000 }; /* of a turn; after so many something goes round for ever */

struct send sends[SENDS];
bool has_sends;

struct session *
session_of(const struct conn *conn)
{
	struct session *session =
	    conn->handle == 0 ? NULL : handle_table_find(&world.sessions.handles, conn->handle);

	return session != NULL && strcmp(session->uuid, conn->uuid) == 0 ? session : NULL;
}

/* --- turns ------------------------------------------------------------------------------------ */

static bool
is_flight_stored(const struct conn *conn, const void *flight)
{
	const struct fake *fake = flight;

	(void)conn;
	return flight == &awaiting || (fake_is_remote(fake) && fake->must_store);
}

static void
note_commit(void)
{
	unsigned i;

	for (i = 0; i < conn_count; i++)
		model_commit(&conns[i], world.store != NULL && session_of(&conns[i]) != NULL,
		    is_flight_stored);
	for (i = 0; i < SENDS; i++)
		sends[i].is_committed = sends[i].is_committed || sends[i].is_delivered;
}

enum commit_result
commit(void)
{
	enum commit_result result;
	unsigned i;

	for (i = 0; i < conn_count; i++) {
		const struct session *session = session_of(&conns[i]);

		if (session != NULL && session->in_flight == NULL)
			model_return(&conns[i], &awaiting);
	}
	for (i = 0; has_sends && i < RECEIVERS; i++)
		if (fakes[i].flight != NULL && fakes[i].flight_turn == world.turn)
			fakes[i].must_store = true;
	result = persistence_commit(&world.persistence);
	if (result == COMMIT_DONE)
		note_commit();
	world.turn++;
	has_sends = false;
	world.has_returned = world.has_returned && result != COMMIT_DONE;
	return result;
}

/* What waited for the commit leaves: of each client's requests the earlier first. */
static void
leave(void)
{
	struct fake *fake;
	unsigned i, serial;

	for (serial = 0; (fake = fake_after(&serial)) != NULL;) {
		if (fake->flight != NULL) {
			fake->has_left = true;
		} else {
			model_arrive(fake->conn, fake->out.data, fake->out.len);
			buffer_clear(&fake->out);
			fake->link_id = 0;
		}
		if (fake_is_done(fake))
			fake_destroy(fake);
	}
	for (i = 0; i < SENDS; i++)
		if (!sends[i].is_lost)
			sends[i] = (struct send){.conn = NULL};
	responder.left = responder.frames;
	responder.is_unanswered = false;
}

void
end_turn(void)
{
	unsigned rounds = 0;

	do {
		while (turn_flush(&world.sessions))
			REQUIRE(++rounds < ROUNDS);
		commit();
		leave();
	} while (turn_flush(&world.sessions));
}

/* --- one daemon after the other --------------------------------------------------------------- */

static uint64_t
clock_now(void *context)
{
	return *(const uint64_t *)context;
}

static void
prepare_service(void)
{
	static char url[] = "http://localhost/sockjs.js";
	struct error err = ERROR_INIT;
	unsigned i;

	world.service = service_create("/echo", &err);
	REQUIRE(world.service != NULL);
	world.service->module_name = strdup("fuzz");
	world.service->application = world.application;
	world.service->started = true;
	world.service->protocol.options = (struct service_options){
	    .sockjs_url = url,
	    .heartbeat_delay = HEARTBEAT_DELAY,
	    .disconnect_delay = DISCONNECT_DELAY,
	    .queue_limit = QUEUE_LIMIT,
	    .drain_mark = DRAIN_MARK,
	    .headers_limit = 65536,
	    .log_level = world.is_traced ? SEVERITY_DEBUG : SEVERITY_ERROR,
	};
	service_prepare(world.service, &world.sessions.timers, session_heartbeat_fire,
	    session_timeout_fire, &world.sessions);
	for (i = 0; i < GROUPS; i++)
		world.groups[i] = sockjs_group_create(world.service);
}

/* Who was stored goes on, and nobody else. */
static void
restore(void)
{
	struct error err = ERROR_INIT;
	unsigned i;

	for (i = 0; i < conn_count; i++)
		conns[i].detached_since = world.now;
	REQUIRE(sessions_restore(&world.persistence, &world.service, 1, &err) == 0);
	for (i = 0; i < conn_count; i++) {
		REQUIRE(conns[i].is_known == conns[i].is_expected);
		conns[i].is_expected = false;
	}
}

void
begin_daemon(void)
{
	static const struct session_fires fires = {
	    session_pong_fire, session_timeout_fire, delivery_grace_fire};

	sessions_init(&world.sessions, clock_now, &world.now, &fires);
	persistence_init(&world.persistence, &world.sessions);
	if (world.store != NULL)
		persistence_use(&world.persistence, world.store);
	api_bind(&world.sessions);
	prepare_service();
	restore();
}

void
end_daemon(void)
{
	while (turn_flush(&world.sessions))
		continue;
	REQUIRE(world.sessions.count == 0 && world.service->table.count == 0);
	api_group_destroy_all(world.service);
	api_bind(NULL);
	service_destroy(&world.service);
	if (world.store != NULL)
		world.store = store_memory_reopen(&world.persistence.store);
	persistence_clear(&world.persistence);
	sessions_clear(&world.sessions);
}

static void
leave_one(void *session, void *context)
{
	(void)context;
	session_leave(session);
}

/*
 * A frame that the responder has taken, and that the next daemon may ask about: also one that this
 * daemon has forgotten since its last commit, with a session that it closed.
 */
static bool
is_taken(const struct fake *fake)
{
	return fake_is_remote(fake) && (fake->flight != NULL || fake->has_left) &&
	    fake->link_id != 0 && fake->link_id == responder.told_id &&
	    fake->index <= responder.told;
}

void
lose_daemon(void)
{
	unsigned i;

	if (!responder.is_unanswered) {
		responder.told_id = responder.id;
		responder.told =
		    responder.arrived + choose((unsigned)(responder.left - responder.arrived) + 1);
	}
	for (i = 0; i < RECEIVERS; i++) {
		struct fake *fake = &fakes[i];

		if (!is_taken(fake))
			continue;
		responder.must_return = true;
		model_arrive(fake->conn, fake->out.data, fake->out.len);
		buffer_clear(&fake->out);
	}
	for (i = 0; i < SENDS; i++)
		sends[i].is_lost = sends[i].conn != NULL;
	responder.is_broken = true;
}

void
replace_daemon(bool doubts)
{
	unsigned i;

	if (!responder.is_broken)
		lose_daemon();
	responder.must_return = true;
	world.is_dying = true;
	sessions_each(&world.sessions, leave_one, NULL);
	end_daemon();
	world.is_dying = false;
	for (i = 0; i < RECEIVERS; i++)
		if (fakes[i].conn != NULL)
			fake_destroy(&fakes[i]);
	for (i = 0; i < conn_count; i++)
		model_crash(&conns[i], doubts);
	for (i = 0; i < SENDS; i++) {
		sends[i].is_delivered = sends[i].is_committed;
		if (doubts)
			sends[i] = (struct send){.conn = NULL};
	}
	has_sends = false;
	begin_daemon();
}
