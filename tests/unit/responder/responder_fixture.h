/*
 * For the tests of sessiond/responder: persistence_fixture.h's service and store behind peers, as
 * the daemon has them. A responder is the other end of a socket pair, in the hands of the test; the
 * clock is the test's. Nothing here waits: what was sent is there, and turns go on until nothing is
 * left to do.
 *
 * What a responder hears is written down in its order; assert_heard compares and forgets:
 *
 *	HELLO SERVICES(1)   the handshake, with one service
 *	7<a["x"];           a FRAME for request 7 (; the line's end), with . behind it if it ends
 *	7=ok 7=none 7=busy 7=many  a SENT, with its result
 *	7!503 7$value       a REFUSED, a COOKIE
 *	API(/apps/,10)      an API, with its body_limit
 *	7:200(text)         an ANSWER
 *	bye(text)           a GOODBYE
 *	DAEMONS(0,2)        a DAEMONS: the first of two
 *	7:taken             a TAKEN
 *	closed              the end of the connection, by the daemon
 *
 * each with a blank after it.
 */
#ifndef TESTS_RESPONDER_FIXTURE_H
#define TESTS_RESPONDER_FIXTURE_H

#include "tests/unit/persistence/persistence_fixture.h"

#include "conf/config.h"
#include "sessiond/modules/services.h"
#include "sessiond/responder/peer.h"
#include "sessiond/responder/peer_messages.h"
#include "wire/wire_daemons.h"
#include "wire/wire_messages.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

enum { MOST_HELD = 2 };

static uv_loop_t loop;
static struct config *config;
static struct services services;
static struct service_number number_of_service;
static struct peer_messages messages;
static struct peers peers;

/* The responder that speaks, and what of it is under way. */
static int responder = -1;
static struct buffer out, in, heard;
static uint64_t link_id;	/* of the last HELLO that it heard */
static uint64_t frames_on_link; /* FRAMEs that it heard on that connection */

/* --- turns ------------------------------------------------------------------------------------ */

static inline bool
run_once(void)
{
	bool busy = turn_flush(&sessions);
	enum commit_result result;

	result = persistence_commit(&persistence);
	busy = remote_sends_answer(&messages.sends, result) || busy;
	busy = remote_asks_answer(&messages.asks, result) || busy;
	return peers_flush(&peers) || busy;
}

/* Turns, until two in a row have nothing to do. */
static inline void
run(void)
{
	int turns, quiet;

	for (turns = quiet = 0; turns < 1000 && quiet < 2; turns++) {
		uv_run(&loop, UV_RUN_NOWAIT);
		quiet = run_once() ? 0 : quiet + 1;
	}
	assert_true(turns < 1000);
}

/* Time goes by. */
static inline void
run_for(uint64_t ms)
{
	uint64_t deadline, until = now + ms;

	while (timers_next(&sessions.timers, &deadline) && deadline <= until) {
		now = deadline;
		timers_run(&sessions.timers, now);
		run();
	}
	now = until;
}

/* --- what a responder hears ------------------------------------------------------------------- */

static inline void
hear_frame(const struct wire_header *header, const char *payload)
{
	struct wire_frame frame;

	assert_int_equal(wire_decode_frame(header, payload, &frame), 0);
	frames_on_link++;
	buffer_printf(&heard, "%u<", (unsigned)header->request);
	for (size_t i = 0; i < frame.len; i++)
		buffer_append_char(&heard, frame.bytes[i] == '\n' ? ';' : frame.bytes[i]);
	buffer_append_str(&heard, frame.end ? ". " : " ");
}

