/* See option_checks.h. */
#include "conf/option_checks.h"

#include "conf/conf.h"
#include "sockjs/allowed_origins.h"
#include "sockjs/session_cookie.h"
#include "sockjs/trusted_proxies.h"
#include "sockjs/ws_handshake.h"

#include <ctype.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

int
option_check_user(const char *option, const char *name, struct error *err)
{
	char quoted[CONF_QUOTED_SIZE];

	if (getpwnam(name) != NULL)
		return 0;
	return error_set(err, EX_CONFIG, "%s: there is no user %s; make it, or name another",
	    option, conf_quote(name, quoted));
}

int
option_check_group(const char *option, const char *name, struct error *err)
{
	char quoted[CONF_QUOTED_SIZE];

	if (getgrnam(name) != NULL)
		return 0;
	return error_set(err, EX_CONFIG, "%s: there is no group %s; make it, or name another",
	    option, conf_quote(name, quoted));
}

int
option_check_mode(const char *option, const char *text, struct error *err)
{
	char quoted[CONF_QUOTED_SIZE];
	size_t len = strlen(text);

	if (len >= 3 && len <= 4 && strspn(text, "01234567") == len &&
	    strtoul(text, NULL, 8) <= 0777)
		return 0;
	return error_set(
	    err, EX_CONFIG, "%s: %s is no octal mode, as 0660", option, conf_quote(text, quoted));
}

int
option_check_log(const char *option, const char *text, struct error *err)
{
	char quoted[CONF_QUOTED_SIZE];

	if (strcmp(text, "stderr") == 0 || strcmp(text, "syslog") == 0 || strchr(text, '/') != NULL)
		return 0;
	return error_set(err, EX_CONFIG,
	    "%s: %s is neither stderr nor syslog; if it is to be a file beside this one, write ./%s",
	    option, conf_quote(text, quoted), text);
}

int
option_check_trusted_proxies(const char *option, const char *text, struct error *err)
{
	struct error cause = ERROR_INIT;
	struct trusted_proxies *trusted = trusted_proxies_create(text, &cause);

	if (trusted == NULL)
		return error_set(err, cause.code, "%s: %s", option, cause.text);
	trusted_proxies_destroy(&trusted);
	return 0;
}

int
option_check_origins(const char *option, const char *list, struct error *err)
{
	struct error cause = ERROR_INIT;
	struct allowed_origins origins;

	if (allowed_origins_parse(&origins, list, &cause) == -1)
		return error_set(err, cause.code, "%s: %s", option, cause.text);
	allowed_origins_clear(&origins);
	return 0;
}

int
option_check_cookie_path(const char *option, const char *path, struct error *err)
{
	char quoted[CONF_QUOTED_SIZE];

	if (session_cookie_is_path(path))
		return 0;
	return error_set(err, EX_CONFIG, "%s: %s is no path of a cookie, as /app", option,
	    conf_quote(path, quoted));
}

int
option_check_tokens(const char *option, const char *list, struct error *err)
{
	char quoted[CONF_QUOTED_SIZE];

	if (ws_protocols_are_valid(list))
		return 0;
	return error_set(err, EX_CONFIG, "%s: %s is no list of names, as v12.stomp mqtt", option,
	    conf_quote(list, quoted));
}

/* RFC 9110, section 5.6.2. */
static bool
is_token(const char *text, size_t len)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < len; i++)
		if (!(text[i] >= '0' && text[i] <= '9') && !(text[i] >= 'A' && text[i] <= 'Z') &&
		    !(text[i] >= 'a' && text[i] <= 'z') && strchr(others, text[i]) == NULL)
			return false;
	return len > 0;
}

int
option_check_token68(const char *option, const char *text, struct error *err)
{
	size_t len = strcspn(text, "=");
	size_t i;

	for (i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && strchr("-._~+/", text[i]) == NULL)
			break;
	if (len > 0 && i == len && strspn(text + len, "=") == strlen(text + len))
		return 0;
	/* It is a secret, even if it is a wrong one. */
	return error_set(err, EX_CONFIG,
	    "%s: only letters, digits and -._~+/ can be in it (openssl rand -hex 32 makes one)",
	    option);
}

int
option_check_headers(const char *option, const char *list, struct error *err)
{
	char quoted[CONF_QUOTED_SIZE], name[OPTION_HEADER_SIZE + 2];
	size_t count = 0, len;

	for (list += strspn(list, " \t,"); *list != '\0'; list += strspn(list, " \t,")) {
		len = strcspn(list, " \t,");
		snprintf(name, sizeof name, "%.*s", (int)len, list);
		if (!is_token(list, len) || len > OPTION_HEADER_SIZE)
			return error_set(err, EX_CONFIG,
			    "%s: %s is no name of a header, as x-request-id", option,
			    conf_quote(name, quoted));
		if (++count > OPTION_HEADERS_MAX)
			return error_set(
			    err, EX_CONFIG, "%s: more than %d names", option, OPTION_HEADERS_MAX);
		list += len;
	}
	return 0;
}

int
option_check_app_path(const char *option, const char *path, struct error *err)
{
	const char *at = path;

	while (*at == '/') {
		size_t len = strspn(
		    at + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");

		if (len == 0)
			break;
		at += 1 + len;
	}
	if (at != path && *at == '\0')
		return 0;
	return error_set(err, EX_CONFIG,
	    "%s: a path such as /live: parts of A-Z a-z 0-9 _ - with a slash before each", option);
}
