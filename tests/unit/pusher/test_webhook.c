/*
 * sessiond/pusher/webhook.h: what is sent when, what of it again, and what the store has of it. The
 * requests end here; the clock is the test's.
 */
#include "sessiond/pusher/webhook.h"

#include "common/log.h"
#include "sessiond/pusher/pusher_auth.h"
#include "sessiond/pusher/webhook_curl.h"
#include "sessiond/service/service.h"
#include "sessiond/store/store.h"
#include "tests/unit/store/store_memory.h"

#include <inttypes.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/log_capture.h"

static uv_loop_t loop;
static struct sockjs_service service;
static char name[] = "1", url[] = "http://a/hook", key[] = "k", secret[] = "s";

/* --- the time --------------------------------------------------------------------------------- */

static uint64_t now;
static uv_timer_cb timer_callback; /* NULL: it does not run */
static uint64_t timer_due;

uint64_t __wrap_uv_now(const uv_loop_t *of);
int
__wrap_uv_timer_start(uv_timer_t *timer, uv_timer_cb callback, uint64_t timeout, uint64_t repeat);

uint64_t
__wrap_uv_now(const uv_loop_t *of)
{
	(void)of;
	return now;
}

int
__wrap_uv_timer_start(uv_timer_t *timer, uv_timer_cb callback, uint64_t timeout, uint64_t repeat)
{
	(void)timer;
	assert_int_equal(repeat, 0);
	timer_callback = callback;
	timer_due = now + timeout;
	return 0;
}

static void
pass(uint64_t ms)
{
	uv_timer_cb callback = timer_callback;

	now += ms;
	if (callback == NULL || timer_due > now)
		return;
	timer_callback = NULL;
	callback(NULL);
}

/* --- requests --------------------------------------------------------------------------------- */

static unsigned posts;
static webhook_done *done;
static void *done_context;
static json_t *posted;

struct webhook_post *__wrap_webhook_curl_post(
    uv_loop_t *of, const struct webhook_request *request, webhook_done *called, void *context);

struct webhook_post *
__wrap_webhook_curl_post(
    uv_loop_t *of, const struct webhook_request *request, webhook_done *called, void *context)
{
	char signature[PUSHER_SIGNATURE_SIZE], header[128];
	struct pusher_signing signing;

	assert_ptr_equal(of, &loop);
	assert_null(done);
	assert_string_equal(request->url, url);
	assert_string_equal(request->headers[0], "Content-Type: application/json");
	assert_string_equal(request->headers[3], "X-Pusher-Key: k");
	pusher_signing_begin(&signing, secret);
	pusher_signing_add(&signing, request->body, request->body_len);
	pusher_signing_end(&signing, signature);
	snprintf(header, sizeof header, "X-Pusher-Signature: %s", signature);
	assert_string_equal(request->headers[4], header);
	json_decref(posted);
	posted = json_loadb(request->body, request->body_len, 0, NULL);
	assert_true(json_is_integer(json_object_get(posted, "time_ms")));
	done = called;
	done_context = context;
	posts++;
	return (struct webhook_post *)&posts;
}

/* What was posted last is answered. */
static void
answer(unsigned status)
{
	webhook_done *called = done;

	assert_non_null(called);
	done = NULL;
	called(done_context, status, "why not");
}

static size_t
count_posted(void)
{
	return json_array_size(json_object_get(posted, "events"));
}

/* The number in the name of the nth channel that was posted. */
static int
posted_number(size_t nth)
{
	const json_t *event = json_array_get(json_object_get(posted, "events"), nth);

	assert_string_equal(json_string_value(json_object_get(event, "name")), "e");
	return atoi(json_string_value(json_object_get(event, "channel")));
}

static void
tell(int from, int to)
{
	char channel[20];

	for (; from < to; from++) {
		snprintf(channel, sizeof channel, "%d", from);
		webhook_tell(&service, "e", channel, NULL);
	}
}

/* --- before and after ------------------------------------------------------------------------- */

static bool is_kept;

