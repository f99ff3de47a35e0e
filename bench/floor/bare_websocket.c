/*
 * bare_websocket PORT: the least that a websocket server does for a message, for comparison: one
 * recv, one send, and epoll. Below /echo a message goes back to its sender, below /broadcast to
 * everybody. A path of a SockJS session (/echo/000/ID/websocket) has SockJS's frames, without a
 * look at what is in them; any other has raw ones. Of a message it makes one pass, which takes the
 * mask off as fast as memory can be copied; who offers compression gets zlib besides, as our server
 * sets it for messages of 2 KB.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <zlib.h>

#include "bench/floor/serve.h"

#define LARGEST	     (1 << 17) /* bytes of a message, and of a request */
#define HEAD_ROOM    16	       /* before a message, for the answer's own head */
#define FIRST_BYTE   0x81      /* FIN, text */
#define COMPRESSED   0x40
#define OPCODE	     0x0f
#define OPCODE_CLOSE 8

/* The empty block that a flushed message ends with, which is not sent (RFC 7692, 7.2.1). */
#define TAIL	 "\0\0\xff\xff"
#define TAIL_LEN 4

/* Our server's. */
#define ZLIB_LEVEL  1
#define ZLIB_BITS   12
#define ZLIB_MEMORY 6

struct client {
	struct peer peer;
	bool upgraded, sockjs, broadcast;
	char *kept; /* LARGEST bytes: the beginning of a message that has not come whole */
	size_t kept_len;
	LIST_ENTRY(client) list;
};

static LIST_HEAD(, client) everybody = LIST_HEAD_INITIALIZER(everybody);
static char space[HEAD_ROOM + LARGEST + TAIL_LEN];

static void
leave(struct client *client)
{
	if (client->upgraded)
		LIST_REMOVE(client, list);
	free(client->kept);
	serve_end(client);
}

/* Writes the head of a frame so that it ends where the payload begins; returns where it begins. */
static char *
put_head(char *payload, size_t len, int first_byte)
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
	*--at = (char)first_byte;
	return at;
}

static void
send_frame(const struct client *client, char *payload, size_t len, int first_byte)
{
	struct client *each;
	char *frame = put_head(payload, len, first_byte);

	len += (size_t)(payload - frame);
	if (!client->broadcast) {
		send_all(client->peer.fd, frame, len);
		return;
	}
	LIST_FOREACH(each, &everybody, list) {
		send_all(each->peer.fd, frame, len);
	}
}

static void
flow(z_stream *z, char *from, size_t from_len, char *to, size_t room)
{
	z->next_in = (Bytef *)from;
	z->avail_in = (uInt)from_len;
	z->next_out = (Bytef *)to;
	z->avail_out = (uInt)room;
}

/* Without contexts, one of each serves all. Behind the payload is room for the tail. */
static void
answer_compressed(const struct client *client, char *payload, size_t len)
{
	static char plain[LARGEST], packed[HEAD_ROOM + LARGEST];
	static z_stream in, out;
	char behind[TAIL_LEN];

	if (!in.state &&
	    (inflateInit2(&in, -MAX_WBITS) != Z_OK ||
		deflateInit2(&out, ZLIB_LEVEL, Z_DEFLATED, -ZLIB_BITS, ZLIB_MEMORY,
		    Z_DEFAULT_STRATEGY) != Z_OK))
		fail("zlib");
	memcpy(behind, payload + len, TAIL_LEN);
	memcpy(payload + len, TAIL, TAIL_LEN);
	inflateReset(&in);
	flow(&in, payload, len + TAIL_LEN, plain, sizeof plain);
	inflate(&in, Z_SYNC_FLUSH);
	memcpy(payload + len, behind, TAIL_LEN);
	deflateReset(&out);
	flow(&out, plain, in.total_out, packed + HEAD_ROOM, LARGEST);
	deflate(&out, Z_SYNC_FLUSH);
	send_frame(client, packed + HEAD_ROOM, out.total_out - TAIL_LEN, FIRST_BYTE | COMPRESSED);
}

static void
answer(const struct client *client, char *payload, size_t len)
{
	if (client->sockjs) {
		*--payload = 'a';
		len++;
	}
	send_frame(client, payload, len, FIRST_BYTE);
}

/* What a vector register holds at a time. */
static void
unmask(char *payload, size_t len, const char *mask_bytes)
{
	typedef uint32_t block __attribute__((vector_size(16), aligned(1), may_alias));
	uint32_t word;
	size_t i = 0;
	block mask;

	memcpy(&word, mask_bytes, sizeof word);
	mask = (block){word, word, word, word};
	for (; i + sizeof mask <= len; i += sizeof mask)
		*(block *)(payload + i) ^= mask;
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
		if (data[taken] & COMPRESSED)
			answer_compressed(client, payload, size - head);
		else
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
	static const char deflates[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
				       "Connection: Upgrade\r\nSec-WebSocket-Extensions: "
				       "permessage-deflate; server_no_context_takeover; "
				       "client_no_context_takeover\r\n\r\n";
	const char *words;

	if (!memmem(data, len, "\r\n\r\n", 4))
		return 0;
	client->upgraded = true;
	LIST_INSERT_HEAD(&everybody, client, list);
	client->sockjs = memmem(data, len, "/000/", 5) != NULL;
	client->broadcast = strncmp(data, "GET /broadcast", 14) == 0;
	words = memmem(data, len, "permessage-deflate", 18) ? deflates : accepted;
	send_all(client->peer.fd, words, strlen(words));
	if (client->sockjs)
		send_all(client->peer.fd, "\x81\x01o", 3);
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
take(void *of)
{
	struct client *client = of;
	char *data = space + HEAD_ROOM;
	size_t len = client->kept_len, taken;
	ssize_t n;

	if (len > 0)
		memcpy(data, client->kept, len);
	n = recv(client->peer.fd, data + len, LARGEST - len, 0);
	len += n > 0 ? (size_t)n : 0;
	taken = client->upgraded ? take_frames(client, data, len) : take_request(client, data, len);
	if (n <= 0 || taken == SIZE_MAX) {
		if (taken == SIZE_MAX)
			send_all(client->peer.fd, "\x88\x02\x03\xe8", 4);
		leave(client);
		return;
	}
	keep(client, data + taken, len - taken);
}

int
main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "Usage: bare_websocket PORT\n");
		return 64;
	}
	serve(argv[1], sizeof(struct client), take);
}
