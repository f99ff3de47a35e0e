/*
 * See answer.h.
 */
#include "fcgi/answer.h"

#include <string.h>

static void
write_header(void *context, const char *name, const char *value)
{
	struct buffer *out = context;

	buffer_append_str(out, name);
	buffer_append(out, ": ", 2);
	buffer_append_str(out, value);
	buffer_append(out, "\r\n", 2);
}

/*
 * nginx makes its status line of this; without a phrase that line would lack the blank at its end
 * (RFC 9112, section 4).
 */
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
	    {401, "Unauthorized"},
	    {403, "Forbidden"},
	    {404, "Not Found"},
	    {405, "Method Not Allowed"},
	    {413, "Content Too Large"},
	    {429, "Too Many Requests"},
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

static void
append_number(struct buffer *out, size_t number)
{
	char digits[24], *at = digits + sizeof digits;

	do
		*--at = (char)('0' + number % 10);
	while ((number /= 10) > 0);
	buffer_append(out, at, (size_t)(digits + sizeof digits - at));
}

void
answer_head(struct buffer *out, const struct reply *reply, const struct protocol_service *service,
    const struct request_head *head, ssize_t body_len)
{
	buffer_append_str(out, "Status: ");
	append_number(out, (size_t)reply->status);
	buffer_append_char(out, ' ');
	buffer_append_str(out, reason_of(reply->status));
	buffer_append(out, "\r\n", 2);
	reply_headers(reply, service, head, write_header, out);
	if (body_len >= 0 && reply->status != 204 && reply->status != 304) {
		buffer_append_str(out, "Content-Length: ");
		append_number(out, (size_t)body_len);
		buffer_append(out, "\r\n", 2);
	}
	buffer_append(out, "\r\n", 2);
}

void
answer_sent(enum wire_sent_result result, bool is_form, struct reply *reply)
{
	static const struct {
		int status;
		const char *text;
	} refusals[] = {
	    [WIRE_SENT_NO_SESSION] = {404, "404 Error: Page not found\n"},
	    [WIRE_SENT_UNAVAILABLE] = {503, "The session cannot take messages now.\n"},
	    [WIRE_SENT_TOO_MANY] = {429, "Too many requests.\n"},
	};

	if (result != WIRE_SENT_OK) {
		reply_set_error(reply, refusals[result].status, refusals[result].text);
		return;
	}
	reply->status = is_form ? 200 : 204;
	reply->body = is_form ? "ok" : "";
	reply->body_len = strlen(reply->body);
}
