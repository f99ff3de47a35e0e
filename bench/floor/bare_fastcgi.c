/*
 * bare_fastcgi SOCKET: the least that a responder does for a request of a web server that connects
 * for each: accept, one recv, one send of a constant, close.
 */
#include <fastcgi.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bench/floor/serve.h"

enum { LARGEST = 1 << 17 }; /* bytes of a request */

#define CONTENT "Status: 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\na[\"~\"]"

static const struct {
	FCGI_Header head;
	char content[sizeof CONTENT - 1];
	FCGI_EndRequestRecord end;
} response = {
    .head = {FCGI_VERSION_1, FCGI_STDOUT, 0, 1, 0, sizeof CONTENT - 1, 0, 0},
    .content = CONTENT,
    .end.header = {FCGI_VERSION_1, FCGI_END_REQUEST, 0, 1, 0, sizeof(FCGI_EndRequestBody), 0, 0},
};

/* A request is whole with the empty record that ends its standard input. */
static int
is_whole(const unsigned char *request, size_t len)
{
	const FCGI_Header *last = (const FCGI_Header *)(const void *)(request + len) - 1;

	return len >= sizeof *last && last->type == FCGI_STDIN && last->contentLengthB1 == 0 &&
	    last->contentLengthB0 == 0;
}

static void
answer(int fd)
{
	static unsigned char request[LARGEST];
	size_t len = 0;
	ssize_t n = 1;

	while (n > 0 && !is_whole(request, len)) {
		n = recv(fd, request + len, sizeof request - len, 0);
		len += n > 0 ? (size_t)n : 0;
	}
	if (n > 0)
		send_all(fd, (const char *)&response, sizeof response);
	close(fd);
}

int
main(int argc, char **argv)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), fd;

	if (argc != 2) {
		fprintf(stderr, "Usage: bare_fastcgi SOCKET\n");
		return 64;
	}
	strncpy(address.sun_path, argv[1], sizeof address.sun_path - 1);
	if (bind(listener, (struct sockaddr *)&address, sizeof address) == -1 ||
	    listen(listener, 1024) == -1)
		fail("bind");
	printf("ready %s\n", argv[1]);
	fflush(stdout);
	while ((fd = accept(listener, NULL, NULL)) != -1)
		answer(fd);
	fail("accept");
}
