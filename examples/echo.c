/*
 * echo: sends every message back, in kind.
 */
#include <sockjs.h>

static void
on_data(sockjs_connection connection, const sockjs_message *message)
{
	if (message->binary)
		sockjs_write_binary(connection, message->data, message->len);
	else
		sockjs_write(connection, message->data, message->len);
}

SOCKJS_MODULE = {
    .abi = SOCKJS_ABI,
    .name = "echo",
    .data = on_data,
};
