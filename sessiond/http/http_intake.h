/*
 * What libmicrohttpd reads, seen before it is parsed. libmicrohttpd has no callback for that: it
 * reads, parses and forgets what it was lenient about. So its call of recv is answered here: the
 * dynamic linker finds a function of the program before that of libc. Everybody else's recv is
 * passed on.
 *
 * A poll or send that is read whole, alone, and in one piece is answered without libmicrohttpd
 * (http_dispatch_pass), which finds nothing to read instead of it.
 *
 * A request that http_framing.h refuses gets its status at once, past libmicrohttpd, which then
 * reads the end of the connection. Requests before it are answered first.
 */
#ifndef SESSIOND_HTTP_INTAKE_H
#define SESSIOND_HTTP_INTAKE_H

#include "sessiond/http/http_connection.h"

#include <microhttpd.h>

/* Lets libmicrohttpd handle what is ready. These are its connections. */
void http_intake_run(struct http_connections *all, struct MHD_Daemon *mhd);

#endif
