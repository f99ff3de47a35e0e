/*
 * See pusher_auth.h.
 */
#include "sessiond/pusher/pusher_auth.h"

#include <nettle/base16.h>
#include <nettle/memops.h>
#include <stdint.h>
#include <string.h>

void
pusher_signing_begin(struct pusher_signing *signing, const char *secret)
{
	hmac_sha256_set_key(&signing->hmac, strlen(secret), (const uint8_t *)secret);
}

void
pusher_signing_add(struct pusher_signing *signing, const void *bytes, size_t len)
{
	hmac_sha256_update(&signing->hmac, len, bytes);
}

static void
add_text(struct pusher_signing *signing, const char *text)
{
	pusher_signing_add(signing, text, strlen(text));
}

void
pusher_signing_end(struct pusher_signing *signing, char signature[PUSHER_SIGNATURE_SIZE])
{
	uint8_t digest[SHA256_DIGEST_SIZE];

	hmac_sha256_digest(&signing->hmac, sizeof digest, digest);
	base16_encode_update(signature, sizeof digest, digest);
	signature[PUSHER_SIGNATURE_SIZE - 1] = '\0';
}

bool
pusher_signature_is(const char *given, const char signature[PUSHER_SIGNATURE_SIZE])
{
	return strlen(given) == PUSHER_SIGNATURE_SIZE - 1 &&
	    memeql_sec(given, signature, PUSHER_SIGNATURE_SIZE - 1);
}

/* The signature of auth, which is KEY:SIGNATURE; NULL: it is no such thing, or of another key. */
static const char *
signature_of(const char *auth, const char *key)
{
	size_t len = strlen(key);

	if (auth == NULL || strncmp(auth, key, len) != 0 || auth[len] != ':')
		return NULL;
	return auth + len + 1;
}

bool
pusher_auth_channel_is_right(const char *key, const char *secret, const char *socket_id,
    const char *channel, const char *channel_data, const char *auth)
{
	const char *given = signature_of(auth, key);
	char signature[PUSHER_SIGNATURE_SIZE];
	struct pusher_signing signing;

	if (given == NULL)
		return false;
	pusher_signing_begin(&signing, secret);
	add_text(&signing, socket_id);
	add_text(&signing, ":");
	add_text(&signing, channel);
	if (channel_data != NULL) {
		add_text(&signing, ":");
		add_text(&signing, channel_data);
	}
	pusher_signing_end(&signing, signature);
	return pusher_signature_is(given, signature);
}

bool
pusher_auth_user_is_right(const char *key, const char *secret, const char *socket_id,
    const char *user_data, const char *auth)
{
	const char *given = signature_of(auth, key);
	char signature[PUSHER_SIGNATURE_SIZE];
	struct pusher_signing signing;

	if (given == NULL)
		return false;
	pusher_signing_begin(&signing, secret);
	add_text(&signing, socket_id);
	add_text(&signing, "::user::");
	add_text(&signing, user_data);
	pusher_signing_end(&signing, signature);
	return pusher_signature_is(given, signature);
}
