/*
 * See pusher_signature.h. A path is signed by some libraries as it travels, by others before it is
 * encoded; they differ only in what is no name of a channel. Both are right.
 */
#include "sessiond/pusher/pusher_signature.h"

#include "sessiond/pusher/pusher_auth.h"
#include "sockjs/form.h"

#include <errno.h>
#include <inttypes.h>
#include <nettle/base16.h>
#include <nettle/md5.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { UNAUTHORIZED = 401, UNAVAILABLE = 503 };

struct parameter {
	char *name, *value; /* decoded; no NUL is in them */
};

struct parameters {
	char *text; /* owned: what they point into */
	struct parameter list[PUSHER_PARAMETERS_MAX];
	size_t count;
};

/* --- the parameters --------------------------------------------------------------------------- */

/* Decodes [text, end) in place, and ends it. Returns -1 if that has a NUL. */
static int
decode(char *text, char *end)
{
	size_t len = form_decode(text, (size_t)(end - text));

	text[len] = '\0';
	return strlen(text) == len ? 0 : -1;
}

static void
lower(char *text)
{
	for (; *text != '\0'; text++)
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text - 'A' + 'a');
}

static int
read_parameter(struct parameters *all, char *text, char *end, struct error *err)
{
	char *equals = memchr(text, '=', (size_t)(end - text));
	struct parameter *parameter = &all->list[all->count];

	if (all->count == PUSHER_PARAMETERS_MAX)
		return error_set(
		    err, UNAUTHORIZED, "there are more than %d parameters", PUSHER_PARAMETERS_MAX);
	all->count++;
	parameter->name = text;
	parameter->value = equals == NULL ? end : equals + 1;
	if (decode(parameter->value, end) == -1 ||
	    decode(text, equals == NULL ? end : equals) == -1)
		return error_set(err, UNAUTHORIZED, "a parameter has a NUL in it");
	lower(parameter->name);
	return 0;
}

static int
read_parameters(struct parameters *all, const char *query, struct error *err)
{
	char *text, *end;

	all->count = 0;
	all->text = strdup(query == NULL ? "" : query);
	if (all->text == NULL)
		return error_set(err, UNAVAILABLE, "out of memory");
	for (text = all->text; *text != '\0'; text = end) {
		end = text + strcspn(text, "&");
		if (*end == '&')
			*end++ = '\0';
		/* The end that read_parameter sets is the & that was there. */
		if (text[0] != '\0' && read_parameter(all, text, text + strlen(text), err) == -1)
			return -1;
	}
	return 0;
}

static int
compare_names(const void *one, const void *other)
{
	const struct parameter *a = one, *b = other;
	int order = strcmp(a->name, b->name);

	/* What is there twice stays in the order in which it came. */
	return order != 0 ? order : a->name < b->name ? -1 : a->name > b->name;
}

/* The value of one that may be there once; NULL and an error: it is not. */
static const char *
find(const struct parameters *all, const char *name, struct error *err)
{
	const char *value = NULL;
	size_t i;

	for (i = 0; i < all->count; i++) {
		if (strcmp(all->list[i].name, name) != 0)
			continue;
		if (value != NULL) {
			error_set(err, UNAUTHORIZED, "%s is there twice", name);
			return NULL;
		}
		value = all->list[i].value;
	}
	if (value == NULL)
		error_set(err, UNAUTHORIZED, "%s is missing", name);
	return value;
}

/* --- what each has to be ---------------------------------------------------------------------- */

static int
check_version(const struct parameters *all, struct error *err)
{
	const char *version = find(all, "auth_version", err);

	if (version == NULL)
		return -1;
	return strcmp(version, "1.0") == 0
	    ? 0
	    : error_set(err, UNAUTHORIZED, "auth_version is %.20s, and has to be 1.0", version);
}

static int
check_key(const struct parameters *all, const char *key, struct error *err)
{
	const char *given = find(all, "auth_key", err);

	if (given == NULL)
		return -1;
	return strcmp(given, key) == 0
	    ? 0
	    : error_set(err, UNAUTHORIZED, "auth_key %.100s is not the key of this app", given);
}

/* Digits, as many as a 64-bit number always has room for. */
static bool
read_seconds(const char *text, int64_t *seconds)
{
	size_t len = strspn(text, "0123456789");

	*seconds = strtoll(text, NULL, 10);
	return len > 0 && len <= 18 && text[len] == '\0';
}

