/*
 * See allowed_origins.h. Whatever is not understood is not allowed.
 */
#include "sockjs/allowed_origins.h"

#include "common/log.h"
#include "common/memory.h"
#include "common/web_origin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#define SEPARATORS " \t,"

enum { QUOTED_SIZE = 84 };

struct origin_pattern {
	struct web_origin origin; /* its scheme begins the item, which ends with a NUL */
	bool any_label;		  /* of hosts that end in a point and the origin's host */
};

/* --- the list --------------------------------------------------------------------------------- */

static int
refuse(const char *item, struct error *err, const char *reason)
{
	char quoted[QUOTED_SIZE];

	log_escape(quoted, sizeof quoted, item);
	return error_set(err, EX_CONFIG, "\"%s\" %s", quoted, reason);
}

/* A host of figures and points alone, or an IPv6 address: browsers take its end for numbers. */
static bool
is_address(const struct web_origin *origin)
{
	size_t i = origin->host_len;

	while (i > 0 && origin->host[i - 1] >= '0' && origin->host[i - 1] <= '9')
		i--;
	return origin->host[0] == '[' ||
	    (i < origin->host_len && (i == 0 || origin->host[i - 1] == '.'));
}

/* What is wrong with an item that is no origin. */
static const char *
mistake_of(const char *item, const char *authority)
{
	const char *c;

	for (c = item; *c != '\0'; c++)
		if ((unsigned char)*c > 0x7e)
			return "has to be written as browsers send it, with xn-- in the name";
	if (strcmp(item, "*") == 0)
		return "is not known; \"any\" lets pages of every origin in";
	if (authority == NULL)
		return "is neither an origin, as https://example.org, nor any, null or same";
	if (strpbrk(authority, "/?#@") != NULL)
		return "has more than scheme, host and port, as in https://example.org:8443";
	if (strchr(item, '*') != NULL)
		return "has a * elsewhere than in place of the first labels, as in "
		       "https://*.example.org";
	return "is no origin, as https://example.org or https://example.org:8443";
}

/* A page's origin is how the page came, whatever it opens from there (RFC 6455, section 10.2). */
static bool
is_of_websocket(const char *item)
{
	return strncasecmp(item, "ws://", 5) == 0 || strncasecmp(item, "wss://", 6) == 0;
}

static int
add_pattern(struct allowed_origins *origins, const char *item, struct error *err)
{
	const char *end = strstr(item, "://"), *authority = end == NULL ? NULL : end + 3;
	struct origin_pattern pattern = {.any_label = false};

	if (authority != NULL && strncmp(authority, "*.", 2) == 0) {
		pattern.any_label = true;
		authority += 2;
	}
	if (end == NULL ||
	    web_origin_parse_parts(
		&pattern.origin, item, (size_t)(end - item), authority, strlen(authority)) == -1)
		return refuse(item, err, mistake_of(item, authority));
	if (is_of_websocket(item))
		return refuse(item, err,
		    "is no page's origin: a page that opens WebSockets has http or https, too, as "
		    "https://example.org");
	if (pattern.any_label && (pattern.origin.host_len == 0 || is_address(&pattern.origin)))
		return refuse(item, err, "has a *, which stands for labels of a name only");
	origins->patterns =
	    xgrow(origins->patterns, &origins->room, origins->count, sizeof pattern);
	origins->patterns[origins->count++] = pattern;
	return 0;
}

static int
add_item(struct allowed_origins *origins, const char *item, struct error *err)
{
	if (strcmp(item, "null") == 0)
		origins->null = true;
	else if (strcmp(item, "same") == 0)
		origins->same = true;
	else if (strcmp(item, "any") == 0)
		return refuse(item, err, "stands alone, or not at all");
	else
		return add_pattern(origins, item, err);
	return 0;
}

static bool
is_any(const char *list)
{
	const char *word = list + strspn(list, SEPARATORS);
	size_t len = strcspn(word, SEPARATORS);

	return len == strlen("any") && memcmp(word, "any", len) == 0 &&
	    word[len + strspn(word + len, SEPARATORS)] == '\0';
}

int
allowed_origins_parse(struct allowed_origins *origins, const char *list, struct error *err)
{
	char *item, *next;

	*origins = (struct allowed_origins){.is_restricted = false};
	if (list == NULL || is_any(list))
		return 0;
	origins->is_restricted = true;
	origins->text = xstrdup(list);
	item = strtok_r(origins->text, SEPARATORS, &next);
	if (item == NULL)
		error_set(
		    err, EX_CONFIG, "the list is empty; \"any\" lets pages of every origin in");
	for (; item != NULL; item = strtok_r(NULL, SEPARATORS, &next))
		if (add_item(origins, item, err) == -1)
			break;
	if (item == NULL && (origins->count > 0 || origins->null || origins->same))
		return 0;
	allowed_origins_clear(origins);
	return -1;
}

void
allowed_origins_add_same(struct allowed_origins *origins)
{
	origins->same = true;
}

void
allowed_origins_keep_same(struct allowed_origins *origins)
{
	if (!origins->is_restricted)
		origins->same = true;
	origins->is_restricted = true;
	origins->only_same = true;
}

void
allowed_origins_clear(struct allowed_origins *origins)
{
	free(origins->patterns);
	free(origins->text);
	*origins = (struct allowed_origins){.is_restricted = false};
}

/* --- a request -------------------------------------------------------------------------------- */

