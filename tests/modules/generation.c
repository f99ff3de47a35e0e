/*
 * generation: is built several times, each time with another GENERATION, like the versions of a
 * module. It answers each message with its generation and the message. It reports its starts and
 * stops to the program, if that has a function generation_event, and to the log otherwise. With
 * REFUSES, it does not start, and leaves a timer behind.
 */
#include <sockjs.h>

#include <stdio.h>
#include <string.h>

extern void generation_event(const char *generation, const char *event) __attribute__((weak));

static unsigned messages; /* to all services that share this image */

static void
tell(const char *event)
{
	if (generation_event != NULL)
		generation_event(GENERATION, event);
	else
		fprintf(stderr, "generation " GENERATION " %s\n", event);
}

static void
tick(void *data)
{
	(void)data;
	messages++;
}

static int
on_start(sockjs_service *service)
{
#ifdef REFUSES
	sockjs_timer_start(service, 1, 1, tick, NULL);
	return 7;
#else
	(void)service;
	(void)tick;
	tell("starts");
	return 0;
#endif
}

static void
on_stop(sockjs_service *service)
{
	(void)service;
	tell("stops");
}

static void
on_data(sockjs_connection connection, const sockjs_message *message)
{
	char answer[200];
	int n = snprintf(
	    answer, sizeof answer, GENERATION ": %.*s", (int)(message->len & 127), message->data);

	messages++;
	sockjs_write(connection, answer, (size_t)n);
}

static void
on_request(sockjs_request request)
{
	const sockjs_response response = {.status = 200,
	    .content_type = "text/plain",
	    .body = GENERATION,
	    .len = strlen(GENERATION)};

	sockjs_respond(request, &response);
}

SOCKJS_MODULE = {
    .abi = SOCKJS_ABI,
    .name = GENERATION,
    .start = on_start,
    .stop = on_stop,
    .data = on_data,
    .request = on_request,
};
