/*
 * amplify: answers a number N from 1 to 18 with 2^N letters x, and any other message with two.
 */
#include <sockjs.h>

#include <stdlib.h>
#include <string.h>

enum { LARGEST = 18 };

/*
 * Returns the number at the beginning of the message, as JavaScript's parseInt does, or 1 if it is
 * not from 1 to LARGEST.
 */
static int
exponent_of(const sockjs_message *message)
{
	char text[16];
	size_t len = message->len < sizeof text - 1 ? message->len : sizeof text - 1;
	long n;

	memcpy(text, message->data, len);
	text[len] = '\0';
	n = strtol(text, NULL, 10);
	return n < 1 || n > LARGEST ? 1 : (int)n;
}

static void
on_data(sockjs_connection connection, const sockjs_message *message)
{
	static char letters[1 << LARGEST];

	memset(letters, 'x', sizeof letters);
	sockjs_write(connection, letters, (size_t)1 << exponent_of(message));
}

SOCKJS_MODULE = {
    .abi = SOCKJS_ABI,
    .name = "amplify",
    .options = (const char *const[]){NULL}, /* it has none */
    .data = on_data,
};
