/*
 * Lines over a pair of descriptors, both ways: the pipes of a child process, or a socket. It never
 * blocks, and what is kept of a line that comes is bounded. What waits to be written is not: its
 * owner looks at line_stream_waiting.
 *
 * A line ends with a newline. What comes after the last one is no line, and is not told.
 */
#ifndef SESSIOND_LINE_STREAM_H
#define SESSIOND_LINE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

struct buffer;
struct line_stream;

/* They are called from the loop, never from a function of this header; deaf may be. */
struct line_stream_calls {
	/*
	 * A line without its newline, nor a carriage return before it. It is NUL-terminated, may
	 * hold NUL bytes, and may be changed; it is valid during the call.
	 */
	void (*line)(void *owner, char *line, size_t len);
	/*
	 * Nothing more will come. why: a text for people, which begins with a verb ("wrote a line
	 * of more than ..."), valid during the call; NULL: the peer has ended its output. Called
	 * once at most. The owner then closes the stream, in the call or later.
	 */
	void (*ended)(void *owner, const char *why);
	/*
	 * The peer reads no more, or there was no memory for the output: what waited is dropped,
	 * and so is what comes. Input goes on, since what the peer wrote before its end may still
	 * be there. Called once at most, within line_stream_flush, too; it must not close the
	 * stream. NULL: nobody wants to know.
	 */
	void (*deaf)(void *owner);
};

/*
 * Takes both descriptors, and makes them non-blocking. They are pipes, or sockets: then in == out
 * may hold. line_limit: bytes of the longest line, its newline not counted; a longer one ends the
 * stream. At most 64 KiB are read in a turn of the loop, so that a flood costs others nothing. loop
 * and calls are borrowed. Aborts if the loop cannot watch the descriptors. SIGPIPE has to be
 * ignored (loop.h does it).
 */
struct line_stream *line_stream_create(uv_loop_t *loop, int in, int out, size_t line_limit,
    const struct line_stream_calls *calls, void *owner);

/* Another line_limit, for the lines that come from now on. */
void line_stream_set_limit(struct line_stream *stream, size_t line_limit);

/* What is to be written: to be appended to by whole lines. */
struct buffer *line_stream_output(struct line_stream *stream);

/* Writes what can be written now; the rest leaves when the peer reads. */
void line_stream_flush(struct line_stream *stream);

/* Bytes that are not written yet. */
size_t line_stream_waiting(const struct line_stream *stream);

/* Once `ended` is told: bytes that came after the last newline. */
size_t line_stream_unfinished(const struct line_stream *stream);

/*
 * Nothing more will be appended: closes the output once it is written (of a socket: shutdown). The
 * owner need not flush. Does nothing the second time.
 */
void line_stream_end_output(struct line_stream *stream);

/*
 * Stops reading, or goes on: while it is stopped neither call is made, lines that were read
 * already wait, too. May be called in a call.
 */
void line_stream_pause(struct line_stream *stream, bool is_paused);

/*
 * The peer is gone, but others may hold its descriptor and keep the input open: what is there to
 * be read now is read, then `ended` is told. A pause holds for that as well.
 */
void line_stream_end_input(struct line_stream *stream);

/*
 * Closes both descriptors at once and drops what was not written. No call is made any more. Safe in
 * every call; a line that is being looked at stays valid until it returns. Takes NULL, sets NULL.
 * The loop has to run until its handles are closed.
 */
void line_stream_close(struct line_stream **stream);

#endif
