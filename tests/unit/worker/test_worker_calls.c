/*
 * sessiond/worker/worker_calls.h: each call, as it should be and with each argument wrong.
 */
#include "tests/unit/worker/worker_fixture.h"

#include "sessiond/worker/worker_calls.h"

static struct worker_call_error failure;

/* 0 or -1 and failure; the text may have $a. */
static int
call(const char *text)
{
	struct buffer expanded = BUFFER_INIT;
	json_error_t error;
	json_t *json;
	int result;

	expand(&expanded, text);
	json = json_loads(expanded.data, JSON_ALLOW_NUL, &error);
	assert_non_null(json);
	failure = (struct worker_call_error){"none", ""};
	result = worker_call_do(served(), json, &failure);
	json_decref(json);
	buffer_free(&expanded);
	return result;
}

#define assert_done(text) assert_int_equal(call(text), 0)

#define assert_fails(text, expected_code, expected_message)                                        \
	do {                                                                                       \
		assert_int_equal(call(text), -1);                                                  \
		assert_string_equal(failure.code, expected_code);                                  \
		assert_string_equal(failure.message, expected_message);                            \
	} while (0)

#define NOBODY "there is no connection of that id (any more)"

/* --- which ------------------------------------------------------------------------------------ */

static void
test_names(void **state)
{
	(void)state;
	assert_fails("{\"call\":\"jump\"}", "unknown", "there is no call of the name jump");
	assert_fails("{\"call\":\"\"}", "unknown", "there is no call of the name ");
	assert_fails(
	    "{\"call\":\"01234567890123456789012345678901234567890123456789012345678901234\"}",
	    "unknown",
	    "there is no call of the name "
	    "012345678901234567890123456789012345678901234567890123456789");
	assert_fails("{}", "invalid",
	    "a call is to be a JSON object with its name, such as {\"call\":\"write\",...}");
	assert_fails("[]", "invalid",
	    "a call is to be a JSON object with its name, such as {\"call\":\"write\",...}");
	assert_fails("{\"call\":[]}", "invalid",
	    "a call is to be a JSON object with its name, such as {\"call\":\"write\",...}");
}

static void
test_ids(void **state)
{
	static const char *const with_id[] = {
	    "write", "close", "subscribe", "unsubscribe", "state", "accept", "refuse"};
	struct worker_service other = {.all = &workers};
	char text[100];
	size_t i;

	(void)state;
	enter("a");
	for (i = 0; i < sizeof with_id / sizeof with_id[0]; i++) {
		snprintf(text, sizeof text, "{\"call\":\"%s\"}", with_id[i]);
		assert_fails(text, "invalid", "\"id\" is to be a string");
		snprintf(text, sizeof text, "{\"call\":\"%s\",\"id\":7}", with_id[i]);
		assert_fails(text, "invalid", "\"id\" is to be a string");
		snprintf(text, sizeof text, "{\"call\":\"%s\",\"id\":\"\"}", with_id[i]);
		assert_fails(text, "gone", NOBODY);
		snprintf(text, sizeof text, "{\"call\":\"%s\",\"id\":\"$a\\u0000\"}", with_id[i]);
		assert_fails(text, "invalid", "\"id\" has a NUL character");
	}
	/* One of another service is nobody here. */
	assert_non_null(worker_connection_find(served(), ids[0], strlen(ids[0])));
	assert_null(worker_connection_find(&other, ids[0], strlen(ids[0])));
}

/* The session has ended, and the application has not heard of it yet. */
static void
test_gone(void **state)
{
	(void)state;
	enter("a");
	session_abort(find("a"));
	turn();
	assert_non_null(carried("a"));
	assert_fails("{\"call\":\"write\",\"id\":\"$a\",\"data\":\"x\"}", "gone",
	    "the connection has ended");
	assert_fails("{\"call\":\"close\",\"id\":\"$a\"}", "gone", "the connection has ended");
	assert_fails("{\"call\":\"subscribe\",\"id\":\"$a\",\"channel\":\"x\"}", "gone",
	    "the connection has ended");
	/* It is as if it were so already. */
	assert_done("{\"call\":\"unsubscribe\",\"id\":\"$a\",\"channel\":\"x\"}");
	assert_fails("{\"call\":\"refuse\",\"id\":\"$a\"}", "gone",
	    "its client does not wait to be let in (any more)");
}

/* --- write ------------------------------------------------------------------------------------ */

