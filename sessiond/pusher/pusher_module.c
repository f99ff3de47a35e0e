/*
 * An [app] as a module is: the daemon calls it as sockjs.h says. See pusher_app.h.
 */
#include "sessiond/api/api.h"
#include "sessiond/pusher/pusher_app.h"
#include "sessiond/pusher/pusher_protocol.h"
#include "sessiond/pusher/webhook_curl.h"
#include "sessiond/service/service.h"
#include "sessiond/session/session.h"

#include <stdlib.h>
#include <sysexits.h>

static struct pusher_app *
app_of(const struct session *session)
{
	return sockjs_service_user_data(session->service);
}

/* A service that is no app has no key. */
static int
on_start(sockjs_service *service)
{
	struct error err = ERROR_INIT;

	if (service->socket_prefix.name == NULL) {
		service_error(service, service->conf_line, &service->start_error,
		    "the module \"app\" is that of [app NAME] sections, which name none");
		return EX_CONFIG;
	}
	if (service->app_options.webhook != NULL && webhook_curl_load(&err) == -1) {
		service_error(service, service->conf_line, &service->start_error, "%s", err.text);
		return EX_CONFIG;
	}
	sockjs_service_set_user_data(service, pusher_app_create(service));
	return 0;
}

static void
on_stop(sockjs_service *service)
{
	struct pusher_app *app = sockjs_service_user_data(service);

	pusher_app_destroy(&app);
}

static void
on_connection(sockjs_connection connection)
{
	struct session *session;

	if (api_find(connection, __func__, &session) != SOCKJS_OK)
		return;
	app_of(session)->connections++;
	pusher_greet(app_of(session), session);
}

static void
on_resume(sockjs_connection connection)
{
	struct session *session;

	if (api_find(connection, __func__, &session) == SOCKJS_OK)
		app_of(session)->connections++;
}

static void
forget_rate(struct session *session)
{
	free(session->user_data);
	session->user_data = NULL;
}

/* The next daemon counts it. */
static void
on_suspend(sockjs_connection connection)
{
	struct session *session;

	if (api_find(connection, __func__, &session) == SOCKJS_OK)
		forget_rate(session);
}

static void
on_data(sockjs_connection connection, const sockjs_message *message)
{
	struct session *session;

	if (api_find(connection, __func__, &session) == SOCKJS_OK)
		pusher_receive(app_of(session), session, message->data, message->len);
}

static void
on_close(sockjs_connection connection)
{
	struct session *session;

	if (api_find(connection, __func__, &session) != SOCKJS_OK)
		return;
	app_of(session)->connections--;
	forget_rate(session);
}

const struct sockjs_module pusher_module = {
    .abi = SOCKJS_ABI,
    .name = "app",
    .start = on_start,
    .stop = on_stop,
    .connection = on_connection,
    .resume = on_resume,
    .suspend = on_suspend,
    .data = on_data,
    .close = on_close,
};
