/*
 * sessiond/responder/responder_counts.h: what is added up, of all responders.
 */
#include "tests/unit/responder/responder_fixture.h"
#include "tests/unit/log_capture.h"

static void
say_counts(uint32_t lines, struct wire_count first, struct wire_count second)
{
	const struct wire_counts counts = {
	    .lines_dropped = lines, .count = 2, .list = {first, second}};

	wire_encode_counts(&out, &counts);
	say();
}

static uint64_t
counted(unsigned endpoint, unsigned status)
{
	return messages.counts.requests.answered[endpoint][status];
}

static void
test_added_up(void **state)
{
	int first;

	(void)state;
	open_responder();
	say_counts(2, (struct wire_count){ENDPOINT_INFO, 200, 3},
	    (struct wire_count){ENDPOINT_OUTSIDE, 599, UINT32_MAX});
	assert_heard("");
	first = responder;
	open_responder();
	say_counts(5, (struct wire_count){ENDPOINT_OUTSIDE, 599, UINT32_MAX},
	    (struct wire_count){ENDPOINT_INFO, 200, 4});
	assert_heard("");
	assert_true(counted(ENDPOINT_INFO, 200) == 7);
	assert_true(counted(ENDPOINT_OUTSIDE, 599) == 2 * (uint64_t)UINT32_MAX);
	assert_true(messages.counts.lines_dropped == 7);
	/* They stay when responders go. */
	close_responder();
	close(first);
	run();
	assert_true(counted(ENDPOINT_INFO, 200) == 7);
}

/* It says so of its last requests, too. */
static void
test_after_goodbye(void **state)
{
	(void)state;
	open_responder();
	wire_encode_goodbye(&out, "stopping");
	say_counts(0, (struct wire_count){ENDPOINT_SEND, 204, 1},
	    (struct wire_count){ENDPOINT_RECEIVE, 200, 1});
	run();
	assert_true(counted(ENDPOINT_SEND, 204) == 1 && counted(ENDPOINT_RECEIVE, 200) == 1);
}

static void
expect_refused(void)
{
	capture_begin_later();
	run();
	assert_non_null(strstr(capture_end(), "breaks the protocol"));
	assert_true(LIST_EMPTY(&peers.list));
	assert_true(counted(ENDPOINT_INFO, 200) == 0);
}

/* Nothing of it counts. */
static void
test_bad(void **state)
{
	(void)state;
	open_responder();
	say_counts(1, (struct wire_count){ENDPOINT_INFO, 200, 1},
	    (struct wire_count){ENDPOINT_KINDS, 200, 1});
	expect_refused();
	close(responder);
	connect_responder();
	say_counts(1, (struct wire_count){ENDPOINT_INFO, 200, 1},
	    (struct wire_count){ENDPOINT_INFO, 404, 1});
	expect_refused();
	assert_true(messages.counts.lines_dropped == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    RESPONDER_TEST(added_up),
	    RESPONDER_TEST(after_goodbye),
	    RESPONDER_TEST(bad),
	};

	log_open("test_responder_counts", SEVERITY_ERROR);
	return cmocka_run_group_tests_name(
	    "responder_counts", tests, folder_setup, folder_teardown);
}
