/*
 * A request of the HTTP API as whoever answers it sees it, whichever way it came: over HTTP, or
 * through a responder that passed it on whole. So that is written once.
 */
#ifndef SESSIOND_API_REQUEST_H
#define SESSIOND_API_REQUEST_H

#include "common/buffer.h"

#include <stdbool.h>
#include <stddef.h>

/* Everything is borrowed. */
struct api_request {
	const char *method;
	const char *path;  /* begins with API_PATH: the folder is cut off; percent-encoded */
	const char *query; /* as it came; NULL: none */
	const char *body;
	size_t body_len;
};

/*
 * It is made now, or later: then its status is 0 until it is there. Whoever asks keeps it where it
 * is until then, also if the client has gone.
 */
struct api_answer {
	unsigned status;	  /* of HTTP; 429 and 503 tell the client to come again */
	const char *content_type; /* constant */
	struct buffer body;	  /* failed: the answer is 503 */
	bool acknowledges;	  /* says that something is done: 503 if that cannot be stored */
	/* Who asks sets it before: an answer that was to come later is there. */
	void (*came)(struct api_answer *answer);
};

#define API_PATH "/apps/" /* what all paths of the API begin with, below its folder */

/* Who answers. */
struct api {
	void *context;
	/* Fills *answer, which is zero but for `came`. */
	void (*answer)(void *context, const struct api_request *request, struct api_answer *answer);
	/* Below which path API_PATH is, such as `/live`; "": none. NULL: there is no API now. */
	const char *(*folder)(void *context);
	/* Bytes that a body may have. */
	size_t (*body_limit)(void *context);
};

#endif
