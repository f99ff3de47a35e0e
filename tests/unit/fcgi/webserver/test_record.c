/*
 * fcgi/webserver/record.h: when a FastCGI request is whole, however it comes.
 */
#include "fcgi/webserver/record.h"

#include <fastcgi.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/buffer.h"

static void
put(struct buffer *to, unsigned type, unsigned id, const char *content, size_t len, size_t padding)
{
	static const char zeros[255];
	const unsigned char head[8] = {1, (unsigned char)type, (unsigned char)(id >> 8),
	    (unsigned char)id, (unsigned char)(len >> 8), (unsigned char)len,
	    (unsigned char)padding, 0};

	buffer_append(to, head, sizeof head);
	buffer_append(to, content, len);
	buffer_append(to, zeros, padding);
}

static void
put_head(struct buffer *to, unsigned id)
{
	put(to, FCGI_BEGIN_REQUEST, id, "\0\1\0\0\0\0\0\0", 8, 0);
	put(to, FCGI_PARAMS, id, "\1\1AB", 4, 4);
	put(to, FCGI_PARAMS, id, "", 0, 0);
}

static void
put_request(struct buffer *to, unsigned id, const char *body, size_t len)
{
	put_head(to, id);
	if (len > 0)
		put(to, FCGI_STDIN, id, body, len, 3);
	put(to, FCGI_STDIN, id, "", 0, 0);
}

/* From a copy without a byte to spare, so that a sanitizer sees what is read beyond it. */
static enum record_progress
scan_exact(struct record_scan *scan, const char *data, size_t len)
{
	unsigned char *copy = malloc(len == 0 ? 1 : len);
	enum record_progress progress;

	assert_non_null(copy);
	if (len > 0)
		memcpy(copy, data, len);
	do {
		progress = record_scan(scan, copy, len);
		assert_true(scan->at <= len);
		assert_true(scan->body <= scan->at);
	} while (
	    progress == RECORD_MANAGEMENT || (progress == RECORD_INCOMPLETE && scan->last_is_body));
	free(copy);
	return progress;
}

static enum record_progress
scan_all(const struct buffer *b, struct record_scan *scan)
{
	*scan = (struct record_scan){.at = 0};
	return scan_exact(scan, b->data, b->len);
}

static void
test_whole(void **state)
{
	struct buffer b = BUFFER_INIT;
	struct record_scan scan;

	(void)state;
	put_request(&b, 1, "hello", 5);
	assert_int_equal(scan_all(&b, &scan), RECORD_COMPLETE);
	assert_int_equal(scan.at, b.len);
	assert_int_equal(scan.body, 5);
	assert_int_equal(scan.id, 1);
	buffer_free(&b);
}

static void
test_without_body(void **state)
{
	struct buffer b = BUFFER_INIT;
	struct record_scan scan;

	(void)state;
	put_request(&b, 0x1234, "", 0);
	assert_int_equal(scan_all(&b, &scan), RECORD_COMPLETE);
	assert_int_equal(scan.at, b.len);
	assert_int_equal(scan.body, 0);
	assert_int_equal(scan.id, 0x1234);
	buffer_free(&b);
}

/* Each prefix but the whole is incomplete, and what follows makes it complete. */
static void
test_every_split(void **state)
{
	struct buffer b = BUFFER_INIT;
	size_t cut;

	(void)state;
	put_request(&b, 1, "0123456789", 10);
	for (cut = 0; cut < b.len; cut++) {
		struct record_scan scan = {.at = 0};

		assert_int_equal(scan_exact(&scan, b.data, cut), RECORD_INCOMPLETE);
		assert_true(scan.at <= cut);
		assert_int_equal(scan_exact(&scan, b.data, b.len), RECORD_COMPLETE);
		assert_int_equal(scan.at, b.len);
		assert_int_equal(scan.body, 10);
	}
	buffer_free(&b);
}

