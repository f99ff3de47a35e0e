/*
 * See trusted_proxies.h. Addresses are kept as IPv6, IPv4 ones in the form ::ffff:1.2.3.4: then a
 * network of either kind is so many leading bits.
 */
#include "sockjs/trusted_proxies.h"

#include "common/log.h"
#include "common/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define SEPARATORS " \t,"

enum {
	V4_PREFIX = 96, /* bits before the IPv4 address */
	SHOWN_SIZE = 80,
};

struct network {
	struct in6_addr address;
	unsigned bits;
};

struct trusted_proxies {
	bool has_unix;
	struct network *networks;
	size_t count, room;
};

static struct in6_addr
widen(const union net_address *address)
{
	struct in6_addr wide = {.s6_addr = {[10] = 0xff, [11] = 0xff}};

	if (address->any.sa_family == AF_INET6)
		return address->v6.sin6_addr;
	memcpy(wide.s6_addr + 12, &address->v4.sin_addr, sizeof address->v4.sin_addr);
	return wide;
}

/* Clears all but the leading bits. */
static void
mask(struct in6_addr *address, unsigned bits)
{
	for (unsigned i = 0; i < sizeof address->s6_addr; i++) {
		unsigned kept = bits >= 8 * (i + 1) ? 8 : bits > 8 * i ? bits - 8 * i : 0;

		address->s6_addr[i] &= (uint8_t)(0xff << (8 - kept));
	}
}

bool
trusted_proxies_has(const struct trusted_proxies *trusted, const union net_address *address)
{
	struct in6_addr wide, masked;

	if (trusted == NULL || address->any.sa_family == AF_UNSPEC)
		return false;
	if (address->any.sa_family == AF_UNIX)
		return trusted->has_unix;
	wide = widen(address);
	for (size_t i = 0; i < trusted->count; i++) {
		masked = wide;
		mask(&masked, trusted->networks[i].bits);
		if (memcmp(&masked, &trusted->networks[i].address, sizeof masked) == 0)
			return true;
	}
	return false;
}

/* --- reading ---------------------------------------------------------------------------------- */

static int
refuse(const char *word, size_t len, const char *why, struct error *err)
{
	char text[SHOWN_SIZE], shown[SHOWN_SIZE];

	snprintf(text, sizeof text, "%.*s", (int)(len < sizeof text ? len : sizeof text - 1), word);
	log_escape(shown, sizeof shown, text);
	return error_set(err, EX_CONFIG, "\"%s\" %s", shown, why);
}

/* The bits behind a slash. Returns -1 if they are no number of at most `most`. */
static int
parse_bits(const char *text, size_t len, unsigned most)
{
	unsigned bits = 0;

	if (len == 0 || len > 3)
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		bits = 10 * bits + (unsigned)(text[i] - '0');
	}
	return bits <= most ? (int)bits : -1;
}

/* The bits of a word whose address has so many characters: all of them without a slash. */
static int
bits_of(const char *word, size_t len, size_t address_len)
{
	bool is_v4 = memchr(word, ':', address_len) == NULL;
	int bits;

	if (address_len == len)
		return 128;
	bits = parse_bits(word + address_len + 1, len - address_len - 1, is_v4 ? 32 : 128);
	return bits == -1 || !is_v4 ? bits : bits + V4_PREFIX;
}

/* An address or network. */
static int
add_network(struct trusted_proxies *trusted, const char *word, size_t len, struct error *err)
{
	const char *slash = memchr(word, '/', len);
	size_t address_len = slash == NULL ? len : (size_t)(slash - word);
	int bits = bits_of(word, len, address_len);
	struct network network = {.bits = (unsigned)bits};
	union net_address address;
	struct in6_addr wide;

	if (!net_address_parse(&address, word, address_len))
		return refuse(word, len,
		    "is no address, no network such as 10.0.0.0/8 or fd00::/8, and not \"unix\"",
		    err);
	if (bits == -1)
		return refuse(
		    word, len, "needs a number behind the slash: 0 to 32, for IPv6 0 to 128", err);
	network.address = wide = widen(&address);
	mask(&network.address, network.bits);
	if (memcmp(&network.address, &wide, sizeof wide) != 0)
		return refuse(word, len, "has bits behind those that the number counts", err);
	trusted->networks =
	    xgrow(trusted->networks, &trusted->room, trusted->count, sizeof trusted->networks[0]);
	trusted->networks[trusted->count++] = network;
	return 0;
}

static int
add(struct trusted_proxies *trusted, const char *word, size_t len, struct error *err)
{
	if (len != strlen("unix") || memcmp(word, "unix", len) != 0)
		return add_network(trusted, word, len, err);
	trusted->has_unix = true;
	return 0;
}

struct trusted_proxies *
trusted_proxies_create(const char *text, struct error *err)
{
	struct trusted_proxies *trusted = xcalloc(1, sizeof *trusted);

	for (text += strspn(text, SEPARATORS); *text != '\0'; text += strspn(text, SEPARATORS)) {
		size_t len = strcspn(text, SEPARATORS);

		if (add(trusted, text, len, err) == -1) {
			trusted_proxies_destroy(&trusted);
			return NULL;
		}
		text += len;
	}
	return trusted;
}

void
trusted_proxies_destroy(struct trusted_proxies **trusted)
{
	if (*trusted != NULL)
		free((*trusted)->networks);
	free(*trusted);
	*trusted = NULL;
}
