/*
 * Fuzz target: signed requests of the HTTP API through pusher_signature.h. What is signed is put
 * together a second time, another way, and the answer has to fit. Built with -fsanitize=fuzzer, or
 * with replay.c for the corpus.
 *
 * The input is lines: the method, the path, the query; what follows is the body. A query that ends
 * with `&!` is signed here before it is checked, by key `k` and secret `secret`, as of second 1000.
 */
#include <ctype.h>
#include <nettle/hmac.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sessiond/pusher/pusher_signature.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert(): it has to hold in a build with NDEBUG as well. */
#define REQUIRE(condition)                                                                         \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);    \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static const char key[] = "k", secret[] = "secret";

enum { NOW = 1000, FIELDS = 64 };

static void
decode_to(char *to, const char *text, size_t len, bool is_query)
{
	char digits[3] = "";
	size_t i;

	for (i = 0; i < len; i++) {
		if (text[i] == '%' && i + 2 < len && isxdigit((unsigned char)text[i + 1]) &&
		    isxdigit((unsigned char)text[i + 2])) {
			memcpy(digits, text + i + 1, 2);
			*to++ = (char)strtol(digits, NULL, 16);
			i += 2;
		} else {
			*to++ = is_query && text[i] == '+' ? ' ' : text[i];
		}
	}
	*to = '\0';
}

struct field {
	char *name, *value;
};

/* Returns how many there are. */
static size_t
take_apart(const char *query, struct field fields[FIELDS])
{
	size_t count = 0, len, name_len;
	const char *equals;

	for (; *query != '\0'; query += len + (query[len] == '&')) {
		len = strcspn(query, "&");
		if (len == 0 || count == FIELDS)
			continue;
		equals = memchr(query, '=', len);
		name_len = equals == NULL ? len : (size_t)(equals - query);
		fields[count].name = malloc(len + 1);
		fields[count].value = malloc(len + 1);
		REQUIRE(fields[count].name != NULL && fields[count].value != NULL);
		decode_to(fields[count].name, query, name_len, true);
		decode_to(fields[count].value, equals == NULL ? "" : equals + 1,
		    equals == NULL ? 0 : len - name_len - 1, true);
		for (char *c = fields[count].name; *c != '\0'; c++)
			*c = *c >= 'A' && *c <= 'Z' ? (char)(*c | 0x20) : *c;
		count++;
	}
	return count;
}

/* The lowest names first, found again and again; of equals the first. */
static char *
compose(const char *method, const char *path, const struct field *fields, size_t count)
{
	bool is_used[FIELDS] = {false};
	size_t size = strlen(method) + strlen(path) + 3, i, n, next;
	char *text;

	for (i = 0; i < count; i++)
		size += strlen(fields[i].name) + strlen(fields[i].value) + 2;
	text = malloc(size);
	REQUIRE(text != NULL);
	sprintf(text, "%s\n%s\n", method, path);
	for (n = 0; n < count; n++) {
		for (next = count, i = 0; i < count; i++)
			if (!is_used[i] &&
			    (next == count || strcmp(fields[i].name, fields[next].name) < 0))
				next = i;
		is_used[next] = true;
		if (strcmp(fields[next].name, "auth_signature") != 0)
			sprintf(
			    text + strlen(text), "%s=%s&", fields[next].name, fields[next].value);
	}
	if (text[strlen(text) - 1] == '&')
		text[strlen(text) - 1] = '\0';
	return text;
}

static void
sign(const char *text, char signature[65])
{
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct hmac_sha256_ctx hmac;
	size_t i;

	hmac_sha256_set_key(&hmac, strlen(secret), (const uint8_t *)secret);
	hmac_sha256_update(&hmac, strlen(text), (const uint8_t *)text);
	hmac_sha256_digest(&hmac, sizeof digest, digest);
	for (i = 0; i < sizeof digest; i++)
		sprintf(signature + 2 * i, "%02x", digest[i]);
}

static void
sign_fields(const struct pusher_signed *request, const char *path, const struct field *fields,
    size_t count, char signature[65])
{
	char *text = compose(request->method, path, fields, count);

	sign(text, signature);
	free(text);
}

static const char *
value_of(const struct field *fields, size_t count, const char *name)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (strcmp(fields[i].name, name) == 0)
			return fields[i].value;
	return "";
}

static void
check(const struct pusher_signed *request)
{
	struct field fields[FIELDS];
	size_t count = take_apart(request->query, fields), i;
	char raw[65], decoded[65], *path = malloc(strlen(request->path) + 1);
	struct error err = ERROR_INIT;
	int status = pusher_signature_check(request, key, secret, NOW, &err);
	const char *given = value_of(fields, count, "auth_signature");
	bool is_right;

	REQUIRE(path != NULL);
	decode_to(path, request->path, strlen(request->path), false);
	sign_fields(request, request->path, fields, count, raw);
	sign_fields(request, path, fields, count, decoded);
	is_right = strcmp(given, raw) == 0 || strcmp(given, decoded) == 0;
	REQUIRE(status == 0 || (status == -1 && err.code == 401 && err.text[0] != '\0'));
	if (status == 0)
		REQUIRE(is_right && strcmp(value_of(fields, count, "auth_key"), key) == 0 &&
		    strcmp(value_of(fields, count, "auth_version"), "1.0") == 0 &&
		    labs(NOW - atol(value_of(fields, count, "auth_timestamp"))) <= 600);
	if (strncmp(err.text, "auth_signature is wrong", 23) == 0)
		REQUIRE(!is_right);
	for (i = 0; i < count; i++) {
		free(fields[i].name);
		free(fields[i].value);
	}
	free(path);
}

/* Signs the request, and expects that nothing else than what it says can be wrong then. */
static void
check_signed(struct pusher_signed *request, char *query, char *end)
{
	struct field fields[FIELDS];
	char signature[65], *whole;
	size_t count, i;

	*end = '\0';
	count = take_apart(query, fields);
	sign_fields(request, request->path, fields, count, signature);
	for (i = 0; i < count; i++) {
		free(fields[i].name);
		free(fields[i].value);
	}
	REQUIRE(asprintf(&whole, "%s&auth_signature=%s", query, signature) != -1);
	request->query = whole;
	check(request);
	free(whole);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *input = malloc(size + 4), *path, *query, *body, *end;
	struct pusher_signed request;

	REQUIRE(input != NULL);
	memcpy(input, data, size);
	memcpy(input + size, "\n\n\n", 4);
	path = input + strcspn(input, "\n");
	*path++ = '\0';
	query = path + strcspn(path, "\n");
	*query++ = '\0';
	body = query + strcspn(query, "\n");
	*body++ = '\0';
	request = (struct pusher_signed){
	    input, path, query, body, body < input + size ? (size_t)(input + size - body) : 0};
	end = query + strlen(query);
	if (end - query >= 2 && strcmp(end - 2, "&!") == 0)
		check_signed(&request, query, end - 2);
	else
		check(&request);
	free(input);
	return 0;
}
