/*
 * The daemon is killed at each step of the transaction in which a message for a worker arrives, in
 * which it acknowledges one together with what it has called, and in which a connection ends: each
 * event has its effects once, and each end is told until it is acknowledged.
 */
#include "tests/unit/worker/worker_fixture.h"

enum { STEPS_MAX = 40 };

static unsigned closes; /* that were heard */

/* Killed; the process that is there next begins anew. */
static void
kill_daemon(void)
{
	fail_store(0, STORE_OK);
	restart();
	close(peers[0]);
	peers[0] = -1;
}

static uint64_t
seq_of(const json_t *event)
{
	return (uint64_t)json_integer_value(json_object_get(event, "seq"));
}

/* What the application does of a message: a write to b, a publication, and a state. */
static void
handle(const json_t *event)
{
	char text[600];
	const char *name = json_string_value(json_object_get(event, "event"));

	closes += strcmp(name, "close") == 0;
	if (seq_of(event) == 0)
		return;
	if (strcmp(name, "data") == 0)
		say(0,
		    "{\"call\":\"write\",\"id\":\"$b\",\"data\":\"w\"}\n"
		    "{\"call\":\"publish\",\"channel\":\"news\",\"data\":\"p\"}\n"
		    "{\"call\":\"state\",\"id\":\"$a\",\"value\":1}");
	snprintf(text, sizeof text, "{\"call\":\"ack\",\"seq\":%u}", (unsigned)seq_of(event));
	say(0, text);
}

/* It handles what it was told. The turn goes on. False: that was nothing. */
static bool
work(void)
{
	const char *at;
	json_error_t error;
	bool any;

	listen_to(0);
	any = heard.len > 0;
	buffer_append_char(&heard, '\0');
	for (at = heard.data; *at != '\0'; at = strchr(at, '\n') + 1) {
		json_t *event = json_loads(at, JSON_DISABLE_EOF_CHECK, &error);

		assert_non_null(event);
		handle(event);
		json_decref(event);
	}
	buffer_clear(&heard);
	return any;
}

static void
work_all(void)
{
	if (peers[0] == -1)
		serve(0);
	while (work())
		finish();
}

/* a and b are there, and b has subscribed. */
static void
begin_story(void)
{
	closes = 0;
	enter("a");
	enter("b");
	work_all();
	say(0, "{\"call\":\"subscribe\",\"id\":\"$b\",\"channel\":\"news\"}");
	finish();
	buffer_clear(&seen);
}

static void
expect_once(void)
{
	assert_int_equal(carried("a")->count, 0);
	assert_string_equal(carried("a")->state, "1");
	assert_polled("b", "a[\"w\",\"p\"]");
}

/* True if the store was told so many things: the failure was one of them. */
typedef bool (*story)(unsigned nth);

/* A send is answered only once it is stored: else its client sends it again. */
static bool
crash_at_data(unsigned nth)
{
	bool has_failed;

	begin_story();
	hear_from("a", "x");
	fail_store(nth, STORE_FULL);
	has_failed = finish() == COMMIT_FAILED;
	kill_daemon();
	assert_int_equal(carried("a")->count, has_failed ? 0 : 1);
	if (has_failed)
		hear_from("a", "x");
	finish();
	work_all();
	expect_once();
	return has_failed;
}

static bool
crash_at_ack(unsigned nth)
{
	bool has_failed;

	begin_story();
	hear_from("a", "x");
	finish();
	assert_true(work());
	fail_store(nth, STORE_FULL);
	has_failed = finish() == COMMIT_FAILED;
	kill_daemon();
	assert_int_equal(carried("a")->count, has_failed ? 1 : 0);
	assert_int_equal(find("b")->queue.count, has_failed ? 0 : 2);
	work_all();
	expect_once();
	return has_failed;
}

static void
end_client(void)
{
	if (session_find(service, "a", 1) != NULL)
		session_abort(find("a"));
}

