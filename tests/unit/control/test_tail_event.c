/* sessiond/control/tail_event.h: what is told of an event. */
#include "sessiond/control/tail_event.h"

#include "sessiond/service/watch.h"
#include "tests/unit/session/session_fixture.h"

#include <stdio.h>

static void
expect(const struct watch_event *event, const char *expected)
{
	char *line = tail_event_line(event, 7);

	assert_string_equal(line, expected);
	free(line);
}

static void
expect_data(const char *data, size_t len, const char *shown)
{
	const struct watch_event event = {.kind = WATCH_PUBLISHED,
	    .service = service,
	    .channel = "c",
	    .channel_len = 1,
	    .data = data,
	    .len = len};
	char expected[1024];

	snprintf(expected, sizeof expected,
	    "{\"time\":7,\"event\":\"published\",\"service\":\"%s\",\"channel\":\"c\",\"length\":%zu,"
	    "\"data\":\"%s\"}\n",
	    service->name, len, shown);
	expect(&event, expected);
}

/* Of a long message the first bytes, and no half of a character. */
static void
test_data(void **state)
{
	char text[TAIL_DATA_MAX + 4], shown[TAIL_DATA_MAX + 1];

	(void)state;
	expect_data("", 0, "");
	expect_data("a\0\"\x1b", 4, "a\\u0000\\\"\\u001B");
	expect_data("\xed\xa0\x80", 3, "\xef\xbf\xbd");
	memset(text, 'x', sizeof text);
	memset(shown, 'x', sizeof shown);
	shown[TAIL_DATA_MAX] = '\0';
	expect_data(text, TAIL_DATA_MAX, shown);
	expect_data(text, TAIL_DATA_MAX + 1, shown);
	memcpy(text + TAIL_DATA_MAX - 1, "\xe2\x82\xac", 3);
	shown[TAIL_DATA_MAX - 1] = '\0';
	expect_data(text, TAIL_DATA_MAX + 2, shown);
	/* No more of what is no text than of what is. */
	memset(text, '\x80', sizeof text);
	expect_data(text, sizeof text, "");
}

static void
test_binary(void **state)
{
	const struct watch_event event = {
	    .kind = WATCH_SENT, .service = service, .data = "\xff", .len = 1, .is_binary = true};
	char expected[256];

	(void)state;
	snprintf(expected, sizeof expected,
	    "{\"time\":7,\"event\":\"sent\",\"service\":\"%s\",\"length\":1,\"binary\":true}\n",
	    service->name);
	expect(&event, expected);
}

static void
test_lost(void **state)
{
	char *line = tail_lost_line(7);

	(void)state;
	assert_string_equal(line, "{\"event\":\"lost\",\"count\":7}\n");
	free(line);
}

/* --- who watches ------------------------------------------------------------------------------ */

static char watched[256];

static void
saw(struct watcher *watcher, const struct watch_event *event)
{
	size_t len = strlen(watched);

	(void)watcher;
	assert_ptr_equal(event->service, event->session->service);
	snprintf(watched + len, sizeof watched - len, "%d:%.*s ", (int)event->kind,
	    event->data == NULL ? 0 : (int)event->len, event->data == NULL ? "" : event->data);
}

static void
test_watch(void **state)
{
	struct watcher watcher = {saw};
	struct session *session = arrive("before", fake_stream('1'));
	char expected[64];

	(void)state;
	session_receive(session, "unseen", 6, false);
	watch_watcher = &watcher;
	session = arrive("s", fake_stream('2'));
	session_receive(session, "in", 2, false);
	session_close(session, 3000, "", 0);
	turn();
	watch_watcher = NULL;
	snprintf(expected, sizeof expected, "%d: %d:in %d: ", WATCH_OPENED, WATCH_RECEIVED,
	    WATCH_CLOSED);
	assert_string_equal(watched, expected);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    SESSION_TEST(data),
	    SESSION_TEST(binary),
	    SESSION_TEST(lost),
	    SESSION_TEST(watch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
