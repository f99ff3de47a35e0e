/*
 * broadcast: sends each message to every connection of the service, also to the sender.
 */
#include <sockjs.h>

/* A channel, so that it works over several daemons too. */
static const char everybody[] = "everybody";

static void
on_connection(sockjs_connection connection)
{
	sockjs_channel_subscribe(connection, everybody, NULL, NULL);
}

static void
on_data(sockjs_connection connection, const sockjs_message *message)
{
	/* A raw websocket may send binary messages, which the others cannot get. */
	if (!message->binary)
		sockjs_publish(sockjs_service_of(connection), everybody, message->data,
		    message->len, SOCKJS_NOBODY);
}

SOCKJS_MODULE = {
    .abi = SOCKJS_ABI,
    .name = "broadcast",
    .options = (const char *const[]){NULL}, /* it has none */
    .connection = on_connection,
    .data = on_data,
};
