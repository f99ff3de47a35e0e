/*
 * fcgi/origin.h: the client, and the two ends of its connection, by the web server's variables.
 */
#include "fcgi/origin.h"

#include "fastcgi/fastcgi_framing.h"
#include "fcgi/webserver/params.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define REQUEST "REQUEST_METHOD=GET", "REQUEST_URI=/echo/info?q"

/* Of texts as `environ` has them. */
static struct params *
params_of(const char *const *variables)
{
	struct buffer pairs = BUFFER_INIT;
	struct params *params;

	for (; *variables != NULL; variables++) {
		size_t name = strcspn(*variables, "=");
		const char *value = *variables + name + 1;

		fastcgi_append_pair(
		    &pairs, &(struct fastcgi_pair){*variables, value, name, strlen(value)});
	}
	params = params_read((unsigned char *)pairs.data, pairs.len);
	assert_non_null(params);
	buffer_free(&pairs);
	return params;
}

/* "CLIENT PORT trusted|foreign LOCAL PORT" of a request with those variables. */
static const char *
seen(const char *proxies, const char *const *variables)
{
	static char text[200];
	char client[INET6_ADDRSTRLEN], local[INET6_ADDRSTRLEN];
	struct error err = ERROR_INIT;
	struct trusted_proxies *trusted = trusted_proxies_create(proxies, &err);
	struct params *params = params_of(variables);
	struct cgi_request cgi;
	struct origin origin;

	assert_non_null(trusted);
	assert_int_equal(request_read(&cgi, params), 0);
	origin_find_client(&cgi, trusted);
	origin_of(&cgi, strlen("/echo"), "x-y", &origin);
	assert_string_equal(origin.source.path, "/echo/info");
	assert_string_equal(origin.source.query, "q");
	assert_int_equal(origin.source.prefix_len, 5);
	assert_string_equal(origin.source.more_headers, "x-y");
	snprintf(text, sizeof text, "%s %u %s %s %u", net_address_text(origin.source.peer, client),
	    net_address_port(origin.source.peer),
	    cgi.head.from_trusted_proxy ? "trusted" : "foreign",
	    net_address_text(origin.source.local, local), net_address_port(origin.source.local));
	request_read_clear(&cgi);
	free(params);
	trusted_proxies_destroy(&trusted);
	return text;
}

static void
test_remote_addr(void **state)
{
	static const char *const v4[] = {REQUEST, "REMOTE_ADDR=192.0.2.7", "REMOTE_PORT=4711",
	    "SERVER_ADDR=10.0.0.1", "SERVER_PORT=8080", "HTTP_X_FORWARDED_FOR=6.6.6.6",
	    "HTTP_FORWARDED=for=6.6.6.6", NULL};
	static const char *const v6[] = {REQUEST, "REMOTE_ADDR=2001:db8::7", "REMOTE_PORT=1",
	    "SERVER_ADDR=::ffff:10.0.0.1", "SERVER_PORT=443", NULL};
	static const char *const bare[] = {REQUEST, NULL};
	static const char *const odd[] = {REQUEST, "REMOTE_ADDR=unix:", "REMOTE_PORT=7",
	    "SERVER_ADDR=localhost", "SERVER_PORT=80", "HTTP_X_FORWARDED_FOR=6.6.6.6", NULL};

	(void)state;
	assert_string_equal(seen("unix 10.0.0.0/8", v4), "192.0.2.7 4711 foreign 10.0.0.1 8080");
	assert_string_equal(seen("unix", v6), "2001:db8::7 1 foreign 10.0.0.1 443");
	assert_string_equal(seen("unix", bare), " 0 foreign  0");
	assert_string_equal(seen("unix", odd), " 0 foreign  0");
}

static void
test_a_proxy_before_the_web_server(void **state)
{
	static const char *const list[] = {REQUEST, "REMOTE_ADDR=10.0.0.7", "REMOTE_PORT=4711",
	    "HTTP_X_FORWARDED_FOR=6.6.6.6, 192.0.2.7", NULL};
	static const char *const both[] = {REQUEST, "REMOTE_ADDR=10.0.0.7", "REMOTE_PORT=4711",
	    "HTTP_X_FORWARDED_FOR=192.0.2.7", "HTTP_FORWARDED=for=6.6.6.6", NULL};

	(void)state;
	assert_string_equal(seen("10.0.0.0/8", list), "192.0.2.7 0 trusted  0");
	assert_string_equal(seen("10.0.0.0/8", both), "10.0.0.7 4711 trusted  0");
	assert_string_equal(seen("unix", list), "10.0.0.7 4711 foreign  0");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_remote_addr),
	    cmocka_unit_test(test_a_proxy_before_the_web_server),
	};

	return cmocka_run_group_tests_name("origin", tests, NULL, NULL);
}
