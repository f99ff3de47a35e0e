/*
 * sessiond/worker/worker_pool.h and worker_serve.h: who serves whom, processes that come and go,
 * and who may not serve.
 */
#include "tests/unit/worker/worker_fixture.h"

#define RESUME(seq, id)                                                                            \
	"{\"event\":\"resume\",\"seq\":" seq ",\"id\":\"$" id "\",\"state\":null,@}\n"

static struct worker_pool *
pool(void)
{
	return worker_pool_of(served());
}

/* The one that came last is the first in the list. */
static struct worker_process *
newest(void)
{
	return LIST_FIRST(&pool()->processes);
}

static void
expect_end(size_t peer)
{
	forget_heard(peer);
	assert_int_equal(read(peers[peer], &(char){0}, 1), 0);
}

/* --- who serves whom -------------------------------------------------------------------------- */

static void
test_fewest(void **state)
{
	(void)state;
	serve(0);
	serve(1);
	enter("a");
	enter("b");
	enter("c");
	enter("d");
	finish();
	assert_int_equal(newest()->seat_count, 2);
	assert_int_equal(LIST_NEXT(newest(), entry)->seat_count, 2);
	serve(2);
	enter("e");
	finish();
	assert_heard(2, HELLO "{\"event\":\"connection\",\"seq\":1,\"id\":\"$e\",@}\n");
}

/* Nobody is there: it waits, and the first that comes serves it. */
static void
test_waits(void **state)
{
	(void)state;
	enter("a");
	finish();
	assert_non_null(LIST_FIRST(&pool()->unseated));
	serve(0);
	assert_null(LIST_FIRST(&pool()->unseated));
	assert_heard(0, HELLO "{\"event\":\"connection\",\"seq\":1,\"id\":\"$a\",@}\n");
}

static void
test_another_takes_over(void **state)
{
	(void)state;
	serve_client(0, "a");
	serve(1);
	assert_heard(1, HELLO);
	hear_from("a", "1");
	finish();
	lose(0);
	finish();
	assert_heard(
	    1, RESUME("1", "a") "{\"event\":\"data\",\"seq\":2,\"id\":\"$a\",\"data\":\"1\"}\n");
	assert_int_equal(newest()->suspects, 1);
	say(1, "{\"call\":\"ack\",\"seq\":2}");
	assert_int_equal(newest()->suspects, 0);
	lose(1);
	finish();
	assert_null(newest());
	assert_non_null(LIST_FIRST(&pool()->unseated));
	/* It ends meanwhile. */
	pass_time(DISCONNECT_DELAY);
	serve(0);
	assert_heard(0, HELLO RESUME("1", "a") "{\"event\":\"close\",\"seq\":2,\"id\":\"$a\"}\n");
}

/* --- one that leaves -------------------------------------------------------------------------- */

static void
leave(struct worker_process *process)
{
	process->is_leaving = true;
	worker_pool_move(process);
}

/* Nothing is lost, and nobody waits for what it does not have. */
static void
test_leaves(void **state)
{
	struct worker_process *former;

	(void)state;
	serve_client(0, "a");
	enter("b");
	finish();
	say(0, "{\"call\":\"ack\",\"seq\":2}");
	hear_from("a", "1");
	finish();
	forget_heard(0);
	former = newest();
	serve(1);
	leave(former);
	finish();
	/* b moves at once, a when its event is acknowledged; no more is given to the former. */
	assert_heard(1, HELLO RESUME("1", "b"));
	hear_from("a", "2");
	finish();
	assert_heard(0, "");
	assert_heard(1, "");
	say(0, "{\"call\":\"write\",\"id\":\"$a\",\"data\":\"x\"}\n{\"call\":\"ack\",\"seq\":3}");
	finish();
	assert_heard(
	    1, RESUME("2", "a") "{\"event\":\"data\",\"seq\":3,\"id\":\"$a\",\"data\":\"2\"}\n");
	assert_polled("a", "a[\"x\"]");
	expect_end(0);
	lose(0);
	assert_ptr_equal(newest(), pool()->processes.lh_first);
	assert_null(LIST_NEXT(newest(), entry));
}

/* It dies while it leaves: what it had goes to the others. */
static void
test_dies_leaving(void **state)
{
	(void)state;
	serve_client(0, "a");
	hear_from("a", "1");
	finish();
	leave(newest());
	serve(1);
	assert_heard(1, HELLO);
	lose(0);
	finish();
	assert_heard(
	    1, RESUME("1", "a") "{\"event\":\"data\",\"seq\":2,\"id\":\"$a\",\"data\":\"1\"}\n");
}

/* The daemon ends: it gets nothing more, and is waited for. */
static void
test_finish(void **state)
{
	(void)state;
	serve_client(0, "a");
	hear_from("a", "1");
	finish();
	assert_false(workers_finish(&workers));
	hear_from("a", "2");
	finish();
	assert_heard(0, "{\"event\":\"data\",\"seq\":2,\"id\":\"$a\",\"data\":\"1\"}\n");
	say(0, "{\"call\":\"ack\",\"seq\":2}");
	assert_false(workers_finish(&workers));
	finish();
	expect_end(0);
	lose(0);
	assert_true(workers_finish(&workers));
}

/* --- nobody is there -------------------------------------------------------------------------- */

