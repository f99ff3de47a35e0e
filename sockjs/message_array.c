/*
 * See message_array.h. Each body or text message of a client is decoded here: it is the hot path of
 * what comes in.
 *
 * Why the result always fits in front of what is still to be read: let `out` be where the next byte
 * goes and `in` where the next one is read from. The claim is out <= in whenever no string is open,
 * and out < in while one is.
 *  - At the start both are 0. Whatever is read outside of strings ([ ] , white space) moves only
 *    `in`.
 *  - The opening quotation mark moves `in` by one and writes nothing: now out < in.
 *  - Raw characters write as many bytes as they read. A short escape reads 2 and writes 1, \uxxxx
 *    reads 6 and writes at most 3, a pair reads 12 and writes 4. The distance never shrinks.
 *  - The closing mark reads 1 and writes 1, the end byte: out <= in.
 * Each message so needs at most its literal's length less one: `""` takes one byte of two, `[""]`
 * one of four, `["",""]` two of seven. The same holds for strings whose value is only validated:
 * they are decoded too, and the bytes are garbage.
 *
 * The same distance makes the eight-byte step right: a word is stored at least one byte left of
 * where it was read, so if it was all text, only bytes that were read are overwritten. If not,
 * move_some looks how far it may write.
 */
#include "sockjs/message_array.h"

#include <stdint.h>
#include <string.h>

#include "sockjs/swar.h"
#include "sockjs/utf8.h"

struct decoder {
	unsigned char *out;
	const unsigned char *in;
	const unsigned char *end;
};

/* The arrays and objects that a value is in: a bit each, set for an object. */
struct nesting {
	size_t depth;
	uint64_t objects[MESSAGE_ARRAY_MAX_DEPTH / 64];
};

/* The next byte, or -1 at the end. */
static inline int
peek(const struct decoder *d)
{
	return d->in < d->end ? *d->in : -1;
}

/* Takes the byte c if it is next. */
static inline bool
take(struct decoder *d, int c)
{
	if (peek(d) != c)
		return false;
	d->in++;
	return true;
}

static inline void
skip_space(struct decoder *d)
{
	int c;

	while ((c = peek(d)) == ' ' || c == '\t' || c == '\n' || c == '\r')
		d->in++;
}

