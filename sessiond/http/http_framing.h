/*
 * Where the body of a request ends, as its head says it.
 */
#ifndef SESSIOND_HTTP_FRAMING_H
#define SESSIOND_HTTP_FRAMING_H

#include <microhttpd.h>

/*
 * The status for a request whose end two readers may see in different places, which is how one request is smuggled behind
 * another through a proxy (RFC 9112 6.3); 0 if there is no doubt. libmicrohttpd takes all of these. *length: the Content-Length, NULL if
 * there is none.
 */
int http_framing_refusal(struct MHD_Connection *mhd, const char **length);

#endif
