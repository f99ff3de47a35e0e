/*
 * wire/connection_info.h: what is kept of a request, and what is not.
 */
#include "wire/connection_info.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <sys/un.h>

static const char *const allowed[] = {"origin", "referer", "x-client-ip", "x-forwarded-for",
    "x-forwarded-host", "x-forwarded-port", "x-cluster-client-ip", "via", "x-real-ip",
    "x-forwarded-proto", "x-ssl", "dnt", "host", "user-agent", "accept-language"};

/* Every request has every header. */
static const char *
any_header(const void *context, const char *name)
{
	static char value[100];

	snprintf(value, sizeof value, "%s of %s", name, (const char *)context);
	return value;
}

static const char *
no_header(const void *context, const char *name)
{
	(void)context;
	(void)name;
	return NULL;
}

static void
test_copies(void **state)
{
	char path[] = "/pre%20fix/000/id/xhr", query[] = "a=1&b=%20";
	struct connection_source source = {.path = path,
	    .query = query,
	    .prefix_len = strlen("/pre%20fix"),
	    .header = any_header,
	    .context = "request"};
	struct connection_info *info = connection_info_create(&source);

	(void)state;
	memset(path, 'x', sizeof path - 1);
	memset(query, 'x', sizeof query - 1);
	assert_string_equal(connection_info_url(info), "/pre%20fix/000/id/xhr?a=1&b=%20");
	assert_string_equal(connection_info_pathname(info), "/pre%20fix/000/id/xhr");
	assert_string_equal(connection_info_prefix(info), "/pre%20fix");
	assert_string_equal(connection_info_subprotocol(info), "");
	connection_info_destroy(&info);
	assert_null(info);
	source.subprotocol = "v12.stomp";
	info = connection_info_create(&source);
	assert_string_equal(connection_info_subprotocol(info), "v12.stomp");
	connection_info_destroy(&info);
	connection_info_destroy(&info);
}

static void
test_url_without_query(void **state)
{
	struct connection_source source = {.path = "/", .prefix_len = 0, .header = no_header};
	struct connection_info *info = connection_info_create(&source);

	(void)state;
	assert_string_equal(connection_info_url(info), "/");
	assert_string_equal(connection_info_prefix(info), "");
	connection_info_destroy(&info);
	source.query = ""; /* there is a `?` with nothing after it */
	info = connection_info_create(&source);
	assert_string_equal(connection_info_url(info), "/?");
	assert_string_equal(connection_info_pathname(info), "/");
	connection_info_destroy(&info);
}

static void
test_headers(void **state)
{
	static const char *const others[] = {
	    "cookie", "Cookie", "authorization", "Origin", "origi", "originx", ""};
	struct connection_source source = {.path = "/", .header = any_header, .context = "request"};
	struct connection_info *info = connection_info_create(&source);
	char expected[100];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof allowed / sizeof allowed[0]; i++) {
		snprintf(expected, sizeof expected, "%s of request", allowed[i]);
		assert_string_equal(connection_info_header(info, allowed[i]), expected);
	}
	for (i = 0; i < sizeof others / sizeof others[0]; i++)
		assert_null(connection_info_header(info, others[i]));
	for (i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
		assert_string_equal(connection_header_names[i], allowed[i]);
	assert_null(connection_header_names[i]);
	connection_info_destroy(&info);
}

static const char *
two_more(const void *context, const char *name)
{
	(void)context;
	if (strcmp(name, "authorization") == 0)
		return "Bearer x";
	return strcmp(name, "x-request-id") == 0 ? "" : NULL;
}

static void
test_more_headers(void **state)
{
	struct connection_source source = {.path = "/", .header = two_more};
	struct connection_info *info = connection_info_create(&source), *copy;
	size_t len, small = connection_info_size(info);
	const void *bytes;

	(void)state;
	assert_null(connection_info_header(info, "authorization"));
	connection_info_destroy(&info);
	source.more_headers = ", X-Request-ID\tx-absent authorization,";
	info = connection_info_create(&source);
	bytes = connection_info_bytes(info, &len);
	assert_int_equal(len, connection_info_size(info));
	assert_int_equal(len, small + sizeof "x-request-id" + 1 + sizeof "authorization" + 9);
	copy = connection_info_from_bytes(bytes, len);
	connection_info_destroy(&info);
	assert_string_equal(connection_info_header(copy, "authorization"), "Bearer x");
	assert_string_equal(connection_info_header(copy, "x-request-id"), "");
	assert_null(connection_info_header(copy, "x-absent"));
	assert_null(connection_info_header(copy, "Bearer x"));
	assert_null(connection_info_header(copy, ""));
	connection_info_destroy(&copy);
}

