/*
 * sessiond/resume/leg.c: what a leg sends and when, what is kept for its client, and how much.
 * Linked with -Wl,--wrap=malloc, so that a large allocation can fail.
 */
#include "tests/unit/resume/resume_fixture.h"

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

static size_t fails_from; /* bytes: the next allocation of as many fails; 0: none */

void *
__wrap_malloc(size_t size)
{
	if (fails_from == 0 || size < fails_from)
		return __real_malloc(size);
	fails_from = 0;
	return NULL;
}

/* Nothing leaves before it is stored. */
static void
test_after_the_commit(void **state)
{
	struct session *leg = begun('1');

	(void)state;
	hooks.data = echo;
	say_on(leg, "a");
	turn();
	assert_told("=a ");
	end_turn();
	assert_told("1<a[\"~a1 0\",\"a\"] ");
	assert_written("D1 M1@0=a . ");
	fail_store(1, STORE_FULL);
	say_on(leg, "b");
	assert_int_equal(end_turn(), COMMIT_FAILED);
	assert_told("=b ");
	pass_turns(RETRY_DELAY);
	assert_told("1<a[\"~a2 1\",\"b\"] ");
}

/* What is not confirmed stays, in the store as well. */
static void
test_confirm(void **state)
{
	struct session *leg = begun('1');

	(void)state;
	write_carried("a");
	write_carried("b");
	write_carried("c");
	end_turn();
	assert_told("1<a[\"a\",\"b\",\"c\"] ");
	assert_written("M1@0=a M1@1=b M1@2=c . ");
	say_on(leg, "~a2");
	end_turn();
	assert_written("X1<=1 D1 . ");
	assert_int_equal(carried()->queue.count, 1);
	say_on(leg, "~a2");
	end_turn();
	assert_written("");
	say_on(leg, "~a3");
	end_turn();
	assert_written("X1<=2 D1 . ");
	assert_told("");
}

/* Who confirms what was never sent loses the leg, and nothing else. */
static void
test_impossible_counts(void **state)
{
	static const char *const counts[] = {"~a2", "~a9007199254740992"};

	(void)state;
	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
		struct session *leg = begun('1');

		write_carried("a");
		end_turn();
		buffer_clear(&seen);
		say_on(leg, counts[i]);
		end_turn();
		assert_told("1<c[2020,\"Never sent\"] 1. ");
		assert_int_equal(carried()->state, SESSION_DETACHED);
		assert_int_equal(carried()->queue.count, 1);
	}
}

/* The client's messages are acknowledged by their number, by their bytes, or after a second. */
static void
test_acknowledge(void **state)
{
	struct session *leg = begun('1');
	char *large = malloc(LEG_ACK_BYTES + 1);
	int i;

	(void)state;
	assert_non_null(large);
	for (i = 1; i < LEG_ACK_MESSAGES; i++)
		say_on(leg, "x");
	end_turn();
	assert_null(memchr(seen.data, '<', seen.len));
	say_on(leg, "x");
	buffer_clear(&seen);
	end_turn();
	assert_told("1<a[\"~a32 0\"] ");
	memset(large, 'x', LEG_ACK_BYTES);
	large[LEG_ACK_BYTES] = '\0';
	say_on(leg, large);
	buffer_clear(&seen);
	end_turn();
	assert_told("1<a[\"~a33 0\"] ");
	say_on(leg, "x");
	pass_turns(LEG_ACK_DELAY - 1);
	assert_told("=x ");
	pass_turns(1);
	assert_told("1<a[\"~a34 0\"] ");
	pass_turns(LEG_ACK_DELAY);
	assert_told("");
	say_on(leg, "~?");
	end_turn();
	assert_told("1<a[\"~a34 0\"] ");
	free(large);
}

/* A message that begins as the leg's own do is told from them. */
static void
test_marks(void **state)
{
	struct session *leg = begun('1');

	(void)state;
	hooks.data = echo;
	say_on(leg, "~~n");
	end_turn();
	assert_told("=~n 1<a[\"~a1 0\",\"~~n\"] ");
	say_on(leg, "");
	end_turn();
	assert_told("= 1<a[\"~a2 1\",\"\"] ");
}

