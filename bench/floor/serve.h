/*
 * What the servers with the bare system calls share: they listen, accept, and wait with epoll. They
 * trust their clients.
 */
#ifndef FLOOR_SERVE_H
#define FLOOR_SERVE_H

#include <stddef.h>

/* What a server keeps of a client begins with that. */
struct peer {
	int fd;
};

/*
 * Listens on 127.0.0.1:port, says `ready`, and calls take whenever a client has something to read
 * or has gone. size: of a client's memory, zeroed, whose peer is filled. Does not return.
 */
void serve(const char *port, size_t size, void (*take)(void *client)) __attribute__((noreturn));

/* Closes and frees what `serve` gave. */
void serve_end(void *client);

/* Blocks until all is sent, or the client has gone. */
void send_all(int fd, const char *data, size_t len);

/* Ends the program. */
void fail(const char *what) __attribute__((noreturn));

#endif
