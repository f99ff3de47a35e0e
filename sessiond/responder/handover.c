/*
 * See handover.h.
 */
#include "sessiond/responder/handover.h"

#include "wire/wire_daemons.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

static int
option_of(int fd, int option)
{
	int value = -1;
	socklen_t len = sizeof value;

	return getsockopt(fd, SOL_SOCKET, option, &value, &len) == -1 ? -1 : value;
}

/* What accept(2) may have returned. */
static bool
is_connection(int fd)
{
	int domain = option_of(fd, SO_DOMAIN);

	return option_of(fd, SO_TYPE) == SOCK_STREAM && option_of(fd, SO_ACCEPTCONN) == 0 &&
	    (domain == AF_INET || domain == AF_INET6 || domain == AF_UNIX);
}

/* It tells before that it has it: if this daemon dies now, the request may have been looked at. */
static void
confirm(struct peer *peer, uint64_t request)
{
	wire_encode_taken(peer_output(peer), request);
	link_flush(peer->link);
}

static void
take_connection(struct http_server *http, int fd, const char *bytes, size_t bytes_len)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof address;

	/* The client has gone meanwhile. */
	if (getpeername(fd, (struct sockaddr *)&address, &len) == -1 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) == -1) {
		close(fd);
		return;
	}
	/* As for those that were accepted: a Unix socket's peer has no name that says anything. */
	if (address.ss_family == AF_UNIX)
		len = sizeof address.ss_family;
	http_server_take(http, fd, (struct sockaddr *)&address, len, bytes, bytes_len);
}

int
handover_take(struct peer *peer, const struct wire_header *header, const char *payload,
    struct http_server *http)
{
	int fd = peer_take_descriptor(peer);

	if (fd == -1)
		return -1;
	if (!is_connection(fd)) {
		close(fd);
		return -1;
	}
	confirm(peer, header->request);
	take_connection(http, fd, payload, header->length);
	return 0;
}

int
handover_decline(struct peer *peer)
{
	int fd = peer_take_descriptor(peer);

	if (fd == -1)
		return -1;
	close(fd);
	return 0;
}