static void
test_write(void **state)
{
	static const char wrong[] = "\"data\" is to be a string, or \"base64\" in its place";

	(void)state;
	enter("a");
	assert_done("{\"call\":\"write\",\"id\":\"$a\",\"data\":\"x\"}");
	assert_done("{\"call\":\"write\",\"id\":\"$a\",\"data\":\"\"}");
	assert_done("{\"call\":\"write\",\"id\":\"$a\",\"data\":\"a\\u0000\\ud83d\\ude00\"}");
	assert_fails("{\"call\":\"write\",\"id\":\"$a\"}", "invalid", wrong);
	assert_fails("{\"call\":\"write\",\"id\":\"$a\",\"data\":1}", "invalid", wrong);
	assert_fails("{\"call\":\"write\",\"id\":\"$a\",\"data\":null}", "invalid", wrong);
	assert_fails("{\"call\":\"write\",\"id\":\"$a\",\"base64\":1}", "invalid", wrong);
	assert_fails("{\"call\":\"write\",\"id\":\"$a\",\"data\":\"x\",\"base64\":\"eA==\"}",
	    "invalid", wrong);
	assert_fails("{\"call\":\"write\",\"id\":\"$a\",\"base64\":\"eA==\"}", "invalid",
	    "only a raw websocket takes base64");
	assert_fails("{\"call\":\"write\",\"id\":\"$a\",\"base64\":\"?\"}", "invalid",
	    "\"base64\" is no base64");
	assert_fails("{\"call\":\"write\",\"id\":\"$a\",\"base64\":\"eA\"}", "invalid",
	    "\"base64\" is no base64");
	assert_fails("{\"call\":\"write\",\"id\":\"$a\",\"base64\":\"eA==\\u0000\"}", "invalid",
	    "\"base64\" is no base64");
	assert_polled("a", "a[\"x\",\"\",\"a\\u0000\\ud83d\\ude00\"]");
}

static void
test_write_full(void **state)
{
	size_t i;

	(void)state;
	enter("a");
	for (i = 0; i < QUEUE_LIMIT; i++)
		if (call("{\"call\":\"write\",\"id\":\"$a\",\"data\":\"0123456789\"}") == -1)
			break;
	assert_in_range(i, 1, QUEUE_LIMIT - 1);
	assert_string_equal(failure.code, "full");
	assert_string_equal(
	    failure.message, "there is no room: queue_limit, or a limit of channels");
}

/* --- close ------------------------------------------------------------------------------------ */

static void
test_close_arguments(void **state)
{
	static const char range[] = "\"code\" is to be 1000 or 3000 to 4999";
	char text[400];

	(void)state;
	enter("a");
	assert_fails("{\"call\":\"close\",\"id\":\"$a\",\"code\":2999}", "invalid", range);
	assert_fails("{\"call\":\"close\",\"id\":\"$a\",\"code\":5000}", "invalid", range);
	assert_fails("{\"call\":\"close\",\"id\":\"$a\",\"code\":1001}", "invalid", range);
	assert_fails("{\"call\":\"close\",\"id\":\"$a\",\"code\":\"3000\"}", "invalid",
	    "\"code\" is to be a number");
	assert_fails("{\"call\":\"close\",\"id\":\"$a\",\"code\":3000.5}", "invalid",
	    "\"code\" is to be a number");
	assert_fails("{\"call\":\"close\",\"id\":\"$a\",\"code\":-1}", "invalid",
	    "\"code\" is to be a number");
	assert_fails("{\"call\":\"close\",\"id\":\"$a\",\"code\":4294970296}", "invalid",
	    "\"code\" is to be a number");
	assert_fails("{\"call\":\"close\",\"id\":\"$a\",\"reason\":1}", "invalid",
	    "\"reason\" is to be a string");
	snprintf(text, sizeof text, "{\"call\":\"close\",\"id\":\"$a\",\"reason\":\"%0124d\"}", 0);
	assert_fails(text, "invalid", "\"reason\" has more than 123 bytes");
	snprintf(text, sizeof text,
	    "{\"call\":\"close\",\"id\":\"$a\",\"code\":4999,\"reason\":\"%0123d\"}", 0);
	assert_done(text);
	assert_fails("{\"call\":\"write\",\"id\":\"$a\",\"data\":\"x\"}", "gone",
	    "the connection has ended");
}

static void
expect_closed(const char *id, const char *text, const char *frame)
{
	enter(id);
	buffer_clear(&seen);
	assert_done(text);
	arrive(id, fake_poll('1'));
	end_turn();
	assert_seen(frame);
}

static void
test_close(void **state)
{
	(void)state;
	expect_closed(
	    "a", "{\"call\":\"close\",\"id\":\"$a\"}", "1<c[1000,\"Normal closure\"] 1. ");
	expect_closed("b", "{\"call\":\"close\",\"id\":\"$b\",\"code\":3000,\"reason\":\"bye\"}",
	    "1<c[3000,\"bye\"] 1. ");
	expect_closed("c", "{\"call\":\"close\",\"id\":\"$c\",\"code\":null,\"reason\":null}",
	    "1<c[1000,\"Normal closure\"] 1. ");
}

/* --- channels --------------------------------------------------------------------------------- */

