/*
 * See application.h. Called by session.c and drain.c.
 */
#include "sessiond/service/application.h"

static sockjs_connection
connection_of(const struct session *session)
{
	return (sockjs_connection){session->handle};
}

void
application_connection(struct session *session)
{
	const struct sockjs_module *module = session->service->application;

	if (module->connection != NULL)
		module->connection(connection_of(session));
}

void
application_resume(struct session *session)
{
	const struct sockjs_module *module = session->service->application;

	if (module->resume != NULL)
		module->resume(connection_of(session));
	else
		application_connection(session);
}

void
application_suspend(struct session *session)
{
	const struct sockjs_module *module = session->service->application;

	if (module->suspend != NULL)
		module->suspend(connection_of(session));
	else if (module->resume == NULL) {
		session->is_left = true;
		application_close(session);
	}
}

void
application_data(struct session *session, const char *data, size_t len, bool binary)
{
	const struct sockjs_module *module = session->service->application;
	sockjs_message message = {data, len, binary};

	if (module->data != NULL)
		module->data(connection_of(session), &message);
}

void
application_drain(struct session *session)
{
	const struct sockjs_module *module = session->service->application;

	if (module->drain != NULL)
		module->drain(connection_of(session));
}

void
application_close(struct session *session)
{
	const struct sockjs_module *module = session->service->application;

	if (module->close != NULL)
		module->close(connection_of(session));
}