static int
set_up(void **state)
{
	(void)state;
	now = 1000;
	timer_callback = NULL;
	posts = 0;
	done = NULL;
	posted = NULL;
	service = (struct sockjs_service){.app = name, .app_options = {.webhook = url}};
	assert_int_equal(uv_loop_init(&loop), 0);
	webhooks_bind(&loop, is_kept);
	webhook_set(name, url, key, secret);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	webhooks_bind(NULL, false);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	json_decref(posted);
	is_kept = false;
	return 0;
}

static int
set_up_kept(void **state)
{
	is_kept = true;
	return set_up(state);
}

/* --- tests ------------------------------------------------------------------------------------ */

static void
test_batches(void **state)
{
	(void)state;
	tell(0, 250);
	pass(WEBHOOK_DELAY - 1);
	assert_int_equal(posts, 0);
	pass(1);
	assert_int_equal(count_posted(), WEBHOOK_BATCH_MAX);
	assert_int_equal(posted_number(99), 99);
	/* One at a time. */
	pass(1000000);
	assert_int_equal(posts, 1);
	answer(204);
	pass(0);
	assert_int_equal(posted_number(0), 100);
	answer(200);
	pass(0);
	assert_int_equal(count_posted(), 50);
	answer(299);
	assert_null(timer_callback);
	tell(250, 251);
	pass(WEBHOOK_DELAY);
	assert_int_equal(posted_number(0), 250);
}

static void
test_again(void **state)
{
	uint64_t pause = WEBHOOK_PAUSE_MIN;
	const char *text;
	int i;

	(void)state;
	tell(0, 1);
	pass(WEBHOOK_DELAY);
	for (i = 0; i < 10; i++) {
		unsigned before = posts;

		capture_begin();
		answer(i % 2 == 0 ? 302 : 0);
		text = capture_end();
		/* Further lines are withheld. */
		if (i < 2)
			assert_non_null(strstr(text, i == 0 ? "answered by 302" : "why not"));
		pass(pause - 1);
		assert_int_equal(posts, before);
		pass(1);
		assert_int_equal(posts, before + 1);
		assert_int_equal(posted_number(0), 0);
		pause = pause * 2 > WEBHOOK_PAUSE_MAX ? WEBHOOK_PAUSE_MAX : pause * 2;
	}
	assert_int_equal(pause, WEBHOOK_PAUSE_MAX);
	/* What came meanwhile goes with it. */
	tell(1, 3);
	capture_begin();
	answer(500);
	capture_end();
	pass(WEBHOOK_PAUSE_MAX);
	assert_int_equal(count_posted(), 3);
	answer(200);
	tell(3, 4);
	pass(WEBHOOK_DELAY);
	capture_begin();
	answer(500);
	capture_end();
	/* Other options: it is tried at once. */
	webhook_set(name, url, key, secret);
	pass(WEBHOOK_DELAY);
	assert_int_equal(posted_number(0), 3);
}

static void
test_too_many(void **state)
{
	(void)state;
	capture_begin();
	tell(0, WEBHOOK_EVENTS_MAX + 1);
	assert_non_null(strstr(capture_end(), "is dropped: 10000 wait"));
	pass(WEBHOOK_DELAY);
	answer(200);
	tell(1, 2);
	pass(0);
	assert_int_equal(posted_number(0), WEBHOOK_BATCH_MAX);
}

static void
tell_long(size_t len)
{
	char *data = malloc(len + 1);

	assert_non_null(data);
	memset(data, '1', len);
	data[len] = '\0';
	webhook_tell_client_event(&service, "private-a", "client-e", data, "1.1", NULL);
	free(data);
}

/* Clients send events, and these may be long. */
static void
test_too_many_bytes(void **state)
{
	(void)state;
	tell_long(WEBHOOK_BYTES_MAX / 2);
	capture_begin();
	tell_long(WEBHOOK_BYTES_MAX / 2);
	assert_non_null(strstr(capture_end(), "is dropped: 1 wait"));
	pass(WEBHOOK_DELAY);
	assert_int_equal(count_posted(), 1);
	answer(200);
	tell_long(WEBHOOK_BYTES_MAX / 2);
	pass(WEBHOOK_DELAY);
	assert_int_equal(posts, 2);
}

