/*
 * For the tests of sessiond/worker: channels_fixture.h's service, whose application are processes.
 * Those are socketpairs that the test holds the other end of, and that serve as over the control
 * socket.
 *
 * In what is said and heard, $a is the id of the connection of session a, and @ what is known of
 * each client.
 */
#ifndef TESTS_WORKER_FIXTURE_H
#define TESTS_WORKER_FIXTURE_H

/* Before what the fixtures name `service`. */
#include "common/loop.h"
#include "sessiond/modules/module.h"
#include "sessiond/worker/worker_connection.h"
#include "sessiond/worker/worker_module.h"
#include "sessiond/worker/worker_pool.h"
#include "sessiond/worker/worker_serve.h"
#include "sessiond/worker/worker_store.h"

#include "tests/unit/channels/channels_fixture.h"
#include "tests/unit/log_capture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define SERVE "{\"call\":\"serve\",\"service\":\"/echo\"}"
#define HELLO "{\"event\":\"hello\",\"version\":1,\"service\":\"/echo\"}\n"
#define CLIENT                                                                                     \
	"\"protocol\":\"xhr-polling\",\"remoteAddress\":\"\",\"remotePort\":0,"                    \
	"\"url\":\"/echo/000/s/xhr?q=1\",\"pathname\":\"/echo/000/s/xhr\",\"prefix\":\"/echo\","   \
	"\"headers\":{\"user-agent\":\"cmocka\"}"

enum { PEERS = 4, CLIENTS = 26 };

static uv_loop_t loop;
static struct workers workers;
static struct worker_store worker_store;
static bool keeps;		      /* there is a store; set before set_up_workers */
static struct worker_options options; /* of the service, from the next restart on too */
static int peers[PEERS];	      /* ends of processes; -1: none */
static char ids[CLIENTS][37];	      /* of the connections of sessions a to z */
static struct buffer heard;

static inline struct worker_service *
served(void)
{
	return service->user_data;
}

/* --- before, between and after ---------------------------------------------------------------- */

static inline void
begin_workers(void)
{
	struct error err = ERROR_INIT;

	begin();
	worker_modules_add();
	free(service->module_name);
	service->module_name = strdup(WORKER_MODULE);
	assert_non_null(service->module_name);
	assert_int_equal(module_load(service, NULL, &err), 0);
	lasting = service->application;
	service->worker_options = options;
	workers_init(&workers, &loop, &sessions.timers, fake_clock, &now);
	workers_bind(&workers);
	if (keeps) {
		worker_store_init(&worker_store, &workers);
		persistence_add(&persistence, &worker_store.part);
	}
	assert_int_equal(service->application->start(service), 0);
}

static inline void
restored_workers(void)
{
	restored();
	if (keeps)
		worker_store_end_restore(&worker_store);
}

static inline void
end_workers(void)
{
	if (services_known > 0 || served() != NULL)
		service->application->stop(service);
	worker_serve_clear(&workers);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_true(LIST_EMPTY(&workers.services));
	workers_bind(NULL);
	workers_clear(&workers);
	end();
}

static inline int
set_up_workers(void **state, bool is_memory)
{
	struct error err = ERROR_INIT;
	size_t i;

	set_up(state, is_memory);
	end();
	end_of_service = end_workers;
	before_restore = begin_workers;
	after_restore = restored_workers;
	keeps = true;
	for (i = 0; i < PEERS; i++)
		peers[i] = -1;
	memset(ids, 0, sizeof ids);
	buffer_init(&heard);
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(
	    conf_set_defaults(worker_option_table, worker_option_count, &options, &err), 0);
	channels_clear(&channels);
	persistence.part_count = 0;
	begin_workers();
	restored_workers();
	return 0;
}

static inline int
set_up_workers_in_memory(void **state)
{
	return set_up_workers(state, true);
}

static inline int
set_up_workers_on_disk(void **state)
{
	return set_up_workers(state, false);
}

static inline int
tear_down_workers(void **state)
{
	size_t i;

	for (i = 0; i < PEERS; i++)
		if (peers[i] != -1)
			close(peers[i]);
	tear_down_store(state);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	conf_free_values(worker_option_table, worker_option_count, &options);
	buffer_free(&heard);
	end_of_service = NULL;
	before_restore = after_restore = NULL;
	return 0;
}

/* --- turns ------------------------------------------------------------------------------------ */

/* Ends the turn as the daemon does. */
static inline enum commit_result
finish(void)
{
	enum commit_result result;
	bool is_busy;

	do {
		turn();
		is_busy = workers_give(&workers);
		result = persistence_commit(&persistence);
		workers_write(&workers);
	} while (turn_flush(&sessions) || is_busy);
	return result;
}

