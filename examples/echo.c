/*
 * echo: sends every message back. This is the smallest module: one callback, and the struct that
 * names it.
 */
#include <sockjs.h>

static void
on_data(sockjs_connection connection, const sockjs_message *message)
{
	/* Only a raw websocket sends binary messages, and only there can they be sent back. */
	if (message->binary)
		sockjs_write_binary(connection, message->data, message->len);
	else
		sockjs_write(connection, message->data, message->len);
}

/* The daemon looks for this struct in a module. */
SOCKJS_MODULE = {
    .abi = SOCKJS_ABI,
    .name = "echo",
    .options = (const char *const[]){NULL}, /* it has none */
    .data = on_data,
};
