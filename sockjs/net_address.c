/*
 * See net_address.h.
 */
#include "sockjs/net_address.h"

#include <stdlib.h>
#include <string.h>

static void
make_plain(union net_address *address)
{
	struct sockaddr_in plain = {.sin_family = AF_INET, .sin_port = address->v6.sin6_port};

	if (address->any.sa_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&address->v6.sin6_addr))
		return;
	memcpy(&plain.sin_addr, address->v6.sin6_addr.s6_addr + 12, sizeof plain.sin_addr);
	address->v4 = plain;
}

void
net_address_set(union net_address *to, const struct sockaddr *from)
{
	memset(to, 0, sizeof *to);
	if (from == NULL)
		return;
	if (from->sa_family == AF_INET)
		memcpy(&to->v4, from, sizeof to->v4);
	else if (from->sa_family == AF_INET6)
		memcpy(&to->v6, from, sizeof to->v6);
	else if (from->sa_family == AF_UNIX)
		to->any.sa_family = AF_UNIX;
	make_plain(to);
}

bool
net_address_parse(union net_address *to, const char *text, size_t len)
{
	char copy[INET6_ADDRSTRLEN];

	memset(to, 0, sizeof *to);
	if (len >= sizeof copy || memchr(text, '\0', len) != NULL)
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (inet_pton(AF_INET, copy, &to->v4.sin_addr) == 1)
		to->any.sa_family = AF_INET;
	else if (inet_pton(AF_INET6, copy, &to->v6.sin6_addr) == 1)
		to->any.sa_family = AF_INET6;
	make_plain(to);
	return to->any.sa_family != AF_UNSPEC;
}

static bool
parse_port(const char *text, in_port_t *port)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	*port = htons((uint16_t)value);
	return text[0] >= '0' && text[0] <= '9' && *end == '\0' && value >= 1 && value <= 65535;
}

bool
net_address_parse_port(union net_address *to, const char *text)
{
	const char *colon = strrchr(text, ':');
	size_t len = colon == NULL ? 0 : (size_t)(colon - text);
	bool is_bracketed = len >= 2 && text[0] == '[' && text[len - 1] == ']';
	in_port_t port;

	if (is_bracketed) {
		text++;
		len -= 2;
	}
	if (colon == NULL || !parse_port(colon + 1, &port) || !net_address_parse(to, text, len) ||
	    is_bracketed != (to->any.sa_family == AF_INET6))
		return false;
	if (to->any.sa_family == AF_INET6)
		to->v6.sin6_port = port;
	else
		to->v4.sin_port = port;
	return true;
}

/* As inet_ntop, which prints it with sprintf: each request of a session has two. */
static void
write_v4(const struct in_addr *address, char *to)
{
	unsigned char bytes[4];

	memcpy(bytes, address, sizeof bytes);
	for (size_t i = 0; i < sizeof bytes; i++) {
		if (bytes[i] >= 100)
			*to++ = (char)('0' + bytes[i] / 100);
		if (bytes[i] >= 10)
			*to++ = (char)('0' + bytes[i] / 10 % 10);
		*to++ = (char)('0' + bytes[i] % 10);
		*to++ = i == sizeof bytes - 1 ? '\0' : '.';
	}
}

const char *
net_address_text(const struct sockaddr *address, char text[INET6_ADDRSTRLEN])
{
	union net_address plain;

	net_address_set(&plain, address);
	text[0] = '\0';
	if (plain.any.sa_family == AF_INET)
		write_v4(&plain.v4.sin_addr, text);
	else if (plain.any.sa_family == AF_INET6)
		inet_ntop(AF_INET6, &plain.v6.sin6_addr, text, INET6_ADDRSTRLEN);
	return text;
}

uint16_t
net_address_port(const struct sockaddr *address)
{
	union net_address plain;

	net_address_set(&plain, address);
	if (plain.any.sa_family == AF_INET)
		return ntohs(plain.v4.sin_port);
	return plain.any.sa_family == AF_INET6 ? ntohs(plain.v6.sin6_port) : 0;
}

bool
net_address_is_same(const union net_address *a, const union net_address *b)
{
	if (a->any.sa_family != b->any.sa_family)
		return false;
	if (a->any.sa_family == AF_INET)
		return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
	return a->any.sa_family != AF_INET6 ||
	    memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof a->v6.sin6_addr) == 0;
}
