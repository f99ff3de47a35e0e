/*
 * One client of the server under test: its connections, and what is on its way.
 */
#ifndef LOAD_CLIENT_H
#define LOAD_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "bench/load/frames.h"
#include "bench/load/way.h"
#include "common/buffer.h"

#define CLIENT_ID_SIZE	32
#define CLIENT_SID_SIZE 64

struct client;

enum client_event {
	CLIENT_OPENED,	  /* messages may be sent */
	CLIENT_DELIVERED, /* count messages have come */
	CLIENT_SENT,	  /* the server has taken the message: the next may be sent */
	CLIENT_ENDED,	  /* after client_close: the server has closed, too */
};

/* What all clients of a run share. */
struct target {
	const struct way *way;
	const char *path;    /* of the service, as /echo */
	const char *up;	     /* where messages go that are no frames: a port, or a Unix socket */
	const char *message; /* ends with MESSAGE_MARK */
	const char *from;    /* the clients' address; NULL: 127.0.0.1 */
	uint16_t port;	     /* of 127.0.0.1 */
	bool deflate;
	int epoll;
	void (*on_event)(struct client *client, enum client_event event, unsigned count);
};

struct connection {
	int fd; /* -1: not open */
	struct client *client;
	struct buffer in;	    /* what has come of an answer that is not complete */
	const struct buffer *asked; /* the request whose answer is awaited, or NULL */
	bool answered;		    /* it has been of use since it was opened */
};

struct client {
	const struct target *target;
	struct connection down; /* on which messages come */
	struct connection up;	/* on which they are sent, if that is another one */
	unsigned step;		/* of the way's open, whose answer is awaited */
	bool open, closing;
	char id[CLIENT_ID_SIZE];
	char sid[CLIENT_SID_SIZE];
	struct frame_reader frames;
	struct buffer message; /* the bytes that send one */
	struct buffer poll;

	/* For the round. */
	bool heard, sent;  /* of the message that is on its way */
	uint64_t intended; /* ns: when it was to be sent */
	uint64_t received; /* messages since the round began */
	TAILQ_ENTRY(client) idle;
};

/*
 * Connects, as was to be done at that time (ns). CLIENT_OPENED may come at once, all else when the
 * loop calls client_read. Ends the program if it cannot.
 */
struct client *client_create(const struct target *target, uint64_t intended);

/* Closes and frees. NULL is allowed; sets NULL. */
void client_destroy(struct client **client);

/* Sends the message. For an open client that has no message on its way. */
void client_send(struct client *client);

/* Says that the websocket ends; CLIENT_ENDED follows. */
void client_close(struct client *client);

/* Takes what has come. Ends the program if the server has closed the connection. */
void client_read(struct connection *connection);

/* Prints why the measurement is worth nothing, and ends the program. */
void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
