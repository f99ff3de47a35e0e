/*
 * The smallest worker (doc/workers.md): sends back what it hears. It acknowledges all that it has
 * read at once, and writes its calls in one piece. It knows in which order members come, and has no
 * parser; one in earnest would have.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char in[1 << 17], out[1 << 19];
static size_t out_len;
static long last; /* seq */

/* {"event":"data","seq":7,"id":"36 characters","data":"..."} */
static void
hear(const char *line)
{
	const char *seq = strstr(line, "\"seq\":"), *id = strstr(line, "\"id\":\""),
		   *data = strstr(line, ",\"data\":");

	if (seq != NULL)
		last = strtol(seq + strlen("\"seq\":"), NULL, 10);
	if (strncmp(line, "{\"event\":\"data\"", strlen("{\"event\":\"data\"")) != 0)
		return;
	if (id != NULL && data != NULL)
		out_len += (size_t)snprintf(
		    out + out_len, sizeof out - out_len, "{\"call\":\"write\",%.43s%s\n", id, data);
}

int
main(void)
{
	size_t len = 0;
	ssize_t n;

	while ((n = read(STDIN_FILENO, in + len, sizeof in - len)) > 0) {
		char *line = in, *end = in + len + n, *newline;

		out_len = 0;
		last = 0;
		while ((newline = memchr(line, '\n', (size_t)(end - line))) != NULL) {
			*newline = '\0';
			hear(line);
			line = newline + 1;
		}
		if (last != 0)
			out_len += (size_t)snprintf(out + out_len, sizeof out - out_len,
			    "{\"call\":\"ack\",\"seq\":%ld}\n", last);
		if (write(STDOUT_FILENO, out, out_len) != (ssize_t)out_len)
			return EXIT_FAILURE;
		len = (size_t)(end - line);
		memmove(in, line, len);
	}
	return EXIT_SUCCESS;
}
