/*
 * See application.h.
 */
#include "sessiond/service/application.h"

#include "common/loop.h"

static sockjs_connection
connection_of(uint64_t handle)
{
	return (sockjs_connection){handle};
}

/*
 * They may be called at the end of a turn, where the loop reads the clock only if it is told that
 * something may take long.
 */
static void
call(const struct sockjs_service *service, void (*fn)(sockjs_connection), enum callback callback,
    uint64_t handle)
{
	struct callback_call outer;

	if (fn == NULL)
		return;
	loop_note_work();
	outer = service_call(service, callback);
	fn(connection_of(handle));
	callback_end(outer);
}

int
application_authorize(const struct sockjs_service *service, uint64_t handle)
{
	struct callback_call outer;
	int status;

	if (service->application->authorize == NULL)
		return 0;
	outer = service_call(service, CALLBACK_AUTHORIZE);
	status = service->application->authorize(connection_of(handle));
	callback_end(outer);
	return status;
}

void
application_connection(const struct sockjs_service *service, uint64_t handle)
{
	call(service, service->application->connection, CALLBACK_CONNECTION, handle);
}

void
application_resume(const struct sockjs_service *service, uint64_t handle)
{
	if (service->application->resume != NULL)
		call(service, service->application->resume, CALLBACK_RESUME, handle);
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
		call(service, service->application->suspend, CALLBACK_SUSPEND, handle);
	else if (!application_can_resume(service))
		application_close(service, handle);
}

void
application_data(const struct sockjs_service *service, uint64_t handle, const char *data,
    size_t len, bool binary)
{
	sockjs_message message = {data, len, binary};
	struct callback_call outer;

	if (service->application->data == NULL)
		return;
	outer = service_call(service, CALLBACK_DATA);
	service->application->data(connection_of(handle), &message);
	callback_end(outer);
}

void
application_drain(const struct sockjs_service *service, uint64_t handle)
{
	call(service, service->application->drain, CALLBACK_DRAIN, handle);
}

void
application_close(const struct sockjs_service *service, uint64_t handle)
{
	call(service, service->application->close, CALLBACK_CLOSE, handle);
}
