/*
 * See session_cookie.h. Whatever comes from a client or a module is checked before it gets into a
 * header, which it could split otherwise.
 */
#include "sockjs/session_cookie.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#define NAME   "JSESSIONID"
#define BLANKS " \t"

/* RFC 6265 4.1.1, cookie-octet. */
static bool
is_cookie_octet(char c)
{
	unsigned char u = (unsigned char)c;

	return u > 0x20 && u < 0x7f && u != '"' && u != ',' && u != ';' && u != '\\';
}

/* Among `a=1; b=2`, its length in *len; NULL if there is none. */
static const char *
find(const char *cookies, size_t *len)
{
	const size_t name_len = strlen(NAME);

	while (cookies != NULL && *cookies != '\0') {
		cookies += strspn(cookies, BLANKS ";");
		*len = strcspn(cookies, ";");
		if (*len > name_len && cookies[name_len] == '=' &&
		    memcmp(cookies, NAME, name_len) == 0) {
			*len -= name_len + 1;
			return cookies + name_len + 1;
		}
		cookies += *len;
	}
	return NULL;
}

void
session_cookie_find(const char *cookies, char value[SESSION_COOKIE_MAX])
{
	const char *found;
	size_t i, len;

	value[0] = '\0';
	found = find(cookies, &len);
	if (found == NULL)
		return;
	while (len > 0 && strchr(BLANKS, found[len - 1]) != NULL)
		len--;
	if (len >= SESSION_COOKIE_MAX)
		return;
	for (i = 0; i < len; i++)
		if (!is_cookie_octet(found[i]))
			return;
	memcpy(value, found, len);
	value[len] = '\0';
}

/* RFC 6265 4.1.1, av-octets. */
static bool
is_attribute_text(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (text[i] < 0x20 || text[i] > 0x7e || text[i] == ';')
			return false;
	return true;
}

static bool
is_attribute(const char *text, size_t len)
{
	static const char *const names[] = {"Domain", "Expires", "HttpOnly", "Max-Age",
	    "Partitioned", "Path", "SameSite", "Secure", NULL};
	size_t name_len = strcspn(text, "=;"), i;

	for (i = 0; names[i] != NULL; i++)
		if (strlen(names[i]) == name_len && strncasecmp(names[i], text, name_len) == 0)
			return is_attribute_text(text, len);
	return false;
}

bool
session_cookie_is_valid(const char *value)
{
	size_t len = 0;

	if (strlen(value) >= SESSION_COOKIE_MAX)
		return false;
	while (is_cookie_octet(value[len]))
		len++;
	if (len == 0)
		return false;
	for (value += len; *value == ';'; value += len) {
		value += 1 + strspn(value + 1, BLANKS);
		len = strcspn(value, ";");
		if (!is_attribute(value, len))
			return false;
	}
	return *value == '\0';
}

static void
append_attributes(struct buffer *out, const struct service_options *options)
{
	static const char *const samesite[] = {
	    [SAMESITE_OFF] = "",
	    [SAMESITE_NONE] = "; SameSite=None",
	    [SAMESITE_LAX] = "; SameSite=Lax",
	    [SAMESITE_STRICT] = "; SameSite=Strict",
	};

	buffer_append_str(out, "; path=");
	buffer_append_str(out, options->jsessionid_path == NULL ? "/" : options->jsessionid_path);
	buffer_append_str(out, samesite[options->jsessionid_samesite]);
	/* Browsers take no SameSite=None without it. */
	if (options->jsessionid_secure || options->jsessionid_samesite == SAMESITE_NONE)
		buffer_append_str(out, "; Secure");
	if (options->jsessionid_httponly)
		buffer_append_str(out, "; HttpOnly");
}

void
session_cookie_append(struct buffer *out, const char *value, const struct service_options *options)
{
	buffer_append_str(out, NAME "=");
	buffer_append_str(out, value);
	if (strchr(value, ';') == NULL)
		append_attributes(out, options);
}

bool
session_cookie_is_path(const char *text)
{
	return text[0] == '/' && is_attribute_text(text, strlen(text));
}
