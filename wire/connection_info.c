/*
 * See connection_info.h. Made anew by each receiving request of a session (session.c), read through
 * api.c.
 */
#include "wire/connection_info.h"

#include "common/buffer.h"
#include "sockjs/net_address.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

const char *const connection_header_names[] = {
    "origin",
    "referer",
    "x-client-ip",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-cluster-client-ip",
    "via",
    "x-real-ip",
    "x-forwarded-proto",
    "x-ssl",
    "dnt",
    "host",
    "user-agent",
    "accept-language",
    NULL,
};

#define HEADERS (sizeof connection_header_names / sizeof connection_header_names[0] - 1)

enum text {
	TEXT_URL,
	TEXT_PATHNAME,
	TEXT_PREFIX,
	TEXT_REMOTE,
	TEXT_LOCAL,
	TEXT_SUBPROTOCOL,
	TEXT_HEADERS,
	TEXT_COUNT = TEXT_HEADERS + HEADERS,
};

struct connection_info {
	uint32_t len; /* of texts */
	uint16_t remote_port, local_port;
	uint32_t at[TEXT_COUNT]; /* where each NUL-terminated text begins; NONE: header not sent */
	uint32_t more;		 /* where the names and values of further headers begin */
	char texts[];
};

#define NONE UINT32_MAX

/* Appends a text and its NUL; returns where it begins. */
static uint32_t
add_text(struct buffer *texts, const char *text, size_t len)
{
	uint32_t at = (uint32_t)texts->len;

	buffer_append(texts, text, len);
	buffer_append_char(texts, '\0');
	return at;
}

static uint32_t
add_url(struct buffer *texts, const struct connection_source *source)
{
	uint32_t at = (uint32_t)texts->len;

	buffer_append_str(texts, source->path);
	if (source->query != NULL) {
		buffer_append_char(texts, '?');
		buffer_append_str(texts, source->query);
	}
	buffer_append_char(texts, '\0');
	return at;
}

bool
connection_header_next(const char **list, char name[CONNECTION_HEADER_SIZE])
{
	size_t i, len;

	if (*list == NULL)
		return false;
	*list += strspn(*list, " \t,");
	len = strcspn(*list, " \t,");
	for (i = 0; i < len && i < CONNECTION_HEADER_SIZE - 1; i++)
		name[i] = (char)tolower((unsigned char)(*list)[i]);
	name[i] = '\0';
	*list += len;
	return len > 0;
}

static void
add_more_headers(struct buffer *texts, const struct connection_source *source)
{
	const char *list = source->more_headers, *value;
	char name[CONNECTION_HEADER_SIZE];

	while (connection_header_next(&list, name)) {
		value = source->header(source->context, name);
		if (value == NULL)
			continue;
		add_text(texts, name, strlen(name));
		add_text(texts, value, strlen(value));
	}
}

struct connection_info *
connection_info_create(const struct connection_source *source)
{
	char address[INET6_ADDRSTRLEN];
	struct connection_info head = {0}, *info;
	struct buffer texts = BUFFER_INIT;
	const char *value;
	size_t i;

	head.at[TEXT_URL] = add_url(&texts, source);
	head.at[TEXT_PATHNAME] = add_text(&texts, source->path, strlen(source->path));
	head.at[TEXT_PREFIX] = add_text(&texts, source->path, source->prefix_len);
	net_address_text(source->peer, address);
	head.at[TEXT_REMOTE] = add_text(&texts, address, strlen(address));
	head.remote_port = net_address_port(source->peer);
	net_address_text(source->local, address);
	head.at[TEXT_LOCAL] = add_text(&texts, address, strlen(address));
	head.local_port = net_address_port(source->local);
	/* None: the NUL of the text before. */
	head.at[TEXT_SUBPROTOCOL] = source->subprotocol == NULL
	    ? (uint32_t)texts.len - 1
	    : add_text(&texts, source->subprotocol, strlen(source->subprotocol));
	for (i = 0; i < HEADERS; i++) {
		value = source->header(source->context, connection_header_names[i]);
		head.at[TEXT_HEADERS + i] =
		    value == NULL ? NONE : add_text(&texts, value, strlen(value));
	}
	head.more = (uint32_t)texts.len;
	add_more_headers(&texts, source);
	info = buffer_failed(&texts) ? NULL : malloc(sizeof *info + texts.len);
	if (info == NULL)
		abort();
	head.len = (uint32_t)texts.len;
	*info = head;
	memcpy(info->texts, texts.data, texts.len);
	buffer_free(&texts);
	return info;
}

size_t
connection_info_size(const struct connection_info *info)
{
	return sizeof *info + info->len;
}

const void *
connection_info_bytes(const struct connection_info *info, size_t *len)
{
	*len = connection_info_size(info);
	return info;
}

static bool
is_whole(const struct connection_info *info, size_t len)
{
	size_t i;

	if (info->len == 0 || len - sizeof *info != info->len || info->texts[info->len - 1] != '\0')
		return false;
	for (i = 0; i < TEXT_COUNT; i++)
		if (info->at[i] >= info->len && (i < TEXT_HEADERS || info->at[i] != NONE))
			return false;
	return info->more <= info->len;
}

struct connection_info *
connection_info_from_bytes(const void *bytes, size_t len)
{
	struct connection_info *info;

	if (len < sizeof *info || bytes == NULL)
		return NULL;
	info = malloc(len);
	if (info == NULL)
		abort();
	memcpy(info, bytes, len);
	if (!is_whole(info, len))
		connection_info_destroy(&info);
	return info;
}

void
connection_info_destroy(struct connection_info **info)
{
	free(*info);
	*info = NULL;
}

const char *
connection_info_url(const struct connection_info *info)
{
	return info->texts + info->at[TEXT_URL];
}

const char *
connection_info_pathname(const struct connection_info *info)
{
	return info->texts + info->at[TEXT_PATHNAME];
}

const char *
connection_info_prefix(const struct connection_info *info)
{
	return info->texts + info->at[TEXT_PREFIX];
}

const char *
connection_info_remote_address(const struct connection_info *info)
{
	return info->texts + info->at[TEXT_REMOTE];
}

const char *
connection_info_local_address(const struct connection_info *info)
{
	return info->texts + info->at[TEXT_LOCAL];
}

const char *
connection_info_subprotocol(const struct connection_info *info)
{
	return info->texts + info->at[TEXT_SUBPROTOCOL];
}

int
connection_info_remote_port(const struct connection_info *info)
{
	return info->remote_port;
}

int
connection_info_local_port(const struct connection_info *info)
{
	return info->local_port;
}

/* Among the further ones, which are pairs of texts. */
static const char *
find_more(const struct connection_info *info, const char *name)
{
	const char *at = info->texts + info->more, *end = info->texts + info->len, *value;

	for (; at < end; at = value + strlen(value) + 1) {
		value = at + strlen(at) + 1;
		if (value >= end)
			break;
		if (strcmp(at, name) == 0)
			return value;
	}
	return NULL;
}

const char *
connection_info_header(const struct connection_info *info, const char *name)
{
	size_t i;

	for (i = 0; i < HEADERS; i++)
		if (strcmp(connection_header_names[i], name) == 0)
			return info->at[TEXT_HEADERS + i] == NONE
			    ? NULL
			    : info->texts + info->at[TEXT_HEADERS + i];
	return find_more(info, name);
}
