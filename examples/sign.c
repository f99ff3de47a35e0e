/*
 * sign: lets the visitors of www/channels.html subscribe. pusher-js asks the page's site for a
 * signature, as examples/channels_auth.php gives them; here the page asks over SockJS.
 *	{"socket_id": "12.34", "channel_name": "presence-demo", "name": "Ann"}     from the page
 *	{"socket_id", "channel_name", "auth": "KEY:...", "channel_data": "..."}    the answer
 * A site of your own knows who Ann is, and what she may read. This module believes her.
 */
#include <sockjs.h>
#include <jansson.h>
#include <nettle/base16.h>
#include <nettle/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char channel[] = "presence-demo"; /* the only one that it signs for */

/* Only digits and a point: else the text that is signed could mean something else. */
static bool
is_socket_id(const char *id)
{
	size_t digits = strspn(id, "0123456789");

	return digits > 0 && id[digits] == '.' && id[digits + 1] != '\0' &&
	    id[digits + 1 + strspn(id + digits + 1, "0123456789")] == '\0';
}

/* Writes KEY:hex(HMAC-SHA256(secret, text)). */
static void
sign(const sockjs_service *service, const char *text, char auth[200])
{
	const char *secret = sockjs_option(service, "secret");
	char hex[BASE16_ENCODE_LENGTH(SHA256_DIGEST_SIZE) + 1] = "";
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct hmac_sha256_ctx hmac;

	hmac_sha256_set_key(&hmac, strlen(secret), (const uint8_t *)secret);
	hmac_sha256_update(&hmac, strlen(text), (const uint8_t *)text);
	hmac_sha256_digest(&hmac, sizeof digest, digest);
	base16_encode_update(hex, sizeof digest, digest);
	snprintf(auth, 200, "%s:%s", sockjs_option(service, "key"), hex);
}

static void
answer(sockjs_connection connection, const char *socket_id, const char *name)
{
	json_t *member = json_pack("{ss s{ss}}", "user_id", name, "user_info", "name", name);
	char *data = json_dumps(member, JSON_COMPACT), text[1024], auth[200], *reply;
	json_t *json;

	snprintf(text, sizeof text, "%s:%s:%s", socket_id, channel, data);
	sign(sockjs_service_of(connection), text, auth);
	json = json_pack("{ss ss ss ss}", "socket_id", socket_id, "channel_name", channel, "auth",
	    auth, "channel_data", data);
	reply = json_dumps(json, JSON_COMPACT);
	sockjs_write(connection, reply, strlen(reply));
	free(reply);
	free(data);
	json_decref(json);
	json_decref(member);
}

static void
on_data(sockjs_connection connection, const sockjs_message *message)
{
	json_t *json =
	    message->len > 1000 ? NULL : json_loadb(message->data, message->len, 0, NULL);
	const char *socket_id = "", *wanted = "", *name = "";

	if (json_unpack(json, "{ss ss ss}", "socket_id", &socket_id, "channel_name", &wanted,
		"name", &name) != 0 ||
	    !is_socket_id(socket_id) || strcmp(wanted, channel) != 0 || strlen(socket_id) > 50 ||
	    *name == '\0' || strlen(name) > 50)
		sockjs_write(
		    connection, "{\"error\":\"not signed\"}", strlen("{\"error\":\"not signed\"}"));
	else
		answer(connection, socket_id, name);
	json_decref(json);
}

static int
on_start(sockjs_service *service)
{
	const char *key = sockjs_option(service, "key");

	if (key == NULL || strlen(key) > 100 || sockjs_option(service, "secret") == NULL)
		return sockjs_fail(
		    service, "module.key and module.secret: expected those of an [app]");
	return 0;
}

SOCKJS_MODULE = {
    .abi = SOCKJS_ABI,
    .name = "sign",
    .options = (const char *const[]){"key", "secret", NULL},
    .start = on_start,
    .data = on_data,
};
