/*
 * For the tests of subprotocols: as much of a STOMP 1.2 broker as one client needs. What it sends
 * comes back to its own subscription. Every frame is one message, as STOMP clients of browsers send
 * them.
 */
#include <sockjs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 1000 };

/* The value of a header of the frame, up to its line's end; "" if there is none. */
static void
header_of(const char *frame, const char *name, char value[TEXT_MAX])
{
	char line[100];
	const char *found;

	snprintf(line, sizeof line, "\n%s:", name);
	found = strstr(frame, line);
	snprintf(value, TEXT_MAX, "%.*s",
	    found == NULL ? 0 : (int)strcspn(found + strlen(line), "\r\n"),
	    found == NULL ? "" : found + strlen(line));
}

/* A frame's NUL is sent with it. */
static void
send_frame(sockjs_connection connection, const char *frame)
{
	sockjs_write(connection, frame, strlen(frame) + 1);
}

static void
on_connect(sockjs_connection connection)
{
	char answer[TEXT_MAX];

	snprintf(answer, sizeof answer, "CONNECTED\nversion:%c.%c\nserver:%s\n\n",
	    sockjs_subprotocol(connection)[1], sockjs_subprotocol(connection)[2],
	    sockjs_protocol(connection));
	send_frame(connection, answer);
}

static void
on_subscribe(sockjs_connection connection, const char *frame)
{
	char id[TEXT_MAX];

	header_of(frame, "id", id);
	free(sockjs_user_data(connection));
	sockjs_set_user_data(connection, strdup(id));
}

static void
on_send(sockjs_connection connection, const char *frame)
{
	const char *id = sockjs_user_data(connection), *body = strstr(frame, "\n\n");
	char destination[TEXT_MAX], message[4 * TEXT_MAX];

	if (id == NULL || body == NULL)
		return;
	header_of(frame, "destination", destination);
	snprintf(message, sizeof message,
	    "MESSAGE\nsubscription:%s\nmessage-id:1\ndestination:%s\n\n%s", id, destination,
	    body + 2);
	send_frame(connection, message);
}

static void
on_disconnect(sockjs_connection connection, const char *frame)
{
	char receipt[TEXT_MAX], answer[2 * TEXT_MAX];

	header_of(frame, "receipt", receipt);
	snprintf(answer, sizeof answer, "RECEIPT\nreceipt-id:%s\n\n", receipt);
	send_frame(connection, answer);
}

/* Who speaks no STOMP is told so, at once. */
static void
on_connection(sockjs_connection connection)
{
	const char *subprotocol = sockjs_subprotocol(connection);

	if (strlen(subprotocol) != strlen("v12.stomp") || strcmp(subprotocol + 3, ".stomp") != 0)
		sockjs_close(connection, 4002, "Only STOMP is spoken here");
}

static void
on_data(sockjs_connection connection, const sockjs_message *message)
{
	char frame[2 * TEXT_MAX];

	if (message->len >= sizeof frame)
		return;
	memcpy(frame, message->data, message->len);
	frame[message->len] = '\0';
	if (strncmp(frame, "CONNECT\n", 8) == 0 || strncmp(frame, "STOMP\n", 6) == 0)
		on_connect(connection);
	else if (strncmp(frame, "SUBSCRIBE\n", 10) == 0)
		on_subscribe(connection, frame);
	else if (strncmp(frame, "SEND\n", 5) == 0)
		on_send(connection, frame);
	else if (strncmp(frame, "DISCONNECT\n", 11) == 0)
		on_disconnect(connection, frame);
}

static void
on_close(sockjs_connection connection)
{
	free(sockjs_user_data(connection));
}

SOCKJS_MODULE = {
    .abi = SOCKJS_ABI,
    .name = "stomp",
    .connection = on_connection,
    .data = on_data,
    .close = on_close,
};
