/*
 * For the tests of sessions and of the calls applications make: a service with a fake application,
 * fake receivers, and a clock that only the test moves. Everything that reaches a receiver or the
 * application is written down in its order:
 *
 *	1<FRAME   a frame to receiver 1 (`1<ping` for a heartbeat that wants an answer)
 *	1.        receiver 1 was let go
 *	+ =TEXT - the application's connection, data and close event (`=<TEXT>` for binary)
 *
 * each with a blank after it. assert_seen compares and forgets.
 */
#ifndef TESTS_SESSION_FIXTURE_H
#define TESTS_SESSION_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/buffer.h"
#include "sessiond/api/api.h"
#include "sessiond/session/delivery.h"
#include "sessiond/session/session.h"
#include "sessiond/session/session_set.h"
#include "sessiond/session/turn.h"

enum {
	HEARTBEAT_DELAY = 25000,
	DISCONNECT_DELAY = 5000,
	QUEUE_LIMIT = 1000,
	HEADERS_LIMIT = 4096,
	DRAIN_MARK = 200,
	AUTHORIZE_TIMEOUT = 10000,
	RESUME_TIMEOUT = 60000,
};

static struct sessions sessions;
static struct sockjs_service *service;
static struct buffer seen;
static uint64_t now;

/* What a test adds to the application's callbacks; NULL: nothing. */
static struct {
	void (*authorize)(sockjs_connection connection);
	void (*connection)(sockjs_connection connection);
	void (*data)(sockjs_connection connection, const sockjs_message *message);
	void (*close)(sockjs_connection connection);
} hooks;

static sockjs_connection latest; /* of the last connection event */

/* What another room has of the service is ended, after the sessions; NULL: nothing. */
static void (*end_of_service)(void);

/* --- the application -------------------------------------------------------------------------- */

static inline void
app_connection(sockjs_connection connection)
{
	latest = connection;
	buffer_append_str(&seen, "+ ");
	if (hooks.connection != NULL)
		hooks.connection(connection);
}

static inline void
app_data(sockjs_connection connection, const sockjs_message *message)
{
	buffer_append_str(&seen, message->binary ? "=<" : "=");
	buffer_append(&seen, message->data, message->len);
	buffer_append_str(&seen, message->binary ? "> " : " ");
	if (hooks.data != NULL)
		hooks.data(connection, message);
}

static inline void
app_close(sockjs_connection connection)
{
	buffer_append_str(&seen, "- ");
	if (hooks.close != NULL)
		hooks.close(connection);
}

static const struct sockjs_module fake_application = {
    .abi = SOCKJS_ABI,
    .name = "fake",
    .connection = app_connection,
    .data = app_data,
    .close = app_close,
};

/* The same application, which answers later whether somebody may connect: `candidate` waits. */
static sockjs_connection candidate;

static inline int
app_authorize_later(sockjs_connection connection)
{
	candidate = connection;
	if (hooks.authorize != NULL)
		hooks.authorize(connection);
	return SOCKJS_LATER;
}

static const struct sockjs_module later_application = {
    .abi = SOCKJS_ABI,
    .name = "later",
    .authorize = app_authorize_later,
    .connection = app_connection,
    .data = app_data,
    .close = app_close,
};

/* --- receivers -------------------------------------------------------------------------------- */

struct fake_receiver {
	struct receiver receiver; /* first, so that one's address is the other's */
	char name;
	unsigned frames_left; /* the frame that makes it 0 completes the response */
	bool pings;	      /* its heartbeat wants an answer */
	bool takes_one;	      /* message at a time */
	bool congested;	      /* takes no messages */
	size_t backlog;
	unsigned ends; /* times it was let go */
};

static inline struct fake_receiver *
fake_of(struct receiver *receiver)
{
	return (struct fake_receiver *)(void *)receiver;
}

