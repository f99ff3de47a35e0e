/*
 * See webhook.h. A target is an app that has events; it is found by its name, as the app may be
 * replaced meanwhile. Of its events the first `sending` are under way.
 */
#include "sessiond/pusher/webhook.h"

#include "common/buffer.h"
#include "common/log_limit.h"
#include "common/memory.h"
#include "sessiond/pusher/pusher_auth.h"
#include "sessiond/pusher/webhook_curl.h"
#include "sessiond/service/service.h"
#include "sessiond/store/store.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

struct event {
	TAILQ_ENTRY(event) entry;
	uint64_t number; /* in the store */
	bool is_stored;
	char *text; /* a JSON object */
};

TAILQ_HEAD(event_list, event);

struct target {
	LIST_ENTRY(target) entry;
	char *app;
	char *url, *key, *secret; /* all are owned; NULL: it has no webhook */
	struct event_list events;
	size_t count, sending;
	uint64_t due;	/* ms of the loop's time when it is sent; 0: not */
	uint64_t pause; /* ms, after the last failure; 0: there was none */
};

static struct {
	uv_loop_t *loop; /* NULL: nothing is sent */
	uv_timer_t timer;
	bool is_kept;
	LIST_HEAD(, target) targets;
	size_t count, bytes; /* of events */
	uint64_t last_number;
	size_t unstored; /* events */
	struct {
		uint64_t *numbers;
		size_t count, room;
	} taken; /* the store has them still */
} all;

static void send_due(uv_timer_t *timer);

/* --- what waits ------------------------------------------------------------------------------- */

static struct target *
find_target(const char *app)
{
	struct target *target;

	LIST_FOREACH(target, &all.targets, entry)
		if (strcmp(target->app, app) == 0)
			return target;
	target = xcalloc(1, sizeof *target);
	target->app = xstrdup(app);
	TAILQ_INIT(&target->events);
	LIST_INSERT_HEAD(&all.targets, target, entry);
	return target;
}

static void
free_options(struct target *target)
{
	free(target->url);
	free(target->key);
	free(target->secret);
	target->url = target->key = target->secret = NULL;
}

/* Takes the text. */
static struct event *
add_event(struct target *target, char *text, uint64_t number)
{
	struct event *event = xcalloc(1, sizeof *event);

	event->text = text;
	event->number = number;
	TAILQ_INSERT_TAIL(&target->events, event, entry);
	target->count++;
	all.count++;
	all.bytes += strlen(text);
	return event;
}

static void
forget_event(struct target *target, struct event *event)
{
	if (event->is_stored) {
		all.taken.numbers = xgrow(
		    all.taken.numbers, &all.taken.room, all.taken.count, sizeof *all.taken.numbers);
		all.taken.numbers[all.taken.count++] = event->number;
	} else if (all.is_kept) {
		all.unstored--;
	}
	TAILQ_REMOVE(&target->events, event, entry);
	target->count--;
	all.count--;
	all.bytes -= strlen(event->text);
	free(event->text);
	free(event);
}

static void
forget_events(struct target *target, size_t n)
{
	for (; n > 0; n--)
		forget_event(target, TAILQ_FIRST(&target->events));
}

static void
start_timer(void)
{
	uint64_t now = uv_now(all.loop), first = UINT64_MAX;
	struct target *target;

	LIST_FOREACH(target, &all.targets, entry)
		if (target->due != 0 && target->due < first)
			first = target->due;
	if (first != UINT64_MAX)
		uv_timer_start(&all.timer, send_due, first > now ? first - now : 0, 0);
}

/* Sends it after so many ms, if it is not to be sent before or under way. */
static void
schedule(struct target *target, uint64_t ms)
{
	if (all.loop == NULL || target->count == 0 || target->due != 0 || target->sending > 0)
		return;
	target->due = uv_now(all.loop) + ms;
	start_timer();
}

/* --- sending ---------------------------------------------------------------------------------- */

