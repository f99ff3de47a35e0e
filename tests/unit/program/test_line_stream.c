/*
 * sessiond/program/line_stream.h: lines that come in pieces, that are too long and that have no
 * end; what waits to be written; pauses; the end, and ends within calls.
 */
#include "sessiond/program/line_stream.h"

#include "common/buffer.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { LIMIT = 1000 };

static uv_loop_t loop;
static struct line_stream *stream;
static int to_stream, from_stream;

/* What the stream has told: each line in brackets. */
static struct buffer told;
static bool has_ended;
static char *why;
static unsigned deaf;
static bool closes_in_line, pauses_in_line;

static void
on_line(void *owner, char *line, size_t len)
{
	assert_ptr_equal(owner, &told);
	assert_int_equal(line[len], '\0');
	buffer_append_char(&told, '[');
	buffer_append(&told, line, len);
	buffer_append_char(&told, ']');
	if (pauses_in_line)
		line_stream_pause(stream, true);
	if (closes_in_line)
		line_stream_close(&stream);
}

static void
on_ended(void *owner, const char *text)
{
	assert_ptr_equal(owner, &told);
	assert_false(has_ended);
	has_ended = true;
	why = text == NULL ? NULL : strdup(text);
}

static void
on_deaf(void *owner)
{
	assert_ptr_equal(owner, &told);
	deaf++;
}

static const struct line_stream_calls calls = {on_line, on_ended, on_deaf};

static int
set_up(void **state)
{
	(void)state;
	assert_int_equal(uv_loop_init(&loop), 0);
	has_ended = closes_in_line = pauses_in_line = false;
	deaf = 0;
	why = NULL;
	return 0;
}

static int
set_up_pipes(void **state)
{
	int in[2], out[2];

	set_up(state);
	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	to_stream = in[1];
	from_stream = out[0];
	stream = line_stream_create(&loop, in[0], out[1], LIMIT, &calls, &told);
	return 0;
}

static int
set_up_socket(void **state)
{
	int ends[2];

	set_up(state);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	to_stream = from_stream = ends[1];
	stream = line_stream_create(&loop, ends[0], ends[0], LIMIT, &calls, &told);
	return 0;
}

static void
close_ends(void)
{
	if (to_stream != -1)
		close(to_stream);
	if (from_stream != to_stream && from_stream != -1)
		close(from_stream);
	to_stream = from_stream = -1;
}

static int
tear_down(void **state)
{
	(void)state;
	close_ends();
	line_stream_close(&stream);
	assert_null(stream);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	buffer_free(&told);
	free(why);
	return 0;
}

static void
turn(void)
{
	uv_run(&loop, UV_RUN_NOWAIT);
}

static void
say(const char *text)
{
	assert_int_equal(write(to_stream, text, strlen(text)), (ssize_t)strlen(text));
}

/* Looks at what was told since the last look. */
static void
expect(const char *text)
{
	buffer_append_char(&told, '\0');
	assert_string_equal(told.data, text);
	buffer_clear(&told);
}

/* As many bytes of one kind as are asked for, and a newline. */
static void
say_long(size_t len)
{
	char *line = malloc(len + 2);

	memset(line, 'x', len);
	line[len] = '\n';
	line[len + 1] = '\0';
	say(line);
	free(line);
}

static void
test_lines(void **state)
{
	(void)state;
	say("a\nbc\r\n\n\r\nd\re\r\r\n");
	turn();
	expect("[a][bc][][][d\re\r]");
	say("hel");
	turn();
	say("lo\nwor");
	turn();
	expect("[hello]");
	say("ld\n");
	turn();
	expect("[world]");
	assert_int_equal(write(to_stream, "n\0l\n", 4), 4);
	turn();
	assert_int_equal(told.len, 5);
	assert_memory_equal(told.data, "[n\0l]", 5);
}

static void
test_end(void **state)
{
	(void)state;
	say("a\nb");
	close_ends();
	turn();
	turn();
	expect("[a]");
	assert_true(has_ended);
	assert_null(why);
	assert_int_equal(line_stream_unfinished(stream), 1);
}

static void
test_longest(void **state)
{
	(void)state;
	say_long(LIMIT);
	turn();
	assert_int_equal(told.len, LIMIT + 2);
	assert_false(has_ended);
	say_long(LIMIT + 1);
	turn();
	assert_int_equal(told.len, LIMIT + 2);
	assert_string_equal(why, "wrote a line of more than 1000 bytes (worker_line_limit)");
	say("more\n");
	turn();
	assert_int_equal(told.len, LIMIT + 2);
}

/* What has no end is not collected. */
static void
test_endless(void **state)
{
	char bytes[4096];

	(void)state;
	memset(bytes, 'x', sizeof bytes);
	assert_int_equal(write(to_stream, bytes, sizeof bytes), sizeof bytes);
	turn();
	assert_true(has_ended);
	assert_non_null(why);
}

