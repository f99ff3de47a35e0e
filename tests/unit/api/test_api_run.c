/*
 * sessiond/api/api_run.c: what threads hand over runs on the loop, once, in order; and nothing does
 * after the service's end.
 */
#include "tests/unit/session/session_fixture.h"

#include "sessiond/api/api_run.h"
#include "tests/unit/log_capture.h"

#include <pthread.h>

enum {
	THREADS = 4,
	EACH = 10000,
};

static uv_loop_t loop;
static uv_timer_t limit;
static pthread_t loop_thread;

struct job {
	unsigned thread, number;
};

static unsigned runs, next_of[THREADS];
static struct job jobs[THREADS][EACH];

static void
on_limit(uv_timer_t *timer)
{
	(void)timer;
	fail_msg("the loop waits for functions that do not come");
}

static int
set_up(void **state)
{
	fixture_set_up(state);
	assert_int_equal(uv_loop_init(&loop), 0);
	uv_timer_init(&loop, &limit);
	uv_timer_start(&limit, on_limit, 60000, 0);
	api_run_bind(&loop);
	loop_thread = pthread_self();
	runs = 0;
	memset(next_of, 0, sizeof next_of);
	return 0;
}

static int
tear_down(void **state)
{
	api_run_drop(service);
	api_run_bind(NULL);
	uv_close((uv_handle_t *)&limit, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	return fixture_tear_down(state);
}

static void
count(void *data)
{
	struct job *job = data;

	assert_true(pthread_equal(pthread_self(), loop_thread));
	assert_int_equal(job->number, next_of[job->thread]);
	next_of[job->thread]++;
	runs++;
}

static void *
hand_over(void *data)
{
	struct job *own = data;
	unsigned i;

	for (i = 0; i < EACH; i++)
		if (sockjs_run(service, count, &own[i]) != SOCKJS_OK)
			return own;
	return NULL;
}

static void
number_jobs(void)
{
	unsigned i, j;

	for (i = 0; i < THREADS; i++)
		for (j = 0; j < EACH; j++)
			jobs[i][j] = (struct job){i, j};
}

static void
start_threads(pthread_t threads[THREADS], void *(*body)(void *))
{
	unsigned i;

	number_jobs();
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, body, jobs[i]), 0);
}

static void
test_threads(void **state)
{
	pthread_t threads[THREADS];
	void *failed;
	unsigned i;

	(void)state;
	api_run_open(service);
	start_threads(threads, hand_over);
	while (runs < THREADS * EACH)
		uv_run(&loop, UV_RUN_ONCE);
	for (i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &failed);
		assert_null(failed);
		assert_int_equal(next_of[i], EACH);
	}
}

/* Until it is refused; how many were taken is what must have run. */
static void *
hand_over_to_the_end(void *data)
{
	struct job *own = data;
	unsigned i;

	for (i = 0; i < EACH; i++)
		if (sockjs_run(service, count, &own[i]) != SOCKJS_OK)
			break;
	return &own[i];
}

/*
 * The service stops in the middle: all that was taken has run when api_run_close returns, and
 * nothing runs later.
 */
static void
test_stop_under_load(void **state)
{
	pthread_t threads[THREADS];
	unsigned i, before;
	void *end;

	(void)state;
	api_run_open(service);
	start_threads(threads, hand_over_to_the_end);
	while (runs < EACH / 10)
		uv_run(&loop, UV_RUN_ONCE);
	api_run_close(service);
	before = runs;
	for (i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &end);
		assert_ptr_equal(end, &jobs[i][next_of[i]]);
	}
	uv_run(&loop, UV_RUN_NOWAIT);
	assert_int_equal(runs, before);
}

static sockjs_service *reentered;

static void
run_again(void *data)
{
	unsigned *left = data;

	runs++;
	if ((*left)-- > 0)
		assert_int_equal(sockjs_run(reentered, run_again, data), SOCKJS_OK);
}

/* One turn of the loop for each: others have their turn between. */
static void
test_from_the_loop(void **state)
{
	unsigned left = 3, i;

	(void)state;
	reentered = service;
	api_run_open(service);
	assert_int_equal(sockjs_run(service, run_again, &left), SOCKJS_OK);
	assert_int_equal(runs, 0);
	for (i = 1; i <= 4; i++) {
		uv_run(&loop, UV_RUN_ONCE);
		assert_int_equal(runs, i);
	}
	uv_run(&loop, UV_RUN_NOWAIT);
	assert_int_equal(runs, 4);
}

static void
expect_stopped(void *data)
{
	(void)data;
	runs++;
	assert_int_equal(sockjs_run(service, expect_stopped, NULL), SOCKJS_STOPPED);
}

/* Another service's functions stay, in their order. */
static void
test_close(void **state)
{
	struct error err = ERROR_INIT;
	struct sockjs_service *other = service_create("/other", &err);

	(void)state;
	number_jobs();
	api_run_open(service);
	api_run_open(other);
	assert_int_equal(sockjs_run(other, count, &jobs[0][0]), SOCKJS_OK);
	assert_int_equal(sockjs_run(service, expect_stopped, NULL), SOCKJS_OK);
	assert_int_equal(sockjs_run(other, count, &jobs[0][1]), SOCKJS_OK);
	api_run_close(service);
	assert_int_equal(runs, 1);
	uv_run(&loop, UV_RUN_ONCE);
	assert_int_equal(runs, 3);
	assert_int_equal(sockjs_run(other, count, &jobs[0][2]), SOCKJS_OK);
	api_run_drop(other);
	uv_run(&loop, UV_RUN_NOWAIT);
	assert_int_equal(runs, 3);
	service_destroy(&other);
}

static void
test_misuse(void **state)
{
	struct error err = ERROR_INIT;
	struct sockjs_service *dead = service_create("/dead", &err), *copy = dead;

	(void)state;
	assert_int_equal(sockjs_run(service, count, NULL), SOCKJS_STOPPED); /* not open yet */
	api_run_open(service);
	service_destroy(&dead);
	capture_begin();
	assert_int_equal(sockjs_run(NULL, count, NULL), SOCKJS_INVALID);
	assert_int_equal(sockjs_run(service, NULL, NULL), SOCKJS_INVALID);
	assert_int_equal(sockjs_run(copy, count, NULL), SOCKJS_STOPPED);
	assert_int_equal(count_lines(capture_end()), 2);
	uv_run(&loop, UV_RUN_NOWAIT);
	assert_int_equal(runs, 0);
}

#define RUN_TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    RUN_TEST(threads),
	    RUN_TEST(stop_under_load),
	    RUN_TEST(from_the_loop),
	    RUN_TEST(close),
	    RUN_TEST(misuse),
	};

	return cmocka_run_group_tests_name("api_run", tests, NULL, NULL);
}
