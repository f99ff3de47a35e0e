/*
 * Fuzz target: sessions, what is stored of them and the calls of applications, driven by random
 * events beside a model (session_model.h). Each byte of the input is a decision: what happens next,
 * to whom, and what the application does in its callbacks.
 *
 * Around the sessions is a world. Clients ask by poll and by stream, at the daemon itself or
 * through one responder, and open websockets. Connections break, are congested, are turned away;
 * frames on their way arrive, come back, or wait for a responder that comes back. The store fails.
 * The daemon stops, or dies at any moment, and the next one goes on with what was committed.
 *
 * When the input ends, all goes well again: what is owed has to arrive, each connection is closed
 * once, and nothing is left. With SOCKJS_FUZZ_TRACE in the environment, stderr has what happens.
 * Built with -fsanitize=fuzzer, or with replay.c for the corpus.
 */
#include "tests/fuzz/session_world.h"

#include "sessiond/session/admission.h"
#include "sessiond/session/delivery.h"
#include "sessiond/session/sent_ids.h"
#include "sessiond/session/turn.h"
#include "tests/unit/store/store_memory.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	CLIENTS = 4,
	ROUNDS = 1000, /* after so many something goes round for ever */
};

struct world world;
struct responder responder;

static const uint8_t *input;
static size_t input_len;

static uint64_t last_sequence;

unsigned
choose(unsigned n)
{
	if (input_len == 0 || n == 0)
		return 0;
	input_len--;
	return *input++ % n;
}

/* --- what happens: requests ------------------------------------------------------------------- */

static const char *
no_header(const void *context, const char *name)
{
	(void)context;
	(void)name;
	return NULL;
}

static void
arrive(enum kind kind, unsigned client)
{
	static const struct connection_source source = {
	    .path = "/echo/000/s/xhr", .query = "", .prefix_len = 5, .header = no_header};
	const char id[] = {(char)('a' + client)};
	struct admission_refusal refusal;
	struct session *session =
	    kind == WEBSOCKET ? NULL : session_find(world.service, id, sizeof id);
	struct fake *fake;

	if (session == NULL && conn_count == CONNS_MAX)
		return;
	if ((kind == REMOTE_POLL || kind == REMOTE_STREAM) && responder.is_broken)
		return;
	fake = fake_create(kind);
	if (fake == NULL)
		return;
	session = kind == WEBSOCKET
	    ? admission_open_websocket(world.service, fake->receiver.transport, &source, &refusal)
	    : admission_obtain(
		  world.service, id, sizeof id, fake->receiver.transport, &source, &refusal);
	/* Nobody else is turned away: or little of this would happen at all. */
	REQUIRE(session != NULL || world.is_refused || world.sessions.journal.is_failing);
	world.is_refused = false;
	if (session == NULL)
		return;
	fake->conn = model_conn(session->uuid);
	fake->conn->is_listed = kind != WEBSOCKET;
	session_arrive(session, &fake->receiver, &source);
	turn_flush_session(session);
}

static void
break_receiver(struct fake *fake)
{
	if (fake->receiver.session == NULL)
		return;
	fake->conn->is_broken = true;
	session_receiver_broke(&fake->receiver);
}

/* It is at its client; a responder has taken it, then. */
static void
note_arrival(struct fake *fake)
{
	model_arrive(fake->conn, fake->out.data, fake->out.len);
	buffer_clear(&fake->out);
	if (fake_is_remote(fake) && responder.arrived < fake->index)
		responder.arrived = fake->index;
}

static void
confirm(struct fake *fake)
{
	note_arrival(fake);
	delivery_confirm(&fake->flight);
}

static void
put_back(struct fake *fake)
{
	if (fake_is_remote(fake) && fake->has_left)
		world.has_returned = true;
	buffer_clear(&fake->out);
	model_return(fake->conn, fake);
	delivery_put_back(&fake->flight);
}

/* That it was written is told later. */
static void
show(struct fake *fake)
{
	note_arrival(fake);
	fake->has_arrived = true;
}