/* Bytes of the store that somebody has written into. */
static void
test_damaged_bytes(void **state)
{
	struct connection_source source = {
	    .path = "/", .header = two_more, .more_headers = "authorization"};
	struct connection_info *info = connection_info_create(&source), *copy;
	size_t len = connection_info_size(info);
	unsigned char *bytes = malloc(len);

	(void)state;
	assert_non_null(bytes);
	for (size_t i = 0; i < len; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			memcpy(bytes, connection_info_bytes(info, &len), len);
			bytes[i] ^= (unsigned char)(1u << bit);
			copy = connection_info_from_bytes(bytes, len);
			if (copy == NULL)
				continue;
			connection_info_header(copy, "authorization");
			connection_info_header(copy, "host");
			connection_info_destroy(&copy);
		}
	free(bytes);
	connection_info_destroy(&info);
}

static void
test_names_of_a_list(void **state)
{
	static const char long_name[] =
	    "x2345678901234567890123456789012345678901234567890123456789012345678901";
	const char *list = " One,two\t,  THREE-3 ", *none = NULL, *empty = " ,";
	char name[CONNECTION_HEADER_SIZE];

	(void)state;
	assert_true(connection_header_next(&list, name));
	assert_string_equal(name, "one");
	assert_true(connection_header_next(&list, name));
	assert_string_equal(name, "two");
	assert_true(connection_header_next(&list, name));
	assert_string_equal(name, "three-3");
	assert_false(connection_header_next(&list, name));
	assert_false(connection_header_next(&none, name));
	assert_false(connection_header_next(&empty, name));
	list = long_name;
	assert_true(connection_header_next(&list, name));
	assert_int_equal(strlen(name), CONNECTION_HEADER_SIZE - 1);
	assert_false(connection_header_next(&list, name));
}

static const char *
empty_origin(const void *context, const char *name)
{
	(void)context;
	return strcmp(name, "origin") == 0 ? "" : NULL;
}

static void
test_missing_headers(void **state)
{
	struct connection_source source = {.path = "/", .header = empty_origin};
	struct connection_info *info = connection_info_create(&source);
	size_t i;

	(void)state;
	assert_string_equal(connection_info_header(info, "origin"), "");
	for (i = 1; i < sizeof allowed / sizeof allowed[0]; i++)
		assert_null(connection_info_header(info, allowed[i]));
	connection_info_destroy(&info);
}

static void
test_addresses(void **state)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(65535)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(80)};
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/run/sockjs"};
	struct connection_source source = {.path = "/", .header = no_header};
	struct connection_info *info;

	(void)state;
	inet_pton(AF_INET, "203.0.113.255", &v4.sin_addr);
	inet_pton(AF_INET6, "2001:db8:1111:2222:3333:4444:5555:6666", &v6.sin6_addr);
	source.peer = (const struct sockaddr *)(const void *)&v4;
	source.local = (const struct sockaddr *)(const void *)&v6;
	info = connection_info_create(&source);
	assert_string_equal(connection_info_remote_address(info), "203.0.113.255");
	assert_int_equal(connection_info_remote_port(info), 65535);
	assert_string_equal(
	    connection_info_local_address(info), "2001:db8:1111:2222:3333:4444:5555:6666");
	assert_int_equal(connection_info_local_port(info), 80);
	connection_info_destroy(&info);
	source.peer = (const struct sockaddr *)(const void *)&un;
	source.local = NULL;
	info = connection_info_create(&source);
	assert_string_equal(connection_info_remote_address(info), "");
	assert_int_equal(connection_info_remote_port(info), 0);
	assert_string_equal(connection_info_local_address(info), "");
	assert_int_equal(connection_info_local_port(info), 0);
	connection_info_destroy(&info);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_copies),
	    cmocka_unit_test(test_url_without_query),
	    cmocka_unit_test(test_headers),
	    cmocka_unit_test(test_missing_headers),
	    cmocka_unit_test(test_more_headers),
	    cmocka_unit_test(test_damaged_bytes),
	    cmocka_unit_test(test_names_of_a_list),
	    cmocka_unit_test(test_addresses),
	};

	return cmocka_run_group_tests_name("connection_info", tests, NULL, NULL);
}
