/*
 * Fuzz target: a list of allowed_origins and requests through allowed_origins.h. Whether an origin
 * is let in is worked out a second time, from texts in one normal form, and has to be the same.
 * Built with -fsanitize=fuzzer, or with replay.c for the corpus.
 *
 * The input is lines. The first is the list. Each further one begins with a letter: O, R, S, W are
 * the values of Origin, Referer, Sec-Fetch-Site and Sec-WebSocket-Origin, H and X those of Host and
 * X-Forwarded-Host, T says that the proxy is trusted, D and I make `same` alone allowed, or allowed
 * too; the others are ignored. At the end of the input the request is sent.
 */
#include <ctype.h>
#include <regex.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sockjs/allowed_origins.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert(): it has to hold in a build with NDEBUG as well. */
#define REQUIRE(condition)                                                                         \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);    \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

#define BLANKS " \t,"

static char *values[128]; /* by the letter that begins the line; NULL: no such line */

static const char *
find_header(const void *context, const char *name)
{
	static const struct {
		const char *name;
		char letter;
	} headers[] = {{"Origin", 'O'}, {"Referer", 'R'}, {"Sec-Fetch-Site", 'S'},
	    {"Sec-WebSocket-Origin", 'W'}, {"Host", 'H'}, {"X-Forwarded-Host", 'X'}};
	size_t i;

	(void)context;
	for (i = 0; i < sizeof headers / sizeof headers[0]; i++)
		if (strcmp(headers[i].name, name) == 0)
			return values[(unsigned char)headers[i].letter];
	abort();
}

/* --- the same, worked out another way --------------------------------------------------------- */

#define HOST "([A-Za-z0-9_-]+([.][A-Za-z0-9_-]+)*[.]?|\\[[0-9A-Fa-f:.]{2,}\\])"
#define PORT "(:0*[1-9][0-9]*)?"

static bool
looks_like_origin(const char *text)
{
	static regex_t regex;
	static bool is_compiled;

	if (!is_compiled)
		REQUIRE(regcomp(&regex, "^[A-Za-z][A-Za-z0-9+.-]*://" HOST PORT "$",
			    REG_EXTENDED | REG_NOSUB) == 0);
	is_compiled = true;
	return regexec(&regex, text, 0, NULL, 0) == 0;
}

static const char *
default_port(const char *origin)
{
	if (strncasecmp(origin, "https:", 6) == 0 || strncasecmp(origin, "wss:", 4) == 0)
		return "443";
	return strncasecmp(origin, "http:", 5) == 0 || strncasecmp(origin, "ws:", 3) == 0 ? "80"
											  : "0";
}

