/*
 * Where the body of a request ends, as its head says it.
 */
#ifndef SESSIOND_HTTP_FRAMING_H
#define SESSIOND_HTTP_FRAMING_H

#include <microhttpd.h>

/*
 * The status of the refusal if two readers may see the end of the request in different places; 0
 * if there is no doubt. Such a doubt is how one request is smuggled behind another through a proxy
 * (RFC 9112 6.3). libmicrohttpd takes all of these. *length: the Content-Length, NULL: none.
 */
int http_framing_refusal(struct MHD_Connection *mhd, const char **length);

#endif
