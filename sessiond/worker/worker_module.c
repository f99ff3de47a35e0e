/*
 * What the daemon calls, as it calls modules: what it tells becomes events of connections.
 */
#include "sessiond/worker/worker_module.h"

#include "conf/worker_options.h"
#include "sessiond/modules/module.h"
#include "sessiond/service/service.h"
#include "sessiond/worker/worker_codec.h"
#include "sessiond/worker/worker_callback.h"
#include "sessiond/worker/worker_each.h"
#include "sessiond/worker/worker_programs.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { UNAVAILABLE = 503 };

static struct worker_service *
service_of(sockjs_connection connection)
{
	return sockjs_service_user_data(sockjs_service_of(connection));
}

static struct worker_connection *
find(sockjs_connection connection)
{
	const char *id = sockjs_id(connection);

	return worker_connection_find(service_of(connection), id, strlen(id));
}

static struct worker_connection *
create(sockjs_connection handle, bool waits)
{
	struct buffer info = BUFFER_INIT;

	worker_encode_info(&info, handle);
	buffer_append_char(&info, '\0');
	if (buffer_failed(&info))
		abort();
	return worker_connection_create(service_of(handle), handle, info.data, waits);
}

static int
start(sockjs_service *service, const struct worker_carrier *carrier)
{
	struct worker_service *created;

	if (workers_bound() == NULL)
		return EX_SOFTWARE;
	created = worker_service_create(service, carrier);
	sockjs_service_set_user_data(service, created);
	carrier->start(created);
	return 0;
}

static void
on_stop(sockjs_service *service)
{
	struct worker_service *ended = sockjs_service_user_data(service);

	if (ended == NULL)
		return;
	ended->carrier->stop(ended);
	worker_connections_leave(ended);
	worker_service_destroy(&ended);
}

static int
on_authorize(sockjs_connection handle)
{
	struct worker_service *service = service_of(handle);

	if (service->is_full || service->is_away)
		return UNAVAILABLE;
	if (service->service->worker_options.accept == WORKER_ACCEPT_EVERYBODY)
		return 0;
	worker_connection_push(create(handle, true), WORKER_EVENT_CONNECT, NULL, 0, false);
	return SOCKJS_LATER;
}

static void
on_connection(sockjs_connection handle)
{
	struct worker_connection *connection = find(handle);

	if (connection == NULL)
		connection = create(handle, false);
	worker_connection_opens(connection);
}

/* A connection that no worker has had: its service had another module then. */
static void
on_resume(sockjs_connection handle)
{
	struct worker_connection *connection = find(handle);

	if (connection == NULL)
		on_connection(handle);
	else
		connection->connection = handle;
}

/* Its events are stored. */
static void
on_suspend(sockjs_connection handle)
{
	struct worker_connection *connection = find(handle);

	if (connection != NULL)
		connection->connection = SOCKJS_NOBODY;
}

static void
on_data(sockjs_connection handle, const sockjs_message *message)
{
	struct worker_connection *connection = find(handle);

	if (connection != NULL)
		worker_connection_push(
		    connection, WORKER_EVENT_DATA, message->data, message->len, message->binary);
}

static void
on_drain(sockjs_connection handle)
{
	struct worker_connection *connection = find(handle);

	if (connection != NULL && connection->service->carrier->drain != NULL)
		connection->service->carrier->drain(connection);
}

static void
on_close(sockjs_connection handle)
{
	struct worker_connection *connection = find(handle);

	/* One that it has refused has nothing more to tell. */
	if (connection != NULL && !connection->is_over)
		worker_connection_over(connection);
}

/* --- which carrier ---------------------------------------------------------------------------- */

static int
start_pool(sockjs_service *service)
{
	return start(service, &worker_programs_carrier);
}

static int
start_callback(sockjs_service *service)
{
	return start(service, &worker_callback_carrier);
}

static const char *const no_options[] = {NULL};

/* clang-format off */
#define WORKER_MODULE_CALLS \
	.options = no_options, .stop = on_stop, .authorize = on_authorize, \
	.connection = on_connection, .resume = on_resume, .suspend = on_suspend, \
	.data = on_data, .drain = on_drain, .close = on_close
/* clang-format on */

static const struct sockjs_module pool_module = {
    .abi = SOCKJS_ABI, .name = WORKER_MODULE, .start = start_pool, WORKER_MODULE_CALLS};

static const struct sockjs_module callback_module = {.abi = SOCKJS_ABI,
    .name = WORKER_CALLBACK_MODULE,
    .start = start_callback,
    WORKER_MODULE_CALLS};

void
worker_modules_add(void)
{
	module_add_own(&pool_module);
	module_add_own(&callback_module);
	module_add_own(&worker_each_module);
}
