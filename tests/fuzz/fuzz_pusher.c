/*
 * Fuzz target: what clients of an app say (pusher_protocol.h), with an app that has every option
 * on, and caps that are soon reached. Each message that a client gets has to be one of the
 * protocol's; what clients were told of members, offsets and numbers of subscribers has to be so;
 * members are those whose connections are subscribed. Built with -fsanitize=fuzzer, or with
 * replay.c for the corpus.
 *
 * The input is lines. Of most, the first character is a client (0 to 3; with a to d, which are the
 * same, the turn goes on) and the second what happens to it:
 *
 *     0+w  0+s        it connects by a bare websocket, or by a stream of SockJS's
 *     0-              its connection breaks
 *     0*              it takes nothing any more, or takes again
 *     0<TEXT          it sends that. Of JSON whose data has "auth":"!", this is signed rightly
 *     0!CHANNEL TEXT  that is published for all but this one
 *     >CHANNEL TEXT   that is published
 *     $USER           the connections of a user are ended
 *     @N              the option `history` is that now
 *     ~               time passes
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/pusher_world.h"

#include "sessiond/pusher/pusher_auth.h"
#include "sessiond/pusher/pusher_message.h"
#include "sockjs/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* --- signatures ------------------------------------------------------------------------------- */

static const char *
text_of(const json_t *data, const char *name)
{
	const char *text = json_string_value(json_object_get(data, name));

	return text == NULL ? "" : text;
}

/* What the protocol has signed, with the client's socket_id. */
static void
append_signed(struct buffer *out, const struct client *client, const json_t *data)
{
	char socket_id[PUSHER_SOCKET_ID_SIZE];

	pusher_socket_id(client->session->uuid, socket_id);
	buffer_append_str(out, socket_id);
	if (json_object_get(data, "channel") == NULL) {
		buffer_append_str(out, "::user::");
		buffer_append_str(out, text_of(data, "user_data"));
		return;
	}
	buffer_append_char(out, ':');
	buffer_append_str(out, text_of(data, "channel"));
	if (!json_is_string(json_object_get(data, "channel_data")))
		return;
	buffer_append_char(out, ':');
	buffer_append_str(out, text_of(data, "channel_data"));
}

static void
sign(const struct client *client, json_t *data)
{
	char signature[PUSHER_SIGNATURE_SIZE], auth[sizeof APP_KEY + PUSHER_SIGNATURE_SIZE];
	struct pusher_signing signing;
	struct buffer text = BUFFER_INIT;

	append_signed(&text, client, data);
	pusher_signing_begin(&signing, APP_SECRET);
	pusher_signing_add(&signing, text.data, text.len);
	pusher_signing_end(&signing, signature);
	snprintf(auth, sizeof auth, "%s:%s", APP_KEY, signature);
	json_object_set_new(data, "auth", json_string(auth));
	buffer_free(&text);
}

static void
say(struct client *client, const char *text, size_t len)
{
	json_t *message = json_loadb(text, len, 0, NULL), *data = json_object_get(message, "data");
	const char *auth = json_string_value(json_object_get(data, "auth"));
	char *own = NULL;

	if (auth != NULL && strcmp(auth, "!") == 0) {
		sign(client, data);
		own = json_dumps(message, JSON_COMPACT);
		REQUIRE(own != NULL);
		text = own;
		len = strlen(own);
	}
	session_receive(client->session, text, len, false);
	free(own);
	json_decref(message);
}

/* --- publishing ------------------------------------------------------------------------------- */

/* except: whoever does not get it; NULL: all do. */
static void
publish(const char *line, size_t len, struct client *except)
{
	const char *space = memchr(line, ' ', len);
	char socket_id[PUSHER_SOCKET_ID_SIZE];
	struct channel_position position;
	struct pusher_event event = {.channel = line,
	    .channel_len = space == NULL ? len : (size_t)(space - line),
	    .event = "e",
	    .event_len = 1,
	    .data = space == NULL ? "" : space + 1};
	const char *why;

	event.len = space == NULL ? 0 : len - event.channel_len - 1;
	/* Half a surrogate pair may be published, and is what jansson does not read. */
	if (!utf8_is_valid(event.data, event.len))
		return;
	if (except != NULL) {
		pusher_socket_id(except->session->uuid, socket_id);
		event.socket_id = socket_id;
	}
	if (pusher_check(&event, PUBLISH_LIMIT, &why) != PUSHER_OK) {
		REQUIRE(why != NULL);
		return;
	}
	REQUIRE(why == NULL);
	if (pusher_publish(world.app, &event, NULL, &position) == CHANNEL_OK && except != NULL)
		client_skip(except, event.channel, event.channel_len);
}

/* --- lines ------------------------------------------------------------------------------------ */

static void
happen_to(struct client *client, const char *line, size_t len)
{
	if (len > 0 && line[0] == '+')
		client_connect(client, len > 1 && line[1] == 's');
	if (len == 0 || client->session == NULL)
		return;
	if (line[0] == '-')
		client_break(client);
	else if (line[0] == '*')
		client_pause(client);
	else if (line[0] == '<')
		say(client, line + 1, len - 1);
	else if (line[0] == '!' && client->session->queue.count == 0)
		publish(line + 1, len - 1, client);
}

/* Returns whether the turn ends. */
static bool
happen(const char *line, size_t len)
{
	if (line[0] >= '0' && line[0] < '0' + CLIENTS) {
		happen_to(&world.clients[line[0] - '0'], line + 1, len - 1);
	} else if (line[0] >= 'a' && line[0] < 'a' + CLIENTS) {
		happen_to(&world.clients[line[0] - 'a'], line + 1, len - 1);
		return false;
	} else if (line[0] == '>') {
		publish(line + 1, len - 1, NULL);
	} else if (line[0] == '$') {
		pusher_terminate_user(world.app, line + 1, len - 1, NULL);
	} else if (line[0] == '@') {
		world_set_history(len > 1 ? (uint32_t)(line[1] & 7) : 0);
	} else if (line[0] == '~') {
		world_pass(DISCONNECT_DELAY / 2);
	}
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	size_t at, len;

	world_begin();
	for (at = 0; at < size; at += len + 1) {
		const char *end = memchr(text + at, '\n', size - at);

		len = end == NULL ? size - at : (size_t)(end - text) - at;
		if (len > 0 && happen(text + at, len))
			world_end_turn();
	}
	world_end();
	return 0;
}
