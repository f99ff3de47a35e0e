/*
 * See up.h.
 */
#include "fcgi/up.h"

#include <stdio.h>
#include <string.h>

bool
up_is_asked(const struct cgi_request *cgi)
{
	const char *method = cgi->head.method;
	size_t len = strlen(cgi->path);

	return len >= strlen("/up") && strcmp(cgi->path + len - strlen("/up"), "/up") == 0 &&
	    (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0);
}

void
up_reply(const char *unready, struct reply *reply)
{
	int n =
	    snprintf(reply->text, REPLY_TEXT_SIZE, "%.1000s\n", unready == NULL ? "up" : unready);

	reply->status = unready == NULL ? 200 : 503;
	reply->content_type = "text/plain; charset=UTF-8";
	reply->cache = REPLY_NOT_CACHED;
	reply->body = reply->text;
	reply->body_len = (size_t)n;
}