static inline enum receiver_result
fake_bytes(struct receiver *receiver, const char *frame, size_t len)
{
	struct fake_receiver *fake = fake_of(receiver);

	assert_int_equal(fake->ends, 0);
	assert_int_not_equal(fake->frames_left, 0);
	buffer_printf(&seen, "%c<", fake->name);
	buffer_append(&seen, frame, len);
	buffer_append_char(&seen, ' ');
	return --fake->frames_left == 0 ? RECEIVER_DONE : RECEIVER_MORE;
}

static inline enum receiver_result
fake_frame(struct receiver *receiver, const struct receiver_frame *frame)
{
	if (frame->kind != RECEIVER_FRAME_HEARTBEAT || !fake_of(receiver)->pings)
		return fake_bytes(receiver, frame->bytes, frame->len);
	fake_bytes(receiver, "ping", strlen("ping"));
	return RECEIVER_AWAITS_PONG;
}

static inline enum receiver_result
fake_messages(struct receiver *receiver, struct message_queue *queue)
{
	struct buffer frame = BUFFER_INIT;
	enum receiver_result result;

	assert_int_not_equal(queue->count, 0);
	if (fake_of(receiver)->congested)
		return RECEIVER_MORE;
	if (fake_of(receiver)->takes_one) {
		struct message_queue first = {.items = NULL};
		struct message *message = message_queue_shift(queue);

		assert_int_equal(message_queue_push(&first, message), 0);
		message_unref(&message);
		message_queue_append_frame(&first, &frame);
		message_queue_clear(&first);
	} else {
		message_queue_append_frame(queue, &frame);
	}
	result = fake_bytes(receiver, frame.data, frame.len);
	buffer_free(&frame);
	return result;
}

static inline void
fake_end(struct receiver *receiver)
{
	assert_null(receiver->session);
	fake_of(receiver)->ends++;
	buffer_printf(&seen, "%c. ", fake_of(receiver)->name);
}

static inline size_t
fake_backlog(const struct receiver *receiver)
{
	return ((const struct fake_receiver *)(const void *)receiver)->backlog;
}

static const struct receiver_ops shared_ops = {
    .frame = fake_frame,
    .messages = fake_messages,
    .end = fake_end,
    .backlog = fake_backlog,
};

static const struct receiver_ops single_ops = {
    .single = true,
    .frame = fake_frame,
    .messages = fake_messages,
    .end = fake_end,
    .backlog = fake_backlog,
};

/* They outlive the test, so that sessions it left can be ended. */
static struct fake_receiver receivers[32];
static size_t receiver_count;

static inline struct fake_receiver *
fake_receiver(char name, enum transport_id transport, const struct receiver_ops *ops)
{
	struct fake_receiver *fake = &receivers[receiver_count++];

	assert_true(receiver_count <= sizeof receivers / sizeof receivers[0]);
	*fake = (struct fake_receiver){
	    .receiver = {.ops = ops, .transport = transport_get(transport)},
	    .name = name,
	    .frames_left = UINT32_MAX,
	};
	return fake;
}

static inline struct fake_receiver *
fake_poll(char name)
{
	struct fake_receiver *fake = fake_receiver(name, TRANSPORT_XHR_POLLING, &shared_ops);

	fake->frames_left = 1;
	return fake;
}

static inline struct fake_receiver *
fake_stream(char name)
{
	return fake_receiver(name, TRANSPORT_XHR_STREAMING, &shared_ops);
}

static inline struct fake_receiver *
fake_websocket(char name)
{
	struct fake_receiver *fake = fake_receiver(name, TRANSPORT_WEBSOCKET, &single_ops);

	fake->pings = true;
	return fake;
}

/* --- what happens ----------------------------------------------------------------------------- */

static inline uint64_t
fake_clock(void *context)
{
	return *(uint64_t *)context;
}

/* The only header of every request. */
static inline const char *
fake_header(const void *context, const char *name)
{
	(void)context;
	return strcmp(name, "user-agent") == 0 ? "cmocka" : NULL;
}