static int
check_timestamp(const struct parameters *all, int64_t now, struct error *err)
{
	const char *given = find(all, "auth_timestamp", err);
	int64_t then;

	if (given == NULL)
		return -1;
	if (!read_seconds(given, &then))
		return error_set(
		    err, UNAUTHORIZED, "auth_timestamp is no number of seconds since 1970");
	if (then >= now - PUSHER_TIMESTAMP_S && then <= now + PUSHER_TIMESTAMP_S)
		return 0;
	return error_set(err, UNAUTHORIZED,
	    "auth_timestamp is %" PRId64
	    " seconds %s, %d are allowed: the clock here says %" PRId64,
	    then < now ? now - then : then - now, then < now ? "old" : "ahead", PUSHER_TIMESTAMP_S,
	    now);
}

static int
check_body(const struct parameters *all, const struct pusher_signed *request, struct error *err)
{
	char right[2 * MD5_DIGEST_SIZE + 1] = "";
	uint8_t digest[MD5_DIGEST_SIZE];
	struct error missing = ERROR_INIT;
	const char *given = find(all, "body_md5", &missing);
	struct md5_ctx md5;

	if (given == NULL && request->body_len == 0)
		return 0;
	if (given == NULL)
		return error_set(err, UNAUTHORIZED, "%s", missing.text);
	md5_init(&md5);
	md5_update(&md5, request->body_len, (const uint8_t *)request->body);
	md5_digest(&md5, sizeof digest, digest);
	base16_encode_update(right, sizeof digest, digest);
	/* Who could not have made it does not know the signature either. */
	return strcmp(given, right) == 0
	    ? 0
	    : error_set(err, UNAUTHORIZED,
		  "body_md5 differs: the body has %zu bytes, whose MD5 is %s", request->body_len,
		  right);
}

/* --- the signature ---------------------------------------------------------------------------- */

struct signed_text {
	struct pusher_signing signing;
	char
	    shown[ERROR_TEXT_SIZE]; /* its beginning, for people; \n stands for the end of a line */
	size_t shown_len;
};

static void
put(struct signed_text *text, const char *piece)
{
	size_t len = strlen(piece), room = sizeof text->shown - 1 - text->shown_len;

	pusher_signing_add(&text->signing, piece, len);
	if (piece[0] == '\n')
		piece = "\\n", len = 2;
	if (len > room)
		len = room;
	memcpy(text->shown + text->shown_len, piece, len);
	text->shown_len += len;
	text->shown[text->shown_len] = '\0';
}

static void
sign(const struct parameters *all, const struct pusher_signed *request, const char *path,
    const char *secret, struct signed_text *text, char signature[PUSHER_SIGNATURE_SIZE])
{
	const char *separator = "\n";
	size_t i;

	text->shown_len = 0;
	pusher_signing_begin(&text->signing, secret);
	put(text, request->method);
	put(text, "\n");
	put(text, path);
	for (i = 0; i < all->count; i++) {
		if (strcmp(all->list[i].name, "auth_signature") == 0)
			continue;
		put(text, separator);
		put(text, all->list[i].name);
		put(text, "=");
		put(text, all->list[i].value);
		separator = "&";
	}
	pusher_signing_end(&text->signing, signature);
}

static bool
is_right_decoded(const struct parameters *all, const struct pusher_signed *request,
    const char *secret, const char *given)
{
	char signature[PUSHER_SIGNATURE_SIZE], *path;
	struct signed_text text;
	bool is_right;

	if (strchr(request->path, '%') == NULL)
		return false;
	path = strdup(request->path);
	if (path == NULL)
		return false;
	path[form_decode_path(path, strlen(path))] = '\0';
	sign(all, request, path, secret, &text, signature);
	is_right = pusher_signature_is(given, signature);
	free(path);
	return is_right;
}

static int
check_signature(struct parameters *all, const struct pusher_signed *request, const char *secret,
    struct error *err)
{
	const char *given = find(all, "auth_signature", err);
	char signature[PUSHER_SIGNATURE_SIZE];
	struct signed_text text;

	if (given == NULL)
		return -1;
	qsort(all->list, all->count, sizeof all->list[0], compare_names);
	sign(all, request, request->path, secret, &text, signature);
	if (pusher_signature_is(given, signature) || is_right_decoded(all, request, secret, given))
		return 0;
	return error_set(err, UNAUTHORIZED,
	    "auth_signature is wrong: it has to be the HMAC-SHA256, by this app's secret, of %s",
	    text.shown);
}

int
pusher_signature_check(const struct pusher_signed *request, const char *key, const char *secret,
    int64_t now, struct error *err)
{
	struct parameters all;
	int status;

	if (read_parameters(&all, request->query, err) == 0 && check_version(&all, err) == 0 &&
	    check_key(&all, key, err) == 0 && check_timestamp(&all, now, err) == 0 &&
	    check_body(&all, request, err) == 0)
		status = check_signature(&all, request, secret, err);
	else
		status = -1;
	free(all.text);
	return status;
}
