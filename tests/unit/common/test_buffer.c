/*
 * common/buffer.h. Linked with -Wl,--wrap=malloc, so that the nth allocation can fail.
 */
#include "common/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <cmocka.h>

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

static unsigned mallocs;      /* calls since the last reset */
static unsigned fail_from;    /* this call and those after it fail; 0: none */
static size_t largest_malloc; /* bytes asked for since the last reset */

void *
__wrap_malloc(size_t size)
{
	mallocs++;
	if (size > largest_malloc)
		largest_malloc = size;
	/* Nothing here needs a gigabyte: sanitizers would abort instead of returning NULL. */
	if ((fail_from != 0 && mallocs >= fail_from) || size > 1u << 30)
		return NULL;
	return __real_malloc(size);
}

static int
reset_malloc(void **state)
{
	(void)state;
	mallocs = fail_from = 0;
	largest_malloc = 0;
	return 0;
}

static void
assert_content(const struct buffer *b, const char *text)
{
	assert_int_equal(b->len, strlen(text));
	assert_memory_equal(b->data, text, strlen(text));
	assert_false(buffer_failed(b));
}

static void
test_starts_empty(void **state)
{
	struct buffer b = BUFFER_INIT, c;

	(void)state;
	buffer_init(&c);
	assert_true(b.data == c.data && b.base == c.base && b.len == c.len && b.room == c.room);
	assert_null(c.data);
	assert_false(buffer_failed(&c));
	assert_int_equal(b.len, 0);
	assert_false(buffer_failed(&b));
	buffer_clear(&b);
	buffer_consume(&b, 0);
	buffer_append(&b, NULL, 0);
	buffer_append_str(&b, "");
	assert_int_equal(b.len, 0);
	buffer_free(&b);
	buffer_free(&b);
	assert_int_equal(mallocs, 0);
}

static void
test_appends(void **state)
{
	struct buffer b = BUFFER_INIT;

	(void)state;
	buffer_append(&b, "ab\0cd", 2);
	buffer_append_char(&b, '-');
	buffer_append_str(&b, "str");
	buffer_printf(&b, "<%d|%s>", 42, "x");
	buffer_printf(&b, "%s", "");
	assert_content(&b, "ab-str<42|x>");
	assert_int_equal(mallocs, 1);
	buffer_append(&b, "\0", 1);
	assert_int_equal(b.len, 13);
	assert_int_equal(b.data[12], '\0');
	buffer_free(&b);
	assert_null(b.data);
	assert_int_equal(b.len, 0);
}

/* Each length of formatted text around the first allocation's size. */
static void
test_printf_lengths(void **state)
{
	char text[200];

	(void)state;
	for (size_t n = 0; n < sizeof text - 1; n++) {
		struct buffer b = BUFFER_INIT;

		memset(text, 'x', n);
		text[n] = '\0';
		buffer_printf(&b, "%s", text);
		buffer_append_char(&b, '!');
		text[n] = '!';
		text[n + 1] = '\0';
		assert_content(&b, text);
		buffer_free(&b);
	}
}

static void
test_printf_refused(void **state)
{
	struct buffer b = BUFFER_INIT;

	(void)state;
	buffer_append_str(&b, "before");
	/* Not representable in the C locale. */
	buffer_printf(&b, "%lc", (wint_t)0x20ac);
	assert_true(buffer_failed(&b));
	assert_int_equal(b.len, 6);
	buffer_free(&b);
	assert_false(buffer_failed(&b));
}

static void
test_reserve(void **state)
{
	struct buffer b = BUFFER_INIT;
	char *to = buffer_reserve(&b, 0);

	(void)state;
	assert_non_null(to);
	assert_int_equal(b.len, 0);
	to = buffer_reserve(&b, 1000);
	assert_non_null(to);
	memset(to, 'a', 1000);
	buffer_added(&b, 3);
	assert_content(&b, "aaa");
	to = buffer_reserve(&b, 1);
	assert_ptr_equal(to, b.data + 3);
	buffer_added(&b, 0);
	/* Full to the last byte: asking for none more needs no memory. */
	to = buffer_reserve(&b, b.room - b.len);
	memset(to, 'b', b.room - b.len);
	buffer_added(&b, b.room - b.len);
	mallocs = 0;
	assert_ptr_equal(buffer_reserve(&b, 0), b.data + b.len);
	assert_int_equal(mallocs, 0);
	buffer_free(&b);
}

