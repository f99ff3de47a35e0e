/*
 * broadcast: sends each message to every connection of the service, also to the sender.
 */
#include <sockjs.h>

static int
on_start(sockjs_service *service)
{
	sockjs_service_set_user_data(service, sockjs_group_create(service));
	return 0;
}

static void
on_stop(sockjs_service *service)
{
	sockjs_group *everybody = sockjs_service_user_data(service);

	sockjs_group_destroy(&everybody);
}

static void
on_connection(sockjs_connection connection)
{
	sockjs_group_add(sockjs_service_user_data(sockjs_service_of(connection)), connection);
}

static void
on_data(sockjs_connection connection, const sockjs_message *message)
{
	/* A raw websocket may send binary messages, which the others cannot get. */
	if (!message->binary)
		sockjs_group_write(sockjs_service_user_data(sockjs_service_of(connection)),
		    message->data, message->len);
}

SOCKJS_MODULE = {
    .abi = SOCKJS_ABI,
    .name = "broadcast",
    .start = on_start,
    .stop = on_stop,
    .connection = on_connection,
    .data = on_data,
};
