/*
 * bare_microhttpd PORT [held]: the least that libmicrohttpd does for a request, for comparison. It
 * answers each request with a constant: those to .../xhr with a frame, all others with 204. With
 * `held` a request to FOLDER/xhr is suspended until the next one to that folder has come.
 */
#include <microhttpd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECTIONS 20000
#define FOLDERS	    65536
#define FRAME	    "a[\"xxxxxxxxxxxxxxxxxxx~\"]\n"

static struct MHD_Response *frame, *nothing;

/* What is known of a folder; a table without an end, as clients are fewer. */
static struct folder {
	char name[64];
	struct MHD_Connection *held;
	bool is_due; /* what a poll would wait for has come */
} * folders;

static struct folder *
folder_of(const char *url, size_t len)
{
	size_t at = 0;
	struct folder *folder;

	len = len < sizeof folder->name ? len : sizeof folder->name - 1;
	for (size_t i = 0; i < len; i++)
		at = at * 31 + (unsigned char)url[i];
	do
		folder = &folders[at++ % FOLDERS];
	while (
	    folder->name[0] && (strncmp(folder->name, url, len) != 0 || folder->name[len] != '\0'));
	memcpy(folder->name, url, len);
	return folder;
}

/* True if the poll is to be answered; else it is suspended. */
static bool
is_due(struct MHD_Connection *connection, struct folder *folder)
{
	bool was = folder->is_due;

	folder->is_due = false;
	if (was)
		return true;
	folder->held = connection;
	MHD_suspend_connection(connection);
	return false;
}

static void
go_on(struct folder *folder)
{
	folder->is_due = true;
	if (folder->held)
		MHD_resume_connection(folder->held);
	folder->held = NULL;
}

static enum MHD_Result
on_request(void *data, struct MHD_Connection *connection, const char *url, const char *method,
    const char *version, const char *body, size_t *body_len, void **seen)
{
	const char *end = strrchr(url, '/');
	bool is_poll = end && strcmp(end, "/xhr") == 0;
	struct folder *folder;

	(void)data;
	(void)method;
	(void)version;
	(void)body;
	if (!*seen || *body_len > 0) {
		*seen = frame;
		*body_len = 0;
		return MHD_YES;
	}
	folder = folders && end ? folder_of(url, (size_t)(end - url)) : NULL;
	if (is_poll && folder && !is_due(connection, folder))
		return MHD_YES;
	if (is_poll)
		return MHD_queue_response(connection, 200, frame);
	if (folder)
		go_on(folder);
	return MHD_queue_response(connection, 204, nothing);
}

/* Of one thread, which has no other to wake up. */
static void
serve(const char *port, bool holds)
{
	unsigned flags = MHD_USE_EPOLL | (holds ? MHD_ALLOW_SUSPEND_RESUME & ~MHD_USE_ITC : 0);
	struct MHD_Daemon *daemon = MHD_start_daemon(flags, (uint16_t)atoi(port), NULL, NULL,
	    on_request, NULL, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS,
	    MHD_OPTION_LISTEN_BACKLOG_SIZE, 4096, MHD_OPTION_END);

	if (!daemon) {
		fprintf(stderr, "bare_microhttpd: cannot listen on port %s\n", port);
		exit(69);
	}
	printf("ready %s\n", port);
	fflush(stdout);
	for (;;)
		MHD_run_wait(daemon, -1);
}

int
main(int argc, char **argv)
{
	bool holds = argc == 3 && strcmp(argv[2], "held") == 0;

	if (argc != 2 && !holds) {
		fprintf(stderr, "Usage: bare_microhttpd PORT [held]\n");
		return 64;
	}
	if (holds)
		folders = calloc(FOLDERS, sizeof *folders);
	frame =
	    MHD_create_response_from_buffer(strlen(FRAME), (char *)FRAME, MHD_RESPMEM_PERSISTENT);
	nothing = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	MHD_add_response_header(frame, "Content-Type", "application/javascript; charset=UTF-8");
	serve(argv[1], holds);
}
