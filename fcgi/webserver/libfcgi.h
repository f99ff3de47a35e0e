/*
 * libfcgi: all calls of it are made here.
 */
#ifndef FCGI_WEBSERVER_LIBFCGI_H
#define FCGI_WEBSERVER_LIBFCGI_H

#include <stdbool.h>

/*
 * True if descriptor 0 is what a web server passes to a FastCGI program: a socket that is connected
 * to nobody. The answer is that of the first time.
 */
bool libfcgi_is_passed(void);

#endif
