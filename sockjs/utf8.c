/*
 * See utf8.h. ASCII runs through in blocks. The first byte of any other sequence decides
 * how long it is and what its second byte may be: everything that UTF-8 forbids shows in these two.
 */
#include "sockjs/utf8.h"

#include <string.h>

#include "sockjs/swar.h"

enum { UTF8_BROKEN = 0xff };

/* What the first byte c of a sequence asks of the rest; false if c begins none. */
static bool
begin(struct utf8_state *state, unsigned char c)
{
	state->low = 0x80;
	state->high = 0xbf;
	if (c < 0x80) {
		state->needed = 0;
		return true;
	}
	if (c < 0xc2 || c > 0xf4)
		return false;
	state->needed = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
	if (c == 0xe0)
		state->low = 0xa0;
	else if (c == 0xed)
		state->high = 0x9f;
	else if (c == 0xf0)
		state->low = 0x90;
	else if (c == 0xf4)
		state->high = 0x8f;
	return true;
}

static inline bool
is_continuation(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

/*
 * utf8_sequence; surrogates: let these through. The same rules as begin(), which would do here too
 * at half the speed: this one decides first how long the sequence is, and text tends to stay with
 * one length.
 */
static inline size_t
sequence(const unsigned char *s, size_t len, bool surrogates)
{
	if (len == 0)
		return 0;
	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xe0)
		return s[0] >= 0xc2 && len >= 2 && is_continuation(s[1]) ? 2 : 0;
	if (s[0] < 0xf0) {
		if (len < 3 || !is_continuation(s[1]) || !is_continuation(s[2]) ||
		    (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f && !surrogates))
			return 0;
		return 3;
	}
	if (s[0] > 0xf4 || len < 4 || !is_continuation(s[1]) || !is_continuation(s[2]) ||
	    !is_continuation(s[3]) || (s[0] == 0xf0 && s[1] < 0x90) ||
	    (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return 4;
}

size_t
utf8_sequence(const char *s, size_t len)
{
	return sequence((const unsigned char *)s, len, false);
}

/* The length of the ASCII that s begins with. */
static inline size_t
ascii_prefix(const unsigned char *s, size_t len)
{
	const swar_block *block = (const swar_block *)s;
	swar_block all;
	size_t at = 0;
	uint64_t found;

	for (; len - at >= SWAR_BLOCKS; at += SWAR_BLOCKS, block += 4) {
		all = block[0] | block[1] | block[2] | block[3];
		if (!swar_block_is_ascii(&all))
			break;
	}
	for (; len - at >= SWAR_STEP; at += SWAR_STEP) {
		found = swar_non_ascii(swar_load(s + at));
		if (found != 0)
			return at + swar_first(found);
	}
	/* The last word, of which the first bytes are known. */
	if (at > 0 && swar_non_ascii(swar_load(s + len - SWAR_STEP)) == 0)
		return len;
	while (at < len && s[at] < 0x80)
		at++;
	return at;
}

/* utf8_valid_prefix; surrogates: let these through. */
static inline size_t
valid_prefix(const unsigned char *s, size_t len, bool surrogates)
{
	size_t at = 0, n;

	while (at < len) {
		if (s[at] < 0x80) {
			at += ascii_prefix(s + at, len - at);
			continue;
		}
		n = sequence(s + at, len - at, surrogates);
		if (n == 0)
			break;
		at += n;
	}
	return at;
}

size_t
utf8_valid_prefix(const char *s, size_t len)
{
	return valid_prefix((const unsigned char *)s, len, false);
}

void
utf8_mask_invalid(char *text)
{
	size_t len = strlen(text), at = utf8_valid_prefix(text, len);

	while (at < len) {
		text[at++] = '?';
		at += utf8_valid_prefix(text + at, len - at);
	}
}

bool
utf8_is_valid(const char *s, size_t len)
{
	return valid_prefix((const unsigned char *)s, len, false) == len;
}

bool
utf8_is_valid_wtf8(const char *s, size_t len)
{
	return valid_prefix((const unsigned char *)s, len, true) == len;
}

bool
utf8_copy(char *to, const char *s, size_t len)
{
	swar_block a, b, c, d, all, *copy = (swar_block *)to;
	const swar_block *block = (const swar_block *)s;
	size_t at = 0;

	for (; len - at >= SWAR_BLOCKS; at += SWAR_BLOCKS, block += 4, copy += 4) {
		a = block[0];
		b = block[1];
		c = block[2];
		d = block[3];
		all = a | b | c | d;
		if (!swar_block_is_ascii(&all))
			break;
		copy[0] = a;
		copy[1] = b;
		copy[2] = c;
		copy[3] = d;
	}
	if (at == len)
		return true;
	memcpy(to + at, s + at, len - at);
	return ascii_prefix((const unsigned char *)s + at, len - at) == len - at;
}

void
utf8_init(struct utf8_state *state)
{
	*state = (struct utf8_state){.needed = 0, .low = 0x80, .high = 0xbf};
}

/* Takes one byte; false if it cannot stand here. */
static bool
feed_byte(struct utf8_state *state, unsigned char c)
{
	if (state->needed == 0)
		return begin(state, c);
	if (c < state->low || c > state->high)
		return false;
	state->needed--;
	state->low = 0x80;
	state->high = 0xbf;
	return true;
}

bool
utf8_feed(struct utf8_state *state, const char *s, size_t len)
{
	const unsigned char *at = (const unsigned char *)s;
	size_t whole;

	if (state->needed == UTF8_BROKEN)
		return false;
	while (len > 0) {
		if (state->needed == 0) {
			whole = valid_prefix(at, len, false);
			at += whole;
			len -= whole;
			if (len == 0)
				break;
		}
		/*
		 * A sequence begun in an earlier piece, one that this piece cuts off, or a bad one.
		 */
		if (!feed_byte(state, *at)) {
			state->needed = UTF8_BROKEN;
			return false;
		}
		at++;
		len--;
	}
	return true;
}

bool
utf8_complete(const struct utf8_state *state)
{
	return state->needed == 0;
}

/*
 * True if a surrogate of the half that begins at second (0xa0 high, 0xb0 low) stands at s, which
 * has `len` bytes.
 */
static bool
is_surrogate(const unsigned char *s, size_t len, unsigned char second)
{
	return len >= 3 && s[0] == 0xed && (s[1] & 0xf0) == second && is_continuation(s[2]);
}

/* Appends the character of the pair of three-byte surrogates at s. */
static void
append_pair(struct buffer *out, const unsigned char *s)
{
	uint32_t high = (uint32_t)(s[1] & 0x0f) << 6 | (s[2] & 0x3f);
	uint32_t low = (uint32_t)(s[4] & 0x0f) << 6 | (s[5] & 0x3f);
	uint32_t code = 0x10000 + (high << 10 | low);
	unsigned char bytes[4] = {(unsigned char)(0xf0 | code >> 18),
	    (unsigned char)(0x80 | (code >> 12 & 0x3f)), (unsigned char)(0x80 | (code >> 6 & 0x3f)),
	    (unsigned char)(0x80 | (code & 0x3f))};

	buffer_append(out, bytes, sizeof(bytes));
}

bool
utf8_has_surrogate(const char *wtf8, size_t len)
{
	const char *at;

	/* A half of either kind is ED A0..BF; what else begins with ED goes on with less. */
	while (len >= 2 && (at = memchr(wtf8, 0xed, len - 1)) != NULL) {
		if ((unsigned char)at[1] >= 0xa0)
			return true;
		len -= (size_t)(at + 1 - wtf8);
		wtf8 = at + 1;
	}
	return false;
}

void
utf8_append_wellformed(struct buffer *out, const char *wtf8, size_t len)
{
	const unsigned char *at = (const unsigned char *)wtf8, *run = at, *end;

	if (len == 0)
		return;
	end = at + len;
	/* Only ED begins a surrogate; Korean has it too, so its next byte decides. */
	while (at < end && (at = memchr(at, 0xed, (size_t)(end - at))) != NULL) {
		size_t left = (size_t)(end - at);
		bool high = is_surrogate(at, left, 0xa0);

		if (!high && !is_surrogate(at, left, 0xb0)) {
			at++;
			continue;
		}
		buffer_append(out, run, (size_t)(at - run));
		if (high && is_surrogate(at + 3, left - 3, 0xb0)) {
			append_pair(out, at);
			at += 6;
		} else {
			buffer_append(out, "\xef\xbf\xbd", 3);
			at += 3;
		}
		run = at;
	}
	buffer_append(out, run, (size_t)(end - run));
}

size_t
utf8_utf16_length(const char *wtf8, size_t len)
{
	size_t i, units = 0;

	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)wtf8[i];

		/* A continuation byte is none of its own, and four bytes are two units. */
		units += (c & 0xc0) != 0x80;
		units += c >= 0xf0;
	}
	return units;
}
