/*
 * The body of POST /publish (publish.h says what it looks like): what is to be published, and to
 * what. Pure.
 */
#ifndef SESSIOND_PUBLISH_BODY_H
#define SESSIOND_PUBLISH_BODY_H

#include "common/error.h"
#include "sessiond/channels/channel_message.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum { PUBLISH_BATCH_MAX = 100 };

/* To what a message goes. */
enum publish_target {
	PUBLISH_TO_ONLY,    /* it does not say; it need not if there is only one */
	PUBLISH_TO_SERVICE, /* of that name, as all others */
	PUBLISH_TO_APP,
	PUBLISH_TO_UNCLEAR, /* it names both, or says it wrongly */
};

/* One message of the body, from which it borrows. */
struct publish_message {
	enum publish_target target;
	const char *name;	      /* of the target; NULL: it has none */
	struct publishing publishing; /* its channel has a valid name */
	char *text;		      /* of data that is no string; NULL: it is one */
};

struct publish_body {
	json_t *json;
	bool is_array;
	struct publish_message messages[PUBLISH_BATCH_MAX];
	size_t count;
};

/*
 * Reads a body; limit: bytes of data. 0, or -1 and an error whose code is a status of HTTP: 400,
 * 413 or 503. publish_body_clear in any case. *body is zero before.
 */
int publish_body_read(
    struct publish_body *body, const char *bytes, size_t len, size_t limit, struct error *err);

/* Frees what it has. Safe on zero bytes. */
void publish_body_clear(struct publish_body *body);

#endif
