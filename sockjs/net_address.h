/*
 * Where one end of a connection is: an IPv4 or IPv6 address with its port, a Unix socket
 * (AF_UNIX), or nothing that is known (AF_UNSPEC). An IPv4 address inside an IPv6 one
 * (::ffff:1.2.3.4), as sockets for both kinds have it, is made plain IPv4.
 */
#ifndef SOCKJS_NET_ADDRESS_H
#define SOCKJS_NET_ADDRESS_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

union net_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* Sets *to from what a socket says; NULL, and families other than the three, are AF_UNSPEC. */
void net_address_set(union net_address *to, const struct sockaddr *from);

/* Sets *to from len bytes of text, an address without a port. False: they are none. */
bool net_address_parse(union net_address *to, const char *text, size_t len);

/* The same with a port from 1 on, "1.2.3.4:80" or "[::1]:80"; text is NUL-terminated. */
bool net_address_parse_port(union net_address *to, const char *text);

/* The address as text, "" unless it is IPv4 or IPv6. NULL is AF_UNSPEC. Returns text. */
const char *net_address_text(const struct sockaddr *address, char text[INET6_ADDRSTRLEN]);

/* The port, 0 unless it is IPv4 or IPv6. */
uint16_t net_address_port(const struct sockaddr *address);

/* True if the two are of one family and, if that has addresses, have the same; whatever port. */
bool net_address_is_same(const union net_address *a, const union net_address *b);

#endif