static void
test_byte_by_byte(void **state)
{
	struct buffer b = BUFFER_INIT;
	struct record_scan scan = {.at = 0};
	char body[700];
	size_t i, k;

	(void)state;
	memset(body, 'x', sizeof body);
	put_head(&b, 1);
	for (i = 1; i <= 300; i += 37)
		put(&b, FCGI_STDIN, 1, body, i, i % 256);
	put(&b, FCGI_STDIN, 1, "", 0, 7);
	for (k = 0; k < b.len; k++)
		assert_int_equal(scan_exact(&scan, b.data, k), RECORD_INCOMPLETE);
	assert_int_equal(scan_exact(&scan, b.data, b.len), RECORD_COMPLETE);
	assert_int_equal(scan.at, b.len);
	assert_int_equal(scan.body, 1 + 38 + 75 + 112 + 149 + 186 + 223 + 260 + 297);
	buffer_free(&b);
}

/* The end of standard input is not its end while its padding is missing. */
static void
test_padding(void **state)
{
	struct buffer b = BUFFER_INIT;
	struct record_scan scan = {.at = 0};
	size_t k, end;

	(void)state;
	put_head(&b, 1);
	end = b.len;
	put(&b, FCGI_STDIN, 1, "", 0, 255);
	for (k = 0; k < b.len; k++) {
		assert_int_equal(scan_exact(&scan, b.data, k), RECORD_INCOMPLETE);
		assert_true(scan.at <= end);
	}
	assert_int_equal(scan_exact(&scan, b.data, b.len), RECORD_COMPLETE);
	buffer_free(&b);
}

/* It stops after each record of the body, and says where that is. */
static void
test_stops_at_body(void **state)
{
	struct buffer b = BUFFER_INIT;
	struct record_scan scan = {.at = 0};
	const unsigned char *data;
	size_t head;

	(void)state;
	put_head(&b, 1);
	head = b.len;
	put(&b, FCGI_STDIN, 1, "abc", 3, 5);
	put(&b, FCGI_STDIN, 1, "de", 2, 0);
	put(&b, FCGI_STDIN, 1, "", 0, 0);
	data = (const unsigned char *)b.data;
	assert_int_equal(record_scan(&scan, data, b.len), RECORD_INCOMPLETE);
	assert_true(scan.last_is_body);
	assert_int_equal(scan.last_begin, head);
	assert_int_equal(scan.at, head + 8 + 3 + 5);
	assert_int_equal(scan.body, 3);
	assert_int_equal(record_scan(&scan, data, b.len), RECORD_INCOMPLETE);
	assert_true(scan.last_is_body);
	assert_int_equal(scan.last_begin, head + 16);
	assert_int_equal(scan.body, 5);
	assert_int_equal(record_scan(&scan, data, b.len), RECORD_COMPLETE);
	assert_false(scan.last_is_body);
	assert_int_equal(scan.at, b.len);
	buffer_free(&b);
}

/* A caller may take out what it was shown; the rest is looked at as if that had not been there. */
static void
test_body_taken_out(void **state)
{
	struct buffer b = BUFFER_INIT;
	struct record_scan scan = {.at = 0};
	enum record_progress progress;
	size_t head;

	(void)state;
	put_head(&b, 1);
	head = b.len;
	put(&b, FCGI_STDIN, 1, "abc", 3, 5);
	put(&b, FCGI_STDIN, 1, "de", 2, 0);
	put(&b, FCGI_STDIN, 1, "", 0, 0);
	do {
		progress = record_scan(&scan, (const unsigned char *)b.data, b.len);
		if (!scan.last_is_body)
			continue;
		memmove(b.data + scan.last_begin, b.data + scan.at, b.len - scan.at);
		b.len -= scan.at - scan.last_begin;
		scan.at = scan.last_begin;
	} while (progress == RECORD_INCOMPLETE);
	assert_int_equal(progress, RECORD_COMPLETE);
	assert_int_equal(b.len, head + 8);
	assert_int_equal(scan.at, b.len);
	assert_int_equal(scan.body, 5);
	buffer_free(&b);
}

static void
test_several_requests(void **state)
{
	struct buffer b = BUFFER_INIT;
	struct record_scan scan;
	size_t first;

	(void)state;
	put_request(&b, 1, "one", 3);
	first = b.len;
	put_request(&b, 2, "three", 5);
	assert_int_equal(scan_all(&b, &scan), RECORD_COMPLETE);
	assert_int_equal(scan.at, first);
	assert_int_equal(scan.body, 3);
	scan = (struct record_scan){.at = 0};
	assert_int_equal(scan_exact(&scan, b.data + first, b.len - first), RECORD_COMPLETE);
	assert_int_equal(scan.at, b.len - first);
	assert_int_equal(scan.body, 5);
	assert_int_equal(scan.id, 2);
	buffer_free(&b);
}