/* Consuming nothing does not take the place that was just reserved. */
static void
test_consume_nothing(void **state)
{
	struct buffer b = BUFFER_INIT;
	char *to = buffer_reserve(&b, 20000);

	(void)state;
	assert_non_null(to);
	buffer_consume(&b, 0);
	assert_ptr_equal(b.data, to);
	memset(to, 'x', 20000);
	buffer_added(&b, 20000);
	buffer_free(&b);
}

static void
test_clear_keeps_storage(void **state)
{
	struct buffer b = BUFFER_INIT;
	size_t room;

	(void)state;
	buffer_append_str(&b, "0123456789");
	room = b.room;
	buffer_consume(&b, 4);
	assert_content(&b, "456789");
	assert_int_equal(b.room, room - 4);
	buffer_clear(&b);
	assert_content(&b, "");
	assert_int_equal(b.room, room);
	assert_ptr_equal(b.data, b.base);
	buffer_append_str(&b, "again");
	assert_content(&b, "again");
	assert_int_equal(mallocs, 1);
	buffer_free(&b);
}

/* A large buffer that becomes empty gives its storage back, a small one keeps it. */
static void
test_consume_all(void **state)
{
	struct buffer b = BUFFER_INIT;
	char large[20000];

	(void)state;
	buffer_append_str(&b, "small");
	buffer_consume(&b, 5);
	assert_content(&b, "");
	assert_non_null(b.base);
	assert_ptr_equal(b.data, b.base);
	memset(large, 'x', sizeof large);
	buffer_append(&b, large, sizeof large);
	buffer_consume(&b, 1);
	assert_non_null(b.base);
	buffer_consume(&b, sizeof large - 1);
	assert_null(b.base);
	assert_null(b.data);
	assert_int_equal(b.room, 0);
	buffer_append_str(&b, "again");
	assert_content(&b, "again");
	buffer_free(&b);
}

/* Appending a byte at a time allocates a logarithmic number of times. */
static void
test_doubles(void **state)
{
	struct buffer b = BUFFER_INIT;

	(void)state;
	for (int i = 0; i < 1 << 20; i++)
		buffer_append_char(&b, 'x');
	assert_int_equal(b.len, 1 << 20);
	assert_int_equal(mallocs, 15); /* 64 << 14 == 1 << 20 */
	buffer_free(&b);
}

/* As a queue which never runs empty, it stays small, and moves each byte about once. */
static void
test_queue_stays_small(void **state)
{
	struct buffer b = BUFFER_INIT;
	unsigned char next = 0, expected = 0;
	unsigned moves = 0;

	(void)state;
	for (int i = 0; i < 40; i++)
		buffer_append_char(&b, (char)next++);
	for (int i = 0; i < 100000; i++) {
		buffer_append_char(&b, (char)next++);
		assert_int_equal((unsigned char)b.data[0], expected++);
		if (b.data == b.base)
			moves++;
		buffer_consume(&b, 1);
	}
	assert_int_equal(b.len, 40);
	assert_true(largest_malloc <= 256);
	assert_true(moves <= 100000 / 39);
	buffer_free(&b);
}

/* Random operations, against a plain array. */
static void
test_against_model(void **state)
{
	static char model[1 << 16];
	size_t from = 0, to = 0;
	struct buffer b = BUFFER_INIT;
	unsigned seed = 1;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		size_t n = (size_t)(rand_r(&seed) % 300);

		if (rand_r(&seed) % 2 == 0 && to + n < sizeof model) {
			for (size_t j = 0; j < n; j++)
				model[to + j] = (char)rand_r(&seed);
			buffer_append(&b, model + to, n);
			to += n;
		} else {
			n = n > to - from ? to - from : n;
			buffer_consume(&b, n);
			from += n;
		}
		assert_int_equal(b.len, to - from);
		assert_true(b.len <= b.room);
		assert_memory_equal(
		    b.len > 0 ? b.data : model, model + (b.len > 0 ? from : 0), b.len);
		if (from == to || to > sizeof model - 300) {
			buffer_clear(&b);
			from = to = 0;
		}
	}
	assert_false(buffer_failed(&b));
	buffer_free(&b);
}

