/*
 * What is signed with an app's secret, and who may therefore do what: subscribe to a channel, sign
 * in as a user. A signature is HMAC-SHA256 (RFC 2104) in hexadecimal, lower case. Pure; signatures
 * are compared in constant time. Source: the Pusher Channels protocol, 7.
 */
#ifndef SESSIOND_PUSHER_AUTH_H
#define SESSIOND_PUSHER_AUTH_H

#include <nettle/hmac.h>
#include <stdbool.h>
#include <stddef.h>

#define PUSHER_SIGNATURE_SIZE (2 * SHA256_DIGEST_SIZE + 1) /* its NUL is counted */

/* A signature that is being made: begin, any number of adds, end. */
struct pusher_signing {
	struct hmac_sha256_ctx hmac;
};

void pusher_signing_begin(struct pusher_signing *signing, const char *secret);
void pusher_signing_add(struct pusher_signing *signing, const void *bytes, size_t len);
void pusher_signing_end(struct pusher_signing *signing, char signature[PUSHER_SIGNATURE_SIZE]);

/* True if what a peer gave (any string) is the signature. */
bool pusher_signature_is(const char *given, const char signature[PUSHER_SIGNATURE_SIZE]);

/*
 * True if auth is KEY:SIGNATURE of `socket_id:channel`, or of `socket_id:channel:channel_data` if
 * there is channel_data (NULL: none). auth: what the client sent; NULL: nothing, which is wrong.
 */
bool pusher_auth_channel_is_right(const char *key, const char *secret, const char *socket_id,
    const char *channel, const char *channel_data, const char *auth);

/* True if auth is KEY:SIGNATURE of `socket_id::user::user_data` (pusher:signin). */
bool pusher_auth_user_is_right(const char *key, const char *secret, const char *socket_id,
    const char *user_data, const char *auth);

#endif