static inline void
hear_message(const struct wire_header *header, const char *payload)
{
	static const char *const results[] = {"ok", "none", "busy", "many"};
	unsigned request = (unsigned)header->request;
	struct wire_services list;
	struct wire_refused refused;
	struct wire_goodbye goodbye;
	struct wire_cookie cookie;
	struct wire_state told;
	struct wire_hello hello;
	enum wire_sent_result result;
	struct wire_answer answer;
	struct wire_api api;
	struct wire_daemons daemons;

	switch (header->type) {
	case WIRE_HELLO:
		assert_int_equal(wire_decode_hello(header, payload, &hello), 0);
		assert_int_equal(hello.role, WIRE_DAEMON);
		link_id = hello.link_id;
		frames_on_link = 0;
		buffer_append_str(&heard, "HELLO ");
		break;
	case WIRE_SERVICES:
		assert_int_equal(wire_decode_services(header, payload, &list), 0);
		buffer_printf(&heard, "SERVICES(%u) ", (unsigned)list.count);
		wire_services_clear(&list);
		break;
	case WIRE_STATE:
		assert_int_equal(wire_decode_state(header, payload, &told), 0);
		buffer_printf(&heard, "STATE(%s) ", told.text);
		break;
	case WIRE_FRAME:
		hear_frame(header, payload);
		break;
	case WIRE_SENT:
		assert_int_equal(wire_decode_sent(header, payload, &result), 0);
		buffer_printf(&heard, "%u=%s ", request, results[result]);
		break;
	case WIRE_REFUSED:
		assert_int_equal(wire_decode_refused(header, payload, &refused), 0);
		buffer_printf(&heard, "%u!%u ", request, refused.status);
		break;
	case WIRE_COOKIE:
		assert_int_equal(wire_decode_cookie(header, payload, &cookie), 0);
		buffer_printf(&heard, "%u$%s ", request, cookie.value);
		break;
	case WIRE_API:
		assert_int_equal(wire_decode_api(header, payload, &api), 0);
		buffer_printf(&heard, "API(%s,%u) ", api.path, (unsigned)api.body_limit);
		break;
	case WIRE_ANSWER:
		assert_int_equal(wire_decode_answer(header, payload, &answer), 0);
		buffer_printf(&heard, "%u:%u(%.*s) ", request, answer.status, (int)answer.body_len,
		    answer.body);
		break;
	case WIRE_DAEMONS:
		assert_int_equal(wire_decode_daemons(header, payload, &daemons), 0);
		buffer_printf(&heard, "DAEMONS(%u,%u) ", daemons.index, daemons.count);
		break;
	case WIRE_TAKEN:
		assert_int_equal(wire_decode_taken(header, payload), 0);
		buffer_printf(&heard, "%u:taken ", request);
		break;
	case WIRE_GOODBYE:
		assert_int_equal(wire_decode_goodbye(header, payload, &goodbye), 0);
		buffer_printf(&heard, "bye(%s) ", goodbye.text);
		break;
	default:
		fail_msg("a message of type %u", header->type);
	}
}

/* Takes everything that is there. */
static inline void
hear(void)
{
	struct wire_header header;
	ssize_t n = 1;

	while (responder != -1 && n > 0) {
		char *to = buffer_reserve(&in, 65536);

		n = recv(responder, to, 65536, MSG_DONTWAIT);
		if (n > 0)
			buffer_added(&in, (size_t)n);
		else if (n == -1)
			assert_true(errno == EAGAIN || errno == ECONNRESET);
	}
	while (wire_parse_header(in.data, in.len, WIRE_PAYLOAD_MAX, &header) == 1) {
		hear_message(&header, in.data + WIRE_HEADER_SIZE);
		buffer_consume(&in, WIRE_HEADER_SIZE + header.length);
	}
	if (n == 0 || (n == -1 && errno == ECONNRESET)) {
		buffer_append_str(&heard, "closed ");
		close(responder);
		responder = -1;
	}
}

static inline void
expect_heard(const char *expected, const char *file, int line)
{
	run();
	hear();
	assert_int_equal(in.len, 0);
	buffer_append_char(&heard, '\0');
	_assert_string_equal(heard.data, expected, file, line);
	buffer_clear(&heard);
}

#define assert_heard(expected) expect_heard(expected, __FILE__, __LINE__)

/* --- what it says ----------------------------------------------------------------------------- */

/* What was encoded to out, in one write. */
static inline void
say(void)
{
	assert_false(buffer_failed(&out));
	assert_int_equal(send(responder, out.data, out.len, MSG_NOSIGNAL), out.len);
	buffer_clear(&out);
}

/* A connection, on which nothing was said. */
static inline void
connect_responder(void)
{
	int fds[2];

	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	peers_add(&peers, fds[0]);
	responder = fds[1];
}

static inline void
encode_hello(uint64_t former_link, uint64_t former_frames)
{
	const struct wire_hello hello = {.role = WIRE_RESPONDER,
	    .major = WIRE_MAJOR,
	    .minor = WIRE_MINOR,
	    .pid = 42,
	    .instance = 1,
	    .link_id = former_link,
	    .frames = former_frames};

	wire_encode_hello(&out, &hello);
}

/* A connection that is open. */
static inline void
open_responder(void)
{
	connect_responder();
	encode_hello(0, 0);
	say();
	assert_heard("HELLO SERVICES(1) ");
}

