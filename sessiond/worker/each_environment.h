/*
 * What a process of worker_each.h finds in its environment about its connection: the names of CGI
 * (RFC 3875, 4.1), as websocketd has them.
 */
#ifndef SESSIOND_EACH_ENVIRONMENT_H
#define SESSIOND_EACH_ENVIRONMENT_H

#include "sessiond/sockjs.h"

/*
 * NAME=VALUE strings, ended by NULL: one allocation, which the caller frees. more_headers: names of
 * headers that are kept beside those that always are, as the option `headers` has them; NULL: none.
 */
char **each_environment(sockjs_connection connection, const char *more_headers);

#endif
