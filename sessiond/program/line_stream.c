/*
 * See line_stream.h. The stream is freed when libuv has closed its handles: until then a call that
 * closed it may return into the functions here, which look at is_over.
 *
 * A socket has one handle for both ways, and out_poll is not used. Lines that were read and wait
 * for a pause to end are given by `again`, which makes a turn of its own.
 */
#include "sessiond/program/line_stream.h"

#include "common/buffer.h"
#include "common/loop.h"
#include "common/memory.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	READ_SIZE = 16384, /* a buffer keeps that much while it is empty */
	READS_A_TURN = 4,
};

struct line_stream {
	uv_poll_t in_poll, out_poll;
	int in_events, out_events; /* that are watched */
	uv_idle_t again;
	unsigned handles; /* that libuv has not closed */
	int in, out;	  /* out -1: it is closed */
	size_t line_limit;
	const struct line_stream_calls *calls;
	void *owner;
	struct buffer input, output;
	size_t scanned; /* bytes of the input without a newline */
	size_t left;	/* bytes that are still to be read; SIZE_MAX: until the end */
	bool is_paused;
	bool is_deaf;
	bool is_output_over; /* nothing more will be appended */
	bool is_over;	     /* ended or closed: no call is made any more */
};

static void on_events(uv_poll_t *poll, int status, int events);

static bool
is_socket(const struct line_stream *stream)
{
	return stream->out == stream->in;
}

/* --- what is watched -------------------------------------------------------------------------- */

static void
watch_one(uv_poll_t *poll, int *watched, int events)
{
	if (*watched == events)
		return;
	*watched = events;
	if (events == 0)
		uv_poll_stop(poll);
	else
		uv_poll_start(poll, events, on_events);
}

static void
watch(struct line_stream *stream)
{
	int in = stream->is_paused || stream->is_over ? 0 : UV_READABLE;
	int out = stream->output.len > 0 ? UV_WRITABLE : 0;

	if (is_socket(stream)) {
		watch_one(&stream->in_poll, &stream->in_events, in | out);
		return;
	}
	watch_one(&stream->in_poll, &stream->in_events, in);
	if (stream->out != -1)
		watch_one(&stream->out_poll, &stream->out_events, out);
}

/* --- reading ---------------------------------------------------------------------------------- */

static void
end(struct line_stream *stream, const char *why)
{
	stream->is_over = true;
	watch(stream);
	stream->calls->ended(stream->owner, why);
}

static void
end_too_long(struct line_stream *stream)
{
	char why[100];

	snprintf(why, sizeof why, "wrote a line of more than %zu bytes (worker_line_limit)",
	    stream->line_limit);
	end(stream, why);
}

static void
end_unreadable(struct line_stream *stream)
{
	char why[100];

	snprintf(why, sizeof why, "cannot be read from: %s", strerror(errno));
	end(stream, why);
}

/* Returns false if the stream is over. */
static bool
take_line(struct line_stream *stream, size_t len)
{
	struct buffer *in = &stream->input;
	size_t text = len;

	if (len > stream->line_limit) {
		end_too_long(stream);
		return false;
	}
	if (text > 0 && in->data[text - 1] == '\r')
		text--;
	in->data[text] = '\0';
	stream->calls->line(stream->owner, in->data, text);
	if (stream->is_over)
		return false;
	buffer_consume(in, len + 1);
	stream->scanned = 0;
	return true;
}

/* Gives the whole lines of the input to the owner. Returns false if the stream is over. */
static bool
take_lines(struct line_stream *stream)
{
	struct buffer *in = &stream->input;

	while (!stream->is_paused && in->len > stream->scanned) {
		const char *from = in->data + stream->scanned;
		const char *newline = memchr(from, '\n', in->len - stream->scanned);

		if (newline == NULL) {
			stream->scanned = in->len;
			break;
		}
		if (!take_line(stream, (size_t)(newline - in->data)))
			return false;
	}
	if (stream->scanned <= stream->line_limit)
		return true;
	end_too_long(stream);
	return false;
}

/* Returns the bytes that were read; 0: there are none now, or the stream is over. */
static size_t
read_once(struct line_stream *stream)
{
	size_t room = stream->left < READ_SIZE ? stream->left : READ_SIZE;
	char *to = buffer_reserve(&stream->input, room);
	ssize_t n;

	if (to == NULL) {
		end(stream, "wrote a line that there is no memory for");
		return 0;
	}
	n = read(stream->in, to, room);
	if (n == 0 || (n == -1 && errno == ECONNRESET)) /* it had not read everything */
		end(stream, NULL);
	else if (n == -1 && errno != EAGAIN && errno != EINTR)
		end_unreadable(stream);
	if (n <= 0)
		return 0;
	buffer_added(&stream->input, (size_t)n);
	if (stream->left != SIZE_MAX)
		stream->left -= (size_t)n;
	return (size_t)n;
}

/* What a turn reads, with what an earlier one has left. */
static void
read_turn(struct line_stream *stream)
{
	size_t n = READ_SIZE;
	int reads = 0;

	if (stream->is_over || !take_lines(stream))
		return;
	while (n == READ_SIZE && reads++ < READS_A_TURN && stream->left > 0 && !stream->is_paused) {
		n = read_once(stream);
		if (stream->is_over || !take_lines(stream))
			return;
	}
	if (stream->left == 0 && !stream->is_paused)
		end(stream, NULL);
}

