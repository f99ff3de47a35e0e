/*
 * Who a request's client is, by what the proxies on its way have noted in X-Forwarded-For and in
 * Forwarded (RFC 7239).
 *
 * Each proxy appends the address that it got the request from. So the lists are read from the
 * right, over all hops that are trusted: the first that is not is the client, and what is left of
 * it is the client's own word. An element that says nothing (`unknown`, `_hidden`, no `for`), or
 * that is malformed, ends the reading: the client is then the hop that wrote it. Pure.
 */
#ifndef SOCKJS_FORWARDED_H
#define SOCKJS_FORWARDED_H

#include "sockjs/net_address.h"
#include "sockjs/trusted_proxies.h"

/*
 * Sets *client. nearest: who the request came from, as the socket or the web server says.
 * The two headers are values of all lines in their order, joined by commas; NULL: not sent. If both
 * were sent and do not lead to the same address, neither is believed, and nearest is the client: a
 * proxy writes one of the two, and may pass the other on as the client has forged it.
 *
 * The port is nearest's; 0 if the address comes from a header.
 */
void forwarded_client(const struct trusted_proxies *trusted, const union net_address *nearest,
    const char *x_forwarded_for, const char *forwarded, union net_address *client);

#endif
