/*
 * See session_model.h. A message is a text like `m17.xxxx`, so that it can be told from all others
 * in whatever frame it comes.
 */
#include "tests/fuzz/session_model.h"

#include <string.h>

struct conn conns[CONNS_MAX];
unsigned conn_count;

void
model_clear(void)
{
	memset(conns, 0, conn_count * sizeof conns[0]);
	conn_count = 0;
}

struct conn *
model_conn(const char *uuid)
{
	unsigned i;

	for (i = 0; i < conn_count; i++)
		if (strcmp(conns[i].uuid, uuid) == 0)
			return &conns[i];
	if (conn_count == CONNS_MAX)
		return NULL;
	strcpy(conns[conn_count].uuid, uuid);
	return &conns[conn_count++];
}

/* --- messages --------------------------------------------------------------------------------- */

size_t
model_text(unsigned id, size_t len, char *text, size_t size)
{
	int head = snprintf(text, size, "m%u.", id);

	REQUIRE(head > 0 && (size_t)head < size && len < size);
	if ((size_t)head < len)
		memset(text + head, 'x', len - (size_t)head);
	return (size_t)head > len ? (size_t)head : len;
}

void
model_wrote(struct conn *conn, unsigned id, size_t len, unsigned turn)
{
	REQUIRE(conn->count < MESSAGES_MAX);
	conn->messages[conn->count++] = (struct model_message){
	    .id = id, .len = (unsigned)len, .state = MESSAGE_OWED, .born = turn};
}

void
model_drop(struct conn *conn)
{
	unsigned i;

	for (i = 0; i < conn->count; i++)
		if (conn->messages[i].state == MESSAGE_OWED)
			conn->messages[i].state = MESSAGE_DROPPED;
}

bool
model_is_owed(const struct conn *conn)
{
	unsigned i;

	for (i = 0; i < conn->count; i++)
		if (conn->messages[i].state == MESSAGE_OWED)
			return true;
	return false;
}

static bool
is_doubtful(const struct conn *conn, const struct model_message *message)
{
	return (size_t)(message - conn->messages) < conn->doubtful;
}

/* --- frames ----------------------------------------------------------------------------------- */

/* The next message that a frame names, and moves *at behind it. NULL: no more. */
static struct model_message *
next_message(struct conn *conn, const char *frame, size_t len, size_t *at)
{
	const char *text = memmem(frame + *at, len - *at, "\"m", 2), *end;
	char *dot;
	unsigned i, id;

	if (text == NULL)
		return NULL;
	id = (unsigned)strtoul(text + 2, &dot, 10);
	end = memchr(dot, '"', len - (size_t)(dot - frame));
	REQUIRE(*dot == '.' && end != NULL);
	*at = (size_t)(end - frame) + 1;
	for (i = 0; i < conn->count; i++)
		if (conn->messages[i].id == id)
			break;
	/* What another session was to have would not be found. */
	REQUIRE(i < conn->count);
	REQUIRE((size_t)(end - text) - 1 == conn->messages[i].len);
	REQUIRE(strspn(dot + 1, "x") == (size_t)(end - dot) - 1);
	return &conn->messages[i];
}

bool
model_fly(struct conn *conn, const char *frame, size_t len, const void *flight)
{
	struct model_message *message;
	bool was_stored = false;
	size_t at = 0;

	while ((message = next_message(conn, frame, len, &at)) != NULL) {
		REQUIRE(message->flight == NULL);
		message->flight = flight;
		was_stored = was_stored || message->is_stored || message->was_returned;
	}
	return was_stored;
}

void
model_return(struct conn *conn, const void *flight)
{
	unsigned i;

	for (i = 0; i < conn->count; i++)
		if (conn->messages[i].flight == flight) {
			conn->messages[i].flight = NULL;
			conn->messages[i].was_returned = true;
		}
}

void
model_await(struct conn *conn, const void *flight, const void *name)
{
	unsigned i;

	for (i = 0; i < conn->count; i++)
		if (conn->messages[i].flight == flight)
			conn->messages[i].flight = name;
}

