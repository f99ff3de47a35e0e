/*
 * sessiond/worker/worker_connection.h, with a carrier that only counts: the order of events, what
 * is given and handled, its ends, and how much may wait.
 */
#include "tests/unit/worker/worker_fixture.h"

static unsigned wakes, forgets;

static void
fake_wake(struct worker_connection *connection)
{
	assert_non_null(connection->waiting);
	wakes++;
}

static void
fake_forget(struct worker_connection *connection)
{
	assert_int_equal(connection->count, 0);
	forgets++;
}

static bool
fake_give(struct worker_service *of)
{
	(void)of;
	return false;
}

static void
fake_write(struct worker_service *of)
{
	(void)of;
}

static const struct worker_carrier fake_carrier = {
    .wake = fake_wake, .forget = fake_forget, .give = fake_give, .write = fake_write};
static const struct worker_carrier *real_carrier;

static int
set_up_carrier(void **state)
{
	set_up_workers_in_memory(state);
	real_carrier = served()->carrier;
	served()->carrier = &fake_carrier;
	wakes = forgets = 0;
	return 0;
}

static int
tear_down_carrier(void **state)
{
	served()->carrier = real_carrier;
	return tear_down_workers(state);
}

/* The names and texts of its events, a bar before the first that was not given. */
static void
expect_events(const char *id, const char *expected, const char *file, int line)
{
	const struct worker_connection *connection = carried(id);
	const struct worker_event *event;
	struct buffer text = BUFFER_INIT;
	size_t n = 0;

	STAILQ_FOREACH(event, &connection->events, next) {
		if (event == connection->waiting)
			buffer_append_str(&text, "| ");
		buffer_append_str(&text, worker_event_name((enum worker_event_kind)event->kind));
		buffer_append_char(&text, ' ');
		buffer_append(&text, event->data, event->len);
		buffer_append_str(&text, event->len > 0 ? " " : "");
		n++;
	}
	buffer_append_char(&text, '\0');
	_assert_string_equal(text.data, expected, file, line);
	assert_int_equal(connection->count, n);
	buffer_free(&text);
}

#define assert_events(id, expected) expect_events(id, expected, __FILE__, __LINE__)

/* All that waits. */
static void
give(const char *id)
{
	while (carried(id)->waiting != NULL)
		worker_connection_give(carried(id));
}

static void
test_order(void **state)
{
	(void)state;
	enter("a");
	assert_int_equal(wakes, 1);
	hear_from("a", "1");
	hear_from("a", "2");
	assert_events("a", "| connection data 1 data 2 ");
	assert_int_equal(wakes, 1);
	worker_connection_give(carried("a"));
	assert_events("a", "connection | data 1 data 2 ");
	give("a");
	assert_events("a", "connection data 1 data 2 ");
	hear_from("a", "3");
	assert_int_equal(wakes, 2);
	assert_events("a", "connection data 1 data 2 | data 3 ");
	assert_true(worker_connection_handled(carried("a"), 2));
	assert_events("a", "data 2 | data 3 ");
	assert_int_equal(carried("a")->given, 1);
	assert_int_equal(carried("a")->first, 3);
	assert_true(carried("a")->is_known);
	worker_connection_return(carried("a"));
	assert_events("a", "| data 2 data 3 ");
	assert_int_equal(carried("a")->given, 0);
	assert_int_equal(wakes, 2);
}

static void
test_over(void **state)
{
	(void)state;
	enter("a");
	hear_from("a", "1");
	worker_connection_over(carried("a"));
	assert_int_equal(carried("a")->connection.handle, 0);
	worker_connection_push(carried("a"), WORKER_EVENT_DATA, "late", 4, false);
	worker_connection_over(carried("a"));
	assert_events("a", "| connection data 1 close ");
	give("a");
	assert_true(worker_connection_handled(carried("a"), 2));
	assert_int_equal(forgets, 0);
	assert_false(worker_connection_handled(carried("a"), 1));
	assert_int_equal(forgets, 1);
	assert_null(carried("a"));
	assert_int_equal(served()->queued, 0);
	assert_int_equal(served()->count, 0);
}

static void
test_state(void **state)
{
	char text[] = "[1]";

	(void)state;
	enter("a");
	worker_connection_set_state(carried("a"), text);
	text[1] = '2';
	assert_string_equal(carried("a")->state, "[1]");
	worker_connection_set_state(carried("a"), NULL);
	assert_null(carried("a")->state);
}

/* --- ends ------------------------------------------------------------------------------------- */

static void
test_deadly(void **state)
{
	(void)state;
	enter("a");
	hear_from("a", "1");
	give("a");
	capture_begin_later();
	assert_true(worker_connection_is_deadly(carried("a"), "has ended its process"));
	assert_non_null(strstr(capture_end(), "event connection of connection "));
	assert_events("a", "");
	assert_int_equal(served()->queued, 0);
	pass_time(DISCONNECT_DELAY);
	assert_events("a", "| close ");
	give("a");
	capture_begin_later();
	assert_false(worker_connection_is_deadly(carried("a"), "has ended its process"));
	assert_non_null(strstr(capture_end(), "event close of connection "));
	assert_int_equal(forgets, 1);
}

/* What it has died of was not the end, which is told all the same. */
static void
test_deadly_before_the_end(void **state)
{
	(void)state;
	enter("a");
	worker_connection_over(carried("a"));
	give("a");
	capture_begin_later();
	assert_true(worker_connection_is_deadly(carried("a"), "has ended its process"));
	capture_end();
	assert_events("a", "| close ");
}

/* --- how much may wait ------------------------------------------------------------------------ */

static void
test_queue_limit(void **state)
{
	enum { LIMIT = 4096, COST = WORKER_EVENT_COST + 4 };
	size_t handled = 0;

	(void)state;
	service->worker_options.worker_queue_limit = LIMIT;
	enter("a");
	capture_begin_later();
	while (served()->queued + COST <= LIMIT)
		hear_from("a", "four");
	assert_false(served()->is_full);
	assert_string_equal(capture_end(), "");
	capture_begin_later();
	hear_from("a", "four");
	assert_true(served()->is_full);
	assert_non_null(strstr(capture_end(), "worker_queue_limit (4096 bytes) reached"));
	assert_int_equal(service->application->authorize(connection_of("a")), 503);
	/* A quarter of it has to be worked off. */
	give("a");
	while (served()->is_full) {
		assert_true(served()->queued > LIMIT - LIMIT / 4);
		worker_connection_handled(carried("a"), 1);
		handled++;
	}
	assert_true(served()->queued <= LIMIT - LIMIT / 4);
	assert_true(handled > 10);
	assert_int_equal(service->application->authorize(connection_of("a")), 0);
	/* A reload may make it less. */
	service->worker_options.worker_queue_limit = 1024;
	worker_service_judge(served());
	assert_true(served()->is_full);
}

#define CARRIER_TEST(name)                                                                         \
	cmocka_unit_test_setup_teardown(test_##name, set_up_carrier, tear_down_carrier)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CARRIER_TEST(order),
	    CARRIER_TEST(over),
	    CARRIER_TEST(state),
	    CARRIER_TEST(deadly),
	    CARRIER_TEST(deadly_before_the_end),
	    CARRIER_TEST(queue_limit),
	};

	log_open("test_worker_connection", SEVERITY_ERROR);
	return cmocka_run_group_tests_name(
	    "worker_connection", tests, folder_setup, folder_teardown);
}
