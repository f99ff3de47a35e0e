/*
 * recover: a message `OFFSET EPOCH` subscribes to the channel `news` with that much of it, and one
 * without a blank with none. It is answered by whether that has recovered, and by the position.
 */
#include <inttypes.h>
#include <sockjs.h>
#include <stdio.h>

static void
on_subscribed(sockjs_connection connection, const char *channel, bool recovered)
{
	sockjs_position position = sockjs_channel_position(sockjs_service_of(connection), channel);
	char text[60];
	int len = snprintf(text, sizeof text, "%s %" PRIu64 " %s", recovered ? "all of" : "from",
	    position.offset, position.epoch);

	sockjs_write(connection, text, (size_t)len);
}

static int
on_start(sockjs_service *service)
{
	sockjs_on_subscribed(service, on_subscribed);
	return 0;
}

static void
on_data(sockjs_connection connection, const sockjs_message *message)
{
	sockjs_position from;
	char text[60];

	snprintf(text, sizeof text, "%.*s", (int)message->len, message->data);
	if (sscanf(text, "%" SCNu64 " %16s", &from.offset, from.epoch) == 2)
		sockjs_channel_subscribe(connection, "news", &from, NULL);
	else
		sockjs_channel_subscribe(connection, "news", NULL, NULL);
}

SOCKJS_MODULE = {
    .abi = SOCKJS_ABI,
    .name = "recover",
    .start = on_start,
    .data = on_data,
};
