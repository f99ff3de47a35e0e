/*
 * The head of a request, as the pure functions of this room see it: borrowed from the HTTP or the
 * FastCGI side.
 */
#ifndef SOCKJS_REQUEST_HEAD_H
#define SOCKJS_REQUEST_HEAD_H

#include <stdbool.h>
#include <time.h>

struct request_head {
	const char *method;
	const char *path;  /* percent-encoded, without the query */
	const char *query; /* without `?`; NULL: none */
	/* The value of a header (its name in any case), NULL if it was not sent. */
	const char *(*header)(const void *context, const char *name);
	const void *context;
	/*
	 * The request came from one of trusted_proxies: what it says in X-Forwarded-Host and
	 * X-Forwarded-Proto is the proxy's word. From others it is to be ignored.
	 */
	bool from_trusted_proxy;
	time_t now; /* s since the epoch, for Expires */
};

/* The value of a header, NULL if it was not sent. */
static inline const char *
request_head_value(const struct request_head *head, const char *name)
{
	return head->header(head->context, name);
}

#endif
