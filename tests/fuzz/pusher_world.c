/*
 * The app of fuzz_pusher.c, in a daemon that has nothing else: time is only what the input says,
 * and the webhook notes what is there.
 */
#include "tests/fuzz/pusher_world.h"

#include "common/log.h"
#include "common/memory.h"
#include "sessiond/api/api.h"
#include "sessiond/api/api_channel.h"
#include "sessiond/pusher/pusher_channel.h"
#include "sessiond/pusher/webhook.h"
#include "sessiond/session/delivery.h"
#include "sessiond/session/turn.h"

#include <string.h>

enum {
	HISTORY = 3,
	HEARTBEAT_DELAY = 25000, /* ms */
	QUEUE_LIMIT = 3000,	 /* bytes, as all below */
	HISTORY_LIMIT = 1024,
	HISTORIES_LIMIT = 1500,
	MEMBER_LIMIT = 100,
	CHANNELS = 6,
	CHANNELS_PER_CONNECTION = 4,
	MEMBERS = 2,
};

extern const struct sockjs_module pusher_module;

struct world world;

static uint64_t
clock_now(void *context)
{
	(void)context;
	return world.now;
}

static uint64_t
wall_now(void)
{
	return world.now;
}

/* --- in the place of timers of the API, and of webhooks ------------------------------------- */

struct sockjs_timer {
	uint64_t due;
	void (*fire)(void *data);
	void *data;
};

static sockjs_timer *timer; /* an app has one */

sockjs_timer *
sockjs_timer_start(sockjs_service *service, uint64_t delay_ms, uint64_t repeat_ms,
    void (*fire)(void *data), void *data)
{
	REQUIRE(service == world.service && timer == NULL && repeat_ms == 0);
	timer = xcalloc(1, sizeof *timer);
	*timer = (sockjs_timer){world.now + delay_ms, fire, data};
	return timer;
}

int
sockjs_timer_stop(sockjs_timer **stopped)
{
	REQUIRE(*stopped == timer && timer != NULL);
	free(timer);
	*stopped = timer = NULL;
	return SOCKJS_OK;
}

/* It was there exactly if it is gone now. */
static void
note(const char *channel, const char *user, bool is_there)
{
	struct buffer name = BUFFER_INIT;

	buffer_printf(&name, "%s %s", channel, user == NULL ? "" : user);
	buffer_append_char(&name, '\0');
	REQUIRE((json_object_get(world.occupied, name.data) == NULL) == is_there);
	if (is_there)
		json_object_set_new(world.occupied, name.data, json_true());
	else
		json_object_del(world.occupied, name.data);
	buffer_free(&name);
}

void
webhook_tell(
    const sockjs_service *service, const char *event, const char *channel, const char *user)
{
	REQUIRE(service == world.service);
	if (strcmp(event, "cache_miss") != 0)
		note(channel, user,
		    strcmp(event, "channel_occupied") == 0 || strcmp(event, "member_added") == 0);
}

void
webhook_tell_client_event(const sockjs_service *service, const char *channel, const char *event,
    const char *data, const char *socket_id, const char *user)
{
	json_t *json = json_pack("{ss ss ss ss ss*}", "channel", channel, "event", event, "data",
	    data, "socket_id", socket_id, "user_id", user);

	REQUIRE(service == world.service && json != NULL);
	json_decref(json);
}

void
webhook_set(const char *app, const char *url, const char *key, const char *secret)
{
	REQUIRE(strcmp(app, "1") == 0 && url == NULL);
	(void)key;
	(void)secret;
}

/* --- what has to be so ------------------------------------------------------------------------ */

static size_t
count_connections(const struct presence_member *member)
{
	const struct member_array *subscribers = &member->channel->subscribers;
	size_t i, count = 0;

	for (i = 0; i < subscribers->count; i++)
		count += subscribers->items[i]->data == member;
	return count;
}

static void
check_member(struct presence_member *member, void *context)
{
	REQUIRE(member->channel == context);
	REQUIRE(member->connections > 0 && member->connections == count_connections(member));
	REQUIRE(member->by_id.len + member->info_len <= MEMBER_LIMIT);
}

struct sums {
	size_t channels, bytes;
};

static void
check_channel(struct channel *channel, void *context)
{
	struct sums *sums = context;
	struct pusher_channel_type type = pusher_channel_type(channel->name, channel->by_name.len);
	size_t i;

	sums->channels++;
	sums->bytes += channel->history.bytes;
	REQUIRE(channel->subscribers.count > 0 || channel->history.count > 0);
	REQUIRE(presence_count(channel->presence) <= MEMBERS);
	REQUIRE(type.is_presence || type.is_user || presence_count(channel->presence) == 0);
	for (i = 0; i < channel->subscribers.count; i++) {
		const struct membership *membership = channel->subscribers.items[i];

		REQUIRE(membership->index == i && membership->group == &channel->subscribers);
		REQUIRE(!type.is_presence || membership->data != NULL);
	}
	presence_each(channel->presence, check_member, channel);
}

static void
count_open(void *item, void *context)
{
	const struct session *session = item;
	const struct membership *membership;
	size_t count = 0;

	LIST_FOREACH(membership, &session->memberships, entry)
		count++;
	REQUIRE(count <= CHANNELS_PER_CONNECTION && (count == 0 || !session->close_told));
	*(size_t *)context += !session->close_told;
}

