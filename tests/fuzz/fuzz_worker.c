/*
 * Fuzz target: what a process of a service says (worker_process.h, worker_calls.h), while clients
 * come, send and go. Whatever it says, each line that it is told is JSON, events are numbered
 * without a gap, those of a connection come in their order, and an event that was acknowledged is
 * not told again. Built with -fsanitize=fuzzer, or with replay.c for the corpus.
 *
 * The input is lines. Of those of clients, the second character is one (0 to 3):
 *
 *     +0      it connects        -0      its connection breaks
 *     <0TEXT  it sends that      *0TEXT  ... as bytes
 *     !       the process dies, and another one begins
 *     _       the process leaves, and another one begins
 *     ~       time passes
 *
 * All others are lines of the process. In them, $0 is the id of that client's connection, and &
 * the number of the last event. The turn ends with each line, but not with one that ends with a
 * backslash, which is left out.
 */
#include "common/buffer.h"
#include "common/log.h"
#include "common/memory.h"
#include "sessiond/api/api.h"
#include "sessiond/api/api_channel.h"
#include "sessiond/channels/channels.h"
#include "sessiond/modules/module.h"
#include "sessiond/session/delivery.h"
#include "sessiond/session/session.h"
#include "sessiond/session/session_set.h"
#include "sessiond/session/turn.h"
#include "sessiond/worker/worker_module.h"
#include "sessiond/worker/worker_pool.h"
#include "sockjs/utf8.h"

#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert(): it has to hold in a build with NDEBUG as well. */
#define REQUIRE(condition)                                                                         \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);    \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

enum { CLIENTS = 4, DISCONNECT_DELAY = 5000 };

struct client {
	struct receiver receiver; /* first, so that one's address is the other's */
	struct session *session;  /* NULL: it is not connected */
	char id[37];		  /* of the last; "": it was never */
};

static struct {
	uv_loop_t loop;
	struct sessions sessions;
	struct channels channels;
	struct sockjs_service *service;
	struct workers workers;
	struct worker_process *process; /* the one that speaks */
	int far_end;
	uint64_t now, seq;
	struct client clients[CLIENTS];
} world;

static struct worker_service *
served(void)
{
	return world.service->user_data;
}

static uint64_t
clock_now(void *context)
{
	(void)context;
	return world.now;
}

/* --- clients, which take everything ----------------------------------------------------------- */

static enum receiver_result
take_frame(struct receiver *receiver, const struct receiver_frame *frame)
{
	(void)receiver;
	(void)frame;
	return RECEIVER_MORE;
}

static enum receiver_result
take_messages(struct receiver *receiver, struct message_queue *queue)
{
	(void)receiver;
	message_queue_clear(queue);
	return RECEIVER_MORE;
}

static void
let_go(struct receiver *receiver)
{
	((struct client *)(void *)receiver)->session = NULL;
}

static size_t
no_backlog(const struct receiver *receiver)
{
	(void)receiver;
	return 0;
}

static const struct receiver_ops ops = {
    .single = true,
    .frame = take_frame,
    .messages = take_messages,
    .end = let_go,
    .backlog = no_backlog,
};

static const char *
no_header(const void *context, const char *name)
{
	(void)context;
	return strcmp(name, "user-agent") == 0 ? "\xff" : NULL;
}

static void
connect_client(struct client *client)
{
	static const struct connection_source source = {
	    .path = "/w/websocket", .prefix_len = 2, .header = no_header};

	if (client->session != NULL)
		return;
	client->receiver =
	    (struct receiver){.ops = &ops, .transport = transport_get(TRANSPORT_WEBSOCKET)};
	client->session = session_create(world.service, NULL, 0);
	strcpy(client->id, client->session->uuid);
	session_arrive(client->session, &client->receiver, &source);
}

static void
happen_to(struct client *client, char what, const char *text, size_t len)
{
	if (what == '+')
		connect_client(client);
	else if (client->session == NULL)
		return;
	else if (what == '-')
		session_abort(client->session);
	else if (what == '*' || utf8_is_valid_wtf8(text, len))
		session_receive(client->session, text, len, what == '*');
}

/* --- the process ------------------------------------------------------------------------------ */

static void
no_line(void *owner, char *line, size_t len)
{
	(void)owner;
	(void)line;
	(void)len;
}

static void
no_end(void *owner, const char *why)
{
	(void)owner;
	(void)why;
}

