/*
 * Sends webhooks: POSTs to a URL, by libcurl, on the daemon's loop. The library is loaded when the
 * first app has a webhook, so that nobody else needs it, or the memory that it takes.
 */
#ifndef SESSIOND_WEBHOOK_CURL_H
#define SESSIOND_WEBHOOK_CURL_H

#include "common/error.h"

#include <stddef.h>
#include <uv.h>

enum { WEBHOOK_TIMEOUT_MS = 30000 }; /* for a POST and its answer */

struct webhook_post; /* one that is under way */

/* Everything is copied. */
struct webhook_request {
	const char *url;
	const char *const *headers; /* "Name: value"; ended by NULL */
	const char *body;
	size_t body_len;
};

/*
 * What became of it: the HTTP status; or 0, and why is a text for people. It may begin another.
 */
typedef void webhook_done(void *context, unsigned status, const char *why);

/*
 * Loads the library. Returns -1 and an error (EX_UNAVAILABLE) that says what is missing. Again: 0.
 */
int webhook_curl_load(struct error *err);

/* Begins one; the library is loaded. NULL: without memory; nothing is told then. */
struct webhook_post *webhook_curl_post(
    uv_loop_t *loop, const struct webhook_request *request, webhook_done *done, void *context);

/* Ends all that is under way, of which nothing is told. The loop has to run until it is closed. */
void webhook_curl_stop(void);

#endif
