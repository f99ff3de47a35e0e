/*
 * fcgi/daemon/known_services.h: the services as a responder knows them. Tables are made the way they are in
 * the program, from an encoded and decoded SERVICES.
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
	assert_int_equal(wire_encode_services(&encoded, entries, count), 0);
	assert_int_equal(
	    wire_parse_header(encoded.data, encoded.len, WIRE_PAYLOAD_MAX, &header), 1);
	assert_int_equal(
	    wire_decode_services(&header, encoded.data + WIRE_HEADER_SIZE, &services), 0);
	buffer_free(&encoded);
	return services;
}

static struct service_table *
table_of(const char *const *names, size_t count)
{
	struct wire_services services = services_of(names, count);
	struct error err = ERROR_INIT;
	struct service_table *table = service_table_create(&services, &err);

	if (table == NULL)
		fail_msg("%s", err.text);
	/* Taken. */
	assert_null(services.list);
	assert_int_equal(services.count, 0);
	return table;
}

static void
assert_found(const struct service_table *table, const char *path, const char *name, size_t len)
{
	size_t prefix_len = 777;
	const struct known_service *service = service_table_find(table, false, path, &prefix_len);

	if (name == NULL) {
		assert_null(service);
		return;
	}
	assert_non_null(service);
	assert_string_equal(service->prefix.name, name);
	assert_int_equal(prefix_len, len);
	assert_ptr_equal(service->table, table);
}

static void
test_find(void **state)
{
	static const char *const names[] = {
	    "/echo", "~ /chat[0-9]+", "/echo/deeper", "~ /chat1", "/chat1/own"};
	struct service_table *table = table_of(names, 5);

	(void)state;
	assert_found(table, "/echo", "/echo", 5);
	assert_found(table, "/echo/a/b/xhr", "/echo", 5);
	assert_found(table, "/echo/deeper/info", "/echo/deeper", 12);
	assert_found(table, "/chat1/info", "~ /chat[0-9]+", 6);
	assert_found(table, "/chat1/own/info", "/chat1/own", 10);
	assert_found(table, "/echoes", NULL, 0);
	assert_found(table, "/", NULL, 0);
	assert_found(table, "", NULL, 0);
	service_table_unref(&table);
	assert_null(table);
}

static void
test_named(void **state)
{
	static const char *const names[] = {"/a", "~ /b+", "/c"};
	struct service_table *table = table_of(names, 3);
	unsigned i;

	(void)state;
	for (i = 0; i < 3; i++) {
		const struct known_service *service = service_table_named(table, names[i]);

		assert_non_null(service);
		assert_int_equal(service->number, 7 + i);
		assert_false(service->retired);
		assert_int_equal(service->protocol.options.body_limit, 1000 * (i + 1));
		assert_true(service->protocol.iframe.len > 0);
	}
	assert_null(service_table_named(table, "/b"));
	assert_null(service_table_named(table, "/a/"));
	assert_int_equal(table->body_limit, 3000);
	service_table_unref(&table);
}

/* A retired service is found where it is asked for, and does not stand in another's way. */
static void
test_retired(void **state)
{
	static const char *const names[] = {"/a", "/a/b", "/c"};
	struct service_table *table;
	size_t prefix_len = 0;

	(void)state;
	retired = 1;
	table = table_of(names, 3);
	retired = SIZE_MAX;
	assert_true(table->has_retired);
	assert_found(table, "/a/b/info", "/a", 2);
	assert_ptr_equal(
	    service_table_find(table, true, "/a/b/info", &prefix_len), &table->services[1]);
	assert_int_equal(prefix_len, 4);
	assert_null(service_table_find(table, true, "/a/info", &prefix_len));
	assert_true(service_table_named(table, "/a/b")->retired);
	service_table_unref(&table);
	table = table_of(names, 3);
	assert_false(table->has_retired);
	service_table_unref(&table);
}

static void
test_empty(void **state)
{
	struct service_table *table = table_of(NULL, 0);

	(void)state;
	assert_found(table, "/echo", NULL, 0);
	assert_null(service_table_named(table, "/echo"));
	assert_int_equal(table->body_limit, 0);
	service_table_unref(&table);
}

/* A request keeps the table that it began with. */
static void
test_references(void **state)
{
	static const char *const names[] = {"/a"};
	struct service_table *table = table_of(names, 1), *mine = service_table_ref(table);

	(void)state;
	assert_ptr_equal(mine, table);
	service_table_unref(&table);
	assert_null(table);
	assert_found(mine, "/a/info", "/a", 2);
	service_table_unref(&mine);
	service_table_unref(&mine);
}

/* A name that is no prefix: nothing is made, and what was decoded is freed. */
static void
test_bad_name(void **state)
{
	static const char *const names[] = {"/a", "b", "/c"}, *const patterns[] = {"/a", "~ /("};
	struct wire_services services = services_of(names, 3);
	struct error err = ERROR_INIT;

	(void)state;
	assert_null(service_table_create(&services, &err));
	assert_int_equal(services.count, 0);
	assert_non_null(strstr(err.text, "[service b]"));
	services = services_of(patterns, 2);
	error_clear(&err);
	assert_null(service_table_create(&services, &err));
	assert_non_null(strstr(err.text, "[service ~ /(]"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_find),
	    cmocka_unit_test(test_named),
	    cmocka_unit_test(test_retired),
	    cmocka_unit_test(test_empty),
	    cmocka_unit_test(test_references),
	    cmocka_unit_test(test_bad_name),
	};

	return cmocka_run_group_tests_name("service_table", tests, NULL, NULL);
}