static void
test_channels(void **state)
{
	(void)state;
	enter("a");
	enter("b");
	assert_fails(
	    "{\"call\":\"subscribe\",\"id\":\"$a\"}", "invalid", "\"channel\" is to be a string");
	assert_fails("{\"call\":\"subscribe\",\"id\":\"$a\",\"channel\":\"\"}", "invalid",
	    "an argument is not what the call takes");
	assert_fails("{\"call\":\"unsubscribe\",\"id\":\"$a\",\"channel\":[]}", "invalid",
	    "\"channel\" is to be a string");
	assert_done("{\"call\":\"subscribe\",\"id\":\"$a\",\"channel\":\"news\"}");
	assert_done("{\"call\":\"subscribe\",\"id\":\"$b\",\"channel\":\"news\"}");
	assert_done("{\"call\":\"publish\",\"channel\":\"news\",\"data\":\"1\"}");
	assert_done("{\"call\":\"publish\",\"channel\":\"news\",\"data\":\"2\",\"except\":\"$a\"}");
	/* Who is excepted may have gone, or may be nobody. */
	assert_done(
	    "{\"call\":\"publish\",\"channel\":\"news\",\"data\":\"3\",\"except\":\"nobody\"}");
	assert_done("{\"call\":\"publish\",\"channel\":\"news\",\"data\":\"4\",\"except\":null}");
	assert_done("{\"call\":\"unsubscribe\",\"id\":\"$b\",\"channel\":\"news\"}");
	assert_done("{\"call\":\"publish\",\"channel\":\"news\",\"data\":\"5\"}");
	assert_polled("a", "a[\"1\",\"3\",\"4\",\"5\"]");
	assert_polled("b", "a[\"1\",\"2\",\"3\",\"4\"]");
	assert_fails(
	    "{\"call\":\"publish\",\"data\":\"1\"}", "invalid", "\"channel\" is to be a string");
	assert_fails(
	    "{\"call\":\"publish\",\"channel\":\"x\"}", "invalid", "\"data\" is to be a string");
	assert_fails("{\"call\":\"publish\",\"channel\":\"x\",\"data\":{}}", "invalid",
	    "\"data\" is to be a string");
	assert_fails("{\"call\":\"publish\",\"channel\":\"x\",\"data\":\"\",\"except\":1}",
	    "invalid", "\"except\" is to be the id of a connection");
	assert_fails("{\"call\":\"publish\",\"channel\":\"x\\u0000\",\"data\":\"\"}", "invalid",
	    "\"channel\" has a NUL character");
}

/* --- state ------------------------------------------------------------------------------------ */

/* A JSON string of so many bytes, its quotes included. */
static int
keep_state(size_t bytes)
{
	static char text[WORKER_STATE_MAX + 200];
	int head = snprintf(text, sizeof text, "{\"call\":\"state\",\"id\":\"$a\",\"value\":\"");

	memset(text + head, 'x', bytes - 2);
	strcpy(text + head + bytes - 2, "\"}");
	return call(text);
}

static void
test_state(void **state)
{
	(void)state;
	enter("a");
	assert_fails("{\"call\":\"state\",\"id\":\"$a\"}", "invalid", "there is no \"value\"");
	assert_done("{\"call\":\"state\",\"id\":\"$a\",\"value\":{\"b\": [1, \"\\u0000\"]}}");
	assert_string_equal(carried("a")->state, "{\"b\":[1,\"\\u0000\"]}");
	assert_int_equal(keep_state(WORKER_STATE_MAX + 1), -1);
	assert_string_equal(failure.code, "too_large");
	assert_string_equal(failure.message, "\"value\" has more than 16384 bytes as JSON");
	assert_string_equal(carried("a")->state, "{\"b\":[1,\"\\u0000\"]}");
	assert_int_equal(keep_state(WORKER_STATE_MAX), 0);
	assert_int_equal(strlen(carried("a")->state), WORKER_STATE_MAX);
	assert_done("{\"call\":\"state\",\"id\":\"$a\",\"value\":false}");
	assert_string_equal(carried("a")->state, "false");
	assert_done("{\"call\":\"state\",\"id\":\"$a\",\"value\":null}");
	assert_null(carried("a")->state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WORKER_TEST_ONCE(names),
	    WORKER_TEST_ONCE(ids),
	    WORKER_TEST_ONCE(gone),
	    WORKER_TEST_ONCE(write),
	    WORKER_TEST_ONCE(write_full),
	    WORKER_TEST_ONCE(close_arguments),
	    WORKER_TEST_ONCE(close),
	    WORKER_TEST_ONCE(channels),
	    WORKER_TEST_ONCE(state),
	};

	log_open("test_worker_calls", SEVERITY_ERROR);
	return cmocka_run_group_tests_name("worker_calls", tests, folder_setup, folder_teardown);
}