/*
 * Over HTTP messages have numbers: what is repeated is not heard twice, and what is missing is
 * missed.
 */
static void
test_numbers(void **state)
{
	struct session *leg = begun_over_http('1');

	(void)state;
	hooks.data = echo;
	say_on(leg, "~1 a");
	say_on(leg, "~2 ~b");
	end_turn();
	assert_told("=a =~b 1<a[\"~a2 0\",\"~1 a\",\"~2 ~b\"] ");
	say_on(leg, "~1 a");
	say_on(leg, "~2 ~b");
	say_on(leg, "~n");
	say_on(leg, "~a1");
	say_on(leg, "~a0");
	say_on(leg, "~3 c");
	end_turn();
	assert_told("=c 1<a[\"~a3 2\",\"~3 c\"] ");
	say_on(leg, "~5 e");
	say_on(leg, "~4 d");
	end_turn();
	assert_told("1<c[1001,\"A message is missing\"] 1. ");
	assert_int_equal(carried()->counted->received, 3);
	assert_int_equal(carried()->queue.count, 2);
}

/*
 * A leg whose client does not read is given no more than its window, and no answers, until it has
 * drained.
 */
static void
test_window(void **state)
{
	struct session *leg = begun('1');
	struct fake_receiver *fake = fake_of(leg->receiver);
	char *large = calloc(1, LEG_WINDOW / 2 + 1);
	int i;

	(void)state;
	assert_non_null(large);
	memset(large, 'x', LEG_WINDOW / 2);
	service->protocol.options.queue_limit = 16 * LEG_WINDOW;
	fake->congested = true;
	for (i = 0; i < 8; i++)
		assert_int_equal(write_carried(large), SOCKJS_OK);
	end_turn();
	assert_int_equal(leg->queue.count, 2);
	for (i = 0; i < 8; i++)
		say_on(leg, "~?");
	end_turn();
	assert_int_equal(leg->queue.count, 2);
	fake->congested = false;
	session_receiver_drained(&fake->receiver);
	end_turn();
	hide_key();
	assert_non_null(strstr(seen.data, "\"~a0 2\""));
	assert_int_equal(leg->queue.count, 0);
	assert_int_equal(carried()->queue.count, 8);
	say_on(leg, "~a8");
	end_turn();
	assert_int_equal(carried()->queue.count, 0);
	free(large);
}

/* What the client does not confirm counts for queue_limit. */
static void
test_queue_limit(void **state)
{
	struct session *leg = begun('1');
	int i, result = SOCKJS_OK;

	(void)state;
	for (i = 0; i < 100 && result == SOCKJS_OK; i++) {
		result = write_carried("0123456789");
		end_turn();
	}
	assert_int_equal(result, SOCKJS_FULL);
	assert_in_range(i, 2, 1 + QUEUE_LIMIT / 10);
	end_turn();
	assert_non_null(strstr(seen.data, "- 1<a[\"~c1008 Messages are not read fast enough\"] "));
	buffer_clear(&seen);
	say_on(leg, "~c");
	end_turn();
	assert_told("1<c[1000,\"Normal closure\"] 1. ");
	assert_null(carried());
}

/* The close comes after all that was written, which the client is asked for. */
static void
test_close(void **state)
{
	struct session *leg = begun('1');

	(void)state;
	write_carried("a");
	end_turn();
	write_carried("b");
	sockjs_close((sockjs_connection){carried()->handle}, 3000, "Go away!");
	end_turn();
	assert_told("1<a[\"a\"] 1<a[\"b\",\"~?\"] ");
	say_on(leg, "~a2");
	end_turn();
	assert_told("- 1<a[\"~c3000 Go away!\"] ");
	assert_int_equal(carried()->state, SESSION_LINGERING);
	say_on(leg, "x");
	say_on(leg, "~c");
	end_turn();
	assert_told("1<c[1000,\"Normal closure\"] 1. ");
	assert_null(carried());
}

