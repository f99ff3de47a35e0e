/*
 * cookie: echo, with a cookie of its own making (jsessionid = module): "seen-" and what the client
 * sent, "fresh" where it sent none. "none" is answered with no cookie, "bad" with one that no header
 * can carry.
 */
#include <sockjs.h>

#include <stdio.h>
#include <string.h>

static void
on_data(sockjs_connection connection, const sockjs_message *message)
{
	sockjs_write(connection, message->data, message->len);
}

static bool
make_cookie(sockjs_service *service, const char *cookie, char *value, size_t size)
{
	(void)service;
	if (cookie == NULL)
		snprintf(value, size, "fresh");
	else if (strcmp(cookie, "bad") == 0)
		snprintf(value, size, "a;\r\nSet-Cookie: b=c");
	else
		snprintf(value, size, "seen-%s", cookie);
	return cookie == NULL || strcmp(cookie, "none") != 0;
}

SOCKJS_MODULE = {
    .abi = SOCKJS_ABI,
    .name = "cookie",
    .data = on_data,
    .jsessionid = make_cookie,
};
