/*
 * multiplex: several channels over one connection. The messages are those of SockJS's
 * websocket-multiplex. Only the first two commas count, so a payload may have commas.
 *
 *	sub,NAME          from the client: opens a channel
 *	msg,NAME,PAYLOAD  both ways
 *	uns,NAME          both ways: the channel is closed
 *	err,NAME,TEXT     from the server: what was wrong; websocket-multiplex ignores it
 *
 * There are three channels. echo sends messages back. news gives them to everybody who has it open.
 * once answers one message and closes the channel.
 */
#include <sockjs.h>

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { ECHO, NEWS, ONCE, CHANNELS };
static const char *const names[CHANNELS] = {"echo", "news", "once"};

/* A connection's user data has a bit for each open channel, so nothing is allocated. */
static bool
is_open(sockjs_connection connection, int channel)
{
	return (uintptr_t)sockjs_user_data(connection) >> channel & 1;
}

static void
set_open(sockjs_connection connection, int channel, bool open)
{
	uintptr_t bit = (uintptr_t)1 << channel, now = (uintptr_t)sockjs_user_data(connection);

	sockjs_set_user_data(connection, (void *)(open ? now | bit : now & ~bit));
	if (channel == NEWS && open)
		sockjs_channel_subscribe(connection, "news", NULL, NULL);
	else if (channel == NEWS)
		sockjs_channel_unsubscribe(connection, "news");
}

/* text begins with a comma, or is empty. A name that is too long for the answer is left out. */
static void
tell(sockjs_connection connection, const char *verb, const char *name, size_t len, const char *text)
{
	char message[128];
	int shown = len <= 40 ? (int)len : 0;

	snprintf(message, sizeof message, "%s,%.*s%s", verb, shown, name, text);
	sockjs_write(connection, message, strlen(message));
}

/* A message looks the same both ways, so it can go out as it came in. */
static void
receive(sockjs_connection connection, int channel, const sockjs_message *message)
{
	if (channel == ECHO) {
		sockjs_write(connection, message->data, message->len);
	} else if (channel == NEWS) {
		sockjs_publish(sockjs_service_of(connection), "news", message->data, message->len,
		    SOCKJS_NOBODY);
	} else {
		tell(connection, "msg", "once", strlen("once"), ",that was it, goodbye");
		tell(connection, "uns", "once", strlen("once"), "");
		set_open(connection, ONCE, false);
	}
}

static void
on_data(sockjs_connection connection, const sockjs_message *message)
{
	bool has_name = message->len > 4 && message->data[3] == ',' && !message->binary;
	const char *name = has_name ? message->data + 4 : "";
	size_t rest = has_name ? message->len - 4 : 0;
	const char *comma = memchr(name, ',', rest);
	size_t len = comma == NULL ? rest : (size_t)(comma - name);
	int channel = 0;

	while (channel < CHANNELS &&
	    (strlen(names[channel]) != len || memcmp(names[channel], name, len) != 0))
		channel++;
	if (!has_name)
		tell(connection, "err", "", 0, ",expected sub, msg or uns, a comma, and a channel");
	else if (channel == CHANNELS)
		tell(connection, "err", name, len, ",there is no such channel");
	else if (memcmp(message->data, "sub", 3) == 0)
		set_open(connection, channel, true);
	else if (memcmp(message->data, "uns", 3) == 0)
		set_open(connection, channel, false);
	else if (memcmp(message->data, "msg", 3) != 0 || comma == NULL)
		tell(connection, "err", name, len, ",expected sub, uns, or msg and a payload");
	else if (is_open(connection, channel))
		receive(connection, channel, message);
	else { /* perhaps it was open before the daemon was started again */
		set_open(connection, channel, false);
		tell(connection, "uns", name, len, "");
	}
}

SOCKJS_MODULE = {
    .abi = SOCKJS_ABI,
    .name = "multiplex",
    .options = (const char *const[]){NULL}, /* it has none */
    .data = on_data,
};
