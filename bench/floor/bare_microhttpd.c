/*
 * bare_microhttpd PORT: the least that libmicrohttpd does for a request, for comparison. It answers
 * each request with a constant: those to .../xhr with a frame, all others with 204.
 */
#include <microhttpd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONNECTIONS 20000
#define FRAME	    "a[\"xxxxxxxxxxxxxxxxxxx~\"]\n"

static struct MHD_Response *frame, *nothing;

static enum MHD_Result
on_request(void *data, struct MHD_Connection *connection, const char *url, const char *method,
    const char *version, const char *body, size_t *body_len, void **seen)
{
	const char *end = strrchr(url, '/');

	(void)data;
	(void)method;
	(void)version;
	(void)body;
	if (!*seen || *body_len > 0) {
		*seen = frame;
		*body_len = 0;
		return MHD_YES;
	}
	if (end && strcmp(end, "/xhr") == 0)
		return MHD_queue_response(connection, 200, frame);
	return MHD_queue_response(connection, 204, nothing);
}

int
main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "Usage: bare_microhttpd PORT\n");
		return 64;
	}
	frame =
	    MHD_create_response_from_buffer(strlen(FRAME), (char *)FRAME, MHD_RESPMEM_PERSISTENT);
	nothing = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	MHD_add_response_header(frame, "Content-Type", "application/javascript; charset=UTF-8");
	if (!MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, (uint16_t)atoi(argv[1]), NULL, NULL,
		on_request, NULL, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS,
		MHD_OPTION_LISTEN_BACKLOG_SIZE, 4096, MHD_OPTION_END)) {
		fprintf(stderr, "bare_microhttpd: cannot listen on port %s\n", argv[1]);
		return 69;
	}
	printf("ready %s\n", argv[1]);
	fflush(stdout);
	for (;;)
		pause();
}