static void
test_abort(void **state)
{
	struct buffer b = BUFFER_INIT;
	struct record_scan scan;

	(void)state;
	put_head(&b, 7);
	put(&b, FCGI_STDIN, 7, "ab", 2, 0);
	put(&b, FCGI_ABORT_REQUEST, 7, "", 0, 0);
	assert_int_equal(scan_all(&b, &scan), RECORD_BROKEN);
	buffer_free(&b);

	/* Of another request: nobody's business. */
	put_head(&b, 7);
	put(&b, FCGI_ABORT_REQUEST, 6, "", 0, 0);
	assert_int_equal(scan_all(&b, &scan), RECORD_INCOMPLETE);
	put(&b, FCGI_STDIN, 7, "", 0, 0);
	assert_int_equal(scan_all(&b, &scan), RECORD_COMPLETE);
	buffer_free(&b);
}

/* What is not the request's standard input does not end it. */
static void
test_other_records(void **state)
{
	static const unsigned types[] = {FCGI_BEGIN_REQUEST, FCGI_DATA, FCGI_GET_VALUES, 77, 255};
	struct buffer b = BUFFER_INIT;
	struct record_scan scan;
	size_t i;

	(void)state;
	put_head(&b, 1);
	for (i = 0; i < sizeof types / sizeof types[0]; i++)
		put(&b, types[i], 1, "", 0, 0);
	put(&b, FCGI_STDIN, 2, "", 0, 0);
	put(&b, FCGI_GET_VALUES, 0, "\0\0", 2, 6);
	assert_int_equal(scan_all(&b, &scan), RECORD_INCOMPLETE);
	assert_int_equal(scan.at, b.len);
	assert_int_equal(scan.body, 0);
	put(&b, FCGI_STDIN, 1, "", 0, 0);
	assert_int_equal(scan_all(&b, &scan), RECORD_COMPLETE);
	assert_int_equal(scan.at, b.len);
	buffer_free(&b);
}

static void
test_other_versions(void **state)
{
	static const unsigned char versions[] = {0, 2, 'G', 22, 255};
	struct buffer b = BUFFER_INIT;
	struct record_scan scan;
	size_t i, at;

	(void)state;
	for (i = 0; i < sizeof versions; i++) {
		for (at = 0; at <= 1; at++) {
			put(&b, FCGI_BEGIN_REQUEST, 1, "\0\1\0\0\0\0\0\0", 8, 0);
			put(&b, FCGI_PARAMS, 1, "", 0, 0);
			b.data[at * 16] = (char)versions[i];
			assert_int_equal(scan_all(&b, &scan), RECORD_BROKEN);
			buffer_free(&b);
		}
	}
}

/* Standard input without a beginning is no request. */
static void
test_no_begin(void **state)
{
	static const unsigned ids[] = {0, 1, 65535};
	struct buffer b = BUFFER_INIT;
	struct record_scan scan;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof ids / sizeof ids[0]; i++) {
		put(&b, FCGI_PARAMS, ids[i], "", 0, 0);
		put(&b, FCGI_STDIN, ids[i], "x", 1, 0);
		put(&b, FCGI_STDIN, ids[i], "", 0, 0);
		assert_int_not_equal(scan_all(&b, &scan), RECORD_COMPLETE);
		buffer_free(&b);
	}
}

static void
test_largest_record(void **state)
{
	struct buffer b = BUFFER_INIT;
	struct record_scan scan;
	char *body = calloc(1, 65535);

	(void)state;
	assert_non_null(body);
	put_head(&b, 65535);
	put(&b, FCGI_STDIN, 65535, body, 65535, 255);
	put(&b, FCGI_STDIN, 65535, "", 0, 0);
	assert_int_equal(scan_all(&b, &scan), RECORD_COMPLETE);
	assert_int_equal(scan.body, 65535);
	assert_int_equal(scan.at, b.len);
	buffer_free(&b);
	free(body);
}

