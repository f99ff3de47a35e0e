/*
 * See answer.h. Called by request.c, with answers made here and with those of sessiond.
 */
#include "fcgi/answer.h"

#include "fcgi/webserver/connection.h"
#include "fcgi/request.h"
#include "fcgi/daemon/known_services.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static void
write_header(void *context, const char *name, const char *value)
{
	struct connection *connection = context;

	connection_add(connection, name, strlen(name));
	connection_add(connection, ": ", 2);
	connection_add(connection, value, strlen(value));
	connection_add(connection, "\r\n", 2);
}

/* nginx takes the status line from here, and without a phrase writes one that lacks its blank (RFC 9112, section 4). */
static const char *
reason_of(int status)
{
	static const struct {
		int status;
		const char *phrase;
	} reasons[] = {
	    {200, "OK"},
	    {204, "No Content"},
	    {304, "Not Modified"},
	    {400, "Bad Request"},
	    {404, "Not Found"},
	    {405, "Method Not Allowed"},
	    {413, "Content Too Large"},
	    {431, "Request Header Fields Too Large"},
	    {500, "Internal Server Error"},
	    {501, "Not Implemented"},
	    {503, "Service Unavailable"},
	};
	size_t i;

	for (i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
		if (reasons[i].status == status)
			return reasons[i].phrase;
	return "Other";
}

void
answer_head(struct request *request, ssize_t body_len)
{
	struct connection *connection = request->connection;
	char line[64];
	int n;

	request->is_answered = true;
	request->head.now = time(NULL);
	n = snprintf(line, sizeof line, "Status: %d %s\r\n", request->reply.status,
	    reason_of(request->reply.status));
	connection_add(connection, line, (size_t)n);
	reply_headers(&request->reply,
	    request->service == NULL ? NULL : &request->service->protocol, &request->head,
	    write_header, connection);
	if (body_len >= 0 && request->reply.status != 204 && request->reply.status != 304) {
		n = snprintf(line, sizeof line, "Content-Length: %zd\r\n", body_len);
		connection_add(connection, line, (size_t)n);
	}
	if (request->reply.status == 503)
		write_header(connection, "Retry-After", "1");
	connection_add(connection, "\r\n", 2);
}

void
answer_reply(struct request *request)
{
	answer_head(request, (ssize_t)request->reply.body_len);
	connection_add(request->connection, request->reply.body, request->reply.body_len);
	connection_push(request->connection, true);
}

void
answer_error(struct request *request, int status, const char *text)
{
	reply_set_error(&request->reply, status, text);
	answer_reply(request);
}