/* The same after another, of which it has taken so many FRAMEs. */
static inline void
return_responder(uint64_t former_link, uint64_t former_frames)
{
	connect_responder();
	encode_hello(former_link, former_frames);
	say();
}

/* It is gone, as if it was killed. */
static inline void
close_responder(void)
{
	close(responder);
	responder = -1;
	run();
}

static inline void
encode_receive_of(uint64_t id, const char *session, enum transport_id transport, unsigned flags,
    const struct connection_source *source)
{
	static const char *const no_headers[] = {NULL};
	const struct wire_receive receive = {
	    .flags = flags,
	    .transport = transport,
	    .session = session,
	    .session_len = strlen(session),
	    .callback = transport_get(transport)->callback ? "cb" : "",
	    .cookie = "JSESSIONID=a",
	};

	assert_int_equal(wire_encode_receive(&out, id, &receive, source, no_headers), 0);
}

static inline void
encode_receive(uint64_t id, const char *session, enum transport_id transport, unsigned flags)
{
	encode_receive_of(id, session, transport, flags, &fake_source);
}

/* text: one message, without what JSON escapes. */
static inline void
encode_send(uint64_t id, const char *session, uint64_t sequence, const char *text)
{
	struct buffer array = BUFFER_INIT;
	struct wire_send send = {
	    .session = session,
	    .session_len = strlen(session),
	    .instance = 1,
	    .sequence = sequence,
	    .cookie = "JSESSIONID=a",
	};

	buffer_printf(&array, "%s\xff", text);
	send.messages = array.data;
	send.messages_len = array.len;
	assert_int_equal(wire_encode_send(&out, id, &send), 0);
	buffer_free(&array);
}

static inline void
say_poll(uint64_t id, const char *session)
{
	encode_receive(id, session, TRANSPORT_XHR_POLLING, 0);
	say();
}

static inline void
say_send(uint64_t id, const char *session, uint64_t sequence, const char *text)
{
	encode_send(id, session, sequence, text);
	say();
}

static inline void
say_written(uint64_t id)
{
	wire_encode_written(&out, id);
	say();
}

static inline void
say_abort(uint64_t id, unsigned flags)
{
	wire_encode_abort(&out, id, flags);
	say();
}

static inline void
say_goodbye(void)
{
	wire_encode_goodbye(&out, "stopping");
	say();
}

/* A session "s" that is open for its client, and stored, without anything that waits. */
static inline void
open_session(void)
{
	say_poll(1, "s");
	assert_heard("1<o;. ");
	say_written(1);
	run();
	run_for(LATE_DELAY);
	buffer_clear(&seen);
	buffer_clear(&written);
}

/* The application writes to the session. */
static inline void
write_to(const char *session, const char *text)
{
	assert_int_equal(write_text((sockjs_connection){find(session)->handle}, text), SOCKJS_OK);
	run();
}

/* --- before and after ------------------------------------------------------------------------- */

static inline int
set_up_responder(void **state)
{
	struct error err = ERROR_INIT;

	if (set_up_memory(state) == -1 || uv_loop_init(&loop) != 0)
		return -1;
	config = config_create("x.conf", &err);
	assert_non_null(config);
	config->server.fcgid_max_held = MOST_HELD;
	service->protocol.options.response_limit = 100;
	number_of_service = (struct service_number){service->protocol.options.sockjs_url, service};
	services = (struct services){
	    .items = &service, .count = 1, .numbers = &number_of_service, .number_count = 1};
	peer_messages_init(&messages, config, &services, &sessions, NULL);
	peers_init(&peers, &loop, &sessions, &peer_messages_calls, &messages,
	    &config->server.local_backlog);
	return 0;
}

static inline int
tear_down_responder(void **state)
{
	peers_clear(&peers);
	assert_int_equal(messages.holds.held.count, 0);
	peer_messages_clear(&messages);
	if (responder != -1)
		close(responder);
	responder = -1;
	buffer_free(&out);
	buffer_free(&in);
	buffer_free(&heard);
	uv_run(&loop, UV_RUN_NOWAIT);
	assert_int_equal(uv_loop_close(&loop), 0);
	config_destroy(&config);
	return tear_down_store(state);
}

#define RESPONDER_TEST(name)                                                                       \
	cmocka_unit_test_setup_teardown(test_##name, set_up_responder, tear_down_responder)

#endif
