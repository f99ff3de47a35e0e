/*
 * bare_responder SOCKET: the least that libfcgi does for a request, for comparison. It answers each
 * request with a constant, one after the other.
 */
#include <fcgiapp.h>
#include <stdio.h>

int
main(int argc, char **argv)
{
	FCGX_Request request;
	char discarded[4096];
	int fd;

	if (argc != 2) {
		fprintf(stderr, "Usage: bare_responder SOCKET\n");
		return 64;
	}
	FCGX_Init();
	fd = FCGX_OpenSocket(argv[1], 1024);
	if (fd == -1 || FCGX_InitRequest(&request, fd, 0) != 0) {
		fprintf(stderr, "bare_responder: cannot listen on %s\n", argv[1]);
		return 69;
	}
	printf("ready %s\n", argv[1]);
	fflush(stdout);
	while (FCGX_Accept_r(&request) == 0) {
		while (
		    FCGX_GetStr(discarded, sizeof discarded, request.in) == (int)sizeof discarded)
			;
		FCGX_PutS(
		    "Status: 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\na[\"~\"]",
		    request.out);
		FCGX_Finish_r(&request);
	}
	return 0;
}
