/*
 * The clients of fuzz_pusher.c: their receivers, and what they make of what they are told. As the
 * queue of a session has an order, so has what it says: who is added was not there, who is removed
 * was, and offsets have no gaps.
 */
#include "tests/fuzz/pusher_world.h"

#include "common/memory.h"

#include "sessiond/session/turn.h"

#include <string.h>

static struct client *
client_of(struct receiver *receiver)
{
	return (struct client *)(void *)receiver;
}

static bool
begins_with(const char *text, const char *word)
{
	return strncmp(text, word, strlen(word)) == 0;
}

/* --- what it believes ------------------------------------------------------------------------- */

static json_t *
belief_of(struct client *client, const char *channel)
{
	json_t *belief = json_object_get(client->beliefs, channel);

	if (belief == NULL) {
		belief = json_object();
		json_object_set_new(client->beliefs, channel, belief);
	}
	return belief;
}

static void
expect_offset(json_t *belief, json_int_t next)
{
	json_object_set_new(belief, "next", json_integer(next));
}

static void
hear_members(json_t *belief, const json_t *presence)
{
	const json_t *ids = json_object_get(presence, "ids");
	json_t *hash = json_object_get(presence, "hash"), *members = json_object();
	size_t i;

	REQUIRE(json_is_array(ids) && json_is_object(hash));
	for (i = 0; i < json_array_size(ids); i++) {
		const char *id = json_string_value(json_array_get(ids, i));

		REQUIRE(id != NULL && json_object_get(hash, id) != NULL);
		json_object_set_new(members, id, json_true());
	}
	REQUIRE(json_object_size(members) == json_object_size(hash));
	REQUIRE(json_integer_value(json_object_get(presence, "count")) == (json_int_t)i);
	REQUIRE(json_object_size(members) == i);
	json_object_set_new(belief, "ids", members);
}

/* Not recovered: what comes is what is published from now on, or the last event of a cache. */
static void
hear_succeeded(json_t *belief, const char *channel, const json_t *message, const json_t *data)
{
	const json_t *offset = json_object_get(message, "offset"),
		     *epoch = json_object_get(message, "epoch");
	bool is_cache = strstr(channel, "cache-") != NULL;

	REQUIRE((offset != NULL) == (epoch != NULL));
	REQUIRE(epoch == NULL || strlen(json_string_value(epoch)) == 16);
	if (offset == NULL || is_cache || json_is_true(json_object_get(message, "recovered")))
		json_object_del(belief, "next");
	else
		expect_offset(belief, json_integer_value(offset) + 1);
	if (begins_with(channel, "presence-"))
		hear_members(belief, json_object_get(data, "presence"));
	else
		REQUIRE(json_object_size(data) == 0);
}

static void
hear_member(json_t *belief, const char *event, const json_t *data)
{
	const char *id = json_string_value(json_object_get(data, "user_id"));
	json_t *ids = json_object_get(belief, "ids");
	bool is_added = strcmp(event, "pusher_internal:member_added") == 0;

	REQUIRE(id != NULL && json_is_object(ids));
	REQUIRE((json_object_get(ids, id) == NULL) == is_added);
	REQUIRE((json_object_get(data, "user_info") != NULL) == is_added);
	if (is_added)
		json_object_set_new(ids, id, json_true());
	else
		json_object_del(ids, id);
}

static void
hear_count(json_t *belief, const json_t *data)
{
	json_t *count = json_object_get(data, "subscription_count");

	REQUIRE(json_is_integer(count));
	json_object_set(belief, "count", count);
}

static void
hear_published(json_t *belief, const json_t *message)
{
	const json_t *offset = json_object_get(message, "offset"),
		     *next = json_object_get(belief, "next");

	REQUIRE(json_is_string(json_object_get(message, "data")));
	if (offset == NULL)
		return;
	if (next != NULL && !world.is_reloaded)
		REQUIRE(json_integer_value(next) == json_integer_value(offset));
	expect_offset(belief, json_integer_value(offset) + 1);
}

/* Of a channel, and of the server's own: its data is a string with JSON in it. */
static void
hear_internal(struct client *client, const char *event, const char *channel, const json_t *message)
{
	const char *text = json_string_value(json_object_get(message, "data"));
	json_t *data = text == NULL ? NULL : json_loads(text, JSON_REJECT_DUPLICATES, NULL);

	REQUIRE(json_is_object(data));
	if (strcmp(event, "pusher_internal:subscription_succeeded") == 0)
		hear_succeeded(belief_of(client, channel), channel, message, data);
	else if (begins_with(event, "pusher_internal:member_"))
		hear_member(belief_of(client, channel), event, data);
	else if (strcmp(event, "pusher_internal:subscription_count") == 0)
		hear_count(belief_of(client, channel), data);
	else
		REQUIRE(begins_with(event, "pusher:"));
	json_decref(data);
}

static void
hear_error(const json_t *message)
{
	const json_t *data = json_object_get(message, "data"),
		     *code = json_object_get(data, "code");

	REQUIRE(json_is_null(code) || json_is_integer(code));
	REQUIRE(json_is_string(json_object_get(data, "message")));
}

