/*
 * See http_client.h. A proxy may append to the line that the client has sent, or add a line of its
 * own: all lines of a header are one list.
 */
#include "sessiond/http/http_client.h"

#include "common/buffer.h"
#include "sockjs/forwarded.h"

#include <strings.h>

/* The two headers, each of all its lines. */
struct lists {
	struct buffer x_forwarded_for, forwarded;
};

static void
add_line(struct buffer *list, const char *value)
{
	if (list->len > 0)
		buffer_append_char(list, ',');
	buffer_append_str(list, value);
}

static enum MHD_Result
take_line(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct lists *lists = cls;

	(void)kind;
	if (value != NULL && strcasecmp(name, "X-Forwarded-For") == 0)
		add_line(&lists->x_forwarded_for, value);
	else if (value != NULL && strcasecmp(name, "Forwarded") == 0)
		add_line(&lists->forwarded, value);
	return MHD_YES;
}

/* NULL: not sent. */
static const char *
text_of(struct buffer *list)
{
	if (list->len == 0)
		return NULL;
	buffer_append_char(list, '\0');
	return buffer_failed(list) ? NULL : list->data;
}

bool
http_client_find(struct http_connection *connection, const struct trusted_proxies *trusted,
    union net_address *client)
{
	struct lists lists = {BUFFER_INIT, BUFFER_INIT};
	union net_address nearest;

	net_address_set(&nearest, http_connection_peer(connection));
	*client = nearest;
	if (!trusted_proxies_has(trusted, &nearest))
		return false;
	MHD_get_connection_values(connection->mhd, MHD_HEADER_KIND, take_line, &lists);
	forwarded_client(
	    trusted, &nearest, text_of(&lists.x_forwarded_for), text_of(&lists.forwarded), client);
	buffer_free(&lists.x_forwarded_for);
	buffer_free(&lists.forwarded);
	return true;
}
