/*
 * fanout: the same message to everybody by each way there is. A message that begins with `g` is
 * written to a group, one that begins with `c` is published to a channel; every connection is in
 * both.
 */
#include <sockjs.h>

static int
on_start(sockjs_service *service)
{
	sockjs_service_set_user_data(service, sockjs_group_create(service));
	return 0;
}

static void
on_connection(sockjs_connection connection)
{
	sockjs_service *service = sockjs_service_of(connection);

	sockjs_group_add(sockjs_service_user_data(service), connection);
	sockjs_channel_subscribe(connection, "everybody", NULL, NULL);
}

static void
on_data(sockjs_connection connection, const sockjs_message *message)
{
	sockjs_service *service = sockjs_service_of(connection);

	if (message->len > 0 && message->data[0] == 'g')
		sockjs_group_write(sockjs_service_user_data(service), message->data, message->len);
	else
		sockjs_publish(service, "everybody", message->data, message->len, SOCKJS_NOBODY);
}

SOCKJS_MODULE = {
    .abi = SOCKJS_ABI,
    .name = "fanout",
    .start = on_start,
    .connection = on_connection,
    .data = on_data,
};
