/*
 * See ask.h.
 */
#include "fcgi/ask.h"

#include <string.h>

bool
ask_is_once(const struct cgi_request *cgi)
{
	return strcmp(cgi->head.method, "GET") != 0 && strcmp(cgi->head.method, "HEAD") != 0;
}

struct wire_ask
ask_of(const struct cgi_request *cgi, const struct routing *routing, const struct buffer *body)
{
	return (struct wire_ask){
	    .method = cgi->head.method,
	    .path = routing->api_path,
	    .query = cgi->query,
	    .client = cgi->client,
	    .body = body->len == 0 ? "" : body->data,
	    .body_len = body->len,
	};
}

void
ask_reply(const struct wire_answer *answer, struct reply *reply)
{
	reply->status = (int)answer->status;
	reply->content_type = answer->content_type;
	reply->cache = REPLY_NOT_CACHED;
	reply->body = answer->body;
	reply->body_len = answer->body_len;
}