/* Who was told of the close and did not say so has it told again; then there is nothing left. */
static void
test_close_again(void **state)
{
	(void)state;
	begun('1');
	sockjs_close((sockjs_connection){carried()->handle}, 3000, "Go away!");
	end_turn();
	assert_told("- 1<a[\"~c3000 Go away!\"] ");
	pass_turns(LEG_HELLO_DELAY);
	assert_told("1<c[1000,\"Normal closure\"] 1. ");
	resume_on('2', 0);
	end_turn();
	assert_told("2<o 2<a[\"~c3000 Go away!\"] ");
	pass_turns(RESUME_TIMEOUT);
	assert_null(carried());
	buffer_clear(&seen);
	resume_on('3', 0);
	end_turn();
	assert_told("3<o 3<c[2021,\"The session is gone\"] 3. ");
}

/* Who acknowledges nothing that the close waits for loses the leg; the session waits as ever. */
static void
test_close_unanswered(void **state)
{
	struct session *leg = begun('1');

	(void)state;
	write_carried("a");
	write_carried("b");
	sockjs_close((sockjs_connection){carried()->handle}, 3000, "Go away!");
	end_turn();
	assert_told("1<a[\"a\",\"b\",\"~?\"] ");
	pass_turns(LEG_HELLO_DELAY - 1);
	say_on(leg, "~a1");
	end_turn();
	assert_told("1<a[\"~?\"] ");
	pass_turns(LEG_HELLO_DELAY - 1);
	say_on(leg, "~a1");
	end_turn();
	assert_told("");
	pass_turns(1);
	assert_told("1<c[1001,\"No answer\"] 1. ");
	assert_int_equal(carried()->state, SESSION_CLOSING_DETACHED);
	resume_on('2', 2);
	end_turn();
	hide_key();
	assert_non_null(strstr(seen.data, "~c3000 Go away!"));
	assert_int_equal(carried()->state, SESSION_LINGERING);
}

/* Without a store nothing has to wait. */
static void
test_without_a_store(void **state)
{
	struct session *leg;

	(void)state;
	service->is_passing = true;
	hooks.data = echo;
	leg = begun('1');
	say_on(leg, "a");
	turn();
	assert_told("=a 1<a[\"~a1 0\",\"a\"] ");
	break_leg(leg);
	resume_on('2', 0);
	turn();
	assert_told("2<o 2<a[\"~r1\",\"a\"] ");
}

/* Nor has the end of a leg that has no memory, which comes within a call of what it carries. */
static void
test_without_memory(void **state)
{
	char *large = calloc(1, LEG_WINDOW + 1);

	(void)state;
	assert_non_null(large);
	memset(large, LEG_MARK, LEG_WINDOW);
	service->is_passing = true;
	service->protocol.options.queue_limit = 16 * LEG_WINDOW;
	begun('1');
	assert_int_equal(write_carried(large), SOCKJS_OK);
	fails_from = LEG_WINDOW;
	end_turn();
	assert_int_equal(fails_from, 0);
	assert_told("1<c[1001,\"Out of memory\"] 1. ");
	assert_int_equal(carried()->state, SESSION_DETACHED);
	resume_on('2', 0);
	end_turn();
	hide_key();
	assert_non_null(strstr(seen.data, "2<a[\"~r0\",\"~~"));
	free(large);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    RESUME_TEST(after_the_commit),
	    RESUME_TEST(confirm),
	    RESUME_TEST(impossible_counts),
	    RESUME_TEST(acknowledge),
	    RESUME_TEST(marks),
	    RESUME_TEST(numbers),
	    RESUME_TEST(window),
	    RESUME_TEST(queue_limit),
	    RESUME_TEST(close),
	    RESUME_TEST(close_again),
	    RESUME_TEST(close_unanswered),
	    RESUME_TEST(without_a_store),
	    RESUME_TEST(without_memory),
	};

	log_open("test_resume", SEVERITY_ERROR);
	return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
