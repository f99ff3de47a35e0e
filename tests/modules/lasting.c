/*
 * lasting: an echo that tells its client which callbacks it gets when one daemon ends and the next
 * one begins.
 */
#include <sockjs.h>

#include <string.h>

static void
tell(sockjs_connection connection, const char *what)
{
	sockjs_write(connection, what, strlen(what));
}

static void
on_data(sockjs_connection connection, const sockjs_message *message)
{
	sockjs_write(connection, message->data, message->len);
}

static void
on_connection(sockjs_connection connection)
{
	tell(connection, "connection");
}

static void
on_suspend(sockjs_connection connection)
{
	tell(connection, "suspend");
}

static void
on_resume(sockjs_connection connection)
{
	tell(connection, "resume");
}

SOCKJS_MODULE = {
    .abi = SOCKJS_ABI,
    .name = "lasting",
    .connection = on_connection,
    .data = on_data,
    .suspend = on_suspend,
    .resume = on_resume,
};