struct origin_claim
origin_claim_read(const struct request_head *head, bool is_websocket)
{
	const char *value = request_head_value(head, "Origin");

	if (value == NULL && is_websocket)
		value = request_head_value(head, "Sec-WebSocket-Origin");
	if (value != NULL)
		return (struct origin_claim){ORIGIN_CLAIM_ORIGIN, value, strlen(value)};
	value = request_head_value(head, "Referer");
	if (value != NULL)
		return (struct origin_claim){ORIGIN_CLAIM_REFERER, value, web_origin_length(value)};
	value = request_head_value(head, "Sec-Fetch-Site");
	if (value != NULL)
		return (struct origin_claim){ORIGIN_CLAIM_SITE, value, strlen(value)};
	return (struct origin_claim){ORIGIN_CLAIM_NONE, "", 0};
}

void
origin_claim_describe(const struct origin_claim *claim, char text[ORIGIN_CLAIM_MAX])
{
	static const char *const what[] = {
	    [ORIGIN_CLAIM_NONE] = "a request without origin",
	    [ORIGIN_CLAIM_ORIGIN] = "origin ",
	    [ORIGIN_CLAIM_REFERER] = "a page of origin ",
	    [ORIGIN_CLAIM_SITE] = "a page that hides its origin, of Sec-Fetch-Site ",
	};
	int len = claim->len < ORIGIN_CLAIM_MAX ? (int)claim->len : ORIGIN_CLAIM_MAX;

	snprintf(text, ORIGIN_CLAIM_MAX, "%s%.*s", what[claim->kind], len, claim->text);
}

/* True if one of the hosts between commas is the origin's. */
static bool
has_host(const char *hosts, const struct web_origin *origin)
{
	while (hosts != NULL && *hosts != '\0') {
		size_t skipped = strspn(hosts, SEPARATORS), len;

		hosts += skipped;
		len = strcspn(hosts, SEPARATORS);
		if (web_origin_has_authority(origin, hosts, len))
			return true;
		hosts += len;
	}
	return false;
}

/* True if the origin is of the host that was asked. The scheme is not known behind a proxy. */
static bool
is_own(const struct web_origin *origin, const struct request_head *head)
{
	const char *host = request_head_value(head, "Host");

	if (host != NULL && web_origin_has_authority(origin, host, strlen(host)))
		return true;
	/* What each proxy was asked for. No page can add to it: that needs a preflight first. */
	return head->from_trusted_proxy &&
	    has_host(request_head_value(head, "X-Forwarded-Host"), origin);
}

static bool
matches(const struct origin_pattern *pattern, const struct web_origin *origin)
{
	struct web_origin rest = *origin;
	size_t len = pattern->origin.host_len;

	if (!pattern->any_label)
		return web_origin_is_same(&pattern->origin, origin);
	/* At least one character and the point before what is given. */
	if (origin->host_len < len + 2 || origin->host[origin->host_len - len - 1] != '.')
		return false;
	rest.host += origin->host_len - len;
	rest.host_len = len;
	return web_origin_is_same(&pattern->origin, &rest);
}

static bool
is_listed(const struct allowed_origins *origins, const struct web_origin *origin)
{
	size_t i;

	for (i = 0; i < origins->count; i++)
		if (matches(&origins->patterns[i], origin))
			return true;
	return false;
}

static bool
have_text(const struct allowed_origins *origins, const char *text, size_t len,
    const struct request_head *head)
{
	struct web_origin origin;
	bool own;

	if (len == 4 && memcmp(text, "null", 4) == 0)
		return origins->null && !origins->only_same;
	if (web_origin_parse(&origin, text, len) == -1)
		return false;
	if (!origins->same && !origins->only_same)
		return is_listed(origins, &origin);
	own = is_own(&origin, head);
	return (own || !origins->only_same) &&
	    ((own && origins->same) || is_listed(origins, &origin));
}

bool
allowed_origins_have(
    const struct allowed_origins *origins, const char *origin, const struct request_head *head)
{
	return !origins->is_restricted || have_text(origins, origin, strlen(origin), head);
}

/* Sec-Fetch-Site alone: it proves a page of the same origin, and nothing else. */
static bool
admit_site(const struct allowed_origins *origins, const char *site, bool is_optional)
{
	if (strcasecmp(site, "same-origin") == 0 && origins->same)
		return true;
	return is_optional && strcasecmp(site, "cross-site") != 0;
}

bool
allowed_origins_admit(const struct allowed_origins *origins, const struct origin_claim *claim,
    bool is_optional, const struct request_head *head)
{
	if (!origins->is_restricted)
		return true;
	switch (claim->kind) {
	case ORIGIN_CLAIM_ORIGIN:
	case ORIGIN_CLAIM_REFERER:
		return have_text(origins, claim->text, claim->len, head);
	case ORIGIN_CLAIM_SITE:
		return admit_site(origins, claim->text, is_optional);
	case ORIGIN_CLAIM_NONE:
		break;
	}
	return is_optional;
}

/* --- frames ----------------------------------------------------------------------------------- */

/* As it stands in the list, but that a source without a host is a scheme (CSP 3 2.3.1). */
static void
append_source(const struct origin_pattern *pattern, struct buffer *out)
{
	const struct web_origin *origin = &pattern->origin;

	buffer_append_char(out, ' ');
	if (origin->host_len > 0)
		buffer_append_str(out, origin->scheme);
	else
		buffer_append(out, origin->scheme, origin->scheme_len + 1);
}

void
allowed_origins_append_policy(const struct allowed_origins *origins, struct buffer *out)
{
	size_t i;

	buffer_append_str(out, "frame-ancestors");
	if (origins->same)
		buffer_append_str(out, " 'self'");
	/* A page without an origin cannot be named. An empty list is nobody. */
	for (i = 0; i < origins->count; i++)
		append_source(&origins->patterns[i], out);
}
