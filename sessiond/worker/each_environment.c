/* See each_environment.h. */
#include "sessiond/worker/each_environment.h"

#include "common/buffer.h"
#include "common/memory.h"
#include "wire/connection_info.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
add(struct buffer *text, const char *name, const char *value)
{
	buffer_printf(text, "%s=%s", name, value == NULL ? "" : value);
	buffer_append_char(text, '\0');
}

static void
add_number(struct buffer *text, const char *name, int value)
{
	buffer_printf(text, "%s=%d", name, value);
	buffer_append_char(text, '\0');
}

/* --- the server ------------------------------------------------------------------------------- */

static bool
is_https(sockjs_connection connection)
{
	const char *protocol = sockjs_header(connection, "x-forwarded-proto");

	return protocol != NULL && strncmp(protocol, "https", strlen("https")) == 0;
}

/* Host: NAME[:PORT], where NAME may be an IPv6 address in brackets. */
static void
add_host(struct buffer *text, const char *host, bool is_secure)
{
	const char *end = strchr(host, ']'), *colon = strchr(end == NULL ? host : end, ':');
	size_t len = colon == NULL ? strlen(host) : (size_t)(colon - host);

	buffer_printf(text, "SERVER_NAME=%.*s", (int)len, host);
	buffer_append_char(text, '\0');
	if (colon != NULL)
		add(text, "SERVER_PORT", colon + 1);
	else
		add(text, "SERVER_PORT", is_secure ? "443" : "80");
}

static void
add_server(struct buffer *text, sockjs_connection connection)
{
	const char *host = sockjs_header(connection, "host");
	bool is_secure = is_https(connection);

	if (host != NULL && host[0] != '\0') {
		add_host(text, host, is_secure);
	} else {
		add(text, "SERVER_NAME", sockjs_address(connection));
		add_number(text, "SERVER_PORT", sockjs_port(connection));
	}
	if (is_secure)
		add(text, "HTTPS", "on");
	buffer_printf(text, "SERVER_SOFTWARE=sockjs-fcgi/%s", sockjs_version());
	buffer_append_char(text, '\0');
	add(text, "SERVER_PROTOCOL", "HTTP/1.1");
	add(text, "GATEWAY_INTERFACE", "websocketd-CGI/0.1");
}

/* --- the request ------------------------------------------------------------------------------ */

static void
add_request(struct buffer *text, sockjs_connection connection)
{
	const char *url = sockjs_url(connection), *path = sockjs_pathname(connection);
	const char *prefix = sockjs_prefix(connection), *query = strchr(url, '?');

	add(text, "REQUEST_METHOD", "GET");
	add(text, "REQUEST_URI", url);
	add(text, "SCRIPT_NAME", prefix);
	add(text, "PATH_INFO", path + strlen(prefix));
	add(text, "PATH_TRANSLATED", path);
	add(text, "QUERY_STRING", query == NULL ? "" : query + 1);
	add(text, "REMOTE_ADDR", sockjs_remote_address(connection));
	add(text, "REMOTE_HOST", sockjs_remote_address(connection));
	add_number(text, "REMOTE_PORT", sockjs_remote_port(connection));
	add(text, "UNIQUE_ID", sockjs_id(connection));
}

/* HTTP_PROXY would be taken for the proxy of what the program asks for (httpoxy). */
static void
add_header(struct buffer *text, sockjs_connection connection, const char *name)
{
	const char *value = sockjs_header(connection, name);

	if (value == NULL || strcmp(name, "proxy") == 0)
		return;
	buffer_append_str(text, "HTTP_");
	for (; *name != '\0'; name++)
		buffer_append_char(text, *name == '-' ? '_' : (char)toupper((unsigned char)*name));
	buffer_printf(text, "=%s", value);
	buffer_append_char(text, '\0');
}

static void
add_headers(struct buffer *text, sockjs_connection connection, const char *more)
{
	const char *const *name;
	char further[CONNECTION_HEADER_SIZE];

	for (name = connection_header_names; *name != NULL; name++)
		add_header(text, connection, *name);
	while (connection_header_next(&more, further))
		add_header(text, connection, further);
}

/* What is not known is empty, so that nothing of the daemon's own environment is taken for it. */
static void
add_empty(struct buffer *text)
{
	static const char *const names[] = {
	    "AUTH_TYPE", "CONTENT_LENGTH", "CONTENT_TYPE", "REMOTE_IDENT", "REMOTE_USER"};
	size_t i;

	for (i = 0; i < sizeof names / sizeof names[0]; i++)
		add(text, names[i], NULL);
}

/* --- the list --------------------------------------------------------------------------------- */

/* The strings of text, each of which ends with a NUL, behind an array of where they are. */
static char **
list(const struct buffer *text)
{
	size_t count = 0, i;
	char **strings, *at;

	for (i = 0; i < text->len; i++)
		count += text->data[i] == '\0';
	strings = xcalloc(1, (count + 1) * sizeof *strings + text->len);
	at = (char *)&strings[count + 1];
	memcpy(at, text->data, text->len);
	for (i = 0; i < count; i++) {
		strings[i] = at;
		at += strlen(at) + 1;
	}
	return strings;
}

char **
each_environment(sockjs_connection connection, const char *more_headers)
{
	struct buffer text = BUFFER_INIT;
	char **strings;

	add_server(&text, connection);
	add_request(&text, connection);
	add_headers(&text, connection, more_headers);
	add_empty(&text);
	if (buffer_failed(&text))
		abort(); /* the head of a request is small */
	strings = list(&text);
	buffer_free(&text);
	return strings;
}