static void
hear(struct client *client, const struct message *text)
{
	json_t *message =
	    json_loadb(text->data, text->len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	const char *event = json_string_value(json_object_get(message, "event")),
		   *channel = json_string_value(json_object_get(message, "channel"));

	if (event == NULL)
		fprintf(stderr, "%.*s\n", (int)text->len, text->data);
	REQUIRE(!text->binary && event != NULL);
	if (strcmp(event, "pusher:error") == 0)
		hear_error(message);
	else if (begins_with(event, "pusher_internal:"))
		REQUIRE(channel != NULL);
	if (begins_with(event, "pusher") && strcmp(event, "pusher:error") != 0)
		hear_internal(client, event, channel, message);
	else if (begins_with(event, "client-"))
		REQUIRE(channel != NULL && json_object_get(message, "data") != NULL);
	else if (strcmp(event, "pusher:error") != 0)
		hear_published(belief_of(client, channel), message);
	json_decref(message);
}

/* --- what is so ------------------------------------------------------------------------------- */

static void
count_member(struct presence_member *member, void *ids)
{
	REQUIRE(json_object_get(ids, member->id) != NULL);
}

static void
compare(const struct client *client, const struct channel *channel)
{
	const json_t *belief = json_object_get(client->beliefs, channel->name),
		     *next = json_object_get(belief, "next");
	json_t *ids = json_object_get(belief, "ids");

	if (channel->name[0] == '#')
		return;
	REQUIRE(belief != NULL);
	if (begins_with(channel->name, "presence-")) {
		REQUIRE(json_object_size(ids) == presence_count(channel->presence));
		presence_each(channel->presence, count_member, ids);
	}
	if (next != NULL && !world.is_reloaded)
		REQUIRE((uint64_t)json_integer_value(next) == history_end(&channel->history));
}

static void
each_channel(const struct client *client,
    void (*each)(const struct client *client, const struct channel *channel))
{
	const struct membership *membership;

	if (client->session == NULL || client->is_paused ||
	    session_ready_state(client->session) != SOCKJS_OPEN)
		return;
	LIST_FOREACH(membership, &client->session->memberships, entry)
		each(client, container_of(membership->group, struct channel, subscribers));
}

void
client_compare(const struct client *client)
{
	each_channel(client, compare);
}

static void
compare_count(const struct client *client, const struct channel *channel)
{
	const json_t *belief = json_object_get(client->beliefs, channel->name);

	if (channel->name[0] == '#' || begins_with(channel->name, "presence-"))
		return;
	REQUIRE((size_t)json_integer_value(json_object_get(belief, "count")) ==
	    channel->subscribers.count);
}

void
client_compare_counts(const struct client *client)
{
	each_channel(client, compare_count);
}

/* --- receiving -------------------------------------------------------------------------------- */

static enum receiver_result
take_frame(struct receiver *receiver, const struct receiver_frame *frame)
{
	REQUIRE(!client_of(receiver)->has_ended);
	return frame->kind == RECEIVER_FRAME_HEARTBEAT && receiver->ops->single
	    ? RECEIVER_AWAITS_PONG
	    : RECEIVER_MORE;
}

static enum receiver_result
take_messages(struct receiver *receiver, struct message_queue *queue)
{
	struct client *client = client_of(receiver);
	struct message *message;

	REQUIRE(!client->has_ended);
	if (client->is_paused)
		return RECEIVER_MORE;
	while ((message = message_queue_shift(queue)) != NULL) {
		hear(client, message);
		message_unref(&message);
	}
	return RECEIVER_MORE;
}

static void
end(struct receiver *receiver)
{
	struct client *client = client_of(receiver);

	REQUIRE(!client->has_ended);
	client->has_ended = true;
	client->session = NULL;
}

static size_t
backlog(const struct receiver *receiver)
{
	(void)receiver;
	return 0;
}

#define OPS .frame = take_frame, .messages = take_messages, .end = end, .backlog = backlog
static const struct receiver_ops stream_ops = {OPS};
static const struct receiver_ops socket_ops = {.single = true, OPS};

/* --- coming and going ------------------------------------------------------------------------- */

static const char *
no_header(const void *context, const char *name)
{
	(void)context;
	(void)name;
	return NULL;
}

/* The session of its stream, which is there for a while after that broke; else a new one. */
static struct session *
find_session(struct client *client, const char *id)
{
	json_t **beliefs = id == NULL ? &client->of_socket : &client->of_stream;
	struct session *session = id == NULL ? NULL : session_find(world.service, id, strlen(id));

	if (session == NULL) {
		json_decref(*beliefs);
		*beliefs = json_object();
		session = session_create(world.service, id, id == NULL ? 0 : strlen(id));
	}
	client->beliefs = *beliefs;
	return session;
}

void
client_connect(struct client *client, bool is_stream)
{
	static const struct connection_source source = {
	    .path = "/app/" APP_KEY, .query = "protocol=7", .prefix_len = 5, .header = no_header};
	const char id[] = {(char)('0' + (client - world.clients)), '\0'};

	if (client->session != NULL)
		return;
	client->receiver = (struct receiver){.ops = is_stream ? &stream_ops : &socket_ops,
	    .transport =
		transport_get(is_stream ? TRANSPORT_XHR_STREAMING : TRANSPORT_WEBSOCKET_RAW)};
	client->is_paused = client->has_ended = false;
	client->session = find_session(client, is_stream ? id : NULL);
	session_arrive(client->session, &client->receiver, &source);
	if (client->session != NULL)
		turn_flush_session(client->session);
}

void
client_break(struct client *client)
{
	client->session = NULL;
	client->has_ended = true;
	session_receiver_broke(&client->receiver);
}

void
client_pause(struct client *client)
{
	client->is_paused = !client->is_paused;
	if (!client->is_paused)
		session_receiver_drained(&client->receiver);
}

void
client_skip(struct client *client, const char *channel, size_t len)
{
	char name[CHANNEL_NAME_MAX + 1];

	memcpy(name, channel, len);
	name[len] = '\0';
	json_object_del(json_object_get(client->beliefs, name), "next");
}