static bool
crash_at_close(unsigned nth)
{
	bool has_failed;

	begin_story();
	end_client();
	fail_store(nth, STORE_FULL);
	has_failed = finish() == COMMIT_FAILED;
	kill_daemon();
	end_client();
	finish();
	assert_true(carried("a")->is_over);
	closes = 0;
	work_all();
	assert_int_equal(closes, 1);
	assert_null(carried("a"));
	return has_failed;
}

static bool
crash_at_close_ack(unsigned nth)
{
	bool has_failed;

	begin_story();
	end_client();
	finish();
	assert_true(work());
	assert_int_equal(closes, 1);
	fail_store(nth, STORE_FULL);
	has_failed = finish() == COMMIT_FAILED;
	kill_daemon();
	work_all();
	assert_int_equal(closes, has_failed ? 2 : 1);
	assert_null(carried("a"));
	kill_daemon();
	work_all();
	assert_int_equal(closes, has_failed ? 2 : 1);
	return has_failed;
}

static bool
crash_at_connection(unsigned nth)
{
	bool has_failed;

	begin_story();
	enter("c");
	fail_store(nth, STORE_FULL);
	has_failed = finish() == COMMIT_FAILED;
	kill_daemon();
	finish();
	work_all();
	assert_int_equal(served()->count, 3);
	assert_true(carried("c")->is_known);
	return has_failed;
}

/* The steps that there were. */
static unsigned
crash_everywhere(bool is_memory, story told)
{
	unsigned nth = 1;
	void *state = NULL;
	bool has_failed;

	do {
		assert_int_equal(set_up_workers(&state, is_memory), 0);
		has_failed = told(nth);
		assert_int_equal(tear_down_workers(&state), 0);
		assert_true(nth < STEPS_MAX);
	} while (has_failed && nth++ > 0);
	return nth - 1;
}

static void
crash_all(bool is_memory)
{
	/* The begin and the end of the transaction, and what is between. */
	assert_true(crash_everywhere(is_memory, crash_at_data) >= 3);
	assert_true(crash_everywhere(is_memory, crash_at_ack) >= 6);
	assert_true(crash_everywhere(is_memory, crash_at_close) >= 4);
	assert_true(crash_everywhere(is_memory, crash_at_close_ack) >= 4);
	crash_everywhere(is_memory, crash_at_connection);
}

/*
 * What was called for an event leaves at once, to a poll that waits, and the daemon is killed
 * before it has left: the event is not given again, so the next daemon has what was to leave.
 */
static void
crash_before_the_answer(bool is_memory)
{
	void *state = NULL;

	assert_int_equal(set_up_workers(&state, is_memory), 0);
	begin_story();
	arrive("b", remote_poll('1'));
	finish();
	hear_from("a", "x");
	finish();
	assert_true(work());
	assert_int_equal(finish(), COMMIT_DONE);
	assert_int_equal(find("b")->queue.count, 0);
	assert_non_null(find("b")->in_flight);
	kill_daemon();
	assert_int_equal(carried("a")->count, 0);
	assert_non_null(find("b")->in_flight);
	assert_int_equal(find("b")->in_flight->count, 2);
	assert_int_equal(tear_down_workers(&state), 0);
}

static void
test_before_the_answer(void **state)
{
	(void)state;
	crash_before_the_answer(true);
	crash_before_the_answer(false);
}

static void
test_memory(void **state)
{
	(void)state;
	crash_all(true);
}

static void
test_disk(void **state)
{
	(void)state;
	crash_all(false);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    {"memory", test_memory, NULL, NULL, NULL},
	    {"SQLite", test_disk, NULL, NULL, NULL},
	    {"before the answer", test_before_the_answer, NULL, NULL, NULL},
	};

	log_open("test_worker_crash", SEVERITY_ERROR);
	return cmocka_run_group_tests_name("worker_crash", tests, folder_setup, folder_teardown);
}
