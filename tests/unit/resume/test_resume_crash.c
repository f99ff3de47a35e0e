/*
 * The daemon is killed at each step of the transaction in which a client's messages arrive, are
 * answered and are confirmed: with the next one both sides have each message once.
 */
#include "tests/unit/resume/resume_fixture.h"

enum { STEPS_MAX = 20 };

/* Committed before: three messages each way, of which the client has confirmed one. */
static struct session *
begin_story(void)
{
	struct session *leg = begun('1');

	hooks.data = echo;
	say_on(leg, "1");
	say_on(leg, "2");
	say_on(leg, "3");
	say_on(leg, "~a0");
	end_turn();
	say_on(leg, "~a1");
	end_turn();
	buffer_clear(&seen);
	return leg;
}

/*
 * In one turn the client sends two more, confirms one more, and the application writes of itself.
 */
static void
tell_story(struct session *leg)
{
	say_on(leg, "4");
	say_on(leg, "~a2");
	say_on(leg, "5");
	write_carried("own");
}

/*
 * The client has had three. What has arrived of its own it is told, and it gets the rest: what it
 * has not been told of it sends again, and that is echoed now.
 */
static void
expect_before(void)
{
	struct session *leg = resume_on('2', 3);

	end_turn();
	assert_told("2<o 2<a[\"~r3\"] ");
	hooks.data = echo;
	say_on(leg, "4");
	say_on(leg, "5");
	end_turn();
	assert_told("=4 =5 2<a[\"~a5 3\",\"4\",\"5\"] ");
}

static void
expect_after(void)
{
	resume_on('2', 3);
	end_turn();
	assert_told("2<o 2<a[\"~r5\",\"4\",\"5\",\"own\"] ");
}

/* True if the transaction had that many steps: the failure was one of them. */
static bool
die_at(unsigned step)
{
	struct session *leg = begin_story();
	bool failed;

	fail_store(step, STORE_FAILED);
	tell_story(leg);
	failed = end_turn() == COMMIT_FAILED;
	if (failed) {
		/* Nobody has heard of it. */
		assert_null(memchr(seen.data, '<', seen.len));
	}
	kill_daemon();
	buffer_clear(&seen);
	if (failed)
		expect_before();
	else
		expect_after();
	say_on(leg_of_carried(), "~c");
	end_turn();
	return failed;
}

static void
test_each_step(void **state)
{
	unsigned step = 1;

	(void)state;
	while (step < STEPS_MAX && die_at(step))
		step++;
	assert_in_range(step, 6, STEPS_MAX - 1);
}

/* Killed between the commit and what leaves after it: the client hears nothing, and asks. */
static void
test_silent_death(void **state)
{
	struct session *leg = begin_story();

	(void)state;
	tell_story(leg);
	turn();
	persistence_commit(&persistence);
	buffer_clear(&seen);
	kill_daemon();
	buffer_clear(&seen);
	expect_after();
}

/* The very first turn: the client has a key that the next daemon knows, or none. */
static void
test_death_at_birth(void **state)
{
	unsigned step;

	(void)state;
	for (step = 1; step < STEPS_MAX; step++) {
		struct session *leg = open_leg('1');

		fail_store(step, STORE_FAILED);
		say_on(leg, "~n");
		if (end_turn() != COMMIT_FAILED)
			break;
		assert_told("1<o + ");
		kill_daemon();
	}
	assert_in_range(step, 2, STEPS_MAX - 1);
	hide_key();
	kill_daemon();
	buffer_clear(&seen);
	resume_on('2', 0);
	end_turn();
	assert_told("2<o 2<a[\"~r0\"] ");
}

/* Again and again, with whatever was committed last. */
static void
test_many_deaths(void **state)
{
	struct session *leg = begun('1');
	char text[16];
	unsigned i;

	(void)state;
	hooks.data = echo;
	for (i = 0; i < 30; i++) {
		snprintf(text, sizeof text, "%u", i);
		say_on(leg, text);
		if (i % 3 != 0)
			end_turn();
		else
			(turn(), persistence_commit(&persistence));
		buffer_clear(&seen);
		kill_daemon();
		hooks.data = echo;
		buffer_clear(&seen);
		leg = resume_on('2', i);
		end_turn();
		snprintf(text, sizeof text, "\"~r%u\",\"%u\"", i + 1, i);
		buffer_append_char(&seen, '\0');
		assert_non_null(strstr(seen.data, text));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    RESUME_TEST(each_step),
	    RESUME_TEST(silent_death),
	    RESUME_TEST(death_at_birth),
	    RESUME_TEST(many_deaths),
	};

	log_open("test_resume", SEVERITY_ERROR);
	return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