/* What a request says at its begin, and what is no such thing. */
static void
test_begin(void **state)
{
	static const struct {
		const char *body;
		size_t len;
		enum record_progress progress;
		bool is_kept;
	} begins[] = {
	    {"\0\1\0\0\0\0\0\0", 8, RECORD_COMPLETE, false},
	    {"\0\1\1\0\0\0\0\0", 8, RECORD_COMPLETE, true},
	    {"\0\1\376\0\0\0\0\0", 8, RECORD_COMPLETE, false},
	    {"\0\3\377\0\0\0\0\0", 8, RECORD_COMPLETE, true},
	    {"\0\0\1\0\0\0\0\0", 8, RECORD_BROKEN, false},
	    {"\0\4\1\0\0\0\0\0", 8, RECORD_BROKEN, false},
	    {"\1\1\1\0\0\0\0\0", 8, RECORD_BROKEN, false},
	    {"\0\1\1\0\0\0\0", 7, RECORD_BROKEN, false},
	    {"\0\1\1\0\0\0\0\0\0", 9, RECORD_BROKEN, false},
	    {"", 0, RECORD_BROKEN, false},
	};
	struct buffer b = BUFFER_INIT;
	struct record_scan scan;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof begins / sizeof begins[0]; i++) {
		put(&b, FCGI_BEGIN_REQUEST, 1, begins[i].body, begins[i].len, 0);
		put(&b, FCGI_PARAMS, 1, "", 0, 0);
		put(&b, FCGI_STDIN, 1, "", 0, 0);
		assert_int_equal(scan_all(&b, &scan), begins[i].progress);
		assert_int_equal(scan.is_kept, begins[i].is_kept);
		buffer_free(&b);
	}
}

/* First all parameters, then all standard input. */
static void
test_order(void **state)
{
	struct buffer b = BUFFER_INIT;
	struct record_scan scan;

	(void)state;
	put(&b, FCGI_BEGIN_REQUEST, 1, "\0\1\0\0\0\0\0\0", 8, 0);
	put(&b, FCGI_PARAMS, 1, "\1\1AB", 4, 0);
	put(&b, FCGI_STDIN, 1, "x", 1, 0);
	assert_int_equal(scan_all(&b, &scan), RECORD_BROKEN);
	buffer_free(&b);
	for (size_t len = 0; len <= 4; len += 4) {
		put_head(&b, 1);
		put(&b, FCGI_PARAMS, 1, "\1\1CD", len, 0);
		assert_int_equal(scan_all(&b, &scan), RECORD_BROKEN);
		buffer_free(&b);
	}
}

/* Of that request's records alone, and of none before or behind them. */
static void
test_body(void **state)
{
	struct buffer b = BUFFER_INIT, body = BUFFER_INIT;
	struct record_scan scan;

	(void)state;
	put(&b, FCGI_STDIN, 7, "before", 6, 0);
	put_head(&b, 7);
	put(&b, FCGI_STDIN, 7, "[\"hello", 7, 1);
	put(&b, FCGI_STDIN, 8, "other", 5, 3);
	put(&b, FCGI_STDIN, 7, " wor", 4, 0);
	put(&b, FCGI_STDIN, 7, "ld\"]", 4, 255);
	put(&b, FCGI_STDIN, 7, "", 0, 5);
	put(&b, FCGI_STDIN, 7, "next", 4, 0);
	assert_int_equal(scan_all(&b, &scan), RECORD_COMPLETE);
	record_append_body(&scan, (const unsigned char *)b.data, &body);
	assert_int_equal(body.len, scan.body);
	assert_memory_equal(body.data, "[\"hello world\"]", body.len);
	buffer_free(&body);
	buffer_free(&b);
}

static void
test_no_body(void **state)
{
	struct buffer b = BUFFER_INIT, body = BUFFER_INIT;
	struct record_scan scan;

	(void)state;
	put_request(&b, 1, "", 0);
	assert_int_equal(scan_all(&b, &scan), RECORD_COMPLETE);
	record_append_body(&scan, (const unsigned char *)b.data, &body);
	assert_null(body.base);
	buffer_free(&b);
}

