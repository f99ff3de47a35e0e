/*
 * See json_string.h. Text is copied in runs, as long as nothing needs an escape. In WTF-8 only some
 * first bytes of a sequence can begin a character that does, and no continuation byte can be taken
 * for one, so a run may pass the others without decoding.
 */
#include "sockjs/json_string.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "sockjs/swar.h"

enum {
	ESCAPE = 6,		     /* the length of \uxxxx */
	LONGEST_ESCAPE = 2 * ESCAPE, /* a character above U+FFFF */
	SPARE = 2 * LONGEST_ESCAPE,  /* bytes of room beyond the text */
};

/*
 * The bytes at which copying has to stop and look: besides JSON's own, E2, ED, EF and F0 up begin
 * characters to escape.
 */
static inline uint64_t
suspects(uint64_t word)
{
	uint64_t mask = swar_json_special(word);

	if (swar_non_ascii(word) != 0)
		mask |= swar_equal(word, 0xe2) | swar_equal(word, 0xed) | swar_at_least(word, 0xef);
	return mask;
}

/* The same for one byte. */
static inline bool
is_suspect(unsigned char c)
{
	return c < 0x20 || c == '"' || c == '\\' || c == 0xe2 || c == 0xed || c >= 0xef;
}

/* True if a three-byte character that stands for itself is at s, a suspect. */
static inline bool
is_harmless(const unsigned char *s, const unsigned char *end)
{
	unsigned pair;

	if (s[0] < 0x80 || s[0] >= 0xf0 || end - s < 3)
		return false;
	pair = (unsigned)s[1] << 8 | s[2];
	if (s[0] == 0xe2) /* U+200C-200F, U+2028-202F, U+2060-206F */
		return !((pair >= 0x808c && pair <= 0x808f) || (pair >= 0x80a8 && pair <= 0x80af) ||
		    (pair >= 0x81a0 && pair <= 0x81af));
	if (s[0] == 0xed) /* surrogates */
		return s[1] < 0xa0;
	return pair < 0xbfb0; /* EF: U+FFF0 up */
}

/*
 * Copies up to where an escape is due, or to the end. Writes less than SWAR_STEP bytes more than it
 * counts.
 */
static inline void
copy_clean(unsigned char **to, const unsigned char **from, const unsigned char *end)
{
	const unsigned char *s = *from;
	unsigned char *out = *to;
	uint64_t word, mask;
	size_t n;

	for (;;) {
		do {
			if (end - s < SWAR_STEP)
				break;
			word = swar_load(s);
			mask = suspects(word);
			n = mask == 0 ? SWAR_STEP : swar_first(mask);
			swar_store(out, word);
			s += n;
			out += n;
		} while (mask == 0);
		while (s < end && !is_suspect(*s))
			*out++ = *s++;
		if (s == end || !is_harmless(s, end))
			break;
		for (n = 0; n < 3; n++)
			*out++ = *s++;
	}
	*from = s;
	*to = out;
}

static size_t
write_unit(char *to, unsigned unit)
{
	static const char digits[16] = "0123456789abcdef";

	to[0] = '\\';
	to[1] = 'u';
	for (int i = 0; i < 4; i++)
		to[2 + i] = digits[unit >> (12 - 4 * i) & 0xf];
	return ESCAPE;
}

/* Writes the escape of the ASCII character c. */
static size_t
write_ascii(char *to, unsigned char c)
{
	static const char letters[256] = {['"'] = '"',
	    ['\\'] = '\\',
	    ['\n'] = 'n',
	    ['\r'] = 'r',
	    ['\t'] = 't',
	    ['\b'] = 'b',
	    ['\f'] = 'f'};

	if (letters[c] == '\0')
		return write_unit(to, c);
	to[0] = '\\';
	to[1] = letters[c];
	return 2;
}

/*
 * Writes the escape of the character at *from, and moves *from past it. Returns its length, up to
 * LONGEST_ESCAPE.
 */
static size_t
write_escape(char *to, const unsigned char **from, const unsigned char *end)
{
	const unsigned char *s = *from;
	size_t len = *s < 0x80 ? 1 : *s < 0xf0 ? 3 : 4;
	uint32_t code;

	if ((size_t)(end - s) < len) { /* not WTF-8 */
		*from = end;
		return write_unit(to, 0xfffd);
	}
	*from += len;
	if (len == 1)
		return write_ascii(to, *s);
	if (len == 3)
		return write_unit(to, (s[0] & 0x0fu) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu));
	code = (s[0] & 0x07u) << 18 | (s[1] & 0x3fu) << 12 | (s[2] & 0x3fu) << 6 | (s[3] & 0x3fu);
	code -= 0x10000;
	write_unit(to, 0xd800 | (code >> 10 & 0x3ff));
	write_unit(to + ESCAPE, 0xdc00 | (code & 0x3ff));
	return LONGEST_ESCAPE;
}

/*
 * What is left always fits into the room reserved as long as nothing more is escaped; what an
 * escape takes beyond its character comes out of a margin. So the room is looked at once an escape,
 * and asked for when the margin is used up.
 */
static void
append_escaped(struct buffer *out, const unsigned char *s, const unsigned char *end)
{
	unsigned char *start, *to, *limit;
	size_t left;

	while (s < end) {
		left = (size_t)(end - s);
		start = to = (unsigned char *)buffer_reserve(out, left + SPARE + left / 8);
		if (start == NULL)
			return;
		limit = start + left + SPARE + left / 8;
		do {
			copy_clean(&to, &s, end);
			if (s < end)
				to += write_escape((char *)to, &s, end);
		} while (s < end && limit - to >= end - s + LONGEST_ESCAPE);
		buffer_added(out, (size_t)(to - start));
	}
}

/* append_escaped, with every `<` escaped too. */
static void
append_escaped_in_html(struct buffer *out, const unsigned char *s, const unsigned char *end)
{
	const unsigned char *less;

	while (s < end && (less = memchr(s, '<', (size_t)(end - s))) != NULL) {
		append_escaped(out, s, less);
		buffer_append(out, "\\u003c", 6);
		s = less + 1;
	}
	append_escaped(out, s, end);
}

void
json_string_append(struct buffer *out, const char *wtf8, size_t len, unsigned flags)
{
	const unsigned char *s = (const unsigned char *)wtf8;

	buffer_append_short(out, "\"", 1);
	if (len > 0 && (flags & JSON_STRING_IN_HTML) != 0)
		append_escaped_in_html(out, s, s + len);
	else if (len > 0)
		append_escaped(out, s, s + len);
	buffer_append_short(out, "\"", 1);
}
