/*
 * auth: who connects has a token that the web application has signed, NAME.EXPIRY.HMAC, in the
 * query of its URL: new SockJS('/private?token=...'). Nobody else gets a connection. doc/modules.md
 * makes tokens in PHP and in Python.
 */
#include <sockjs.h>
#include <nettle/base16.h>
#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { UNAUTHORIZED = 401, FORBIDDEN = 403 };

/* Returns 0 and the name if the token is good, else an HTTP status. */
static int
check(const char *secret, const char *token, char name[100])
{
	char signature[66] = "", right[66] = "";
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct hmac_sha256_ctx hmac;
	long long expiry;
	int claim; /* bytes that are signed */

	if (sscanf(token, "%99[^.&].%lld%n.%65[^&]", name, &expiry, &claim, signature) != 3)
		return UNAUTHORIZED;
	hmac_sha256_set_key(&hmac, strlen(secret), (const uint8_t *)secret);
	hmac_sha256_update(&hmac, claim, (const uint8_t *)token);
	hmac_sha256_digest(&hmac, sizeof digest, digest);
	base16_encode_update(right, sizeof digest, digest);
	if (!memeql_sec(signature, right, sizeof right)) /* in constant time */
		return FORBIDDEN;
	return expiry > time(NULL) ? 0 : UNAUTHORIZED;
}

/* Keeps the name: a later request of the connection may have another token in its URL. */
static int
on_authorize(sockjs_connection connection)
{
	const char *secret = sockjs_service_user_data(sockjs_service_of(connection));
	const char *token = strstr(sockjs_url(connection), "token=");
	char name[100];
	int status = token == NULL ? UNAUTHORIZED : check(secret, token + strlen("token="), name);

	if (status == 0)
		sockjs_set_user_data(connection, strdup(name));
	return status;
}

/* Of a former daemon's connection nobody knows any more who it is: it has to be asked again. */
static void
on_connection(sockjs_connection connection)
{
	const char *name = sockjs_user_data(connection);

	if (name == NULL && on_authorize(connection) != 0)
		sockjs_close(connection, 4001, "Connect again, with a new token");
	else if ((name = sockjs_user_data(connection)) != NULL)
		sockjs_write(connection, name, strlen(name));
}

static void
on_data(sockjs_connection connection, const sockjs_message *message)
{
	/* Here the application begins: an echo. */
	sockjs_write(connection, message->data, message->len);
}

static void
on_close(sockjs_connection connection)
{
	free(sockjs_user_data(connection));
}

static int
on_start(sockjs_service *service)
{
	const char *path = sockjs_option(service, "secret_file");
	FILE *file = path == NULL ? NULL : fopen(path, "r");
	struct stat st;
	char secret[256] = "";

	if (file == NULL || fstat(fileno(file), &st) == -1 || (st.st_mode & 027) != 0 ||
	    fscanf(file, "%255[^\r\n]", secret) != 1 || strlen(secret) < 16)
		sockjs_fail(service, "module.secret_file: expected 16 characters, mode 640 or 600");
	if (file != NULL)
		fclose(file);
	return sockjs_service_set_user_data(service, strdup(secret));
}

static void
on_stop(sockjs_service *service)
{
	free(sockjs_service_user_data(service));
}

SOCKJS_MODULE = {
    .abi = SOCKJS_ABI,
    .name = "auth",
    .options = (const char *const[]){"secret_file", NULL},
    .start = on_start,
    .stop = on_stop,
    .authorize = on_authorize,
    .connection = on_connection,
    .data = on_data,
    .close = on_close,
};