static void
tell_fate(struct fake *fake, unsigned what)
{
	if (fake->flight == NULL)
		return;
	if (what == 0 && fake->has_left)
		confirm(fake);
	else if (what == 1 && !fake->has_arrived)
		put_back(fake);
	else if (what == 2 && fake->has_left && !fake->has_arrived && fake_is_remote(fake))
		show(fake);
}

static void
relieve(struct fake *fake)
{
	fake->is_congested = false;
	fake->backlog = 0;
	session_receiver_drained(&fake->receiver);
}

static void
turn_away(struct fake *fake)
{
	if (fake->receiver.session == NULL || fake->kind == WEBSOCKET)
		return;
	if (choose(2) == 0)
		session_turn_away(fake->receiver.session);
	else
		session_release_receiver(fake->receiver.session);
}

static void
answer_ping(struct fake *fake)
{
	if (!fake->pinged || world.now - fake->pinged_at >= SESSION_PONG_DELAY)
		return;
	fake->pinged = false;
	session_receiver_alive(&fake->receiver);
}

static void
handle_receiver(struct fake *fake, unsigned what)
{
	if (fake == NULL)
		return;
	if (what < 3)
		tell_fate(fake, what);
	else if (what == 3)
		break_receiver(fake);
	else if (what == 4)
		relieve(fake);
	else if (what == 5 && !fake_takes_all(fake))
		fake->is_congested = true, fake->backlog = choose(200) * 8;
	else if (what == 6)
		turn_away(fake);
	else
		answer_ping(fake);
}

/* --- what happens: sends ---------------------------------------------------------------------- */

/* As the daemon takes a send from a responder; never twice. */
static void
deliver(struct send *send)
{
	struct session *session = session_of(send->conn);

	send->is_lost = false;
	if (session == NULL || world.sessions.journal.is_failing)
		return;
	if (sent_ids_has(session->sent_ids, 1, send->sequence)) {
		REQUIRE(send->is_delivered);
		return;
	}
	REQUIRE(!send->is_delivered);
	sent_ids_add(&session->sent_ids, 1, send->sequence);
	journal_mark_send(&world.sessions.journal, session->journal);
	has_sends = send->is_delivered = true;
	session_receive(session, "hi", 2, false);
}

static void
send_to(struct conn *conn)
{
	const struct session *session = session_of(conn);
	unsigned i;

	if (session == NULL || responder.is_broken || session->journal == NULL)
		return;
	for (i = 0; i < SENDS && sends[i].conn != NULL; i++)
		continue;
	if (i == SENDS)
		return;
	sends[i] = (struct send){.conn = conn, .sequence = ++last_sequence};
	deliver(&sends[i]);
}

static void
message_to(struct conn *conn)
{
	struct session *session = session_of(conn);

	if (session != NULL && session->journal == NULL)
		session_receive(session, "hi", 2, false);
	else
		send_to(conn);
}

/* --- what happens: the responder, the store, the daemon --------------------------------------- */

static void
break_link(void)
{
	unsigned i;

	if (responder.is_broken)
		return;
	lose_daemon();
	for (i = 0; i < RECEIVERS; i++) {
		if (!fake_is_remote(&fakes[i]))
			continue;
		fakes[i].is_dead = true;
		if (fakes[i].flight == NULL)
			model_lose_stream(fakes[i].conn);
		if (fakes[i].receiver.session != NULL)
			session_release_receiver(fakes[i].receiver.session);
	}
	for (i = 0; i < RECEIVERS; i++) {
		if (!fake_is_remote(&fakes[i]))
			continue;
		model_await(fakes[i].conn, &fakes[i], &awaiting);
		delivery_await(&fakes[i].flight);
		fake_destroy(&fakes[i]);
	}
	journal_hurry(&world.sessions.journal);
}

