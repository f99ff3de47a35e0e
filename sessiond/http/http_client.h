/*
 * Who the client of an HTTP request is: the peer of its connection or, where that is one of
 * trusted_proxies, whom the proxy names (sockjs/forwarded.h).
 */
#ifndef SESSIOND_HTTP_CLIENT_H
#define SESSIOND_HTTP_CLIENT_H

#include "sessiond/http/http_connection.h"
#include "sockjs/trusted_proxies.h"

#include <stdbool.h>

/*
 * Sets *client for the request whose head has arrived on the connection. trusted: NULL: nobody.
 * Returns true if the peer itself is trusted.
 */
bool http_client_find(struct http_connection *connection, const struct trusted_proxies *trusted,
    union net_address *client);

#endif
