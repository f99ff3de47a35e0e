/*
 * common/loop.h: what is called in which order, and how the loop ends. Signals are raised by the
 * test itself, so that none can come at another moment.
 */
#include "common/loop.h"

#include "common/log_limit.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/log_capture.h"

enum { DELAY = 5 };

static struct loop loop;
static struct timers timers;
static struct timer_queue queue;
static struct timer timer;
static char said[64]; /* a letter an event */
static int busy_turns, turns;
static void (*at_turn)(int turn);

static void
say(char letter)
{
	size_t len = strlen(said);

	assert_true(len + 1 < sizeof said);
	said[len] = letter;
}

static bool
end_turn(void *owner)
{
	assert_ptr_equal(owner, &loop);
	turns++;
	if (at_turn != NULL)
		at_turn(turns);
	return busy_turns-- > 0;
}

static void
drain(void *owner, int signal)
{
	assert_ptr_equal(owner, &loop);
	assert_true(loop.is_draining);
	say(signal == SIGTERM ? 'd' : 'i');
}

static void
hangup(void *owner)
{
	assert_ptr_equal(owner, &loop);
	say('h');
}

static void
fire(struct timer *fired, void *ctx)
{
	(void)ctx;
	assert_ptr_equal(fired, &timer);
	say('t');
	loop_stop(&loop);
}

static int
set_up(void **state)
{
	static const struct loop_ops ops = {end_turn, drain, hangup};

	(void)state;
	memset(said, 0, sizeof said);
	memset(&timer, 0, sizeof timer);
	busy_turns = turns = 0;
	at_turn = NULL;
	timers_init(&timers);
	timer_queue_add(&timers, &queue, DELAY, fire, NULL);
	loop_init(&loop, &timers, &ops, &loop);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	loop_close(&loop);
	return 0;
}

static void
test_timers(void **state)
{
	(void)state;
	timer_start(&queue, &timer, loop_now(&loop));
	loop_run(&loop);
	assert_string_equal(said, "t");
	assert_true(turns >= 1);
}

/* --- a process that stood still */

static int ends[2][2]; /* two socket pairs */

static void
on_late(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	say('r');
	uv_poll_stop(poll);
}

/* While this takes its time, the other socket gets something, and the timer becomes due. */
static void
on_slow(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	uv_poll_stop(poll);
	say('s');
	assert_int_equal(write(ends[1][1], "x", 1), 1);
	usleep((DELAY + LOOP_LATE_MS + 100) * 1000);
}

static void
test_late_timers(void **state)
{
	static uv_poll_t polls[2];
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends[i]), 0);
		uv_poll_init(&loop.uv, &polls[i], ends[i][0]);
		uv_poll_start(&polls[i], UV_READABLE, i == 0 ? on_slow : on_late);
	}
	timer_start(&queue, &timer, loop_now(&loop));
	assert_int_equal(write(ends[0][1], "x", 1), 1);
	loop_run(&loop);
	assert_string_equal(said, "srt");
	for (i = 0; i < 4; i++)
		close(ends[i / 2][i % 2]);
}

static void
start_timer_at_last_turn(int turn)
{
	if (turn == 50)
		timer_start(&queue, &timer, loop_now(&loop));
}

/* Without a timer or a socket that is ready, only a loop that does not wait gets to turn 50. */
static void
test_busy(void **state)
{
	(void)state;
	busy_turns = 50;
	at_turn = start_timer_at_last_turn;
	loop_run(&loop);
	assert_string_equal(said, "t");
	assert_true(turns >= 50);
}

static void
signals_in_order(int turn)
{
	static const int numbers[] = {0, SIGHUP, SIGTERM, SIGHUP, SIGINT};

	if (turn < (int)(sizeof numbers / sizeof numbers[0]))
		raise(numbers[turn]);
}

/* SIGHUP is told until the end begins; the second of the others ends the loop at once. */
static void
test_signals(void **state)
{
	(void)state;
	busy_turns = 1000000;
	at_turn = signals_in_order;
	loop_run(&loop);
	assert_string_equal(said, "hd");
}

static void
test_ignored_signals(void **state)
{
	sigset_t pending, all;

	(void)state;
	loop_ignore_signals();
	raise(SIGTERM);
	raise(SIGINT);
	raise(SIGHUP);
	sigpending(&pending);
	assert_true(sigismember(&pending, SIGTERM) && sigismember(&pending, SIGINT));
	assert_true(sigismember(&pending, SIGHUP));
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigfillset(&all);
	sigprocmask(SIG_UNBLOCK, &all, NULL);
}

/*
 * A timer may be the last that a loop calls before it ends, or not: that depends on libuv's
 * version.
 */
static void
stop_at_turn(int turn)
{
	(void)turn;
	loop_stop(&loop);
}

/* The loop knows the time of the log's windows, and says what is withheld when it ends. */
static void
test_withheld_lines(void **state)
{
	static struct log_limit limit;
	uint64_t wait;
	int i;

	(void)state;
	capture_begin();
	at_turn = stop_at_turn;
	loop_run(&loop);
	for (i = 0; i < LOG_LIMIT_LINES + 3; i++)
		log_limited(&limit, SEVERITY_ERROR, "x");
	assert_true(log_limits_turn(loop_now(&loop), &wait));
	assert_int_equal(wait, LOG_LIMIT_WINDOW_MS);
	loop_run(&loop);
	assert_true(uv_is_active((uv_handle_t *)&loop.log));
	loop_close(&loop);
	assert_non_null(strstr(capture_end(), "3 more in 0 s: x\n"));
	set_up(NULL);
}

enum { BLOCKED_MS = 60 }; /* above the second bound: it takes at least so long */

static void
block_at_turn(int turn)
{
	if (turn < 3) /* what was ready blocks the second */
		return;
	loop_note_work();
	usleep(BLOCKED_MS * 1000);
	loop_stop(&loop);
}

static void
block_when_ready(uv_check_t *check)
{
	loop_note_wake(check->loop);
	usleep(BLOCKED_MS * 1000);
	uv_check_stop(check);
}

static void
expect_long_turns(uint64_t least)
{
	uint64_t longer = 0;
	int i;

	assert_int_equal(loop_bounds[1], 50);
	for (i = 2; i < LOOP_BOUNDS; i++)
		longer += loop.counts.turns[i];
	assert_true(longer >= least);
	assert_true(loop.counts.ms >= least * (BLOCKED_MS - 5)); /* clocks of different grain */
}

/* Time is found where it went: in what was ready, and at the end of a turn. */
static void
test_long_turns(void **state)
{
	uv_check_t check;

	(void)state;
	uv_check_init(&loop.uv, &check);
	uv_check_start(&check, block_when_ready);
	busy_turns = 3;
	at_turn = block_at_turn;
	loop_run(&loop);
	at_turn = NULL;
	expect_long_turns(2);
	uv_close((uv_handle_t *)&check, NULL);
	uv_run(&loop.uv, UV_RUN_NOWAIT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_timers, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_late_timers, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_busy, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_signals, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_ignored_signals, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_withheld_lines, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_long_turns, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
