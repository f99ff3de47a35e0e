/*
 * fcgi/webserver/outgoing.h: the records of a response.
 */
#include "fcgi/webserver/outgoing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fastcgi/fastcgi_framing.h"

enum { ID = 0x1234 };

/* Adds what the records have for standard output; returns how many there are, but for the end's. */
static size_t
unpack(const struct outgoing *outgoing, bool ends, struct buffer *text)
{
	static const unsigned char end[] = {
	    1, 6, 0x12, 0x34, 0, 0, 0, 0, 1, 3, 0x12, 0x34, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
	const unsigned char *data = (const unsigned char *)outgoing->bytes.data;
	size_t len = outgoing->bytes.len - (ends ? sizeof end : 0), at, count = 0;

	assert_int_equal(outgoing->open, 0);
	for (at = 0; at < len; count++) {
		struct fastcgi_header header = fastcgi_read_header(data + at);

		assert_int_equal(header.version, FCGI_VERSION_1);
		assert_int_equal(header.type, FCGI_STDOUT);
		assert_int_equal(header.id, ID);
		assert_true(header.content > 0 && header.size <= len - at);
		buffer_append(text, data + at + FCGI_HEADER_LEN, header.content);
		at += header.size;
	}
	if (ends)
		assert_memory_equal(data + at, end, sizeof end);
	return count;
}

/* A head of that size and a body of that size. */
static void
check(size_t head_len, size_t body_len, size_t records)
{
	struct outgoing outgoing = {.open = 0};
	struct buffer text = BUFFER_INIT;
	char *head = malloc(head_len + 1), *body = malloc(body_len + 1);

	assert_true(head != NULL && body != NULL);
	memset(head, 'h', head_len);
	memset(body, 'b', body_len);
	if (head_len > 0)
		buffer_append(outgoing_content(&outgoing), head, head_len);
	outgoing_put(&outgoing, ID, body, body_len);
	outgoing_end(&outgoing, ID);
	assert_int_equal(unpack(&outgoing, true, &text), records);
	assert_int_equal(text.len, head_len + body_len);
	assert_memory_equal(text.data, head, head_len);
	if (body_len > 0)
		assert_memory_equal(text.data + head_len, body, body_len);
	buffer_free(&text);
	buffer_free(&outgoing.bytes);
	free(head);
	free(body);
}

static void
test_sizes(void **state)
{
	(void)state;
	check(0, 0, 0);
	check(1, 0, 1);
	check(0, 1, 1);
	check(300, 20, 1);
	check(300, 65535 - 300, 1);
	check(300, 65536 - 300, 2);
	check(0, 65535, 1);
	check(0, 65536, 2);
	check(65535, 0, 1);
	check(65536, 0, 2);
	check(70000, 1, 3);
	check(70000, 200000, 6);
}

/* A stream is put piece by piece, while nothing was sent. */
static void
test_pieces(void **state)
{
	struct outgoing outgoing = {.open = 0};
	struct buffer text = BUFFER_INIT;

	(void)state;
	buffer_append_str(outgoing_content(&outgoing), "head ");
	outgoing_put(&outgoing, ID, "one ", 4);
	outgoing_put(&outgoing, ID, "two ", 4);
	outgoing_put(&outgoing, ID, NULL, 0);
	assert_int_equal(unpack(&outgoing, false, &text), 2);
	buffer_append_str(outgoing_content(&outgoing), "three");
	/* The end closes what is open. */
	outgoing_end(&outgoing, ID);
	buffer_clear(&text);
	assert_int_equal(unpack(&outgoing, true, &text), 3);
	assert_int_equal(text.len, strlen("head one two three"));
	assert_memory_equal(text.data, "head one two three", text.len);
	buffer_free(&text);
	buffer_free(&outgoing.bytes);
}

/* Without memory nothing is written where it does not belong. */
static void
test_failed(void **state)
{
	struct outgoing outgoing = {.open = 0};

	(void)state;
	outgoing.bytes.failed = true;
	buffer_append_str(outgoing_content(&outgoing), "head");
	outgoing_put(&outgoing, ID, "body", 4);
	outgoing_end(&outgoing, ID);
	assert_true(buffer_failed(&outgoing.bytes));
	assert_int_equal(outgoing.bytes.len, 0);
	buffer_free(&outgoing.bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sizes),
	    cmocka_unit_test(test_pieces),
	    cmocka_unit_test(test_failed),
	};

	return cmocka_run_group_tests_name("outgoing", tests, NULL, NULL);
}
