/*
 * sessiond/resume/leg_begin.c: how a session begins, who goes on with it, and who does not.
 */
#include "tests/unit/resume/resume_fixture.h"

#define OTHER_KEY "0123456789abcdef0123456789abcdef"

static void
test_new(void **state)
{
	struct session *leg = open_leg('1');

	(void)state;
	end_turn();
	assert_told("1<o ");
	say_on(leg, "~n");
	turn();
	assert_told("+ ");
	end_turn();
	assert_told("1<a[\"~o60000 KEY\"] ");
	assert_written("S1 . ");
	assert_string_equal(
	    connection_info_pathname(carried()->info), "/echo/000/resume-h~1/websocket");
	assert_string_equal(
	    connection_info_url(carried()->info), "/echo/000/resume-h~1/websocket?q=1");
	assert_string_equal(connection_info_prefix(carried()->info), "/echo");
	assert_string_equal(connection_info_header(carried()->info, "user-agent"), "cmocka");
	assert_ptr_equal(carried()->transport, leg->transport);
}

/* After a break both sides send what the other has not had, and the application knows nothing. */
static void
test_go_on(void **state)
{
	struct session *leg = begun('1');

	(void)state;
	write_carried("a");
	write_carried("b");
	say_on(leg, "x");
	end_turn();
	buffer_clear(&seen);
	break_leg(leg);
	write_carried("c");
	end_turn();
	assert_told("");
	leg = resume_on('2', 1);
	end_turn();
	assert_told("2<o 2<a[\"~r1\",\"b\",\"c\"] ");
	say_on(leg, "y");
	say_on(leg, "~a3");
	end_turn();
	assert_told("=y ");
	assert_int_equal(carried()->queue.count, 0);
}

/* Nobody comes back: the application is told once. */
static void
test_stay_away(void **state)
{
	struct session *leg = begun('1');

	(void)state;
	break_leg(leg);
	pass_turns(RESUME_TIMEOUT - 1);
	assert_told("");
	resume_on('2', 0);
	end_turn();
	assert_told("2<o 2<a[\"~r0\"] ");
	break_leg(open_leg('3'));
	buffer_clear(&seen);
	pass_turns(DISCONNECT_DELAY);
	break_leg(leg_of_carried());
	buffer_clear(&seen);
	pass_turns(RESUME_TIMEOUT);
	assert_told("- ");
	assert_null(carried());
}

static void
test_take_over(void **state)
{
	struct session *first = begun('1');

	(void)state;
	write_carried("a");
	end_turn();
	buffer_clear(&seen);
	resume_on('2', 0);
	say_on(first, "x");
	end_turn();
	hide_key();
	/* In the order in which the two are flushed. */
	assert_non_null(
	    strstr(seen.data, "1<c[2022,\"Another connection goes on with the session\"] 1. "));
	assert_non_null(strstr(seen.data, "2<a[\"~r0\",\"a\"] "));
	assert_null(strstr(seen.data, "=x"));
}

/* One that nobody has, one of another home, and what the client cannot have had. */
static void
test_gone(void **state)
{
	struct session *leg = begun('1');
	char text[64];

	(void)state;
	say_on(open_leg('2'), "~r0 " OTHER_KEY);
	end_turn();
	assert_told("2<o 2<c[2021,\"The session is gone\"] 2. ");
	snprintf(text, sizeof text, "~r0 %s", key);
	say_on(open_leg_at('i', '3'), text);
	end_turn();
	assert_told("3<o 3<c[2021,\"The session is gone\"] 3. ");
	resume_on('4', 1);
	end_turn();
	assert_told("4<o 4<c[2021,\"The session is gone\"] 4. ");
	write_carried("a");
	end_turn();
	say_on(leg, "~a1");
	buffer_clear(&seen);
	resume_on('5', 0);
	end_turn();
	assert_told("5<o 5<c[2021,\"The session is gone\"] 5. ");
	assert_int_equal(carried()->state, SESSION_ATTACHED);
}

