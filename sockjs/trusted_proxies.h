/*
 * The list of `trusted_proxies`: whose word about where a request comes from is believed.
 */
#ifndef SOCKJS_TRUSTED_PROXIES_H
#define SOCKJS_TRUSTED_PROXIES_H

#include "common/error.h"
#include "sockjs/net_address.h"

#include <stdbool.h>

struct trusted_proxies;

/*
 * Reads a list: IPv4 and IPv6 addresses, networks such as 10.0.0.0/8 and fd00::/8, and `unix`,
 * separated by blanks or commas. "" trusts nobody. Returns NULL and an error (EX_CONFIG) that shows
 * the wrong word. Aborts without memory.
 */
struct trusted_proxies *trusted_proxies_create(const char *text, struct error *err);

/* Frees *trusted and sets it NULL; takes NULL. */
void trusted_proxies_destroy(struct trusted_proxies **trusted);

/* True if the address is listed; trusted NULL: nobody is. An address that is not known never is. */
bool trusted_proxies_has(const struct trusted_proxies *trusted, const union net_address *address);

#endif
