/*
 * See form.h.
 */
#include "sockjs/form.h"

#include <string.h>

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decodes the byte at s (< end) into *c and returns how many bytes it took. plus: what `+` is. */
static size_t
decode_byte(const char *s, const char *end, char plus, char *c)
{
	int high, low;

	*c = *s == '+' ? plus : *s;
	if (*s != '%' || end - s < 3)
		return 1;
	high = hex_digit(s[1]);
	low = hex_digit(s[2]);
	if (high == -1 || low == -1)
		return 1;
	*c = (char)(high << 4 | low);
	return 3;
}

static size_t
decode(char *s, size_t len, char plus)
{
	const char *in = s, *end;
	char *out = s;

	if (len == 0)
		return 0;
	end = s + len;
	while (in < end)
		in += decode_byte(in, end, plus, out++);
	return (size_t)(out - s);
}

size_t
form_decode(char *s, size_t len)
{
	return decode(s, len, ' ');
}

size_t
form_decode_path(char *s, size_t len)
{
	return decode(s, len, '+');
}

/* True if s, decoded, is name. */
static bool
is_named(const char *s, const char *end, const char *name)
{
	char c;

	for (; s < end; name++) {
		s += decode_byte(s, end, ' ', &c);
		if (*name == '\0' || c != *name)
			return false;
	}
	return *name == '\0';
}

/* The first c from s on, or end. */
static const char *
find_or_end(const char *s, const char *end, char c)
{
	const char *at = s < end ? memchr(s, c, (size_t)(end - s)) : NULL;

	return at == NULL ? end : at;
}

bool
form_find(const char *text, size_t len, const char *name, const char **value, size_t *value_len)
{
	const char *end, *stop, *equals;

	if (len == 0)
		return false;
	end = text + len;
	for (const char *field = text; field < end; field = stop + 1) {
		stop = find_or_end(field, end, '&');
		equals = find_or_end(field, stop, '=');
		if (is_named(field, equals, name)) {
			*value = equals < stop ? equals + 1 : stop;
			*value_len = (size_t)(stop - *value);
			return true;
		}
		if (stop == end)
			break;
	}
	return false;
}