/* A flood of lines has 64 KiB a turn, which are the same in pieces. */
static void
test_share(void **state)
{
	enum { TIMES = 6000 };
	size_t seen = 0;
	int turns = 0, i;
	char *text = malloc(TIMES * 10 + 1);

	(void)state;
	for (i = 0; i < TIMES; i++)
		memcpy(text + i * 10, "123\n5678\n\n", 11);
	say(text);
	free(text);
	for (; seen < TIMES * 13 && turns < 100; turns++) {
		turn();
		seen = told.len;
	}
	assert_int_equal(seen, TIMES * 13);
}

static size_t
drain(void)
{
	char bytes[65536];
	ssize_t n = recv(from_stream, bytes, sizeof bytes, MSG_DONTWAIT);

	if (n == -1)
		n = read(from_stream, bytes, sizeof bytes);
	assert_true(n >= 0);
	return (size_t)n;
}

static void
test_output(void **state)
{
	size_t len = 1000000, seen = 0;
	char *to = buffer_reserve(line_stream_output(stream), len);

	(void)state;
	memset(to, 'x', len);
	buffer_added(line_stream_output(stream), len);
	assert_int_equal(line_stream_waiting(stream), len);
	line_stream_flush(stream);
	assert_true(line_stream_waiting(stream) > 0);
	assert_true(line_stream_waiting(stream) < len);
	line_stream_end_output(stream);
	while (seen < len) {
		seen += drain();
		turn();
	}
	assert_int_equal(line_stream_waiting(stream), 0);
	assert_int_equal(drain(), 0);
	assert_int_equal(deaf, 0);
	/* The other direction goes on. */
	say("a\n");
	turn();
	expect("[a]");
	line_stream_end_output(stream);
}

/* The reader goes while the output waits, and what it wrote before is still read. */
static void
test_deaf(void **state)
{
	struct buffer *out = line_stream_output(stream);

	(void)state;
	say("last\n");
	close_ends();
	buffer_append_str(out, "x\n");
	line_stream_flush(stream);
	assert_int_equal(deaf, 1);
	assert_int_equal(line_stream_waiting(stream), 0);
	buffer_append_str(out, "x\n");
	line_stream_flush(stream);
	line_stream_end_output(stream);
	assert_int_equal(line_stream_waiting(stream), 0);
	turn();
	turn();
	expect("[last]");
	assert_true(has_ended);
	assert_int_equal(deaf, 1);
}

static void
test_deaf_later(void **state)
{
	struct buffer *out = line_stream_output(stream);
	size_t len = 1000000;

	(void)state;
	buffer_reserve(out, len);
	memset(out->data, 'x', len);
	buffer_added(out, len);
	line_stream_flush(stream);
	assert_true(line_stream_waiting(stream) > 0);
	turn();
	assert_int_equal(deaf, 0);
	close_ends();
	turn();
	turn();
	assert_int_equal(deaf, 1);
	assert_int_equal(line_stream_waiting(stream), 0);
}

static void
test_pause(void **state)
{
	(void)state;
	line_stream_pause(stream, true);
	say("a\n");
	turn();
	expect("");
	line_stream_pause(stream, false);
	expect("");
	turn();
	turn();
	expect("[a]");
	/* Within a call: what was read already waits. */
	pauses_in_line = true;
	say("b\nc\nd\n");
	turn();
	turn();
	expect("[b]");
	line_stream_pause(stream, false);
	expect("");
	turn();
	expect("[c]");
	pauses_in_line = false;
	close_ends();
	turn();
	assert_false(has_ended);
	line_stream_pause(stream, false);
	turn();
	turn();
	expect("[d]");
	assert_true(has_ended);
}

static void
test_end_input(void **state)
{
	(void)state;
	say("a\nb\nc");
	line_stream_end_input(stream);
	say("d\n");
	assert_false(has_ended);
	turn();
	turn();
	expect("[a][b]");
	assert_true(has_ended);
	assert_null(why);
}

static void
test_end_input_empty(void **state)
{
	(void)state;
	line_stream_pause(stream, true);
	line_stream_end_input(stream);
	turn();
	assert_false(has_ended);
	line_stream_pause(stream, false);
	turn();
	assert_true(has_ended);
}

static void
test_close_in_line(void **state)
{
	(void)state;
	closes_in_line = true;
	say("a\nb\n");
	turn();
	turn();
	expect("[a]");
	assert_null(stream);
	assert_false(has_ended);
}

#define BOTH(test)                                                                                 \
	{"pipes: " #test, test_##test, set_up_pipes, tear_down, NULL},                             \
	{                                                                                          \
		"socket: " #test, test_##test, set_up_socket, tear_down, NULL                      \
	}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    BOTH(lines),
	    BOTH(end),
	    BOTH(longest),
	    BOTH(endless),
	    BOTH(share),
	    BOTH(output),
	    BOTH(deaf),
	    BOTH(deaf_later),
	    BOTH(pause),
	    BOTH(end_input),
	    BOTH(end_input_empty),
	    BOTH(close_in_line),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