static void
on_done(void *context, unsigned status, const char *why)
{
	static struct log_limit limit;
	struct target *target = context;
	size_t sent = target->sending;
	char answer[40];

	target->sending = 0;
	if (status >= 200 && status <= 299) {
		forget_events(target, sent);
		target->pause = 0;
		schedule(target, 0);
		return;
	}
	target->pause = target->pause == 0 ? WEBHOOK_PAUSE_MIN : target->pause * 2;
	if (target->pause > WEBHOOK_PAUSE_MAX)
		target->pause = WEBHOOK_PAUSE_MAX;
	snprintf(answer, sizeof answer, "it was answered by %u", status);
	log_limited(&limit, SEVERITY_ERROR,
	    "[app %s]: the webhook cannot be told (%s); %zu events wait, and are sent in %" PRIu64
	    " s",
	    target->app, status == 0 ? why : answer, target->count, target->pause / 1000);
	schedule(target, target->pause);
}

static void
append_body(struct target *target, struct buffer *body)
{
	const char *separator = "";
	struct timespec now;
	struct event *event;

	clock_gettime(CLOCK_REALTIME, &now);
	buffer_printf(body, "{\"time_ms\":%" PRIu64 ",\"events\":[",
	    (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
	TAILQ_FOREACH(event, &target->events, entry) {
		if (target->sending == WEBHOOK_BATCH_MAX)
			break;
		buffer_append_str(body, separator);
		buffer_append_str(body, event->text);
		separator = ",";
		target->sending++;
	}
	buffer_append_str(body, "]}");
	buffer_append_char(body, '\0');
}

static struct webhook_post *
post(struct target *target, const struct buffer *body)
{
	char key[128], signed_by[128], signature[PUSHER_SIGNATURE_SIZE];
	const char *headers[] = {
	    "Content-Type: application/json", "Expect:", "Accept:", key, signed_by, NULL};
	const struct webhook_request request = {target->url, headers, body->data, body->len - 1};
	struct pusher_signing signing;

	pusher_signing_begin(&signing, target->secret);
	pusher_signing_add(&signing, request.body, request.body_len);
	pusher_signing_end(&signing, signature);
	snprintf(key, sizeof key, "X-Pusher-Key: %s", target->key);
	snprintf(signed_by, sizeof signed_by, "X-Pusher-Signature: %s", signature);
	return webhook_curl_post(all.loop, &request, on_done, target);
}

static void
send_events(struct target *target)
{
	struct buffer body = BUFFER_INIT;

	target->due = 0;
	/* It was taken out of the configuration. */
	if (target->url == NULL) {
		forget_events(target, target->count);
		return;
	}
	append_body(target, &body);
	if (buffer_failed(&body) || post(target, &body) == NULL)
		on_done(target, 0, "out of memory");
	buffer_free(&body);
}

static void
send_due(uv_timer_t *timer)
{
	struct target *target;

	(void)timer;
	LIST_FOREACH(target, &all.targets, entry)
		if (target->due != 0 && target->due <= uv_now(all.loop))
			send_events(target);
	start_timer();
}

/* --- what happens ----------------------------------------------------------------------------- */

static bool
has_room(const char *text)
{
	return all.count < WEBHOOK_EVENTS_MAX && all.bytes + strlen(text) <= WEBHOOK_BYTES_MAX;
}

/* Takes the event; NULL: there was no memory for it. */
static void
tell(const char *app, json_t *event)
{
	static struct log_limit limit;
	char *text = event == NULL ? NULL : json_dumps(event, JSON_COMPACT);
	struct target *target;

	json_decref(event);
	if (text == NULL || !has_room(text)) {
		log_limited(&limit, SEVERITY_ERROR,
		    "[app %s]: an event for the webhook is dropped: %zu wait", app, all.count);
		free(text);
		return;
	}
	target = find_target(app);
	add_event(target, text, ++all.last_number);
	all.unstored += all.is_kept;
	schedule(target, WEBHOOK_DELAY);
}

static bool
is_told(const sockjs_service *service)
{
	return service->app_options.webhook != NULL && all.loop != NULL;
}

void
webhook_tell(
    const sockjs_service *service, const char *event, const char *channel, const char *user)
{
	if (is_told(service))
		tell(service->app,
		    json_pack("{ss ss ss*}", "name", event, "channel", channel, "user_id", user));
}

void
webhook_tell_client_event(const sockjs_service *service, const char *channel, const char *event,
    const char *data, const char *socket_id, const char *user)
{
	if (is_told(service))
		tell(service->app,
		    json_pack("{ss ss ss ss ss ss*}", "name", "client_event", "channel", channel,
			"event", event, "data", data, "socket_id", socket_id, "user_id", user));
}

void
webhook_set(const char *app, const char *url, const char *key, const char *secret)
{
	struct target *target = find_target(app);

	free_options(target);
	if (url != NULL) {
		target->url = xstrdup(url);
		target->key = xstrdup(key);
		target->secret = xstrdup(secret);
	}
	/* Whoever has changed it does not want to wait. */
	target->due = target->pause = 0;
	schedule(target, WEBHOOK_DELAY);
}

/* --- the store -------------------------------------------------------------------------------- */

static bool
is_changed(const void *owner)
{
	(void)owner;
	return all.unstored > 0 || all.taken.count > 0;
}

/* The record is the app's name, NUL, the event. */
static enum store_result
put_event(struct store *store, const struct target *target, const struct event *event)
{
	struct buffer data = BUFFER_INIT;
	enum store_result result = STORE_FAILED;

	buffer_append(&data, target->app, strlen(target->app) + 1);
	buffer_append_str(&data, event->text);
	if (!buffer_failed(&data))
		result = store_put_record(store,
		    &(struct stored_record){STORE_WEBHOOK, event->number, 0, data.data, data.len});
	buffer_free(&data);
	return result;
}

/* New events are the last of each target. */
static enum store_result
put_events(struct store *store, const struct target *target)
{
	enum store_result result = STORE_OK;
	const struct event *event;

	TAILQ_FOREACH_REVERSE(event, &target->events, event_list, entry)
	{
		if (event->is_stored || result != STORE_OK)
			break;
		result = put_event(store, target, event);
	}
	return result;
}

static enum store_result
write_events(void *owner, struct store *store)
{
	enum store_result result = STORE_OK;
	const struct target *target;
	size_t i;

	(void)owner;
	for (i = 0; result == STORE_OK && i < all.taken.count; i++)
		result = store_delete_records(store, STORE_WEBHOOK, all.taken.numbers[i], 0, 0);
	LIST_FOREACH(target, &all.targets, entry)
		if (result == STORE_OK)
			result = put_events(store, target);
	return result;
}

static void
settle(void *owner)
{
	struct target *target;
	struct event *event;

	(void)owner;
	all.taken.count = 0;
	if (all.unstored == 0)
		return;
	LIST_FOREACH(target, &all.targets, entry)
		TAILQ_FOREACH_REVERSE(event, &target->events, event_list, entry)
		{
			if (event->is_stored)
				break;
			event->is_stored = true;
		}
	all.unstored = 0;
}

static void
forget_stored(void *owner)
{
	struct target *target;
	struct event *event;

	(void)owner;
	all.taken.count = 0;
	all.unstored = all.count;
	LIST_FOREACH(target, &all.targets, entry)
		TAILQ_FOREACH(event, &target->events, entry)
			event->is_stored = false;
}

static void
read_record(void *owner, const struct stored_record *record, struct session *session)
{
	size_t name_len;
	char *text;

	(void)owner;
	(void)session;
	if (record->kind != STORE_WEBHOOK)
		return;
	if (record->number > all.last_number)
		all.last_number = record->number;
	name_len = record->len == 0 ? 0 : strnlen(record->data, record->len);
	if (name_len == record->len)
		return;
	text = strndup(record->data + name_len + 1, record->len - name_len - 1);
	if (text == NULL)
		abort();
	add_event(find_target(record->data), text, record->number)->is_stored = true;
}

const struct persistence_part webhooks_part = {
    NULL, is_changed, write_events, settle, forget_stored, read_record};

/* --- before and after ------------------------------------------------------------------------- */

void
webhooks_restored(void)
{
	struct target *target;

	LIST_FOREACH(target, &all.targets, entry)
		schedule(target, WEBHOOK_DELAY);
}

static void
clear(void)
{
	struct target *target;

	webhook_curl_stop();
	while ((target = LIST_FIRST(&all.targets)) != NULL) {
		LIST_REMOVE(target, entry);
		forget_events(target, target->count);
		free_options(target);
		free(target->app);
		free(target);
	}
	free(all.taken.numbers);
	uv_close((uv_handle_t *)&all.timer, NULL);
}

void
webhooks_bind(uv_loop_t *loop, bool is_kept)
{
	if (all.loop != NULL) {
		clear();
		all.taken.numbers = NULL;
		all.taken.count = all.taken.room = 0;
		all.unstored = 0;
	}
	all.loop = loop;
	all.is_kept = is_kept;
	if (loop != NULL)
		uv_timer_init(loop, &all.timer);
}
