/*
 * close: closes every connection as soon as it is open.
 */
#include <sockjs.h>

static void
on_connection(sockjs_connection connection)
{
	sockjs_close(connection, 3000, "Go away!");
}

SOCKJS_MODULE = {
    .abi = SOCKJS_ABI,
    .name = "close",
    .options = (const char *const[]){NULL}, /* it has none */
    .connection = on_connection,
};