/* It says what it took, and repeats the sends that had no answer. */
static void
come_back(void)
{
	unsigned i;

	if (!responder.is_broken)
		return;
	delivery_resolve(&world.sessions, responder.told_id, responder.told);
	responder.id++;
	responder.frames = responder.left = responder.arrived = 0;
	responder.is_broken = responder.must_return = false;
	responder.is_unanswered = true;
	for (i = 0; i < SENDS; i++)
		if (sends[i].is_lost)
			deliver(&sends[i]);
}

static void
pass(uint64_t ms)
{
	uint64_t deadline, end = world.now + ms;

	/* It comes back in time if it has taken something; else it may be dead. */
	if (responder.must_return)
		come_back();
	end_turn();
	while (timers_next(&world.sessions.timers, &deadline) && deadline <= end) {
		world.now = deadline;
		timers_run(&world.sessions.timers, world.now);
		end_turn();
	}
	world.now = end;
}

/* One trouble at a time: a damaged store that finds no room to begin anew has lost everything. */
static void
trouble_store(unsigned how)
{
	static const enum store_result results[] = {STORE_FAILED, STORE_FULL, STORE_DAMAGED};

	if (world.store == NULL)
		return;
	store_memory_limit(world.store, how == 3 ? choose(256) * 8 : UINT64_MAX);
	store_memory_fail(world.store, how < 3 ? 1 + choose(8) : 0, results[how % 3]);
}

/*
 * At any moment: before a commit, or after it and before anything leaves. But a frame that came
 * back is taken for written by the next daemon until that is stored (doc/local-socket.md, ABORT).
 */
static void
kill_daemon(void)
{
	if (choose(2) == 1 || world.has_returned) {
		while (turn_flush(&world.sessions))
			continue;
		commit();
	}
	replace_daemon(world.sessions.journal.is_failing);
}

static void
say_goodbye(void *object, void *context)
{
	static const char reason[] = "The server is stopping";
	struct session *session = object;

	(void)context;
	if (session->journal == NULL) {
		if (session_close(session, SERVICE_CODE_GOING_AWAY, reason, strlen(reason)))
			model_conn(session->uuid)->has_closed = true;
	} else if (session->receiver != NULL && !session->receiver->ops->is_remote) {
		session_release_receiver(session);
	}
}

static void
suspend_one(void *object, void *context)
{
	struct session *session = object;
	struct conn *conn = model_conn(session->uuid);

	(void)context;
	if (session->journal == NULL) {
		conn->is_broken = true;
		session_abort(session);
		return;
	}
	delivery_leave(session);
	session_suspend(session);
}

/* As SIGTERM has it: server.c. */
static void
stop_daemon(void)
{
	unsigned i;

	world.sessions.closing = true;
	sessions_each(&world.sessions, say_goodbye, NULL);
	for (i = 0; i < RECEIVERS; i++)
		if (fake_is_remote(&fakes[i]) && fakes[i].receiver.session != NULL) {
			session_lose_receiver(fakes[i].receiver.session);
			fakes[i].conn->detached_since = world.now;
		}
	end_turn();
	world.is_stopping = true;
	for (i = 0; i < RECEIVERS; i++) {
		fakes[i].must_store = true;
		if (fakes[i].conn != NULL && !fake_is_remote(&fakes[i]))
			model_return(fakes[i].conn, &fakes[i]);
	}
	sessions_each(&world.sessions, suspend_one, NULL);
	world.is_stopping = false;
	journal_hurry(&world.sessions.journal);
	replace_daemon(commit() != COMMIT_DONE);
}

static const uint64_t delays[] = {1, 60, 1000, 2000, 4000, 5000, 10000, 16000, 25000};

