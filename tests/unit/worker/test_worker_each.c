/*
 * sessiond/worker/worker_each.h: what a process says and hears, how the two ends follow each other,
 * and the limits. The processes are small ones of sh.
 */
#include "tests/unit/session/session_fixture.h"

#include "sessiond/program/program.h"
#include "sessiond/service/application.h"
#include "sessiond/worker/each_environment.h"
#include "sessiond/worker/worker_each.h"
#include "tests/unit/log_capture.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum { HANGS_S = 100 };

static uv_loop_t loop;
static char command[500];

uid_t __wrap_geteuid(void);
int
__wrap_uv_timer_start(uv_timer_t *timer, uv_timer_cb callback, uint64_t timeout, uint64_t repeat);
int
__real_uv_timer_start(uv_timer_t *timer, uv_timer_cb callback, uint64_t timeout, uint64_t repeat);

/* The tests may be run by root, whose programs are not started. */
uid_t
__wrap_geteuid(void)
{
	return 1000;
}

/* Nobody waits for a process that ignores its end. */
int
__wrap_uv_timer_start(uv_timer_t *timer, uv_timer_cb callback, uint64_t timeout, uint64_t repeat)
{
	return __real_uv_timer_start(timer, callback, timeout / 100, repeat);
}

/* --- the service ------------------------------------------------------------------------------ */

static void
serve(const char *script)
{
	snprintf(command, sizeof command, "/bin/sh -c \"%s\"", script);
	service->worker_options.program = command;
}

static int
set_up(void **state)
{
	fixture_set_up(state);
	assert_int_equal(uv_loop_init(&loop), 0);
	worker_each_bind(&loop);
	service->application = &worker_each_module;
	service->worker_options = (struct worker_options){
	    .max_processes = 2, .worker_line_limit = 4096, .worker_queue_limit = 100000};
	return 0;
}