/* However the records cut them. */
static void
test_params(void **state)
{
	static const char params[] = "\1\2ABC\0\0\200\0\0\2\1DEF";
	const size_t len = sizeof params - 1;
	const unsigned char *joined;
	struct buffer b = BUFFER_INIT;
	struct record_scan scan;
	size_t cut, at;

	(void)state;
	for (cut = 1; cut <= len; cut++) {
		put(&b, FCGI_PARAMS, 1, "\1\1XY", 4, 0);
		put(&b, FCGI_BEGIN_REQUEST, 1, "\0\1\0\0\0\0\0\0", 8, 0);
		for (at = 0; at < len; at += cut) {
			put(&b, FCGI_PARAMS, 1, params + at, len - at < cut ? len - at : cut, 3);
			put(&b, FCGI_PARAMS, 2, "\377\377", 2, 0);
		}
		put(&b, FCGI_PARAMS, 1, "", 0, 0);
		put(&b, FCGI_STDIN, 1, "x", 1, 0);
		put(&b, FCGI_STDIN, 1, "", 0, 0);
		assert_int_equal(scan_all(&b, &scan), RECORD_COMPLETE);
		assert_int_equal(record_join_params(&scan, (unsigned char *)b.data, &joined), len);
		assert_memory_equal(joined, params, len);
		buffer_free(&b);
	}
}

/* However many there are, and whatever their size, that is the most. */
static void
test_params_limit(void **state)
{
	const size_t record = 65528, last = RECORD_PARAMS_MAX % record;
	struct buffer b = BUFFER_INIT;
	struct record_scan scan;
	char *pairs = calloc(1, record);

	(void)state;
	assert_non_null(pairs);
	for (size_t more = 0; more <= 1; more++) {
		put(&b, FCGI_BEGIN_REQUEST, 1, "\0\1\0\0\0\0\0\0", 8, 0);
		for (size_t i = 0; i < RECORD_PARAMS_MAX / record; i++) {
			put(&b, FCGI_PARAMS, 1, pairs, record, 0);
			put(&b, FCGI_PARAMS, 2, pairs, record, 0);
		}
		put(&b, FCGI_PARAMS, 1, pairs, last + more, 0);
		put(&b, FCGI_PARAMS, 1, "", 0, 0);
		put(&b, FCGI_STDIN, 1, "", 0, 0);
		assert_int_equal(scan_all(&b, &scan), more == 0 ? RECORD_COMPLETE : RECORD_BROKEN);
		buffer_free(&b);
	}
	free(pairs);
}

static void
test_no_params(void **state)
{
	const unsigned char *joined;
	struct buffer b = BUFFER_INIT;
	struct record_scan scan;

	(void)state;
	put(&b, FCGI_BEGIN_REQUEST, 1, "\0\1\0\0\0\0\0\0", 8, 0);
	put(&b, FCGI_PARAMS, 1, "", 0, 0);
	put(&b, FCGI_STDIN, 1, "", 0, 0);
	assert_int_equal(scan_all(&b, &scan), RECORD_COMPLETE);
	assert_int_equal(record_join_params(&scan, (unsigned char *)b.data, &joined), 0);
	buffer_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_whole),
	    cmocka_unit_test(test_without_body),
	    cmocka_unit_test(test_every_split),
	    cmocka_unit_test(test_byte_by_byte),
	    cmocka_unit_test(test_padding),
	    cmocka_unit_test(test_stops_at_body),
	    cmocka_unit_test(test_body_taken_out),
	    cmocka_unit_test(test_several_requests),
	    cmocka_unit_test(test_abort),
	    cmocka_unit_test(test_other_records),
	    cmocka_unit_test(test_other_versions),
	    cmocka_unit_test(test_no_begin),
	    cmocka_unit_test(test_largest_record),
	    cmocka_unit_test(test_begin),
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_body),
	    cmocka_unit_test(test_no_body),
	    cmocka_unit_test(test_params),
	    cmocka_unit_test(test_params_limit),
	    cmocka_unit_test(test_no_params),
	};

	return cmocka_run_group_tests_name("fcgi_record", tests, NULL, NULL);
}