/* `scheme://host:port` in lower case, the port always there and without zeros before it; or "". */
static char *
normal_form(const char *origin)
{
	const char *authority = strstr(origin, "://"), *port;
	size_t len = strlen(origin) + 16;
	char *form = calloc(1, len), *c;

	REQUIRE(form != NULL);
	if (strcasecmp(origin, "file://") == 0)
		return strcpy(form, "file://");
	if (!looks_like_origin(origin))
		return form;
	authority += 3;
	port = strrchr(authority[0] == '[' ? strchr(authority, ']') : authority, ':');
	if (port != NULL && (strlen(port + 1) > 5 || atoi(port + 1) > 65535))
		return form;
	if (port == NULL)
		snprintf(form, len, "%s:%s", origin, default_port(origin));
	else
		snprintf(form, len, "%.*s:%d", (int)(port - origin), origin, atoi(port + 1));
	for (c = form; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	return form;
}

/* True if the normal form of an origin is that of a host's; both are given without their scheme. */
static bool
is_of_host(const char *origin, const char *form, const char *host)
{
	char *with_scheme, *host_form;
	bool is;

	REQUIRE(asprintf(&with_scheme, "%.*s://%s", (int)(strstr(origin, "://") - origin), origin,
		    host) != -1);
	host_form = normal_form(with_scheme);
	is = host_form[0] != '\0' && strcmp(form, host_form) == 0 && strcmp(form, "file://") != 0;
	free(with_scheme);
	free(host_form);
	return is;
}

static bool
expect_own(const char *origin, const char *form)
{
	char *hosts, *host, *next;
	bool is = values['H'] != NULL && is_of_host(origin, form, values['H']);

	if (values['T'] == NULL || values['X'] == NULL)
		return is;
	hosts = strdup(values['X']);
	REQUIRE(hosts != NULL);
	for (host = strtok_r(hosts, BLANKS, &next); host != NULL;
	     host = strtok_r(NULL, BLANKS, &next))
		is = is || is_of_host(origin, form, host);
	free(hosts);
	return is;
}

/* item: of the list, an origin or one that begins with `*.` */
static bool
expect_item(const char *item, const char *form)
{
	const char *star = strstr(item, "://*."), *host = strstr(form, "://");
	char *plain = strdup(item), *item_form;
	const char *rest;
	bool is;

	REQUIRE(plain != NULL && host != NULL);
	if (star != NULL)
		memmove(plain + (star - item) + 3, star + 5, strlen(star + 5) + 1);
	item_form = normal_form(plain);
	REQUIRE(item_form[0] != '\0');
	if (star == NULL) {
		is = strcmp(form, item_form) == 0;
	} else {
		/* The host ends like the item's, after a point that something is before. */
		rest = strstr(item_form, "://") + 3;
		is = strlen(host + 3) > strlen(rest) + 1 &&
		    strcmp(form + strlen(form) - strlen(rest), rest) == 0 &&
		    form[strlen(form) - strlen(rest) - 1] == '.' &&
		    (size_t)(host - form) == (size_t)(strstr(item_form, "://") - item_form) &&
		    strncmp(form, item_form, (size_t)(host - form)) == 0;
	}
	free(plain);
	free(item_form);
	return is;
}

static bool
expect_listed(const char *list, const char *form)
{
	char *items = strdup(list), *item, *next;
	bool is = false;

	REQUIRE(items != NULL);
	for (item = strtok_r(items, BLANKS, &next); item != NULL;
	     item = strtok_r(NULL, BLANKS, &next))
		if (strcmp(item, "null") != 0 && strcmp(item, "same") != 0)
			is = is || expect_item(item, form);
	free(items);
	return is;
}

static bool
has_word(const char *list, const char *word)
{
	char *items = strdup(list), *item, *next;
	bool has = false;

	REQUIRE(items != NULL);
	for (item = strtok_r(items, BLANKS, &next); item != NULL;
	     item = strtok_r(NULL, BLANKS, &next))
		has = has || strcmp(item, word) == 0;
	free(items);
	return has;
}

static bool
expect(const char *list, const char *origin)
{
	bool only_same = values['D'] != NULL, is_any = has_word(list, "any"), same, own, is;
	char *form;

	if (is_any && !only_same)
		return true;
	if (strcmp(origin, "null") == 0)
		return has_word(list, "null") && !only_same;
	form = normal_form(origin);
	own = form[0] != '\0' && expect_own(origin, form);
	same = has_word(list, "same") || values['I'] != NULL || is_any;
	is = form[0] != '\0' && (own || !only_same) &&
	    ((own && same) || (!is_any && expect_listed(list, form)));
	free(form);
	return is;
}

/* --- the target ------------------------------------------------------------------------------- */

static void
check_policy(const struct allowed_origins *origins)
{
	struct buffer policy = BUFFER_INIT;
	size_t i;

	allowed_origins_append_policy(origins, &policy);
	REQUIRE(!buffer_failed(&policy));
	for (i = 0; i < policy.len; i++)
		REQUIRE(policy.data[i] >= ' ' && policy.data[i] <= '~' && policy.data[i] != ';' &&
		    policy.data[i] != ',');
	buffer_free(&policy);
}

static void
check_request(const struct allowed_origins *origins, const char *list, bool is_websocket)
{
	const struct request_head head = {
	    .header = find_header, .from_trusted_proxy = values['T'] != NULL};
	struct origin_claim claim = origin_claim_read(&head, is_websocket);
	bool optional = allowed_origins_admit(origins, &claim, true, &head),
	     required = allowed_origins_admit(origins, &claim, false, &head);
	char text[ORIGIN_CLAIM_MAX], *page;

	REQUIRE(optional || !required);
	origin_claim_describe(&claim, text);
	REQUIRE(strlen(text) < sizeof text);
	if (claim.kind == ORIGIN_CLAIM_NONE)
		REQUIRE(optional && required == !origins->is_restricted);
	if (claim.kind != ORIGIN_CLAIM_ORIGIN && claim.kind != ORIGIN_CLAIM_REFERER)
		return;
	page = strndup(claim.text, claim.len);
	REQUIRE(page != NULL && optional == required && required == expect(list, page));
	REQUIRE(required == allowed_origins_have(origins, page, &head));
	free(page);
}

static void
check_list(const char *list)
{
	struct error err = ERROR_INIT;
	struct allowed_origins origins;

	if (allowed_origins_parse(&origins, list, &err) == -1) {
		REQUIRE(err.code != 0 && err.text[0] != '\0' && origins.text == NULL);
		return;
	}
	if (values['I'] != NULL)
		allowed_origins_add_same(&origins);
	if (values['D'] != NULL)
		allowed_origins_keep_same(&origins);
	check_policy(&origins);
	check_request(&origins, list, false);
	check_request(&origins, list, true);
	allowed_origins_clear(&origins);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *input = malloc(size + 1), *line, *next;

	REQUIRE(input != NULL);
	memcpy(input, data, size);
	input[size] = '\0';
	memset(values, 0, sizeof values);
	line = input;
	next = strchr(line, '\n');
	for (; next != NULL; next = strchr(next, '\n')) {
		*next++ = '\0';
		if ((unsigned char)*next < 128)
			values[(unsigned char)*next] = *next == '\0' ? NULL : next + 1;
	}
	check_list(line);
	free(input);
	return 0;
}
