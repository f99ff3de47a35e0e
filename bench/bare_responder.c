/*
 * bare_responder [SOCKET]: the least that libfcgi does for a request, for comparison. It answers
 * each request with a constant, one after the other. Without SOCKET, it listens where mod_fcgid
 * says.
 */
#include <fastcgi.h>
#include <fcgiapp.h>
#include <stdio.h>

int
main(int argc, char **argv)
{
	FCGX_Request request;
	char discarded[4096];
	int fd;

	if (argc > 2) {
		fprintf(stderr, "Usage: bare_responder [SOCKET]\n");
		return 64;
	}
	FCGX_Init();
	fd = argc == 2 ? FCGX_OpenSocket(argv[1], 1024) : FCGI_LISTENSOCK_FILENO;
	if (fd == -1 || FCGX_InitRequest(&request, fd, 0) != 0) {
		fprintf(stderr, "bare_responder: cannot listen on %s\n",
		    argc == 2 ? argv[1] : "its input");
		return 69;
	}
	if (argc == 2) {
		printf("ready %s\n", argv[1]);
		fflush(stdout);
	}
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
