/*
 * The text codecs as a filter, for tests in other languages (tests/json_parity.test.js).
 *
 * Input: requests of an operation byte, a length (four bytes, big-endian) and that many bytes.
 * Output: for each a length and the result. Operations: d decode a message array, s the same and a
 * single string is allowed (results: `+` and the messages, each ended by 0xff; or `-` and the
 * number of the error); e encode, h encode for HTML; f decode a form value; u is it UTF-8, w is it
 * WTF-8 (`1` or `0`); r replace lone surrogates.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"
#include "sockjs/form.h"
#include "sockjs/json_string.h"
#include "sockjs/message_array.h"
#include "sockjs/utf8.h"

static void
give_up(const char *why)
{
	fprintf(stderr, "codec_tool: %s\n", why);
	exit(1);
}

static void
decode(struct buffer *out, char *text, size_t len, unsigned flags)
{
	size_t count;
	ssize_t n = message_array_decode(text, len, flags, 0, &count);

	if (n < 0) {
		buffer_printf(out, "%zd", n);
		return;
	}
	buffer_append_char(out, '+');
	buffer_append(out, text, (size_t)n);
}

static void
run(struct buffer *out, int operation, char *text, size_t len)
{
	switch (operation) {
	case 'd':
	case 's':
		decode(out, text, len, operation == 's' ? MESSAGE_ARRAY_ALLOW_STRING : 0);
		break;
	case 'e':
	case 'h':
		json_string_append(out, text, len, operation == 'h' ? JSON_STRING_IN_HTML : 0);
		break;
	case 'f':
		buffer_append(out, text, form_decode(text, len));
		break;
	case 'u':
		buffer_append_char(out, utf8_is_valid(text, len) ? '1' : '0');
		break;
	case 'w':
		buffer_append_char(out, utf8_is_valid_wtf8(text, len) ? '1' : '0');
		break;
	case 'r':
		utf8_append_wellformed(out, text, len);
		break;
	default:
		give_up("unknown operation");
	}
	if (buffer_failed(out))
		give_up("out of memory");
}

static void
write_result(const struct buffer *out)
{
	unsigned char size[4] = {(unsigned char)(out->len >> 24), (unsigned char)(out->len >> 16),
	    (unsigned char)(out->len >> 8), (unsigned char)out->len};

	fwrite(size, 1, sizeof(size), stdout);
	if (out->len > 0)
		fwrite(out->data, 1, out->len, stdout);
}

int
main(void)
{
	struct buffer out = BUFFER_INIT;
	unsigned char size[4];
	int operation;

	while ((operation = getchar()) != EOF) {
		size_t len;
		char *text;

		if (fread(size, 1, 4, stdin) != 4)
			give_up("cut off");
		len =
		    (size_t)size[0] << 24 | (size_t)size[1] << 16 | (size_t)size[2] << 8 | size[3];
		/* Exactly the size, so that a sanitizer sees what goes beyond. */
		text = malloc(len == 0 ? 1 : len);
		if (text == NULL || fread(text, 1, len, stdin) != len)
			give_up("cut off");
		buffer_clear(&out);
		run(&out, operation, text, len);
		write_result(&out);
		free(text);
	}
	buffer_free(&out);
	return fflush(stdout) == 0 ? 0 : 1;
}