/* What has come from processes is read. */
static inline void
run_loop(void)
{
	int i;

	for (i = 0; i < 4; i++)
		uv_run(&loop, UV_RUN_NOWAIT);
}

/* As pass_turns. */
static inline void
pass_time(uint64_t ms)
{
	uint64_t deadline, end = now + ms;

	while (timers_next(&sessions.timers, &deadline) && deadline <= end) {
		now = deadline;
		timers_run(&sessions.timers, now);
		finish();
	}
	now = end;
	run_loop();
	finish();
}

/* --- clients ---------------------------------------------------------------------------------- */

/* A client that polls is there, and its id is known. The turn is not ended for workers. */
static inline void
enter(const char *id)
{
	open_client(id);
	strcpy(ids[id[0] - 'a'], find(id)->uuid);
}

static inline void
hear_from(const char *id, const char *text)
{
	receive_text(find(id), text);
}

static inline struct worker_connection *
carried(const char *id)
{
	const char *uuid = ids[id[0] - 'a'];

	return worker_connection_find(served(), uuid, strlen(uuid));
}

/* --- processes -------------------------------------------------------------------------------- */

/* Appends text, with what $x and @ stand for, and a NUL. */
static inline void
expand(struct buffer *out, const char *text)
{
	for (; *text != '\0'; text++)
		if (text[0] == '$' && text[1] >= 'a' && text[1] <= 'z')
			buffer_append_str(out, ids[*++text - 'a']);
		else if (*text == '@')
			buffer_append_str(out, CLIENT);
		else
			buffer_append_char(out, *text);
	buffer_append_char(out, '\0');
}

/* All of it is read at once. */
static inline void
say_bytes(size_t peer, const char *bytes, size_t len)
{
	size_t left = len;

	while (left > 0) {
		ssize_t n = write(peers[peer], bytes + len - left, left);

		if (n > 0)
			left -= (size_t)n;
		else
			assert_int_equal(errno, EAGAIN);
		run_loop();
	}
}

/* A process says a line, or several; the turn goes on. */
static inline void
say(size_t peer, const char *text)
{
	struct buffer line = BUFFER_INIT;

	expand(&line, text);
	line.data[line.len - 1] = '\n';
	say_bytes(peer, line.data, line.len);
	buffer_free(&line);
}

/* A process that serves nothing yet. */
static inline void
connect_peer(size_t peer)
{
	int ends[2];

	assert_int_equal(peers[peer], -1);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
	peers[peer] = ends[1];
	worker_serve_accept(&workers, ends[0]);
}

/* A process that serves, and has been told all there is. */
static inline void
serve(size_t peer)
{
	connect_peer(peer);
	say(peer, SERVE);
	finish();
}

/* It dies. */
static inline void
lose(size_t peer)
{
	close(peers[peer]);
	peers[peer] = -1;
	run_loop();
}

static inline void
listen_to(size_t peer)
{
	ssize_t n;

	do {
		char *to = buffer_reserve(&heard, 65536);

		assert_non_null(to);
		n = read(peers[peer], to, 65536);
		if (n > 0)
			buffer_added(&heard, (size_t)n);
	} while (n > 0);
}

static inline void
expect_heard(size_t peer, const char *expected, const char *file, int line)
{
	struct buffer text = BUFFER_INIT;

	listen_to(peer);
	expand(&text, expected);
	buffer_append_char(&heard, '\0');
	_assert_string_equal(heard.data, text.data, file, line);
	buffer_clear(&heard);
	buffer_free(&text);
}

/* Compares what a process was told, and forgets it. */
#define assert_heard(peer, expected) expect_heard(peer, expected, __FILE__, __LINE__)

/* Whatever was told is forgotten. */
static inline void
forget_heard(size_t peer)
{
	listen_to(peer);
	buffer_clear(&heard);
}

/* A process serves a connection that is known, with no event in flight. */
static inline void
serve_client(size_t peer, const char *id)
{
	enter(id);
	serve(peer);
	say(peer, "{\"call\":\"ack\",\"seq\":1}");
	finish();
	forget_heard(peer);
	buffer_clear(&seen);
}

#define WORKER_TEST(name)                                                                          \
	{#name " (memory)", test_##name, set_up_workers_in_memory, tear_down_workers, NULL},       \
	{                                                                                          \
#name " (SQLite)", test_##name, set_up_workers_on_disk, tear_down_workers, NULL    \
	}

#define WORKER_TEST_ONCE(name)                                                                     \
	{                                                                                          \
#name, test_##name, set_up_workers_in_memory, tear_down_workers, NULL              \
	}

#endif