static void
on_gone(struct worker_process *process)
{
	if (process == world.process)
		world.process = NULL;
	worker_pool_remove(&process);
}

static void
begin_process(void)
{
	static const struct line_stream_calls stream_calls = {no_line, no_end, NULL};
	static const struct worker_process_calls calls = {
	    worker_pool_changed, worker_pool_move, on_gone};
	int ends[2];

	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
	close(world.far_end);
	world.far_end = ends[1];
	world.process = worker_pool_add(worker_pool_of(served()), "connected", &calls, NULL);
	world.seq = 0;
	worker_process_begin(world.process, NULL,
	    line_stream_create(&world.loop, ends[0], ends[0], 1000000, &stream_calls, NULL), 1);
}

/* One that leaves ends when it has acknowledged all; here, that is as if it had died of nothing. */
static void
leave(void)
{
	struct worker_process *former = world.process;

	former->is_leaving = true;
	begin_process();
	worker_pool_move(former);
	worker_process_died(former, "leaves", false);
}

static void
say(const char *text, size_t len)
{
	struct buffer line = BUFFER_INIT;
	size_t i;

	for (i = 0; i < len; i++)
		if (text[i] == '$' && i + 1 < len && text[i + 1] >= '0' &&
		    text[i + 1] < '0' + CLIENTS)
			buffer_append_str(&line, world.clients[text[++i] - '0'].id);
		else if (text[i] == '&')
			buffer_printf(&line, "%" PRIu64, world.seq);
		else
			buffer_append_char(&line, text[i]);
	buffer_append_char(&line, '\0');
	worker_process_line(world.process, line.data, line.len - 1);
	buffer_free(&line);
}

/* --- what has to be so ------------------------------------------------------------------------ */

static void
check_told(const char *line, size_t len)
{
	json_t *event = json_loadb(line, len, JSON_ALLOW_NUL, NULL),
	       *seq = json_object_get(event, "seq");

	REQUIRE(json_is_string(json_object_get(event, "event")));
	if (seq != NULL) {
		REQUIRE(json_integer_value(seq) == (json_int_t)++world.seq);
		REQUIRE(json_is_string(json_object_get(event, "id")));
	}
	json_decref(event);
}

static void
check_output(void)
{
	struct buffer *output = line_stream_output(world.process->stream);
	size_t at = 0;

	REQUIRE(!buffer_failed(output));
	while (at < output->len) {
		const char *line = output->data + at;
		const char *end = memchr(line, '\n', output->len - at);

		REQUIRE(end != NULL);
		check_told(line, (size_t)(end - line));
		at += (size_t)(end - line) + 1;
	}
	buffer_clear(output);
	REQUIRE(world.seq == world.process->seq);
}

/* Each event that was given waits in its connection, and the last of an end is the last. */
static void
check(void)
{
	const struct worker_connection *connection;
	size_t queued = 0, count = 0, given = 0, suspects = 0;

	LIST_FOREACH(connection, &served()->connections, entry) {
		const struct worker_event *event;
		size_t n = 0;

		STAILQ_FOREACH(event, &connection->events, next) {
			REQUIRE((n == connection->given) == (event == connection->waiting));
			REQUIRE(event->kind != WORKER_EVENT_CLOSE || n + 1 == connection->count);
			REQUIRE(event->deaths < WORKER_DEATHS_MAX);
			suspects += event->deaths > 0;
			queued += WORKER_EVENT_COST + event->len;
			n++;
		}
		REQUIRE(n == connection->count && connection->given <= n);
		given += connection->given;
		count++;
	}
	REQUIRE(queued == served()->queued && count == served()->count);
	REQUIRE(given == world.process->given_count && suspects == world.process->suspects);
	REQUIRE(world.process->given_count > 0 || world.process->held_bytes == 0);
	REQUIRE(given <= world.service->worker_options.worker_in_flight);
}

/* --- time ------------------------------------------------------------------------------------- */

static void
end_turn(void)
{
	int round;

	for (round = 0; round < 2; round++) {
		while (turn_flush(&world.sessions))
			continue;
		if (world.process == NULL)
			begin_process();
		workers_give(&world.workers);
		check_output();
		check();
	}
}

static void
pass(uint64_t ms)
{
	uint64_t deadline, end = world.now + ms;

	while (timers_next(&world.sessions.timers, &deadline) && deadline <= end) {
		world.now = deadline;
		timers_run(&world.sessions.timers, world.now);
		end_turn();
	}
	world.now = end;
}