static void
happen(void)
{
	unsigned what = choose(32), how = 0, whom = 0;

	/* One after the other: in which order arguments are made no compiler says. */
	if (what < 15) {
		how = choose(what < 8 ? KINDS : 8);
		whom = choose(what < 8 ? CLIENTS : RECEIVERS);
	}
	TRACE("event %u %u %u", what, how, whom);
	if (what < 8)
		arrive((enum kind)how, whom);
	else if (what < 15)
		handle_receiver(fake_pick(whom), how);
	else if (what < 19)
		end_turn();
	else if (what < 22 && conn_count > 0)
		message_to(&conns[choose(conn_count)]);
	else if (what < 25 && conn_count > 0)
		act_once(&conns[choose(conn_count)]);
	else if (what == 25)
		pass(delays[choose(sizeof delays / sizeof delays[0])]);
	else if (what == 26)
		break_link();
	else if (what == 27)
		come_back();
	else if (what == 28)
		trouble_store(choose(6));
	else if (what == 29)
		kill_daemon();
	else if (what == 30)
		stop_daemon();
}

/* --- the end ---------------------------------------------------------------------------------- */

/* Everybody does what they should, once. */
static void
go_well(void)
{
	unsigned i;

	come_back();
	for (i = 0; i < RECEIVERS; i++)
		if (fakes[i].conn != NULL) {
			relieve(&fakes[i]);
			answer_ping(&fakes[i]);
			tell_fate(&fakes[i], 0);
		}
	for (i = 0; i < CLIENTS; i++) {
		const char id[] = {(char)('a' + i)};
		const struct session *session = session_find(world.service, id, sizeof id);

		if (session != NULL && session->receiver == NULL)
			arrive(POLL, i);
	}
	pass(1000);
}

static bool
is_unfinished(bool is_over)
{
	unsigned i;

	for (i = 0; i < conn_count; i++)
		if (conns[i].is_known && !conns[i].is_closed &&
		    (is_over || model_is_owed(&conns[i])))
			return true;
	return false;
}

static void
count_stored(
    void *context, const struct stored_session *session, const struct stored_delivery *delivery)
{
	(void)session;
	(void)delivery;
	++*(unsigned *)context;
}

static void
check_nothing_is_left(void)
{
	uint64_t deadline;
	unsigned i, stored = 0;
	const struct store_loader loader = {.session = count_stored, .context = &stored};

	REQUIRE(world.sessions.count == 0 && world.service->table.count == 0);
	REQUIRE(LIST_EMPTY(&world.sessions.awaits));
	REQUIRE(!timers_next(&world.sessions.timers, &deadline));
	REQUIRE(world.store == NULL || store_load(world.store, &loader) == STORE_OK);
	REQUIRE(stored == 0);
	for (i = 0; i < RECEIVERS; i++)
		REQUIRE(fakes[i].conn == NULL);
	for (i = 0; i < GROUPS; i++)
		REQUIRE(sockjs_group_size(world.groups[i]) == 0);
}

static void
settle(void)
{
	unsigned i, rounds = 0;

	world.is_settling = true;
	trouble_store(5);
	TRACE("the end");
	while (is_unfinished(false)) {
		REQUIRE(rounds++ < ROUNDS);
		go_well();
	}
	for (i = 0; i < conn_count; i++)
		if (conns[i].is_known && !conns[i].is_closed && !conns[i].has_closed)
			app_close(&conns[i]);
	while (is_unfinished(true)) {
		REQUIRE(rounds++ < ROUNDS);
		go_well();
	}
	/* Those that linger go; so do the answers that are on their way. */
	for (i = 0; i < RECEIVERS; i++)
		if (fakes[i].conn != NULL)
			tell_fate(&fakes[i], 0);
	pass(60000);
	check_nothing_is_left();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	input = data;
	input_len = size;
	memset(sends, 0, sizeof sends);
	model_clear();
	world = (struct world){.now = 1000000, .is_traced = getenv("SOCKJS_FUZZ_TRACE") != NULL};
	responder = (struct responder){.id = 1};
	world.application = choose(2) == 0 ? &lasting_application : &plain_application;
	world.store = choose(4) == 0 ? NULL : store_memory_create();
	begin_daemon();
	while (input_len > 0)
		happen();
	settle();
	end_daemon();
	store_close(&world.store);
	return 0;
}
