/*
 * See libfcgi.h.
 *
 * The library reads a request from a descriptor and writes its response to one, and waits for both.
 * A loop may wait for neither. So each request was once put into a file in memory for FCGX_Accept_r
 * to read: of the 28 system calls of a message, 14 did that, and asked whether there was room for
 * the answer. A third of a message's 60,000 instructions went there as well. And of the 14 KB of a
 * poll that waited, most were the streams of a FCGX_Request, 8 KB each. So requests are read and
 * answers written here (record.c, params.c, outgoing.c), by the library's constants.
 */
#include "fcgi/webserver/libfcgi.h"

#include <fcgiapp.h>

bool
libfcgi_is_passed(void)
{
	return FCGX_Init() == 0 && !FCGX_IsCGI();
}
