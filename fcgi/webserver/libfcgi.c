/*
 * See libfcgi.h.
 *
 * The library reads a request from a descriptor and writes its response to one, and waits for both.
 * A loop may wait for neither. So each request was once put into a file in memory for FCGX_Accept_r
 * to read: of the 28 system calls of a message, 14 did that, and asked whether there was room for
 * the answer. A message took 60,000 instructions, and is at 40,000 without it; a poll that waits took
 * 14 KB, of which the streams of a FCGX_Request, 8 KB each, were most, and takes 3. What is read
 * and written here (record.c, params.c, outgoing.c) uses the library's constants.
 */
#include "fcgi/webserver/libfcgi.h"

#include <fcgiapp.h>

bool
libfcgi_is_passed(void)
{
	return FCGX_Init() == 0 && !FCGX_IsCGI();
}