static const struct connection_source fake_source = {
    .path = "/echo/000/s/xhr", .query = "q=1", .prefix_len = 5, .header = fake_header};

/*
 * A receiving request on the session `id`, as the HTTP side handles one; id NULL: a websocket. The
 * session it met.
 */
static inline struct session *
arrive(const char *id, struct fake_receiver *fake)
{
	struct session *session = id == NULL ? NULL : session_find(service, id, strlen(id));

	if (session == NULL)
		session = session_create(service, id, id == NULL ? 0 : strlen(id));
	session_arrive(session, &fake->receiver, &fake_source);
	turn_flush_session(session);
	return session;
}

static inline bool
is_known(const char *id)
{
	return session_find(service, id, strlen(id)) != NULL;
}

/* Ends the turn: the loop calls until there is nothing left to do. */
static inline void
turn(void)
{
	while (turn_flush(&sessions))
		continue;
}

/* Time goes by, and each timer that expires meanwhile has a turn of its own. */
static inline void
pass(uint64_t ms)
{
	uint64_t deadline, end = now + ms;

	while (timers_next(&sessions.timers, &deadline) && deadline <= end) {
		now = deadline;
		timers_run(&sessions.timers, now);
		turn();
	}
	now = end;
}

static inline void
expect_seen(const char *expected, const char *file, int line)
{
	buffer_append_char(&seen, '\0');
	_assert_string_equal(seen.data, expected, file, line);
	buffer_clear(&seen);
}

#define assert_seen(expected) expect_seen(expected, __FILE__, __LINE__)

static inline int
write_text(sockjs_connection connection, const char *text)
{
	return sockjs_write(connection, text, strlen(text));
}

static inline void
receive_text(struct session *session, const char *text)
{
	session_receive(session, text, strlen(text), false);
}

/* --- before and after each test --------------------------------------------------------------- */

static inline int
fixture_set_up(void **state)
{
	static char url[] = "http://localhost/sockjs.js";
	static const struct session_fires fires = {
	    session_pong_fire, session_timeout_fire, delivery_grace_fire};
	struct error err = ERROR_INIT;

	(void)state;
	now = 1000000;
	receiver_count = 0;
	memset(&hooks, 0, sizeof hooks);
	buffer_init(&seen);
	sessions_init(&sessions, fake_clock, &now, &fires);
	service = service_create("/echo", &err);
	assert_non_null(service);
	service->module_name = strdup("fake");
	assert_non_null(service->module_name);
	service->application = &fake_application;
	service->protocol.options = (struct service_options){
	    .sockjs_url = url,
	    .heartbeat_delay = HEARTBEAT_DELAY,
	    .disconnect_delay = DISCONNECT_DELAY,
	    .headers_limit = HEADERS_LIMIT,
	    .queue_limit = QUEUE_LIMIT,
	    .drain_mark = DRAIN_MARK,
	    .authorize_timeout = AUTHORIZE_TIMEOUT,
	    .resume_timeout = RESUME_TIMEOUT,
	};
	service_prepare(
	    service, &sessions.timers, session_heartbeat_fire, session_timeout_fire, &sessions);
	api_bind(&sessions);
	return 0;
}

static inline void
abort_one(void *session, void *context)
{
	(void)context;
	session_abort(session);
}

/* Whatever a test left is ended as by a daemon that stops; nothing may be left then. */
static inline int
fixture_tear_down(void **state)
{
	(void)state;
	memset(&hooks, 0, sizeof hooks);
	sessions_each(&sessions, abort_one, NULL);
	turn();
	assert_int_equal(sessions.count, 0);
	assert_int_equal(service->table.count, 0);
	if (end_of_service != NULL)
		end_of_service();
	api_bind(NULL);
	service_destroy(&service);
	sessions_clear(&sessions);
	buffer_free(&seen);
	return 0;
}

#define SESSION_TEST(name)                                                                         \
	cmocka_unit_test_setup_teardown(test_##name, fixture_set_up, fixture_tear_down)

#endif
