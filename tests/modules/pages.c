/*
 * pages: a module for the [fallback] section, which answers requests outside every service. The
 * path of a request says how: at once, later, from a thread, or wrongly.
 */
#include <sockjs.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct later {
	sockjs_request request;
	sockjs_service *service;
	sockjs_timer *timer;
};

static int
answer(sockjs_request request, int status, const char *text)
{
	const sockjs_response response = {
	    .status = status, .content_type = "text/plain", .body = text, .len = strlen(text)};

	return sockjs_respond(request, &response);
}

static void
show(sockjs_request request)
{
	char text[1000];
	const char *query = sockjs_request_query(request), *name = "X-Test",
		   *header = sockjs_request_header(request, name);

	snprintf(text, sizeof text, "%s|%s|%s|%s|%s|%d|%s", sockjs_request_method(request),
	    sockjs_request_path(request), query == NULL ? "NULL" : query,
	    header == NULL ? "NULL" : header, sockjs_request_remote_address(request),
	    sockjs_request_remote_port(request) > 0,
	    sockjs_service_prefix(sockjs_request_service(request)));
	answer(request, 200, text);
}

static void
echo(sockjs_request request)
{
	static const sockjs_field fields[] = {{"X-One", "1"}, {"Set-Cookie", "a=b"}, {NULL, NULL}};
	sockjs_response response = {.status = 201, .content_type = "application/octet-stream"};

	response.fields = fields;
	response.body = sockjs_request_body(request, &response.len);
	sockjs_respond(request, &response);
}

static void
on_later(void *data)
{
	struct later *later = data;
	int result = answer(later->request, 200, "later");

	sockjs_log(later->service, SOCKJS_LOG_INFO, "later: %d", result);
	sockjs_timer_stop(&later->timer);
	free(later);
}

static struct later *
put_off(sockjs_request request)
{
	struct later *later = calloc(1, sizeof *later);

	if (later == NULL)
		abort();
	later->request = request;
	later->service = sockjs_request_service(request);
	return later;
}

static void
wait(sockjs_request request)
{
	bool much = strcmp(sockjs_request_path(request), "/much-later") == 0;
	struct later *later = put_off(request);

	later->timer = sockjs_timer_start(later->service, much ? 500 : 20, 0, on_later, later);
}

static void
on_thread_answer(void *data)
{
	struct later *later = data;

	answer(later->request, 200, "from a thread");
	free(later);
}

static void *
think(void *data)
{
	struct later *later = data;

	sockjs_run(later->service, on_thread_answer, later);
	return NULL;
}

static void
ask_a_thread(sockjs_request request)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, think, put_off(request)) != 0)
		abort();
	pthread_detach(thread);
}

static void
twice(sockjs_request request)
{
	int first = answer(request, 200, "first"), second = answer(request, 200, "second");

	fprintf(stderr, "twice: %d %d %d\n", first, second, sockjs_request_path(request) != NULL);
}

static int
try_fields(sockjs_request request, const char *name, const char *value)
{
	const sockjs_field fields[] = {{name, value}, {NULL, NULL}};
	const sockjs_response response = {.status = 200, .fields = fields};

	return sockjs_respond(request, &response);
}

/* Every answer that cannot be sent is refused. The request can still be answered afterwards. */
static void
mistakes(sockjs_request request)
{
	char text[200];
	int n = 0;

	n += answer(request, 100, "") == SOCKJS_INVALID;
	n += answer(request, 600, "") == SOCKJS_INVALID;
	n += answer(request, 204, "x") == SOCKJS_INVALID;
	n += sockjs_respond(request, NULL) == SOCKJS_INVALID;
	n += sockjs_respond(request, &(sockjs_response){.status = 200, .len = 1}) == SOCKJS_INVALID;
	n += sockjs_respond(request, &(sockjs_response){.status = 200, .content_type = "a\r\nb"}) ==
	    SOCKJS_INVALID;
	n += try_fields(request, "X-A", "b\r\nX-B: c") == SOCKJS_INVALID;
	n += try_fields(request, "X-A", NULL) == SOCKJS_INVALID;
	n += try_fields(request, "X A", "b") == SOCKJS_INVALID;
	n += try_fields(request, "", "b") == SOCKJS_INVALID;
	n += try_fields(request, "content-length", "5") == SOCKJS_INVALID;
	n += try_fields(request, "Transfer-Encoding", "chunked") == SOCKJS_INVALID;
	n += sockjs_request_header(request, NULL) == NULL;
	snprintf(text, sizeof text, "%d refused", n);
	answer(request, 200, text);
}

static void
ignore(sockjs_request request)
{
	(void)request;
}

static const struct {
	const char *path;
	void (*act)(sockjs_request request);
} paths[] = {
    {"/show%20it", show},
    {"/body", echo},
    {"/later", wait},
    {"/much-later", wait},
    {"/thread", ask_a_thread},
    {"/twice", twice},
    {"/mistakes", mistakes},
    {"/never", ignore},
};

static void
on_request(sockjs_request request)
{
	size_t i;

	for (i = 0; i < sizeof paths / sizeof paths[0]; i++)
		if (strcmp(paths[i].path, sockjs_request_path(request)) == 0) {
			paths[i].act(request);
			return;
		}
	answer(request, 404, "no such page");
}

SOCKJS_MODULE = {
    .abi = SOCKJS_ABI,
    .name = "pages",
    .request = on_request,
};
