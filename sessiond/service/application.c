/*
 * See application.h.
 */
#include "sessiond/service/application.h"

static sockjs_connection
connection_of(uint64_t handle)
{
	return (sockjs_connection){handle};
}

int
application_authorize(const struct sockjs_service *service, uint64_t handle)
{
	return service->application->authorize == NULL
	    ? 0
	    : service->application->authorize(connection_of(handle));
}

void
application_connection(const struct sockjs_service *service, uint64_t handle)
{
	if (service->application->connection != NULL)
		service->application->connection(connection_of(handle));
}

void
application_resume(const struct sockjs_service *service, uint64_t handle)
{
	if (service->application->resume != NULL)
		service->application->resume(connection_of(handle));
	else
		application_connection(service, handle);
}

bool
application_can_resume(const struct sockjs_service *service)
{
	return service->application->suspend != NULL || service->application->resume != NULL;
}

void
application_suspend(const struct sockjs_service *service, uint64_t handle)
{
	if (service->application->suspend != NULL)
		service->application->suspend(connection_of(handle));
	else if (!application_can_resume(service))
		application_close(service, handle);
}

void
application_data(const struct sockjs_service *service, uint64_t handle, const char *data,
    size_t len, bool binary)
{
	sockjs_message message = {data, len, binary};

	if (service->application->data != NULL)
		service->application->data(connection_of(handle), &message);
}

void
application_drain(const struct sockjs_service *service, uint64_t handle)
{
	if (service->application->drain != NULL)
		service->application->drain(connection_of(handle));
}

void
application_close(const struct sockjs_service *service, uint64_t handle)
{
	if (service->application->close != NULL)
		service->application->close(connection_of(handle));
}
