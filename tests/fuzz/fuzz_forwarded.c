/*
 * Fuzz target: any list of trusted_proxies, and any X-Forwarded-For and Forwarded. Whatever a
 * client has written, what a trusted proxy appends stands; who is not trusted is the client; and
 * what is found is an address in its one form. Input: the three texts, each ended by a NUL. Built
 * with -fsanitize=fuzzer, or with replay.c for the corpus.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sockjs/forwarded.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert(): it has to hold in a build with NDEBUG as well. */
#define REQUIRE(condition)                                                                         \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);    \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static struct trusted_proxies *trusted; /* the nearest hop is one, the clients below are not */
static union net_address nearest;

/* The next text of the input, copied without a byte to spare. */
static char *
next_text(const uint8_t **data, size_t *size)
{
	const uint8_t *end = memchr(*data, '\0', *size);
	size_t len = end == NULL ? *size : (size_t)(end - *data);
	char *text = malloc(len + 1);

	REQUIRE(text != NULL);
	memcpy(text, *data, len);
	text[len] = '\0';
	*data += end == NULL ? len : len + 1;
	*size -= end == NULL ? len : len + 1;
	return text;
}

static void
check_client(const union net_address *client)
{
	char text[INET6_ADDRSTRLEN];
	union net_address again;

	if (memcmp(client, &nearest, sizeof nearest) == 0 || client->any.sa_family == AF_UNIX)
		return;
	REQUIRE(client->any.sa_family == AF_INET || client->any.sa_family == AF_INET6);
	REQUIRE(net_address_port(&client->any) == 0);
	net_address_text(&client->any, text);
	REQUIRE(net_address_parse(&again, text, strlen(text)));
	REQUIRE(net_address_is_same(&again, client));
}

/* Puts what a proxy appends, an address in three forms, behind what a client has written. */
static void
check_appended(const char *header, bool is_forwarded, const char *address)
{
	static const char *const formats[2][3] = {{"%s, %s", "%s,\t%s ", "%s,[%s]:80"},
	    {"%s, for=%s", "%s,proto=http;for=\"%s\"", "%s,host=\"a\\\",for=\";for=%s"}};
	char *list = malloc(strlen(header) + 100);
	union net_address client, expected;

	REQUIRE(list != NULL);
	REQUIRE(net_address_parse(&expected, address, strlen(address)));
	for (int i = 0; i < 3; i++) {
		if (!is_forwarded && i == 2 && strchr(address, ':') == NULL)
			break;
		sprintf(list, formats[is_forwarded][i], header, address);
		forwarded_client(trusted, &nearest, is_forwarded ? NULL : list,
		    is_forwarded ? list : NULL, &client);
		REQUIRE(net_address_is_same(&client, &expected));
	}
	free(list);
}

static void
check_headers(const char *list, const char *forwarded)
{
	static const char *const clients[] = {"203.0.113.7", "2001:db8::7"};
	union net_address client, of_list, of_forwarded;

	forwarded_client(NULL, &nearest, list, forwarded, &client);
	REQUIRE(memcmp(&client, &nearest, sizeof client) == 0);
	forwarded_client(trusted, &nearest, list, NULL, &of_list);
	check_client(&of_list);
	forwarded_client(trusted, &nearest, NULL, forwarded, &of_forwarded);
	check_client(&of_forwarded);
	forwarded_client(trusted, &nearest, list, forwarded, &client);
	REQUIRE(net_address_is_same(&client, &of_list) ||
	    net_address_is_same(&client, &of_forwarded) || net_address_is_same(&client, &nearest));
	for (size_t i = 0; i < sizeof clients / sizeof clients[0]; i++) {
		check_appended(list, false, clients[i]);
		check_appended(forwarded, true, clients[i]);
	}
}

/* A list is one, or its error says what is wrong; a single address is then on it. */
static void
check_list(const char *text)
{
	struct error err = {0, ""};
	struct trusted_proxies *own = trusted_proxies_create(text, &err);
	union net_address address;

	REQUIRE((own == NULL) == (err.code != 0) && (own == NULL) == (err.text[0] != '\0'));
	if (net_address_parse(&address, text, strlen(text)))
		REQUIRE(own != NULL && trusted_proxies_has(own, &address));
	trusted_proxies_destroy(&own);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = next_text(&data, &size), *list = next_text(&data, &size);
	char *forwarded = next_text(&data, &size);
	struct error err = {0, ""};

	if (trusted == NULL)
		trusted = trusted_proxies_create("unix 10.0.0.0/8 fd00::/8", &err);
	REQUIRE(trusted != NULL && net_address_parse(&nearest, "10.0.0.1", strlen("10.0.0.1")));
	nearest.v4.sin_port = htons(4711);
	check_list(text);
	check_headers(list, forwarded);
	free(text);
	free(list);
	free(forwarded);
	return 0;
}
