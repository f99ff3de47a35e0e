/*
 * bare_websocket PORT: the least that a websocket server does for a message, for comparison: one
 * recv, one send, and epoll. Below /echo a message goes back to its sender, below /broadcast to
 * everybody. A path of a SockJS session (/echo/000/ID/websocket) has SockJS's frames, without a
 * look at what is in them; any other has raw ones. It trusts its clients.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG	     4096
#define EVENTS	     512
#define LARGEST	     (1 << 17) /* bytes of a message, and of a request */
#define HEAD_ROOM    16	       /* before a message, for the answer's own head */
#define FIRST_BYTE   0x81      /* FIN, text */
#define OPCODE	     0x0f
#define OPCODE_CLOSE 8

struct client {
	int fd;
	bool upgraded, sockjs, broadcast;
	char *kept; /* LARGEST bytes: the beginning of a message that has not come whole */
	size_t kept_len;
	LIST_ENTRY(client) list;
};

static LIST_HEAD(, client) everybody = LIST_HEAD_INITIALIZER(everybody);
static int epoll;
static char space[HEAD_ROOM + LARGEST];

static void
fail(const char *what)
{
	perror(what);
	exit(1);
}

static void
leave(struct client *client)
{
	LIST_REMOVE(client, list);
	close(client->fd);
	free(client->kept);
	free(client);
}

static void
send_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n == -1)
			return;
		data += n;
		len -= (size_t)n;
	}
}

/* Writes the head of a frame so that it ends where the payload begins; returns where it begins. */
static char *
put_head(char *payload, size_t len)
{
	char *at = payload;

	if (len >= 126) {
		unsigned bytes = len < 65536 ? 2 : 8;

		for (unsigned i = 0; i < bytes; i++)
			*--at = (char)((uint64_t)len >> 8 * i);
		*--at = bytes == 2 ? 126 : 127;
	} else {
		*--at = (char)len;
	}
	*--at = (char)FIRST_BYTE;
	return at;
}

static void
answer(struct client *client, char *payload, size_t len)
{
	struct client *each;
	char *frame;

	if (client->sockjs) {
		*--payload = 'a';
		len++;
	}
	frame = put_head(payload, len);
	len += (size_t)(payload - frame);
	if (!client->broadcast) {
		send_all(client->fd, frame, len);
		return;
	}
	LIST_FOREACH(each, &everybody, list) {
		send_all(each->fd, frame, len);
	}
}

/* Four bytes at a time: the compiler makes more of it. */
static void
unmask(char *payload, size_t len, const char *mask_bytes)
{
	uint32_t mask, word;
	size_t i = 0;

	memcpy(&mask, mask_bytes, sizeof mask);
	for (; i + sizeof word <= len; i += sizeof word) {
		memcpy(&word, payload + i, sizeof word);
		word ^= mask;
		memcpy(payload + i, &word, sizeof word);
	}
	for (; i < len; i++)
		payload[i] = (char)(payload[i] ^ mask_bytes[i % 4]);
}

/* Returns the bytes of the frame that begins there, and where its payload does; 0 for no frame. */
static size_t
find_frame(const char *data, size_t len, size_t *head)
{
	const uint8_t *bytes = (const uint8_t *)data;
	uint64_t size;

	if (len < 2)
		return 0;
	size = bytes[1] & 0x7f;
	*head = 2 + (size < 126 ? 0 : size == 126 ? 2 : 8) + 4;
	if (len < *head)
		return 0;
	if (size >= 126) {
		size = 0;
		for (size_t i = 2; i < *head - 4; i++)
			size = size << 8 | bytes[i];
	}
	return len - *head >= size ? *head + (size_t)size : 0;
}

/* Returns how many bytes were whole frames; SIZE_MAX if the client says that it leaves. */
static size_t
take_frames(struct client *client, char *data, size_t len)
{
	size_t taken = 0, head, size;

	while ((size = find_frame(data + taken, len - taken, &head)) > 0) {
		char *payload = data + taken + head;
		char mask[4];

		if ((data[taken] & OPCODE) == OPCODE_CLOSE)
			return SIZE_MAX;
		memcpy(mask, payload - 4, 4);
		unmask(payload, size - head, mask);
		/* The answer's head is shorter than the message's own. */
		answer(client, payload, size - head);
		taken += size;
	}
	return taken;
}

/* Returns as take_frames. */
static size_t
take_request(struct client *client, const char *data, size_t len)
{
	static const char accepted[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
				       "Connection: Upgrade\r\n\r\n";

	if (!memmem(data, len, "\r\n\r\n", 4))
		return 0;
	client->upgraded = true;
	client->sockjs = memmem(data, len, "/000/", 5) != NULL;
	client->broadcast = strncmp(data, "GET /broadcast", 14) == 0;
	send_all(client->fd, accepted, strlen(accepted));
	if (client->sockjs)
		send_all(client->fd, "\x81\x01o", 3);
	return len;
}

/* What is left of a message waits in the client's own memory for the rest. */
static void
keep(struct client *client, const char *data, size_t len)
{
	if (len > 0 && !client->kept && !(client->kept = malloc(LARGEST)))
		fail("malloc");
	if (len > 0)
		memmove(client->kept, data, len);
	client->kept_len = len;
}

static void
take(struct client *client)
{
	char *data = space + HEAD_ROOM;
	size_t len = client->kept_len, taken;
	ssize_t n;

	if (len > 0)
		memcpy(data, client->kept, len);
	n = recv(client->fd, data + len, LARGEST - len, MSG_DONTWAIT);
	if (n == -1 && errno == EAGAIN)
		return;
	len += n > 0 ? (size_t)n : 0;
	taken = client->upgraded ? take_frames(client, data, len) : take_request(client, data, len);
	if (n <= 0 || taken == SIZE_MAX) {
		if (taken == SIZE_MAX)
			send_all(client->fd, "\x88\x02\x03\xe8", 4);
		leave(client);
		return;
	}
	keep(client, data + taken, len - taken);
}

static void
meet(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC), on = 1;
	struct client *client = calloc(1, sizeof *client);
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};

	if (fd == -1 || !client)
		fail("accept4");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	client->fd = fd;
	LIST_INSERT_HEAD(&everybody, client, list);
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == -1)
		fail("epoll_ctl");
}

static int
listen_at(uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&address, sizeof address) == -1 ||
	    listen(fd, BACKLOG) == -1 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == -1)
		fail("listen");
	return fd;
}

int
main(int argc, char **argv)
{
	struct epoll_event events[EVENTS];
	int listener;

	if (argc != 2) {
		fprintf(stderr, "Usage: bare_websocket PORT\n");
		return 64;
	}
	epoll = epoll_create1(EPOLL_CLOEXEC);
	listener = listen_at((uint16_t)atoi(argv[1]));
	printf("ready %s\n", argv[1]);
	fflush(stdout);
	for (;;) {
		int count = epoll_wait(epoll, events, EVENTS, -1);

		for (int i = 0; i < count; i++) {
			if (events[i].data.ptr)
				take(events[i].data.ptr);
			else
				meet(listener);
		}
	}
}