static int
tear_down(void **state)
{
	service->worker_options.program = NULL;
	fixture_tear_down(state);
	worker_each_bind(NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	return 0;
}

/* What the daemon does for a new client; the status that it is refused with. */
static int
ask(const char *id, struct session **session)
{
	int status;

	*session = session_create(service, id, id == NULL ? 0 : strlen(id));
	(*session)->info = connection_info_create(&fake_source);
	status = application_authorize(service, (*session)->handle);
	(*session)->is_admitted = status == 0;
	return status;
}

/* id NULL: over a websocket. */
static struct session *
open_with(const char *id, struct fake_receiver *fake)
{
	struct session *session;

	assert_int_equal(ask(id, &session), 0);
	session_arrive(session, &fake->receiver, NULL);
	turn();
	return session;
}

/* Until that was seen, after what was seen already. */
static void
await(const char *text)
{
	while (seen.len == 0 || memmem(seen.data, seen.len, text, strlen(text)) == NULL) {
		uv_run(&loop, UV_RUN_ONCE);
		turn();
	}
	assert_seen(text);
}

static void
await_no_process(void)
{
	while (worker_each_count(service) > 0) {
		uv_run(&loop, UV_RUN_ONCE);
		turn();
	}
}

/* --- tests ------------------------------------------------------------------------------------ */

static void
test_lines(void **state)
{
	struct session *session;

	(void)state;
	serve("echo ready; while read line && read more; do echo $line+$more; done; exit 1");
	session = open_with(NULL, fake_websocket('1'));
	await("1<o 1<a[\"ready\"] ");
	receive_text(session, "one");
	receive_text(session, "two");
	await("1<a[\"one+two\"] ");
	receive_text(session, "a\nb");
	await("1<a[\"a+b\"] ");
	assert_int_equal(worker_each_count(service), 1);
	session_abort(session);
	turn();
	await_no_process();
}

static void
test_end_of_process(void **state)
{
	const char *log;

	(void)state;
	serve("echo last; exit 3");
	capture_begin_later();
	open_with("s", fake_poll('1'));
	await_no_process();
	log = capture_end();
	assert_non_null(strstr(log, "error: [service /echo]: process "));
	assert_non_null(strstr(log, " exited with status 3\n"));
	assert_seen("1<o 1. ");
	arrive("s", fake_poll('2'));
	turn();
	assert_seen("2<a[\"last\"] 2. ");
	arrive("s", fake_poll('3'));
	turn();
	assert_seen("3<c[1000,\"Normal closure\"] 3. ");
}

/* The process goes on, but nobody will hear from it. */
static void
test_end_of_output(void **state)
{
	(void)state;
	serve("echo last; exec sleep 1000 >&-");
	open_with(NULL, fake_websocket('1'));
	await("1<o 1<a[\"last\"] 1<c[1000,\"Normal closure\"] 1. ");
	await_no_process();
}

/* A close of stdout may be seen before the exit: its client, who is gone by then, asked nothing. */
static void
test_end_after_output(void **state)
{
	const char *log;

	(void)state;
	serve("echo last; exec >&-; read line; exit 3");
	capture_begin_later();
	open_with(NULL, fake_websocket('1'));
	await_no_process();
	log = capture_end();
	assert_seen("1<o 1<a[\"last\"] 1<c[1000,\"Normal closure\"] 1. ");
	assert_non_null(strstr(log, "error: [service /echo]: process "));
	assert_non_null(strstr(log, " exited with status 3\n"));
}

/* Its client has gone before it was let in. */
static void
test_gone_early(void **state)
{
	struct session *session;

	(void)state;
	serve("read line; exit 1");
	assert_int_equal(ask(NULL, &session), 0);
	assert_int_equal(worker_each_count(service), 1);
	session_abort(session);
	turn();
	await_no_process();
	assert_seen("");
}

static void
test_max_processes(void **state)
{
	struct session *first, *second, *third;
	const char *log;

	(void)state;
	serve("read line");
	assert_int_equal(ask(NULL, &first), 0);
	assert_int_equal(ask(NULL, &second), 0);
	capture_begin_later();
	assert_int_equal(ask(NULL, &third), 503);
	log = capture_end();
	assert_non_null(strstr(log, "[service /echo]: max_processes (2) reached: clients get 503"));
	session_abort(third);
	/* A process that is ending counts. */
	session_abort(first);
	turn();
	assert_int_equal(worker_each_count(service), 2);
	while (worker_each_count(service) == 2)
		uv_run(&loop, UV_RUN_ONCE);
	assert_int_equal(ask(NULL, &third), 0);
}

static void
test_cannot_start(void **state)
{
	struct session *session;
	char none[] = "./none";
	const char *log;

	(void)state;
	service->worker_options.program = none;
	capture_begin_later();
	assert_int_equal(ask(NULL, &session), 503);
	log = capture_end();
	assert_non_null(strstr(log, "error: [service /echo]: program: ./none: "));
	session_abort(session);
	assert_int_equal(worker_each_count(service), 0);
}

/* Nothing that waits for a slow client is more than drain_mark and a line. */
static void
test_slow_client(void **state)
{
	struct fake_receiver *fake = fake_websocket('1');
	struct session *session;
	int i;

	(void)state;
	service->protocol.options.queue_limit = 100000;
	serve("yes 12345678 | head -n 100000; exit 0");
	fake->congested = true;
	session = open_with(NULL, fake);
	while (session_queued_bytes(session) <= DRAIN_MARK)
		uv_run(&loop, UV_RUN_ONCE);
	for (i = 0; i < 100; i++) {
		uv_run(&loop, UV_RUN_NOWAIT);
		turn();
		assert_true(session_queued_bytes(session) <= DRAIN_MARK + 8 + 64);
	}
	assert_int_equal(worker_each_count(service), 1);
	fake->congested = false;
	session_receiver_drained(&fake->receiver);
	turn();
	await_no_process();
	buffer_clear(&seen);
}

static void
test_deaf_process(void **state)
{
	char message[10001];
	const char *log;
	struct session *session;
	int i;

	(void)state;
	serve("exec sleep 1000");
	session = open_with(NULL, fake_websocket('1'));
	memset(message, 'x', sizeof message - 1);
	message[sizeof message - 1] = '\0';
	capture_begin_later();
	for (i = 0; i < 20; i++)
		receive_text(session, message);
	log = capture_end();
	assert_non_null(
	    strstr(log, "[service /echo]: worker_queue_limit (100000) reached: process "));
	turn();
	assert_seen("1<o 1<c[4503,\"The application does not read\"] 1. ");
	assert_int_equal(worker_each_count(service), 0);
}

/* It was stored when its service was another one. */
static void
test_no_process(void **state)
{
	struct session *session;

	(void)state;
	session = session_create(service, NULL, 0);
	session_arrive(session, &fake_websocket('1')->receiver, &fake_source);
	turn();
	assert_seen("1<o 1<c[1001,\"The server was restarted\"] 1. ");
}

static void
test_finish(void **state)
{
	(void)state;
	serve("while read line; do :; done");
	open_with(NULL, fake_websocket('1'));
	while (!worker_each_finish())
		uv_run(&loop, UV_RUN_ONCE);
	turn();
	assert_seen("1<o 1<c[1000,\"Normal closure\"] 1. ");
}

/* --- the environment -------------------------------------------------------------------------- */

static const char *const *wanted; /* names and values of headers, ended by NULL */

static const char *
find_header(const void *context, const char *name)
{
	size_t i;

	(void)context;
	for (i = 0; wanted[i] != NULL; i += 2)
		if (strcmp(wanted[i], name) == 0)
			return wanted[i + 1];
	return NULL;
}

static void
expect_environment(const char *const *headers, const char *const *expected)
{
	const struct connection_source source = {.path = "/echo/a/b",
	    .query = "q=1&r",
	    .prefix_len = 5,
	    .header = find_header,
	    .more_headers = "x-mine, proxy"};
	struct session *session = session_create(service, NULL, 0);
	char **environment;
	size_t i, j;

	wanted = headers;
	session->info = connection_info_create(&source);
	environment = each_environment((sockjs_connection){session->handle}, source.more_headers);
	for (i = 0; expected[i] != NULL; i++) {
		for (j = 0; environment[j] != NULL && strcmp(environment[j], expected[i]) != 0; j++)
			continue;
		if (environment[j] == NULL)
			fail_msg("%s", expected[i]);
	}
	for (j = 0; environment[j] != NULL; j++)
		assert_true(strncmp(environment[j], "HTTP_PROXY", 10) != 0);
	free(environment);
	session_abort(session);
}

static void
test_environment(void **state)
{
	static const char *const none[] = {NULL};
	static const char *const some[] = {
	    "host", "[::1]:81", "x-mine", "a=b", "proxy", "evil", NULL};
	static const char *const secure[] = {"host", "a.b", "x-forwarded-proto", "https", NULL};

	(void)state;
	expect_environment(none,
	    (const char *const[]){"SERVER_NAME=", "SERVER_PORT=0", "REQUEST_URI=/echo/a/b?q=1&r",
		"SCRIPT_NAME=/echo", "PATH_INFO=/a/b", "PATH_TRANSLATED=/echo/a/b",
		"QUERY_STRING=q=1&r", "REMOTE_ADDR=", "REMOTE_PORT=0", "AUTH_TYPE=", NULL});
	expect_environment(some,
	    (const char *const[]){"SERVER_NAME=[::1]", "SERVER_PORT=81", "HTTP_HOST=[::1]:81",
		"HTTP_X_MINE=a=b", NULL});
	expect_environment(secure,
	    (const char *const[]){"SERVER_NAME=a.b", "SERVER_PORT=443", "HTTPS=on",
		"HTTP_X_FORWARDED_PROTO=https", NULL});
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(lines),
	    TEST(end_of_process),
	    TEST(end_of_output),
	    TEST(end_after_output),
	    TEST(gone_early),
	    TEST(max_processes),
	    TEST(cannot_start),
	    TEST(slow_client),
	    TEST(deaf_process),
	    TEST(no_process),
	    TEST(finish),
	    TEST(environment),
	};

	signal(SIGPIPE, SIG_IGN);
	alarm(HANGS_S);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