static void
test_without_url(void **state)
{
	(void)state;
	tell(0, 3);
	webhook_set(name, NULL, NULL, NULL);
	pass(WEBHOOK_DELAY);
	assert_int_equal(posts, 0);
	service.app_options.webhook = NULL;
	tell(3, 4);
	webhook_set(name, url, key, secret);
	pass(WEBHOOK_DELAY);
	assert_int_equal(posts, 0);
}

static void
test_client_event(void **state)
{
	char *text;

	(void)state;
	webhook_tell_client_event(&service, "presence-a", "client-e", "{\"a\":1}", "1.2", "tom");
	pass(WEBHOOK_DELAY);
	text = json_dumps(json_array_get(json_object_get(posted, "events"), 0), JSON_COMPACT);
	assert_string_equal(text,
	    "{\"name\":\"client_event\",\"channel\":\"presence-a\",\"event\":\"client-e\","
	    "\"data\":\"{\\\"a\\\":1}\",\"socket_id\":\"1.2\",\"user_id\":\"tom\"}");
	free(text);
}

/* --- the store -------------------------------------------------------------------------------- */

static void
store_turn(struct store *store)
{
	assert_true(webhooks_part.is_changed(NULL));
	assert_int_equal(store_begin(store), STORE_OK);
	assert_int_equal(webhooks_part.write(NULL, store), STORE_OK);
	assert_int_equal(store_commit(store), STORE_OK);
	webhooks_part.settle(NULL);
	assert_false(webhooks_part.is_changed(NULL));
}

static void
on_session(
    void *context, const struct stored_session *session, const struct stored_delivery *delivery)
{
	(void)context;
	(void)session;
	(void)delivery;
}

static void
on_message(void *context, uint64_t key_of, uint64_t position, const char *data, size_t len)
{
	(void)context;
	(void)key_of;
	(void)position;
	(void)data;
	(void)len;
}

static void
on_record(void *context, const struct stored_record *record)
{
	(void)context;
	webhooks_part.read(NULL, record, NULL);
}

/* The next daemon begins with what is stored. */
static void
restart(struct store *store)
{
	const struct store_loader loader = {
	    .session = on_session, .message = on_message, .record = on_record};

	webhooks_bind(NULL, false);
	uv_run(&loop, UV_RUN_DEFAULT);
	timer_callback = NULL;
	done = NULL;
	webhooks_bind(&loop, true);
	webhook_set(name, url, key, secret);
	assert_int_equal(store_load(store, &loader), STORE_OK);
	webhooks_restored();
}

static void
test_store(void **state)
{
	struct store *store = store_memory_create();

	(void)state;
	tell(0, 150);
	store_turn(store);
	pass(WEBHOOK_DELAY);
	answer(200);
	tell(150, 151);
	store_turn(store);
	restart(store);
	assert_false(webhooks_part.is_changed(NULL));
	pass(WEBHOOK_DELAY);
	assert_int_equal(count_posted(), 51);
	assert_int_equal(posted_number(0), 100);
	assert_int_equal(posted_number(50), 150);
	/* It takes them, but the daemon dies before that is stored. */
	answer(200);
	restart(store);
	pass(WEBHOOK_DELAY);
	assert_int_equal(count_posted(), 51);
	answer(200);
	store_turn(store);
	tell(151, 152);
	store_turn(store);
	/* A store that was begun anew has what waits. */
	assert_int_equal(store_replace(store), STORE_OK);
	webhooks_part.forget(NULL);
	store_turn(store);
	restart(store);
	pass(WEBHOOK_DELAY);
	assert_int_equal(count_posted(), 1);
	assert_int_equal(posted_number(0), 151);
	/* What is new when the old is taken in the same turn. */
	tell(152, 153);
	answer(200);
	store_turn(store);
	restart(store);
	pass(WEBHOOK_DELAY);
	assert_int_equal(posted_number(0), 152);
	store_close(&store);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test_##test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(batches),
	    TEST(again),
	    TEST(too_many),
	    TEST(too_many_bytes),
	    TEST(without_url),
	    TEST(client_event),
	    cmocka_unit_test_setup_teardown(test_store, set_up_kept, tear_down),
	};

	log_open("test_webhook", SEVERITY_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
