/*
 * sessiond/session/session_state.h: the whole table, cell by cell, against what is written out
 * here.
 */
#include "sessiond/session/session_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NOTHING "" /* the state stays, nothing is done */

/* In the order of enum session_state and session_event: the next state and what is done. */
static const char *const expected[SESSION_STATE_COUNT][SESSION_EVENT_COUNT] = {
    {
	/* new: nobody but its first receiver knows of it */
	"attached: take, open, flush", /* receiver arrives */
	NOTHING,		       /* receiver ends */
	NOTHING,		       /* receiver breaks */
	NOTHING,		       /* application closes */
	NOTHING,		       /* close sent */
	NOTHING,		       /* close sent to the last */
	NOTHING,		       /* message */
	NOTHING,		       /* times out */
	"waiting:",		       /* must wait */
	NOTHING,		       /* may enter */
    },
    {
	/* attached */
	"attached: refuse",
	"detached: release, start timeout",
	"ended: release, tell close, end",
	"closing-attached: flush",
	NOTHING,
	NOTHING,
	"attached: deliver",
	NOTHING,
	NOTHING,
	NOTHING,
    },
    {
	/* detached */
	"attached: take, flush",
	NOTHING,
	NOTHING,
	"closing-detached:",
	NOTHING,
	NOTHING,
	"detached: deliver",
	"ended: tell close, end",
	NOTHING,
	NOTHING,
    },
    {
	/* closing-attached: the application hears of no message after its close */
	"closing-attached: refuse",
	"closing-detached: release, start timeout",
	"ended: release, tell close, end",
	NOTHING,
	"lingering: release, start timeout, tell close",
	"ended: release, tell close, end",
	NOTHING,
	NOTHING,
	NOTHING,
	NOTHING,
    },
    {
	/* closing-detached */
	"closing-attached: take, flush",
	NOTHING,
	NOTHING,
	NOTHING,
	NOTHING,
	NOTHING,
	NOTHING,
	"ended: tell close, end",
	NOTHING,
	NOTHING,
    },
    {
	/* lingering: the application knows already */
	"lingering: repeat close",
	NOTHING,
	NOTHING,
	NOTHING,
	NOTHING,
	NOTHING,
	NOTHING,
	"ended: end",
	NOTHING,
	NOTHING,
    },
    {
	/* ended */
	NOTHING,
	NOTHING,
	NOTHING,
	NOTHING,
	NOTHING,
	NOTHING,
	NOTHING,
	NOTHING,
	NOTHING,
	NOTHING,
    },
    {
	/* waiting: its first receiver is there, and not attached */
	"waiting: refuse",
	NOTHING,
	"ended: tell close, end",
	NOTHING,
	NOTHING,
	NOTHING,
	NOTHING,
	NOTHING,
	NOTHING,
	"new:",
    },
};

static const char *const states[SESSION_STATE_COUNT] = {"new", "attached", "detached",
    "closing-attached", "closing-detached", "lingering", "ended", "waiting"};

static const char *const events[SESSION_EVENT_COUNT] = {"receiver arrives", "receiver ends",
    "receiver breaks", "application closes", "close sent", "close sent to the last", "message",
    "times out", "must wait", "may enter"};

/* In the order in which they are carried out. */
static const struct {
	unsigned action;
	const char *name;
} actions[] = {
    {SESSION_REFUSE, "refuse"},
    {SESSION_REPEAT_CLOSE, "repeat close"},
    {SESSION_TAKE, "take"},
    {SESSION_OPEN, "open"},
    {SESSION_RELEASE, "release"},
    {SESSION_START_TIMEOUT, "start timeout"},
    {SESSION_FLUSH, "flush"},
    {SESSION_DELIVER, "deliver"},
    {SESSION_TELL_CLOSE, "tell close"},
    {SESSION_END, "end"},
};

static void
describe(const struct session_transition *transition, enum session_state state, char out[200])
{
	unsigned known = 0;
	size_t i, n;

	out[0] = '\0';
	if (transition->next == state && transition->actions == 0)
		return;
	n = (size_t)sprintf(out, "%s:", states[transition->next]);
	for (i = 0; i < sizeof actions / sizeof actions[0]; i++) {
		known |= actions[i].action;
		if (transition->actions & actions[i].action)
			n += (size_t)sprintf(out + n, "%s %s",
			    transition->actions & (actions[i].action - 1) ? "," : "",
			    actions[i].name);
	}
	assert_int_equal(transition->actions & ~known, 0);
}

static void
test_every_cell(void **state)
{
	char actual[200], place[300], wanted[300];
	unsigned s, e;

	(void)state;
	for (s = 0; s < SESSION_STATE_COUNT; s++) {
		for (e = 0; e < SESSION_EVENT_COUNT; e++) {
			describe(session_transition(s, e), s, actual);
			snprintf(place, sizeof place, "%s, %s -> %s", states[s], events[e], actual);
			snprintf(wanted, sizeof wanted, "%s, %s -> %s", states[s], events[e],
			    expected[s][e]);
			assert_string_equal(place, wanted);
		}
	}
}

/* What session.c relies on wherever the table leads. */
static void
test_invariants(void **state)
{
	unsigned s, e;

	(void)state;
	for (s = 0; s < SESSION_STATE_COUNT; s++) {
		for (e = 0; e < SESSION_EVENT_COUNT; e++) {
			const struct session_transition *t = session_transition(s, e);
			bool was_over = s == SESSION_LINGERING || s == SESSION_ENDED;
			bool is_over = t->next == SESSION_LINGERING || t->next == SESSION_ENDED;

			assert_true(!was_over || is_over);
			assert_int_equal(
			    !was_over && is_over, (t->actions & SESSION_TELL_CLOSE) != 0);
			assert_int_equal(s != SESSION_ENDED && t->next == SESSION_ENDED,
			    (t->actions & SESSION_END) != 0);
			assert_true(
			    t->next != SESSION_NEW || s == SESSION_NEW || s == SESSION_WAITING);
			assert_true(
			    t->next != SESSION_WAITING || s == SESSION_NEW || s == SESSION_WAITING);
		}
	}
}

static void
test_names(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < SESSION_STATE_COUNT; i++)
		assert_string_equal(session_state_name(i), states[i]);
	for (i = 0; i < SESSION_EVENT_COUNT; i++)
		assert_string_equal(session_event_name(i), events[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_cell),
	    cmocka_unit_test(test_invariants),
	    cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("session_state", tests, NULL, NULL);
}
