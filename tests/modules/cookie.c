/*
 * cookie: an echo that makes its own cookie (jsessionid = module). The value is "seen-" and what
 * the client sent, or "fresh" if the client sent none. If the client sent "none", no cookie is set.
 * If it sent "bad", the value is one that no header can carry.
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