static int
hex_digit(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The code unit of the escape \uxxxx at s, or -1 if there is none before the end. */
static long
peek_unit(const struct decoder *d, const unsigned char *s)
{
	long unit = 0;

	if (d->end - s < 6 || s[0] != '\\' || s[1] != 'u')
		return -1;
	for (int i = 2; i < 6; i++) {
		int digit = hex_digit(s[i]);

		if (digit == -1)
			return -1;
		unit = unit << 4 | digit;
	}
	return unit;
}

/* Writes a code point, lone surrogates included, as 1..4 bytes. */
static void
write_code(struct decoder *d, uint32_t code)
{
	if (code < 0x80) {
		*d->out++ = (unsigned char)code;
		return;
	}
	if (code < 0x800) {
		*d->out++ = (unsigned char)(0xc0 | code >> 6);
	} else {
		if (code < 0x10000) {
			*d->out++ = (unsigned char)(0xe0 | code >> 12);
		} else {
			*d->out++ = (unsigned char)(0xf0 | code >> 18);
			*d->out++ = (unsigned char)(0x80 | (code >> 12 & 0x3f));
		}
		*d->out++ = (unsigned char)(0x80 | (code >> 6 & 0x3f));
	}
	*d->out++ = (unsigned char)(0x80 | (code & 0x3f));
}

/* Decodes the \uxxxx that is next, with a second one if they are a pair. */
static bool
decode_unit(struct decoder *d)
{
	long unit = peek_unit(d, d->in), low;

	if (unit == -1)
		return false;
	d->in += 6;
	if (unit >= 0xd800 && unit <= 0xdbff) {
		low = peek_unit(d, d->in);
		if (low >= 0xdc00 && low <= 0xdfff) {
			d->in += 6;
			unit = 0x10000 + ((unit - 0xd800) << 10 | (low - 0xdc00));
		}
	}
	write_code(d, (uint32_t)unit);
	return true;
}

/* Decodes the escape that is next. */
static bool
decode_escape(struct decoder *d)
{
	static const unsigned char characters[256] = {['"'] = '"',
	    ['\\'] = '\\',
	    ['/'] = '/',
	    ['b'] = '\b',
	    ['f'] = '\f',
	    ['n'] = '\n',
	    ['r'] = '\r',
	    ['t'] = '\t'};
	unsigned char c;

	if (d->end - d->in < 2)
		return false;
	c = characters[d->in[1]];
	if (c == 0)
		return decode_unit(d);
	*d->out++ = c;
	d->in += 2;
	return true;
}

/*
 * Moves the n < SWAR_STEP bytes of text with which the word read at in begins: all of it at once if
 * that covers no more.
 */
static inline void
move_some(unsigned char *out, const unsigned char *in, size_t n, uint64_t word)
{
	if (in + n - out >= SWAR_STEP) {
		swar_store(out, word);
		return;
	}
	for (size_t i = 0; i < n; i++)
		out[i] = in[i];
}

/*
 * Moves raw text up to a quotation mark, an escape, a control character or the end; false if it is
 * not valid UTF-8. What is outside ASCII is only noticed on the way, and the run validated as a
 * whole if there was any.
 */
static bool
move_raw(struct decoder *d)
{
	const unsigned char *in = d->in, *stop = d->end;
	unsigned char *out = d->out, *first = out;
	uint64_t word, mask, seen = 0;
	size_t n;

	while (stop - in >= SWAR_STEP) {
		word = swar_load(in);
		mask = swar_json_special(word);
		seen |= word;
		if (mask == 0) {
			swar_store(out, word);
			in += SWAR_STEP;
			out += SWAR_STEP;
			continue;
		}
		n = swar_first(mask);
		move_some(out, in, n, word);
		out += n;
		stop = in += n;
	}
	while (in < stop && *in >= 0x20 && *in != '"' && *in != '\\') {
		seen |= *in;
		*out++ = *in++;
	}
	d->in = in;
	d->out = out;
	return swar_non_ascii(seen) == 0 ||
	    utf8_is_valid((const char *)first, (size_t)(out - first));
}

/*
 * Decodes the string whose opening mark is next. No escape can complete a raw character, so each
 * raw run is judged alone.
 */
static bool
decode_string(struct decoder *d)
{
	if (!take(d, '"'))
		return false;
	while (move_raw(d)) {
		if (take(d, '"'))
			return true;
		if (peek(d) != '\\')
			return false;
		do {
			if (!decode_escape(d))
				return false;
		} while (peek(d) == '\\'); /* they tend to come in groups */
	}
	return false;
}

/* Takes decimal digits; false if there is none. */
static bool
skip_digits(struct decoder *d)
{
	const unsigned char *first = d->in;

	while (peek(d) >= '0' && peek(d) <= '9')
		d->in++;
	return d->in > first;
}

/* RFC 8259, 6. */
static bool
skip_number(struct decoder *d)
{
	take(d, '-');
	if (!take(d, '0') && !skip_digits(d))
		return false;
	if (take(d, '.') && !skip_digits(d))
		return false;
	if (take(d, 'e') || take(d, 'E')) {
		if (!take(d, '+'))
			take(d, '-');
		return skip_digits(d);
	}
	return true;
}

static bool
skip_word(struct decoder *d, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(d->end - d->in) < n || memcmp(d->in, word, n) != 0)
		return false;
	d->in += n;
	return true;
}

/* Takes a value that is no array and no object. */
static bool
skip_scalar(struct decoder *d)
{
	switch (peek(d)) {
	case '"':
		return decode_string(d);
	case 't':
		return skip_word(d, "true");
	case 'f':
		return skip_word(d, "false");
	case 'n':
		return skip_word(d, "null");
	default:
		return skip_number(d);
	}
}

/* True if the innermost of what we are in is an object. */
static bool
is_in_object(const struct nesting *n)
{
	return (n->objects[(n->depth - 1) / 64] >> (n->depth - 1) % 64 & 1) != 0;
}

/* Takes "key": if we are in an object; in an array there is nothing to take. */
static bool
skip_key(struct decoder *d, const struct nesting *n)
{
	if (!is_in_object(n))
		return true;
	skip_space(d);
	if (!decode_string(d))
		return false;
	skip_space(d);
	return take(d, ':');
}