static void
test_away(void **state)
{
	(void)state;
	enter("a");
	arrive("a", fake_stream('s'));
	assert_false(served()->is_away);
	assert_int_equal(service->application->authorize(connection_of("a")), 0);
	serve(0);
	assert_true(served()->is_here);
	pass_time(options.worker_timeout);
	assert_false(served()->is_away);
	lose(0);
	assert_false(served()->is_here);
	pass_time(options.worker_timeout - 1);
	assert_false(served()->is_away);
	capture_begin_later();
	pass_time(1);
	assert_non_null(strstr(capture_end(),
	    "its application has not been there for worker_timeout (10000 ms): clients and sends "
	    "get 503"));
	assert_true(served()->is_away);
	assert_int_equal(service->application->authorize(connection_of("a")), 503);
	capture_begin_later();
	serve(0);
	assert_non_null(strstr(capture_end(), "its application is there again"));
	assert_int_equal(service->application->authorize(connection_of("a")), 0);
}

/* --- who may serve ---------------------------------------------------------------------------- */

static void
expect_refused(const char *line, const char *code, const char *message)
{
	char expected[300];

	connect_peer(3);
	capture_begin_later();
	say(3, line);
	assert_non_null(strstr(capture_end(), "on the control socket: "));
	snprintf(expected, sizeof expected,
	    "{\"event\":\"error\",\"ref\":null,\"code\":\"%s\",\"message\":\"%s\"}\n", code,
	    message);
	assert_heard(3, expected);
	/* What it says then is not looked at, and neither is it when it serves after all. */
	say(3, SERVE);
	expect_end(3);
	lose(3);
	assert_int_equal(workers.guest_count, 0);
}

static void
test_refused(void **state)
{
	static const char first[] = "the first line is to be "
				    "{\\\"call\\\":\\\"serve\\\",\\\"service\\\":\\\"/prefix\\\"}";

	(void)state;
	expect_refused("{", "invalid", first);
	expect_refused("{}", "invalid", first);
	expect_refused("{\"call\":\"serve\"}", "invalid", first);
	expect_refused("{\"call\":\"serve\",\"service\":7}", "invalid", first);
	expect_refused("{\"call\":\"write\",\"service\":\"/echo\"}", "invalid", first);
	expect_refused("{\"call\":\"serve\",\"service\":\"/nowhere\"}", "unknown",
	    "there is no [service /nowhere] with `module = worker` or `program`");
	service->is_retired = true;
	expect_refused(
	    SERVE, "unknown", "there is no [service /echo] with `module = worker` or `program`");
	service->is_retired = false;
	serve(0);
	assert_heard(0, HELLO);
}

static void
test_endless_first_line(void **state)
{
	static char endless[10000];

	(void)state;
	connect_peer(0);
	memset(endless, '{', sizeof endless);
	say_bytes(0, endless, sizeof endless);
	assert_int_equal(workers.guest_count, 0);
	/* Before and after: one that says nothing. */
	connect_peer(1);
	lose(1);
	assert_int_equal(workers.guest_count, 0);
}

static void
test_line_limit(void **state)
{
	static char line[3000];

	(void)state;
	service->worker_options.worker_line_limit = 2000;
	serve_client(0, "a");
	memset(line, ' ', sizeof line);
	line[1999] = '\n';
	say_bytes(0, line, 2000);
	assert_non_null(newest());
	capture_begin_later();
	say_bytes(0, line + 2000, 1000);
	say_bytes(0, line + 500, 1001);
	finish();
	assert_non_null(
	    strstr(capture_end(), "wrote a line of more than 2000 bytes (worker_line_limit)"));
	assert_null(newest());
}

static void
test_many(void **state)
{
	int ends[WORKER_GUESTS_MAX + 1][2];
	size_t i;

	(void)state;
	for (i = 0; i <= WORKER_GUESTS_MAX; i++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends[i]), 0);
		if (i == WORKER_GUESTS_MAX)
			capture_begin_later();
		worker_serve_accept(&workers, ends[i][0]);
	}
	assert_non_null(
	    strstr(capture_end(), "256 processes serve over the control socket: a further one"));
	assert_int_equal(read(ends[WORKER_GUESTS_MAX][1], &(char){0}, 1), 0);
	assert_int_equal(workers.guest_count, WORKER_GUESTS_MAX);
	for (i = 0; i <= WORKER_GUESTS_MAX; i++)
		close(ends[i][1]);
	run_loop();
	assert_int_equal(workers.guest_count, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WORKER_TEST_ONCE(fewest),
	    WORKER_TEST_ONCE(waits),
	    WORKER_TEST_ONCE(another_takes_over),
	    WORKER_TEST_ONCE(leaves),
	    WORKER_TEST_ONCE(dies_leaving),
	    WORKER_TEST_ONCE(finish),
	    WORKER_TEST_ONCE(away),
	    WORKER_TEST_ONCE(refused),
	    WORKER_TEST_ONCE(endless_first_line),
	    WORKER_TEST_ONCE(line_limit),
	    WORKER_TEST_ONCE(many),
	};

	log_open("test_worker_pool", SEVERITY_ERROR);
	return cmocka_run_group_tests_name("worker_pool", tests, folder_setup, folder_teardown);
}
