/*
 * gate: lets nobody in whose URL asks to be refused (`?refuse=STATUS`), and counts its events, so
 * that the end-to-end tests see what is told of whom. An echo otherwise; `events` is answered with
 * the counts.
 */
#include <sockjs.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned asked, opened, closed;

static int
on_authorize(sockjs_connection connection)
{
	const char *wish = strstr(sockjs_url(connection), "refuse=");
	const char *header = sockjs_header(connection, "x-token");
	char who[200];

	asked++;
	if (wish != NULL) {
		sockjs_write(connection, "never", strlen("never"));
		return atoi(wish + strlen("refuse="));
	}
	snprintf(who, sizeof who, "%s %s %s", sockjs_remote_address(connection),
	    sockjs_protocol(connection), header == NULL ? "NULL" : header);
	return sockjs_set_user_data(connection, strdup(who));
}

static void
on_connection(sockjs_connection connection)
{
	const char *who = sockjs_user_data(connection);

	opened++;
	sockjs_write(connection, who, strlen(who));
}

static void
on_data(sockjs_connection connection, const sockjs_message *message)
{
	char text[100];

	if (message->len != strlen("events") ||
	    memcmp(message->data, "events", message->len) != 0) {
		sockjs_write(connection, message->data, message->len);
		return;
	}
	snprintf(text, sizeof text, "%u %u %u", asked, opened, closed);
	sockjs_write(connection, text, strlen(text));
}

static void
on_close(sockjs_connection connection)
{
	closed++;
	free(sockjs_user_data(connection));
}

SOCKJS_MODULE = {
    .abi = SOCKJS_ABI,
    .name = "gate",
    .authorize = on_authorize,
    .connection = on_connection,
    .data = on_data,
    .close = on_close,
};