static void
on_again(uv_idle_t *idle)
{
	struct line_stream *stream = idle->data;

	loop_note_wake(idle->loop);
	uv_idle_stop(idle);
	read_turn(stream);
}

/* --- writing ---------------------------------------------------------------------------------- */

static void on_closed(uv_handle_t *handle);

static void
close_output(struct line_stream *stream)
{
	if (is_socket(stream)) {
		shutdown(stream->out, SHUT_WR);
		return;
	}
	if (stream->out == -1)
		return;
	uv_close((uv_handle_t *)&stream->out_poll, on_closed);
	close(stream->out);
	stream->out = -1;
}

static void
go_deaf(struct line_stream *stream)
{
	buffer_free(&stream->output);
	if (stream->is_deaf)
		return;
	stream->is_deaf = true;
	close_output(stream);
	if (stream->calls->deaf != NULL)
		stream->calls->deaf(stream->owner);
}

static void
write_some(struct line_stream *stream)
{
	struct buffer *out = &stream->output;

	while (out->len > 0) {
		ssize_t n = write(stream->out, out->data, out->len);

		if (n > 0)
			buffer_consume(out, (size_t)n);
		else if (n == -1 && errno == EAGAIN)
			return;
		else if (n == 0 || errno != EINTR)
			go_deaf(stream);
	}
}

void
line_stream_flush(struct line_stream *stream)
{
	/* What is missing in it nobody can tell the peer. */
	if (stream->is_deaf || buffer_failed(&stream->output))
		go_deaf(stream);
	write_some(stream);
	if (stream->is_output_over && stream->output.len == 0)
		close_output(stream);
	watch(stream);
}

void
line_stream_set_limit(struct line_stream *stream, size_t line_limit)
{
	stream->line_limit = line_limit;
}

struct buffer *
line_stream_output(struct line_stream *stream)
{
	return &stream->output;
}

size_t
line_stream_waiting(const struct line_stream *stream)
{
	return stream->output.len;
}

size_t
line_stream_unfinished(const struct line_stream *stream)
{
	return stream->input.len;
}

void
line_stream_end_output(struct line_stream *stream)
{
	stream->is_output_over = true;
	line_stream_flush(stream);
}

/* --- events ----------------------------------------------------------------------------------- */

/* libuv only says that it failed, and has stopped: writing finds out why, and reading. */
static void
on_failure(struct line_stream *stream, const uv_poll_t *poll)
{
	if (poll == &stream->out_poll)
		stream->out_events = 0;
	else
		stream->in_events = 0;
	if (poll == &stream->out_poll || is_socket(stream))
		go_deaf(stream);
	if (poll == &stream->in_poll && !stream->is_paused)
		read_turn(stream);
	if (!stream->is_over)
		watch(stream);
}

static void
on_events(uv_poll_t *poll, int status, int events)
{
	struct line_stream *stream = poll->data;

	loop_note_wake(poll->loop);
	if (status < 0) {
		on_failure(stream, poll);
		return;
	}
	if (events & UV_WRITABLE)
		line_stream_flush(stream);
	if (events & UV_READABLE)
		read_turn(stream);
}

/* --- life ------------------------------------------------------------------------------------- */

static void
watch_descriptor(struct line_stream *stream, uv_loop_t *loop, uv_poll_t *poll, int fd)
{
	if (uv_poll_init(loop, poll, fd) != 0)
		abort();
	poll->data = stream;
	stream->handles++;
}

struct line_stream *
line_stream_create(uv_loop_t *loop, int in, int out, size_t line_limit,
    const struct line_stream_calls *calls, void *owner)
{
	struct line_stream *stream = xcalloc(1, sizeof *stream);

	stream->in = in;
	stream->out = out;
	stream->line_limit = line_limit;
	stream->left = SIZE_MAX;
	stream->calls = calls;
	stream->owner = owner;
	watch_descriptor(stream, loop, &stream->in_poll, in);
	if (!is_socket(stream))
		watch_descriptor(stream, loop, &stream->out_poll, out);
	uv_idle_init(loop, &stream->again);
	stream->again.data = stream;
	stream->handles++;
	watch(stream);
	return stream;
}

/* Lines that wait, and the end, are told from the loop. */
static void
wake(struct line_stream *stream)
{
	if (!stream->is_over && !stream->is_paused)
		uv_idle_start(&stream->again, on_again);
}

void
line_stream_pause(struct line_stream *stream, bool is_paused)
{
	if (stream->is_paused == is_paused)
		return;
	stream->is_paused = is_paused;
	watch(stream);
	wake(stream);
}

void
line_stream_end_input(struct line_stream *stream)
{
	int n = 0;

	if (stream->left != SIZE_MAX)
		return;
	ioctl(stream->in, FIONREAD, &n);
	stream->left = (size_t)n;
	wake(stream);
}

static void
on_closed(uv_handle_t *handle)
{
	struct line_stream *stream = handle->data;

	if (--stream->handles > 0)
		return;
	buffer_free(&stream->input);
	buffer_free(&stream->output);
	free(stream);
}

void
line_stream_close(struct line_stream **stream)
{
	struct line_stream *s = *stream;

	*stream = NULL;
	if (s == NULL)
		return;
	s->is_over = true;
	uv_close((uv_handle_t *)&s->in_poll, on_closed);
	uv_close((uv_handle_t *)&s->again, on_closed);
	if (!is_socket(s))
		close_output(s);
	close(s->in);
}