/* --- beginning and end ------------------------------------------------------------------------ */

static void
create_service(void)
{
	static char url[] = "http://localhost/sockjs.js";
	struct error err = ERROR_INIT;

	world.service = service_create("/w", &err);
	REQUIRE(world.service != NULL);
	world.service->module_name = strdup(WORKER_MODULE);
	world.service->protocol.options = (struct service_options){
	    .sockjs_url = url,
	    .heartbeat_delay = 25000,
	    .disconnect_delay = DISCONNECT_DELAY,
	    .headers_limit = 4096,
	    .queue_limit = 3000,
	    .drain_mark = 1000,
	    .log_level = SEVERITY_ERROR,
	};
	REQUIRE(conf_set_defaults(worker_option_table, worker_option_count,
		    &world.service->worker_options, &err) == 0);
	world.service->worker_options.worker_in_flight = 5;
	world.service->worker_options.worker_queue_limit = 2000;
	world.service->worker_options.worker_held_limit = 500;
	world.service->worker_options.ack_timeout = 3000;
	REQUIRE(module_load(world.service, NULL, &err) == 0);
	service_prepare(world.service, &world.sessions.timers, session_heartbeat_fire,
	    session_timeout_fire, &world.sessions);
	REQUIRE(world.service->application->start(world.service) == 0);
}

static void
begin(void)
{
	static const struct session_fires fires = {
	    session_pong_fire, session_timeout_fire, delivery_grace_fire};

	log_set_minimum(SEVERITY_ERROR);
	memset(&world, 0, sizeof world);
	world.now = 1000000;
	world.far_end = -1;
	REQUIRE(uv_loop_init(&world.loop) == 0);
	sessions_init(&world.sessions, clock_now, NULL, &fires);
	channels_init(&world.channels, &world.sessions, &api_channel_kind);
	api_bind(&world.sessions);
	api_channel_bind(&world.channels);
	workers_init(&world.workers, &world.loop, &world.sessions.timers, clock_now, NULL);
	world.workers.is_kept = true;
	workers_bind(&world.workers);
	worker_modules_add();
	create_service();
	begin_process();
	end_turn();
}

static void
abort_one(void *session, void *context)
{
	(void)context;
	session_abort(session);
}

/* All go, and once their ends are acknowledged nothing is left. */
static void
end(void)
{
	sessions_each(&world.sessions, abort_one, NULL);
	end_turn();
	while (world.process->given_count > 0) {
		say("{\"call\":\"ack\",\"seq\":&}", 22);
		end_turn();
	}
	REQUIRE(served()->count == 0 && served()->queued == 0 && !served()->is_full);
	world.service->application->stop(world.service);
	workers_bind(NULL);
	workers_clear(&world.workers);
	api_channel_end_all(world.service);
	channels_clear(&world.channels);
	api_channel_bind(NULL);
	api_bind(NULL);
	conf_free_values(worker_option_table, worker_option_count, &world.service->worker_options);
	service_destroy(&world.service);
	sessions_clear(&world.sessions);
	close(world.far_end);
	uv_run(&world.loop, UV_RUN_DEFAULT);
	REQUIRE(uv_loop_close(&world.loop) == 0);
}

/* --- lines ------------------------------------------------------------------------------------ */

static void
happen(const char *line, size_t len)
{
	bool is_client = len > 1 && line[1] >= '0' && line[1] < '0' + CLIENTS;

	if (is_client && strchr("+-<*", line[0]) != NULL && line[0] != '\0')
		happen_to(&world.clients[line[1] - '0'], line[0], line + 2, len - 2);
	else if (len == 1 && line[0] == '!')
		worker_process_died(world.process, "dies", true);
	else if (len == 1 && line[0] == '_')
		leave();
	else if (len == 1 && line[0] == '~')
		pass(DISCONNECT_DELAY / 2);
	else
		say(line, len);
	if (world.process == NULL)
		begin_process();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	size_t at, len;

	begin();
	for (at = 0; at < size; at += len + 1) {
		const char *newline = memchr(text + at, '\n', size - at);
		bool goes_on;

		len = newline == NULL ? size - at : (size_t)(newline - text) - at;
		goes_on = len > 0 && text[at + len - 1] == '\\';
		happen(text + at, len - goes_on);
		if (!goes_on)
			end_turn();
	}
	end();
	return 0;
}
