/*
 * What an application may know of a connection's last receiving request: addresses, URL, the listed
 * headers. One allocation, so that an idle session carries little.
 */
#ifndef WIRE_CONNECTION_INFO_H
#define WIRE_CONNECTION_INFO_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct connection_info;

/*
 * The headers that are kept of every request, lower-case; NULL-terminated. Not `cookie`: SockJS
 * cannot keep cookies safe across origins.
 */
extern const char *const connection_header_names[];

enum { CONNECTION_HEADER_SIZE = 64 }; /* bytes of a name, its NUL included */

/*
 * The next name of a list, as the option `headers` has it, in lower case; *list: NULL: none. False:
 * there is no more. Moves *list behind it.
 */
bool connection_header_next(const char **list, char name[CONNECTION_HEADER_SIZE]);

/* Where it comes from; everything borrowed. */
struct connection_source {
	const char *path;		     /* percent-encoded */
	const char *query;		     /* NULL: none */
	size_t prefix_len;		     /* the service's part of path */
	const struct sockaddr *peer, *local; /* NULL: unknown */
	const char *(*header)(const void *context, const char *name);
	const void *context;
	const char *subprotocol;  /* of a websocket; NULL: none */
	const char *more_headers; /* a list of names that are kept as well; NULL: none */
};

/* Copies what is kept of source. Aborts without memory: a request's head is small. */
struct connection_info *connection_info_create(const struct connection_source *source);

/* How many bytes that takes. */
size_t connection_info_size(const struct connection_info *info);

/*
 * The same as bytes, to be kept for a later life of the program on this machine; borrowed from
 * info.
 */
const void *connection_info_bytes(const struct connection_info *info, size_t *len);

/*
 * Made anew from a copy of such bytes; NULL if they are none. Aborts without memory.
 */
struct connection_info *connection_info_from_bytes(const void *bytes, size_t len);

/* Frees *info and sets it NULL; takes NULL. */
void connection_info_destroy(struct connection_info **info);

/* The strings; all valid until the info is destroyed, none NULL ("" where nothing is known). */
const char *connection_info_url(const struct connection_info *info);
const char *connection_info_pathname(const struct connection_info *info);
const char *connection_info_prefix(const struct connection_info *info);
const char *connection_info_remote_address(const struct connection_info *info);
const char *connection_info_local_address(const struct connection_info *info);
const char *connection_info_subprotocol(const struct connection_info *info);

int connection_info_remote_port(const struct connection_info *info);
int connection_info_local_port(const struct connection_info *info);

/*
 * The value of one of the headers that are kept by its lower-case name; NULL if it was not sent or
 * is not kept.
 */
const char *connection_info_header(const struct connection_info *info, const char *name);

#endif
