/*
 * echo: sends every message back, in kind. The smallest module there is: one callback, and the struct that names it.
 */
#include <sockjs.h>

static void
on_data(sockjs_connection connection, const sockjs_message *message)
{
	/* A raw websocket may send bytes that are no text; only there can they be sent back. */
	if (message->binary)
		sockjs_write_binary(connection, message->data, message->len);
	else
		sockjs_write(connection, message->data, message->len);
}

/* The one name that the daemon looks for in a module. */
SOCKJS_MODULE = {
    .abi = SOCKJS_ABI,
    .name = "echo",
    .data = on_data,
};
