/* See engine_address.h. */
#include "conf/engine_address.h"

#include "common/memory.h"
#include "sockjs/form.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define TCP_SCHEME   "redis://"
#define UNIX_SCHEME  "redis+unix://"
#define DEFAULT_PORT "6379"

enum { PORT_MAX = 65535, DB_MAX = 65535 };

void
engine_address_clear(struct engine_address *address)
{
	free(address->host);
	free(address->path);
	free(address->user);
	free(address->password);
	*address = (struct engine_address){NULL};
}

/* A number of digits alone, of at most max. */
static bool
read_number(const char *text, unsigned max, unsigned *number)
{
	size_t len = strlen(text);

	if (len == 0 || len > 5 || strspn(text, "0123456789") != len)
		return false;
	*number = (unsigned)strtoul(text, NULL, 10);
	return *number <= max;
}

static char *
decode(const char *text)
{
	char *decoded = xstrdup(text);

	decoded[form_decode_path(decoded, strlen(decoded))] = '\0';
	return decoded;
}

/* Cuts "user:password@" off. Returns what follows. */
static char *
take_user(char *text, struct engine_address *address)
{
	char *at = strrchr(text, '@'), *colon;

	if (at == NULL)
		return text;
	*at = '\0';
	colon = strchr(text, ':');
	if (colon != NULL) {
		*colon = '\0';
		address->password = decode(colon + 1);
	}
	if (*text != '\0')
		address->user = decode(text);
	return at + 1;
}

/* Cuts the text at a character; returns what follows, NULL: it is not in it. */
static char *
cut(char *text, char c)
{
	char *at = strchr(text, c);

	if (at == NULL)
		return NULL;
	*at = '\0';
	return at + 1;
}

/* HOST[:PORT][/DB] */
static bool
read_host(char *text, struct engine_address *address)
{
	char *db = cut(text, '/'), *port = NULL;
	unsigned number;

	if (db != NULL && *db != '\0' && !read_number(db, DB_MAX, &address->db))
		return false;
	if (*text == '[') {
		char *end = strchr(++text, ']');

		if (end == NULL || (end[1] != ':' && end[1] != '\0'))
			return false;
		*end = '\0';
		port = end[1] == ':' ? end + 2 : NULL;
	} else {
		port = cut(text, ':');
	}
	if (*text == '\0' ||
	    (port != NULL && (!read_number(port, PORT_MAX, &number) || number == 0)))
		return false;
	address->host = xstrdup(text);
	snprintf(address->port, sizeof address->port, "%s", port == NULL ? DEFAULT_PORT : port);
	return true;
}

/* /PATH[?db=DB] */
static bool
read_path(char *text, struct engine_address *address)
{
	char *query = cut(text, '?');

	if (query != NULL &&
	    (strncmp(query, "db=", 3) != 0 || !read_number(query + 3, DB_MAX, &address->db)))
		return false;
	if (*text != '/')
		return false;
	address->path = xstrdup(text);
	return true;
}

int
engine_address_read(const char *text, struct engine_address *address, struct error *err)
{
	bool is_unix = strncmp(text, UNIX_SCHEME, strlen(UNIX_SCHEME)) == 0, is_right;
	char *copy, *rest;

	*address = (struct engine_address){NULL};
	if (strcmp(text, "memory") == 0)
		return 0;
	if (!is_unix && strncmp(text, TCP_SCHEME, strlen(TCP_SCHEME)) != 0)
		return error_set(err, EX_CONFIG,
		    "it is memory, redis://[user[:password]@]HOST[:PORT][/DB], or "
		    "redis+unix://[user[:password]@]/PATH[?db=DB]; TLS is none of it");
	copy = xstrdup(text + strlen(is_unix ? UNIX_SCHEME : TCP_SCHEME));
	rest = take_user(copy, address);
	is_right = is_unix ? read_path(rest, address) : read_host(rest, address);
	free(copy);
	if (is_right)
		return 1;
	engine_address_clear(address);
	return error_set(err, EX_CONFIG,
	    is_unix ? "what follows redis+unix:// is [user[:password]@]/PATH[?db=DB]"
		    : "what follows redis:// is [user[:password]@]HOST[:PORT][/DB]");
}

int
engine_address_check(const char *option, const char *text, struct error *err)
{
	struct engine_address address;
	struct error why = ERROR_INIT;
	int status = engine_address_read(text, &address, &why);

	engine_address_clear(&address);
	return status == -1 ? error_set(err, why.code, "%s: %s", option, why.text) : 0;
}

char *
engine_address_name(const struct engine_address *address)
{
	char *name;

	if (address->path != NULL)
		return xstrdup(address->path);
	if (asprintf(&name, strchr(address->host, ':') != NULL ? "[%s]:%s" : "%s:%s", address->host,
		address->port) == -1)
		abort();
	return name;
}