/* Who guesses keys is refused soon, as who guesses ids is. */
static void
test_guesses(void **state)
{
	struct session *leg = begun('1');
	char name = 'a';

	(void)state;
	break_leg(leg);
	sessions.limits.guesses.a_minute = 3;
	for (; name < 'd'; name++)
		say_on(open_leg(name), "~r0 " OTHER_KEY);
	end_turn();
	buffer_clear(&seen);
	say_on(open_leg('4'), "~r0 " OTHER_KEY);
	end_turn();
	assert_told("4<o 4<c[1001,\"Too many requests.\"] 4. ");
	resume_on('5', 0);
	end_turn();
	assert_told("5<o 5<a[\"~r0\"] ");
}

/* A daemon that drains takes no new sessions, and those that are there go on. */
static void
test_draining(void **state)
{
	(void)state;
	break_leg(begun('1'));
	sessions.is_draining = true;
	say_on(open_leg('2'), "~n");
	end_turn();
	assert_told("2<o 2<c[2023,\"The server is draining.\"] 2. ");
	resume_on('3', 0);
	end_turn();
	assert_told("3<o 3<a[\"~r0\"] ");
}

static void
test_no_first_message(void **state)
{
	(void)state;
	open_leg('1');
	pass_turns(LEG_HELLO_DELAY - 1);
	assert_told("1<o ");
	pass_turns(1);
	assert_told("1<c[1001,\"No first message\"] 1. ");
	say_on(open_leg('2'), "hello");
	end_turn();
	assert_told("2<o 2<c[2020,\"No first message\"] 2. ");
	say_on(open_leg('3'), "~a0");
	end_turn();
	assert_told("3<o 3<c[2020,\"No first message\"] 3. ");
	assert_int_equal(service->table.count, 0);
}

/* It may be there, and is not read, as its service takes no messages. */
static void
test_no_first_message_while_refused(void **state)
{
	struct session *leg = open_leg('1');

	(void)state;
	service_refuse_sends(service, true);
	pass_turns(LEG_HELLO_DELAY);
	assert_told("1<o ");
	service_refuse_sends(service, false);
	pass_turns(LEG_HELLO_DELAY - 1);
	say_on(leg, "~n");
	end_turn();
	assert_told("+ 1<a[\"~o60000 KEY\"] ");
}

static int
refuse_all(sockjs_connection connection)
{
	(void)connection;
	return 403;
}

static const struct sockjs_module closed_application = {
    .abi = SOCKJS_ABI, .name = "closed", .authorize = refuse_all, .connection = app_connection};

/* The module is asked about the session, not about its leg. */
static void
test_refused(void **state)
{
	(void)state;
	service->application = &closed_application;
	say_on(open_leg('1'), "~n");
	end_turn();
	assert_told("1<o 1<c[2023,\"Forbidden\"] 1. ");
	service->application = &later_application;
	say_on(open_leg('2'), "~n");
	end_turn();
	assert_told("2<o ");
	sockjs_admit(candidate, 0);
	end_turn();
	assert_told("+ 2<a[\"~o60000 KEY\"] ");
	say_on(open_leg('3'), "~n");
	end_turn();
	sockjs_admit(candidate, 401);
	end_turn();
	assert_told("3<o - 3<c[2023,\"Unauthorized\"] 3. ");
}

/* It waits to be let in, and goes, or speaks. */
static void
test_impatient(void **state)
{
	struct session *leg = open_leg('1');

	(void)state;
	service->application = &later_application;
	say_on(leg, "~n");
	break_leg(leg);
	end_turn();
	sockjs_admit(candidate, 0);
	end_turn();
	assert_told("1<o - ");
	leg = open_leg('2');
	say_on(leg, "~n");
	say_on(leg, "x");
	end_turn();
	assert_told("2<o - 2<c[2020,\"Not open yet\"] 2. ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    RESUME_TEST(new),
	    RESUME_TEST(go_on),
	    RESUME_TEST(stay_away),
	    RESUME_TEST(take_over),
	    RESUME_TEST(gone),
	    RESUME_TEST(guesses),
	    RESUME_TEST(draining),
	    RESUME_TEST(no_first_message),
	    RESUME_TEST(no_first_message_while_refused),
	    RESUME_TEST(refused),
	    RESUME_TEST(impatient),
	};

	log_open("test_resume", SEVERITY_ERROR);
	return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
