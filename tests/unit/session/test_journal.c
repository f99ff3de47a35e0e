/*
 * sessiond/session/journal.c: what is to be committed after which marks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sessiond/session/journal.h"

static struct timers timers;
static struct journal journal;
static struct journal_entry *first, *second;
static char owners[2];

static int
set_up(void **state)
{
	(void)state;
	timers_init(&timers);
	journal_init(&journal, &timers);
	journal.is_kept = true;
	first = journal_begin(&journal, &owners[0]);
	second = journal_begin(&journal, &owners[1]);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	journal_end(&journal, &first, false);
	journal_end(&journal, &second, false);
	assert_true(LIST_EMPTY(&journal.changed) && LIST_EMPTY(&journal.late));
	journal_clear(&journal, &timers);
	return 0;
}

/* The commit has what changed. */
static void
settle(void)
{
	journal_end_turn(&journal);
	while (!LIST_EMPTY(&journal.changed))
		journal_settle(LIST_FIRST(&journal.changed));
	while (!LIST_EMPTY(&journal.late))
		journal_settle(LIST_FIRST(&journal.late));
}

static unsigned
count(const struct journal_list *list)
{
	const struct journal_entry *entry;
	unsigned n = 0;

	LIST_FOREACH(entry, list, next)
		n++;
	return n;
}

static void
test_begin(void **state)
{
	(void)state;
	assert_ptr_equal(first->owner, &owners[0]);
	assert_int_equal(first->key, 1);
	assert_int_equal(second->key, 2);
	assert_int_equal(first->changes, CHANGE_SESSION);
	assert_false(first->is_stored);
	assert_true(journal.is_touched);
	assert_int_equal(count(&journal.changed), 2);
}

static void
test_without_store(void **state)
{
	struct journal_entry *none;

	(void)state;
	settle();
	journal.is_kept = false;
	none = journal_begin(&journal, &owners[0]);
	assert_null(none);
	journal_mark(&journal, none, CHANGE_MESSAGES);
	journal_mark_delivered(&journal, none, CHANGE_NOW, 0);
	journal_mark_send(&journal, none);
	journal_end(&journal, &none, true);
	assert_false(journal.is_touched);
	assert_int_equal(journal.ended.count, 0);
	assert_int_equal(count(&journal.changed) + count(&journal.late), 0);
}

static void
test_mark(void **state)
{
	(void)state;
	settle();
	assert_int_equal(first->changes, 0);
	assert_false(journal.is_touched);
	journal_mark(&journal, first, CHANGE_MESSAGES);
	journal_mark(&journal, second, CHANGE_SENT);
	journal_mark(&journal, first, CHANGE_SESSION);
	assert_int_equal(first->changes, CHANGE_MESSAGES | CHANGE_SESSION);
	assert_int_equal(second->changes, CHANGE_SENT);
	assert_int_equal(count(&journal.changed), 2);
	assert_true(journal.is_touched);
}

/* Nothing but a frame that is stored as in flight can be told as delivered. */
static void
test_delivered(void **state)
{
	(void)state;
	settle();
	journal_mark_delivered(&journal, first, CHANGE_CAN_WAIT, 1000);
	assert_int_equal(count(&journal.late), 0);
	first->link_id = second->link_id = 7;
	journal_mark_delivered(&journal, first, CHANGE_CAN_WAIT, 1000);
	journal_mark_delivered(&journal, first, CHANGE_CAN_WAIT, 1010);
	assert_int_equal(count(&journal.late), 1);
	assert_int_equal(count(&journal.changed), 0);
	assert_false(journal.is_touched);
	journal_mark_delivered(&journal, second, CHANGE_NOW, 1010);
	assert_int_equal(second->changes, CHANGE_MESSAGES);
	assert_int_equal(count(&journal.changed), 1);
}

/* The first that waits decides how long. */
static void
test_late(void **state)
{
	(void)state;
	settle();
	first->link_id = second->link_id = 7;
	journal_hurry(&journal);
	assert_false(journal.is_late_due);
	journal_mark_delivered(&journal, first, CHANGE_CAN_WAIT, 1000);
	journal_mark_delivered(&journal, second, CHANGE_CAN_WAIT, 1040);
	timers_run(&timers, 1000 + JOURNAL_LATE_DELAY - 1);
	assert_false(journal.is_late_due);
	timers_run(&timers, 1000 + JOURNAL_LATE_DELAY);
	assert_true(journal.is_late_due);
}

static void
test_hurry(void **state)
{
	(void)state;
	settle();
	first->link_id = 7;
	journal_mark_delivered(&journal, first, CHANGE_CAN_WAIT, 1000);
	journal_hurry(&journal);
	assert_true(journal.is_late_due);
}

/* One that waits and changes again is in one list only. */
static void
test_late_and_changed(void **state)
{
	(void)state;
	settle();
	first->link_id = 7;
	journal_mark_delivered(&journal, first, CHANGE_CAN_WAIT, 1000);
	journal_mark(&journal, first, CHANGE_MESSAGES);
	assert_int_equal(count(&journal.late), 0);
	assert_int_equal(count(&journal.changed), 1);
	journal_mark_delivered(&journal, first, CHANGE_CAN_WAIT, 1000);
	assert_int_equal(count(&journal.late), 0);
	journal_settle(first);
	assert_int_equal(count(&journal.changed), 0);
}

/* Only what is stored is deleted there, and only if it does not go on. */
static void
test_end(void **state)
{
	(void)state;
	settle();
	journal_mark(&journal, first, CHANGE_MESSAGES);
	journal_end_turn(&journal);
	journal_end(&journal, &first, true);
	assert_null(first);
	assert_int_equal(journal.ended.count, 0);
	assert_int_equal(count(&journal.changed), 0);
	assert_false(journal.is_touched);
	second->is_stored = true;
	journal_end(&journal, &second, false);
	assert_int_equal(journal.ended.count, 0);
	second = journal_resume(&journal, &owners[1], 9);
	assert_true(second->is_stored);
	journal_end(&journal, &second, true);
	assert_int_equal(journal.ended.count, 1);
	assert_int_equal(journal.ended.keys[0], 9);
	assert_true(journal.is_touched);
}

/* Keys go on above all that the store has. */
static void
test_keys(void **state)
{
	struct journal_entry *resumed = journal_resume(&journal, &owners[0], 40), *fresh;

	(void)state;
	assert_int_equal(resumed->changes, 0);
	journal_forget(&journal, 50);
	journal_forget(&journal, 3);
	fresh = journal_begin(&journal, &owners[0]);
	assert_int_equal(fresh->key, 51);
	assert_int_equal(journal.ended.count, 2);
	journal_end(&journal, &resumed, false);
	journal_end(&journal, &fresh, false);
}

static void
test_sends(void **state)
{
	(void)state;
	settle();
	journal_mark(&journal, second, CHANGE_MESSAGES);
	assert_false(journal.has_sends);
	journal_mark_send(&journal, first);
	assert_true(journal.has_sends && journal.is_touched);
	assert_int_equal(first->changes, CHANGE_SENT);
	first->was_returned = true;
	settle();
	assert_false(journal.has_sends || journal.is_touched || first->was_returned);
	journal_note_send(&journal);
	assert_true(journal.has_sends && !journal.is_touched && first->changes == 0);
	settle();
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(begin),
	    TEST(without_store),
	    TEST(mark),
	    TEST(delivered),
	    TEST(late),
	    TEST(hurry),
	    TEST(late_and_changed),
	    TEST(end),
	    TEST(keys),
	    TEST(sends),
	};

	return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