static void
check(void)
{
	struct sums sums = {0, 0};
	size_t open = 0, i;

	channels_each(pusher_app_channels(world.app), check_channel, &sums);
	REQUIRE(sums.channels == world.channels.count && sums.channels <= CHANNELS);
	REQUIRE(sums.bytes == world.channels.history_bytes && sums.bytes <= HISTORIES_LIMIT);
	sessions_each(&world.sessions, count_open, &open);
	REQUIRE(world.app->connections == open);
	for (i = 0; i < CLIENTS; i++)
		client_compare(&world.clients[i]);
}

/* --- time ------------------------------------------------------------------------------------- */

void
world_end_turn(void)
{
	while (turn_flush(&world.sessions))
		continue;
	check();
}

static void
run_next(uint64_t end)
{
	uint64_t deadline;

	if (!timers_next(&world.sessions.timers, &deadline) || deadline > end)
		deadline = end;
	if (timer != NULL && timer->due <= deadline) {
		world.now = timer->due;
		timer->fire(timer->data);
	} else {
		world.now = deadline;
		timers_run(&world.sessions.timers, world.now);
	}
	world_end_turn();
}

void
world_pass(uint64_t ms)
{
	uint64_t end = world.now + ms;

	while (world.now < end)
		run_next(end);
}

void
world_set_history(uint32_t history)
{
	world.is_reloaded = true;
	world.service->protocol.options.history = history;
}

/* --- beginning and end ------------------------------------------------------------------------ */

static void
create_service(void)
{
	static char url[] = "http://localhost/sockjs.js", key[] = APP_KEY, secret[] = APP_SECRET;
	struct error err = ERROR_INIT;

	world.service = service_create_app("1", APP_KEY, NULL, &err);
	REQUIRE(world.service != NULL);
	world.service->module_name = strdup("app");
	world.service->application = &pusher_module;
	world.service->protocol.options = (struct service_options){
	    .sockjs_url = url,
	    .heartbeat_delay = HEARTBEAT_DELAY,
	    .disconnect_delay = DISCONNECT_DELAY,
	    .headers_limit = 4096,
	    .queue_limit = QUEUE_LIMIT,
	    .drain_mark = QUEUE_LIMIT,
	    .history = HISTORY,
	    .history_ttl = 2 * DISCONNECT_DELAY,
	    .history_limit = HISTORY_LIMIT,
	    .log_level = SEVERITY_ERROR,
	};
	world.service->app_options = (struct app_options){
	    .key = key,
	    .secret = secret,
	    .client_events = true,
	    .client_event_rate = 1,
	    .subscription_count = true,
	    .app_connection_limit = CLIENTS - 1,
	};
	service_prepare(world.service, &world.sessions.timers, session_heartbeat_fire,
	    session_timeout_fire, &world.sessions);
	REQUIRE(pusher_module.start(world.service) == 0);
	world.service->started = true;
	world.app = pusher_app_find("1");
	REQUIRE(world.app != NULL);
}

void
world_begin(void)
{
	static const struct session_fires fires = {
	    session_pong_fire, session_timeout_fire, delivery_grace_fire};

	log_set_minimum(SEVERITY_ERROR);
	world = (struct world){.now = 1000000, .occupied = json_object()};
	sessions_init(&world.sessions, clock_now, NULL, &fires);
	channels_init(&world.channels, &world.sessions, &api_channel_kind);
	world.channels.clock = wall_now;
	world.channels.limits = (struct channels_limits){
	    CHANNELS, CHANNELS_PER_CONNECTION, MEMBERS, MEMBER_LIMIT, HISTORIES_LIMIT};
	pusher_bind(&world.channels);
	api_bind(&world.sessions);
	create_service();
}

static void
abort_one(void *session, void *context)
{
	(void)context;
	session_abort(session);
}

/* Who waits may hear the rest, and time passes; then all go. */
void
world_end(void)
{
	size_t i;

	for (i = 0; i < CLIENTS; i++)
		if (world.clients[i].session != NULL && world.clients[i].is_paused)
			client_pause(&world.clients[i]);
	world_end_turn();
	world_pass(1000);
	for (i = 0; i < CLIENTS; i++)
		client_compare_counts(&world.clients[i]);
	sessions_each(&world.sessions, abort_one, NULL);
	while (turn_flush(&world.sessions))
		continue;
	REQUIRE(world.sessions.count == 0 && world.app->connections == 0);
	REQUIRE(json_object_size(world.occupied) == 0);
	if (timer != NULL)
		sockjs_timer_stop(&world.app->recount);
	channels_end_service(world.service);
	REQUIRE(world.channels.count == 0 && world.channels.history_bytes == 0);
	pusher_module.stop(world.service);
	channels_clear(&world.channels);
	pusher_bind(NULL);
	api_bind(NULL);
	service_destroy(&world.service);
	sessions_clear(&world.sessions);
	for (i = 0; i < CLIENTS; i++) {
		json_decref(world.clients[i].of_socket);
		json_decref(world.clients[i].of_stream);
	}
	json_decref(world.occupied);
}
