/*
 * fcgi/daemon/known_services.h: the services as a responder knows them. Tables are made the way
 * they are in the program, from an encoded and decoded SERVICES.
 */
#include "fcgi/daemon/known_services.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct service_options
options_with(size_t body_limit)
{
	return (struct service_options){
	    .sockjs_url = (char *)(uintptr_t) "/sockjs.js",
	    .response_limit = 4096,
	    .transports = 0x7f,
	    .websocket = true,
	    .heartbeat_delay = 25000,
	    .disconnect_delay = 5000,
	    .body_limit = body_limit,
	    .messages_limit = 10,
	};
}

static const char *proxies = "unix";
static size_t retired = SIZE_MAX; /* which of those that services_of makes */

static struct wire_services
services_of(const char *const *names, size_t count)
{
	struct service_options options[8];
	struct wire_service_entry entries[8];
	struct buffer encoded = BUFFER_INIT;
	struct wire_services services;
	struct wire_header header;
	size_t i;

	assert_true(count <= 8);
	for (i = 0; i < count; i++) {
		options[i] = options_with(1000 * (i + 1));
		entries[i] = (struct wire_service_entry){
		    names[i], &options[i], (uint16_t)(7 + i), i == retired};
	}
	assert_int_equal(wire_encode_services(&encoded, proxies, entries, count), 0);
	assert_int_equal(
	    wire_parse_header(encoded.data, encoded.len, WIRE_PAYLOAD_MAX, &header), 1);
	assert_int_equal(
	    wire_decode_services(&header, encoded.data + WIRE_HEADER_SIZE, &services), 0);
	buffer_free(&encoded);
	return services;
}

static struct known_services *
table_of(const char *const *names, size_t count)
{
	struct wire_services services = services_of(names, count);
	struct error err = ERROR_INIT;
	struct known_services *known = known_services_create(&services, &err);

	if (known == NULL)
		fail_msg("%s", err.text);
	/* Taken. */
	assert_null(services.list);
	assert_int_equal(services.count, 0);
	return known;
}

static void
assert_found(const struct known_services *known, const char *path, const char *name, size_t len)
{
	size_t prefix_len = 777;
	const struct known_service *service = known_services_find(known, false, path, &prefix_len);

	if (name == NULL) {
		assert_null(service);
		return;
	}
	assert_non_null(service);
	assert_string_equal(service->prefix.name, name);
	assert_int_equal(prefix_len, len);
	assert_ptr_equal(service->known, known);
}

static void
test_find(void **state)
{
	static const char *const names[] = {
	    "/echo", "~ /chat[0-9]+", "/echo/deeper", "~ /chat1", "/chat1/own"};
	struct known_services *known = table_of(names, 5);

	(void)state;
	assert_found(known, "/echo", "/echo", 5);
	assert_found(known, "/echo/a/b/xhr", "/echo", 5);
	assert_found(known, "/echo/deeper/info", "/echo/deeper", 12);
	assert_found(known, "/chat1/info", "~ /chat[0-9]+", 6);
	assert_found(known, "/chat1/own/info", "/chat1/own", 10);
	assert_found(known, "/echoes", NULL, 0);
	assert_found(known, "/", NULL, 0);
	assert_found(known, "", NULL, 0);
	known_services_unref(&known);
	assert_null(known);
}

static void
test_named(void **state)
{
	static const char *const names[] = {"/a", "~ /b+", "/c"};
	struct known_services *known = table_of(names, 3);
	unsigned i;

	(void)state;
	for (i = 0; i < 3; i++) {
		const struct known_service *service = known_services_named(known, names[i]);

		assert_non_null(service);
		assert_int_equal(service->number, 7 + i);
		assert_false(service->retired);
		assert_int_equal(service->protocol.options.body_limit, 1000 * (i + 1));
		assert_true(service->protocol.iframe.len > 0);
	}
	assert_null(known_services_named(known, "/b"));
	assert_null(known_services_named(known, "/a/"));
	assert_int_equal(known->body_limit, 3000);
	known_services_unref(&known);
}

/* A retired service is found where it is asked for, and does not stand in another's way. */
static void
test_retired(void **state)
{
	static const char *const names[] = {"/a", "/a/b", "/c"};
	struct known_services *known;
	size_t prefix_len = 0;

	(void)state;
	retired = 1;
	known = table_of(names, 3);
	retired = SIZE_MAX;
	assert_true(known->has_retired);
	assert_found(known, "/a/b/info", "/a", 2);
	assert_ptr_equal(
	    known_services_find(known, true, "/a/b/info", &prefix_len), &known->services[1]);
	assert_int_equal(prefix_len, 4);
	assert_null(known_services_find(known, true, "/a/info", &prefix_len));
	assert_true(known_services_named(known, "/a/b")->retired);
	known_services_unref(&known);
	known = table_of(names, 3);
	assert_false(known->has_retired);
	known_services_unref(&known);
}

static void
test_empty(void **state)
{
	struct known_services *known = table_of(NULL, 0);

	(void)state;
	assert_found(known, "/echo", NULL, 0);
	assert_null(known_services_named(known, "/echo"));
	assert_int_equal(known->body_limit, 0);
	known_services_unref(&known);
}

/* A request keeps those that it began with. */
static void
test_references(void **state)
{
	static const char *const names[] = {"/a"};
	struct known_services *known = table_of(names, 1), *mine = known_services_ref(known);

	(void)state;
	assert_ptr_equal(mine, known);
	known_services_unref(&known);
	assert_null(known);
	assert_found(mine, "/a/info", "/a", 2);
	known_services_unref(&mine);
	known_services_unref(&mine);
}

/* A name that is no prefix: nothing is made, and what was decoded is freed. */
static void
test_bad_name(void **state)
{
	static const char *const names[] = {"/a", "b", "/c"}, *const patterns[] = {"/a", "~ /("};
	struct wire_services services = services_of(names, 3);
	struct error err = ERROR_INIT;

	(void)state;
	assert_null(known_services_create(&services, &err));
	assert_int_equal(services.count, 0);
	assert_non_null(strstr(err.text, "[service b]"));
	services = services_of(patterns, 2);
	error_clear(&err);
	assert_null(known_services_create(&services, &err));
	assert_non_null(strstr(err.text, "[service ~ /(]"));
}

/* Bodies are collected that somebody takes. */
static void
test_body_limit(void **state)
{
	static const char *const names[] = {"/a", "/b"};
	struct known_services *known = table_of(names, 2);

	(void)state;
	assert_int_equal(known_services_body_limit(known), 2000);
	known->api = (struct known_api){strdup("/apps/"), 1999};
	assert_int_equal(known_services_body_limit(known), 2000);
	known->api.body_limit = 2001;
	assert_int_equal(known_services_body_limit(known), 2001);
	known_services_unref(&known);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_body_limit),
	    cmocka_unit_test(test_find),
	    cmocka_unit_test(test_named),
	    cmocka_unit_test(test_retired),
	    cmocka_unit_test(test_empty),
	    cmocka_unit_test(test_references),
	    cmocka_unit_test(test_bad_name),
	};

	return cmocka_run_group_tests_name("known_services", tests, NULL, NULL);
}
