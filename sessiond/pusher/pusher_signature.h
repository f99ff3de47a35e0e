/*
 * The signature of a request of the HTTP API, in its query:
 *
 *     auth_key=KEY & auth_timestamp=SECONDS & auth_version=1.0 & body_md5=HEX & auth_signature=HEX
 *
 * What is signed (pusher_auth.h) is three lines: the method, the path, and all parameters but
 * auth_signature as name=value with & between them. There their values are decoded, their names are
 * decoded and in lower case, and the names' order is that of their bytes. body_md5 has to be there
 * if there is a body. Pure. Source: the Pusher Channels HTTP API, and what its public libraries do.
 */
#ifndef SESSIOND_PUSHER_SIGNATURE_H
#define SESSIOND_PUSHER_SIGNATURE_H

#include "common/error.h"

#include <stddef.h>
#include <stdint.h>

enum {
	PUSHER_TIMESTAMP_S = 600, /* by which the client's clock may differ */
	PUSHER_PARAMETERS_MAX = 32,
};

/* Everything is borrowed. */
struct pusher_signed {
	const char *method;
	const char *path;  /* from `/apps/` on, as it came: a web server may have more before it */
	const char *query; /* as it came, without the `?`; NULL: none */
	const char *body;
	size_t body_len;
};

/*
 * Returns 0 if the request is signed with that key and secret; else -1 and an error: 401 with a
 * text that says what is wrong, or 503 without memory. A wrong signature's text has what was signed
 * here, which may be cut. now: seconds since 1970.
 */
int pusher_signature_check(const struct pusher_signed *request, const char *key, const char *secret,
    int64_t now, struct error *err);

#endif
