/*
 * auth: a client's first message is a token that the web application has signed, NAME.EXPIRY.HMAC,
 * because SockJS gives applications no cookies. doc/modules.md makes tokens in PHP and in Python.
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

struct visitor {
	sockjs_connection connection;
	sockjs_timer *timer; /* runs until the client has sent its token, then NULL */
};

/* Returns what is wrong with the token. If nothing is, returns NULL and stores the name. */
static const char *
check(const char *secret, const char *token, char name[100])
{
	char signature[66] = "", right[66] = "";
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct hmac_sha256_ctx hmac;
	long long expiry;

	if (sscanf(token, "%99[^.].%lld.%65s", name, &expiry, signature) != 3)
		return "That is no token";
	hmac_sha256_set_key(&hmac, strlen(secret), (const uint8_t *)secret);
	hmac_sha256_update(&hmac, strrchr(token, '.') - token, (const uint8_t *)token);
	hmac_sha256_digest(&hmac, sizeof digest, digest);
	base16_encode_update(right, sizeof digest, digest);
	if (!memeql_sec(signature, right, sizeof right)) /* in constant time */
		return "The token is not genuine";
	return expiry > time(NULL) ? NULL : "The token has expired";
}

static void
on_late(void *visitor)
{
	sockjs_close(((struct visitor *)visitor)->connection, 4001, "No token came in time");
}

static void
on_connection(sockjs_connection connection)
{
	sockjs_service *service = sockjs_service_of(connection);
	struct visitor *visitor = calloc(1, sizeof *visitor);
	uint64_t patience = 5000;

	if (visitor == NULL)
		abort();
	sockjs_option_ms(service, "patience", 1, 0, &patience);
	visitor->connection = connection;
	visitor->timer = sockjs_timer_start(service, patience, 0, on_late, visitor);
	sockjs_set_user_data(connection, visitor);
}

static void
on_data(sockjs_connection connection, const sockjs_message *message)
{
	const char *secret = sockjs_service_user_data(sockjs_service_of(connection)), *wrong;
	struct visitor *visitor = sockjs_user_data(connection);
	char token[256], name[100];

	snprintf(token, sizeof token, "%.*s", (int)message->len, message->data);
	if (visitor->timer == NULL) /* here the application begins: an echo */
		sockjs_write(connection, message->data, message->len);
	else if ((wrong = check(secret, token, name)) != NULL)
		sockjs_close(connection, 4002, wrong);
	else if (sockjs_timer_stop(&visitor->timer) == SOCKJS_OK)
		sockjs_write(connection, name, strlen(name));
}

static void
on_close(sockjs_connection connection)
{
	struct visitor *visitor = sockjs_user_data(connection);

	sockjs_timer_stop(&visitor->timer);
	free(visitor);
}

static int
on_start(sockjs_service *service)
{
	const char *path = sockjs_option(service, "secret_file");
	FILE *file = path == NULL ? NULL : fopen(path, "r");
	struct stat st;
	char secret[256] = "";
	uint64_t patience;

	if (file == NULL || fstat(fileno(file), &st) == -1 || (st.st_mode & 027) != 0 ||
	    fscanf(file, "%255[^\r\n]", secret) != 1 || strlen(secret) < 16)
		sockjs_fail(service, "module.secret_file: expected 16 characters, mode 640 or 600");
	if (file != NULL)
		fclose(file);
	sockjs_option_ms(service, "patience", 1, 0, &patience); /* finds a bad value now */
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
    .options = (const char *const[]){"secret_file", "patience", NULL},
    .start = on_start,
    .stop = on_stop,
    .connection = on_connection,
    .data = on_data,
    .close = on_close,
};
