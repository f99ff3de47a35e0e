/*
 * /up, in whatever folder the program lies: nothing else is served there, outside its services.
 * Pure.
 */
#ifndef FCGI_UP_H
#define FCGI_UP_H

#include "fcgi/request_read.h"
#include "sockjs/reply.h"

#include <stdbool.h>

/* True if the request asks for it. */
bool up_is_asked(const struct cgi_request *cgi);

/* Makes *reply the answer. unready: why nobody is served now; NULL: all is well. */
void up_reply(const char *unready, struct reply *reply);

#endif
