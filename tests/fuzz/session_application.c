/*
 * The application of fuzz_session.c. What it does in its callbacks the input decides; what it must
 * be told, and what its calls must say, the model knows.
 */
#include "tests/fuzz/session_world.h"

#include <string.h>

static unsigned last_id; /* of a message */

static struct conn *
known(sockjs_connection connection)
{
	struct conn *conn = sockjs_user_data(connection);

	REQUIRE(conn != NULL && conn->handle == connection.handle);
	REQUIRE(conn->is_known && !conn->is_closed);
	return conn;
}

/* What a connection says to one more message of that length. */
static int
expected_result(struct conn *conn, size_t len)
{
	sockjs_connection connection = {conn->handle};

	fake_note_unanswered(conn);
	if (!conn->is_known || conn->is_closed || conn->has_closed)
		return SOCKJS_GONE;
	REQUIRE(sockjs_ready_state(connection) == SOCKJS_OPEN);
	return len > QUEUE_LIMIT || sockjs_queued_bytes(connection) > QUEUE_LIMIT - len
	    ? SOCKJS_FULL
	    : SOCKJS_OK;
}

static void
note_write(struct conn *conn, int result, unsigned id, size_t len)
{
	if (result == SOCKJS_OK)
		model_wrote(conn, id, len, world.turn);
	if (result == SOCKJS_FULL) {
		model_drop(conn);
		conn->has_closed = true;
	}
}

static void
app_write(struct conn *conn)
{
	static char text[2048];
	size_t len = model_text(++last_id, choose(64) * 20, text, sizeof text);
	int expected = expected_result(conn, len);

	if (conn->count == MESSAGES_MAX)
		return;
	TRACE("%.8s writes m%u", conn->uuid, last_id);
	REQUIRE(sockjs_write((sockjs_connection){conn->handle}, text, len) == expected);
	note_write(conn, expected, last_id, len);
}

static void
app_write_group(unsigned group)
{
	char text[64];
	size_t len = model_text(++last_id, choose(50), text, sizeof text);
	int expected[CONNS_MAX];
	unsigned i;

	for (i = 0; i < conn_count; i++) {
		expected[i] =
		    conns[i].groups[group] ? expected_result(&conns[i], len) : SOCKJS_GONE;
		if (conns[i].count == MESSAGES_MAX)
			return;
	}
	REQUIRE(sockjs_group_write(world.groups[group], text, len) == SOCKJS_OK);
	for (i = 0; i < conn_count; i++)
		note_write(&conns[i], expected[i], last_id, len);
}

static void
app_join(struct conn *conn, unsigned group)
{
	bool can = conn->handle != 0 && conn->is_known && !conn->is_closed;

	REQUIRE(sockjs_group_add(world.groups[group], (sockjs_connection){conn->handle}) ==
	    (can ? SOCKJS_OK : SOCKJS_GONE));
	conn->groups[group] = can;
}

static void
app_leave(struct conn *conn, unsigned group)
{
	REQUIRE(sockjs_group_remove(world.groups[group], (sockjs_connection){conn->handle}) ==
	    SOCKJS_OK);
	conn->groups[group] = false;
}

static void
app_renew_group(unsigned group)
{
	unsigned i;

	REQUIRE(sockjs_group_destroy(&world.groups[group]) == SOCKJS_OK);
	world.groups[group] = sockjs_group_create(world.service);
	for (i = 0; i < conn_count; i++)
		conns[i].groups[group] = false;
}

void
app_close(struct conn *conn)
{
	bool can;

	fake_note_unanswered(conn);
	can = conn->is_known && !conn->is_closed && !conn->has_closed;
	REQUIRE(sockjs_close((sockjs_connection){conn->handle}, 3000 + (int)choose(3), NULL) ==
	    (can ? SOCKJS_OK : SOCKJS_GONE));
	conn->has_closed = conn->has_closed || can;
}

/* Something, mostly to this connection. */
void
act_once(struct conn *conn)
{
	unsigned what = choose(12), group = choose(GROUPS);

	if (choose(4) == 3 && conn_count > 0)
		conn = &conns[choose(conn_count)];
	if (conn->handle == 0 || conn->is_suspended)
		return;
	if (what < 5)
		app_write(conn);
	else if (what < 7)
		app_write_group(group);
	else if (what < 9)
		app_join(conn, group);
	else if (what == 9)
		app_leave(conn, group);
	else if (what == 10)
		app_close(conn);
	else
		app_renew_group(group);
}

static void
act(struct conn *conn)
{
	unsigned n = world.is_settling ? 0 : choose(4);

	while (n-- > 0)
		act_once(conn);
}

/* Who is let in; of the others it must hear nothing more. */
static int
on_authorize(sockjs_connection connection)
{
	REQUIRE(sockjs_ready_state(connection) == SOCKJS_CONNECTING);
	world.is_refused = !world.is_settling && choose(8) == 7;
	return world.is_refused ? 403 : 0;
}

static void
on_connection(sockjs_connection connection)
{
	struct conn *conn = model_conn(sockjs_id(connection));

	REQUIRE(conn != NULL && !conn->is_known && !conn->is_closed);
	conn->handle = connection.handle;
	conn->is_known = true;
	REQUIRE(sockjs_set_user_data(connection, conn) == SOCKJS_OK);
	act(conn);
}

static void
on_data(sockjs_connection connection, const sockjs_message *message)
{
	struct conn *conn = known(connection);

	REQUIRE(message->len == 2 && memcmp(message->data, "hi", 2) == 0);
	REQUIRE(!conn->has_closed);
	act(conn);
}

static void
on_drain(sockjs_connection connection)
{
	struct conn *conn = known(connection);

	REQUIRE(!conn->has_closed);
	act(conn);
}

/* Nothing ends without a reason. */
static void
on_close(sockjs_connection connection)
{
	struct conn *conn = known(connection);

	REQUIRE(sockjs_ready_state(connection) == SOCKJS_CLOSED);
	REQUIRE(conn->close_sent || conn->is_broken || world.is_stopping ||
	    world.now - conn->detached_since >= DISCONNECT_DELAY);
	/* Of a module that knows no resume: the session goes on, as another connection. */
	if (world.is_stopping && !conn->is_broken) {
		conn->is_known = false;
		conn->is_suspended = true;
		return;
	}
	if (!conn->close_sent)
		model_drop(conn);
	conn->is_closed = true;
	act(conn);
	memset(conn->groups, 0, sizeof conn->groups);
}

static void
on_suspend(sockjs_connection connection)
{
	struct conn *conn = known(connection);

	act(conn);
}

/* What services have to say. */
static bool
on_log(sockjs_service *about, enum sockjs_severity severity, const char *line)
{
	(void)about;
	(void)severity;
	TRACE("log: %s", line);
	return true;
}

const struct sockjs_module plain_application = {
    .abi = SOCKJS_ABI,
    .name = "fuzz",
    .authorize = on_authorize,
    .connection = on_connection,
    .data = on_data,
    .drain = on_drain,
    .close = on_close,
    .log = on_log,
};

const struct sockjs_module lasting_application = {
    .abi = SOCKJS_ABI,
    .name = "fuzz",
    .authorize = on_authorize,
    .connection = on_connection,
    .resume = on_connection,
    .suspend = on_suspend,
    .data = on_data,
    .drain = on_drain,
    .close = on_close,
    .log = on_log,
};