/* Appends in all ways, with allocations in several of them. Returns the length it should have. */
static size_t
append_much(struct buffer *b)
{
	static const char chunk[1000] = {0};

	buffer_append_str(b, "first");
	buffer_append(b, chunk, sizeof chunk);
	buffer_printf(b, "%3000d", 1);
	for (int i = 0; i < 5000; i++)
		buffer_append_char(b, 'c');
	return 5 + sizeof chunk + 3000 + 5000;
}

static void
test_nth_allocation_fails(void **state)
{
	unsigned needed;
	struct buffer b = BUFFER_INIT;
	size_t whole = append_much(&b);

	(void)state;
	assert_int_equal(b.len, whole);
	needed = mallocs;
	assert_true(needed >= 4);
	buffer_free(&b);
	for (unsigned n = 1; n <= needed; n++) {
		mallocs = 0;
		fail_from = n;
		append_much(&b);
		assert_true(buffer_failed(&b));
		assert_int_equal(mallocs, n); /* none is tried after one failed */
		assert_true(b.len < whole);
		assert_null(buffer_reserve(&b, 0));
		fail_from = 0;
		/* Memory is back, but the hole remains. */
		buffer_append_str(&b, "more");
		buffer_clear(&b);
		assert_true(buffer_failed(&b));
		buffer_free(&b);
		append_much(&b);
		assert_int_equal(b.len, whole);
		assert_false(buffer_failed(&b));
		buffer_free(&b);
	}
}

/* What was appended before the failure is still there. */
static void
test_failure_keeps_content(void **state)
{
	struct buffer b = BUFFER_INIT;

	(void)state;
	buffer_append_str(&b, "kept");
	fail_from = 1;
	mallocs = 0;
	assert_null(buffer_reserve(&b, 100));
	assert_true(buffer_failed(&b));
	assert_int_equal(b.len, 4);
	assert_memory_equal(b.data, "kept", 4);
	fail_from = 0;
	buffer_truncate(&b, 2);
	assert_false(buffer_failed(&b));
	buffer_append_str(&b, "pt");
	assert_int_equal(b.len, 4);
	assert_memory_equal(b.data, "kept", 4);
	buffer_consume(&b, 4);
	buffer_free(&b);
}

static void
test_impossible_sizes(void **state)
{
	static const size_t sizes[] = {
		SIZE_MAX,
		SIZE_MAX - 1,
		SIZE_MAX - 64,
		SIZE_MAX / 2 + 1,
		SIZE_MAX / 2,
#if SIZE_MAX > UINT32_MAX
		(size_t)1 << 40,
#endif
	};

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		struct buffer b = BUFFER_INIT;

		assert_null(buffer_reserve(&b, sizes[i]));
		assert_true(buffer_failed(&b));
		buffer_free(&b);
		buffer_append_str(&b, "some");
		buffer_consume(&b, 3);
		assert_null(buffer_reserve(&b, sizes[i]));
		assert_true(buffer_failed(&b));
		assert_int_equal(b.len, 1);
		buffer_free(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_starts_empty, reset_malloc),
	    cmocka_unit_test_setup(test_appends, reset_malloc),
	    cmocka_unit_test_setup(test_printf_lengths, reset_malloc),
	    cmocka_unit_test_setup(test_printf_refused, reset_malloc),
	    cmocka_unit_test_setup(test_reserve, reset_malloc),
	    cmocka_unit_test_setup(test_consume_nothing, reset_malloc),
	    cmocka_unit_test_setup(test_clear_keeps_storage, reset_malloc),
	    cmocka_unit_test_setup(test_consume_all, reset_malloc),
	    cmocka_unit_test_setup(test_doubles, reset_malloc),
	    cmocka_unit_test_setup(test_queue_stays_small, reset_malloc),
	    cmocka_unit_test_setup(test_against_model, reset_malloc),
	    cmocka_unit_test_setup(test_nth_allocation_fails, reset_malloc),
	    cmocka_unit_test_setup(test_failure_keeps_content, reset_malloc),
	    cmocka_unit_test_setup(test_impossible_sizes, reset_malloc),
	};

	return cmocka_run_group_tests_name("buffer", tests, NULL, NULL);
}