/* Takes the bracket that is next and goes in. */
static bool
enter(struct decoder *d, struct nesting *n)
{
	uint64_t bit;

	if (n->depth == MESSAGE_ARRAY_MAX_DEPTH)
		return false;
	bit = UINT64_C(1) << n->depth % 64;
	if (*d->in++ == '{')
		n->objects[n->depth / 64] |= bit;
	else
		n->objects[n->depth / 64] &= ~bit;
	n->depth++;
	return true;
}

/* Takes the bracket that closes what we are in, if it is next, and goes out. */
static bool
leave(struct decoder *d, struct nesting *n)
{
	if (!take(d, is_in_object(n) ? '}' : ']'))
		return false;
	n->depth--;
	return true;
}

/*
 * After a value: goes out as often as brackets close, and on to the next value if there is one in
 * what is still open.
 */
static bool
skip_to_next(struct decoder *d, struct nesting *n)
{
	while (n->depth > 0) {
		skip_space(d);
		if (take(d, ','))
			return skip_key(d, n);
		if (!leave(d, n))
			return false;
	}
	return true;
}

/*
 * Takes the value that is next, and all that follows in the brackets we are in, up to the last
 * closing one.
 */
static bool
skip_values(struct decoder *d, struct nesting *n)
{
	int c;

	do {
		skip_space(d);
		c = peek(d);
		if (c == '[' || c == '{') {
			if (!enter(d, n))
				return false;
			skip_space(d);
			if (!leave(d, n)) {
				if (!skip_key(d, n))
					return false;
				continue;
			}
		} else if (!skip_scalar(d)) {
			return false;
		}
		if (!skip_to_next(d, n))
			return false;
	} while (n->depth > 0);
	return true;
}

/*
 * What is to be said about a text that is no array of strings: depth 1 inside of the outer array, 0
 * before anything.
 */
static enum message_array_error
judge_rest(struct decoder *d, size_t depth)
{
	struct nesting n = {.depth = depth};

	if (!skip_values(d, &n))
		return MESSAGE_ARRAY_BROKEN;
	skip_space(d);
	return d->in == d->end ? MESSAGE_ARRAY_PAYLOAD : MESSAGE_ARRAY_BROKEN;
}

/* Decodes the elements of the array whose opening bracket was taken. Returns 0, or an error. */
static int
decode_elements(struct decoder *d, size_t max_messages, size_t *count)
{
	skip_space(d);
	if (take(d, ']'))
		return 0;
	do {
		skip_space(d);
		if (peek(d) != '"')
			return judge_rest(d, 1);
		if (*count == max_messages && max_messages != 0)
			return MESSAGE_ARRAY_TOO_MANY;
		if (!decode_string(d))
			return MESSAGE_ARRAY_BROKEN;
		*d->out++ = (unsigned char)MESSAGE_ARRAY_END;
		++*count;
		skip_space(d);
	} while (take(d, ','));
	return take(d, ']') ? 0 : MESSAGE_ARRAY_BROKEN;
}

ssize_t
message_array_decode(char *text, size_t len, unsigned flags, size_t max_messages, size_t *count)
{
	unsigned char *start = (unsigned char *)text;
	struct decoder d = {.out = start, .in = start};
	size_t messages = 0;
	int error = 0;

	*count = 0;
	if (len == 0)
		return MESSAGE_ARRAY_PAYLOAD;
	d.end = start + len;
	skip_space(&d);
	if (take(&d, '[')) {
		error = decode_elements(&d, max_messages, &messages);
	} else if ((flags & MESSAGE_ARRAY_ALLOW_STRING) != 0 && peek(&d) == '"') {
		if (!decode_string(&d))
			return MESSAGE_ARRAY_BROKEN;
		*d.out++ = (unsigned char)MESSAGE_ARRAY_END;
		messages = 1;
	} else {
		error = judge_rest(&d, 0);
	}
	if (error != 0)
		return error;
	skip_space(&d);
	if (d.in != d.end)
		return MESSAGE_ARRAY_BROKEN;
	*count = messages;
	return d.out - start;
}

bool
message_array_next(const char **cursor, const char *end, const char **message, size_t *message_len)
{
	const char *stop = NULL;

	if (*cursor < end)
		stop = memchr(*cursor, MESSAGE_ARRAY_END, (size_t)(end - *cursor));
	if (stop == NULL)
		return false;
	*message = *cursor;
	*message_len = (size_t)(stop - *cursor);
	*cursor = stop + 1;
	return true;
}