void
model_give(struct conn *conn, const char *frame, size_t len)
{
	struct model_message *message;
	size_t at = 0;

	while ((message = next_message(conn, frame, len, &at)) != NULL) {
		REQUIRE(message->flight == NULL);
		REQUIRE(is_doubtful(conn, message) || message->state == MESSAGE_OWED ||
		    message->state == MESSAGE_UNSURE);
		if (!is_doubtful(conn, message))
			message->state = MESSAGE_GIVEN;
	}
}

void
model_lose_stream(struct conn *conn)
{
	unsigned i;

	conn->has_open = true;
	for (i = 0; i < conn->count; i++)
		if (conn->messages[i].state == MESSAGE_GIVEN)
			conn->messages[i].state = MESSAGE_UNSURE;
}

void
model_close_sent(struct conn *conn)
{
	REQUIRE(conn->has_closed && !model_is_owed(conn));
	conn->close_sent = true;
}

/* Once each, in their order, and none is left out that is owed. */
static void
message_arrives(struct conn *conn, struct model_message *message)
{
	unsigned i, index = (unsigned)(message - conn->messages);

	message->flight = NULL;
	if (is_doubtful(conn, message))
		return;
	REQUIRE(message->state != MESSAGE_ARRIVED);
	if (message->state != MESSAGE_DROPPED) {
		REQUIRE(conn->has_open && !conn->has_close);
		REQUIRE(index >= conn->last);
		for (i = conn->last; i < index; i++)
			REQUIRE(conn->messages[i].state != MESSAGE_OWED &&
			    conn->messages[i].state != MESSAGE_GIVEN);
		conn->last = index + 1;
	}
	message->state = MESSAGE_ARRIVED;
}

static void
frame_arrives(struct conn *conn, const char *frame, size_t len)
{
	struct model_message *message;
	size_t at = 0;

	if (frame[0] == 'o')
		conn->has_open = true;
	if (frame[0] == 'c')
		conn->has_close = true;
	REQUIRE(strchr("ohca", frame[0]) != NULL);
	if (frame[0] != 'a')
		return;
	while ((message = next_message(conn, frame, len, &at)) != NULL)
		message_arrives(conn, message);
}

void
model_arrive(struct conn *conn, const char *bytes, size_t len)
{
	const char *end;

	for (; len > 0; len -= (size_t)(end - bytes) + 1, bytes = end + 1) {
		end = memchr(bytes, '\n', len);
		REQUIRE(end != NULL);
		frame_arrives(conn, bytes, (size_t)(end - bytes));
	}
}

/* --- the store -------------------------------------------------------------------------------- */

void
model_commit(struct conn *conn, bool is_alive,
    bool (*is_stored)(const struct conn *conn, const void *flight))
{
	unsigned i;

	conn->is_stored = is_alive && conn->is_listed;
	conn->stored_closed = conn->is_closed;
	conn->stored_has_closed = conn->has_closed;
	for (i = 0; i < conn->count; i++) {
		struct model_message *message = &conn->messages[i];

		message->is_stored = message->flight == NULL || is_stored(conn, message->flight);
		message->was_returned = false;
	}
}

void
model_crash(struct conn *conn, bool doubts)
{
	unsigned i;

	conn->is_expected = conn->is_stored && !conn->stored_closed;
	if (doubts) {
		conn->doubtful = conn->last = conn->count;
		conn->has_close = false;
		conn->has_open = true;
	}
	conn->has_closed = conn->stored_has_closed;
	conn->has_open = conn->has_open || !conn->is_open_told;
	if (conn->is_expected)
		conn->close_sent = conn->is_broken = false;
	conn->is_known = conn->is_suspended = false;
	conn->is_closed = conn->is_closed && !conn->is_expected;
	conn->handle = 0;
	memset(conn->groups, 0, sizeof conn->groups);
	for (i = 0; i < conn->count; i++) {
		struct model_message *message = &conn->messages[i];

		message->flight = NULL;
		if (message->state == MESSAGE_GIVEN ||
		    (message->state == MESSAGE_OWED &&
			(doubts || !conn->is_expected || !message->is_stored)))
			message->state = MESSAGE_UNSURE;
		if (message->state == MESSAGE_DROPPED && conn->is_expected)
			message->state = MESSAGE_UNSURE;
	}
}
