/*
 * sockjs/allowed_origins.h: the list, and whom it lets in. What each transport makes of it is
 * test_reply_origins.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include <cmocka.h>

#include "sockjs/allowed_origins.h"

static struct allowed_origins origins;
static const char *request[16]; /* headers: name, value, name, value, ... NULL */

static const char *
find_header(const void *context, const char *name)
{
	const char *const *pair;

	(void)context;
	for (pair = request; pair[0] != NULL; pair += 2)
		if (strcasecmp(pair[0], name) == 0)
			return pair[1];
	return NULL;
}

static struct request_head head = {.method = "GET", .path = "/", .header = find_header};

static int
set_up(void **state)
{
	(void)state;
	memset(request, 0, sizeof request);
	head.from_trusted_proxy = false;
	memset(&origins, 0, sizeof origins);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	allowed_origins_clear(&origins);
	return 0;
}

static void
parse(const char *list)
{
	struct error err = ERROR_INIT;

	allowed_origins_clear(&origins);
	if (allowed_origins_parse(&origins, list, &err) == -1)
		fail_msg("%s", err.text);
}

static bool
have(const char *origin)
{
	return allowed_origins_have(&origins, origin, &head);
}

/* --- the list --------------------------------------------------------------------------------- */

static void
test_any(void **state)
{
	static const char *const lists[] = {NULL, "any", " any ", "\tany,"};
	size_t i;

	(void)state;
	assert_true(have("http://anything")); /* all zero */
	for (i = 0; i < sizeof lists / sizeof lists[0]; i++) {
		parse(lists[i]);
		assert_true(have("https://anybody.example"));
		assert_true(have("null"));
		assert_true(have("no origin at all"));
	}
}

static void
test_refused_lists(void **state)
{
	static const struct {
		const char *list, *error;
	} cases[] = {
	    {"", "the list is empty; \"any\" lets pages of every origin in"},
	    {" , ", "the list is empty; \"any\" lets pages of every origin in"},
	    {"example.org",
		"\"example.org\" is neither an origin, as https://example.org, nor any, null or "
		"same"},
	    {"Same",
		"\"Same\" is neither an origin, as https://example.org, nor any, null or same"},
	    {"*", "\"*\" is not known; \"any\" lets pages of every origin in"},
	    {"https://a any", "\"any\" stands alone, or not at all"},
	    {"any any", "\"any\" stands alone, or not at all"},
	    {"https://example.org/",
		"\"https://example.org/\" has more than scheme, host and port, as in "
		"https://example.org:8443"},
	    {"WSS://example.org",
		"\"WSS://example.org\" is no page's origin: a page that opens WebSockets has http "
		"or https, too, as https://example.org"},
	    {"https://u@example.org",
		"\"https://u@example.org\" has more than scheme, host and port, as in "
		"https://example.org:8443"},
	    {"https://*",
		"\"https://*\" has a * elsewhere than in place of the first labels, as in "
		"https://*.example.org"},
	    {"https://a.*.org",
		"\"https://a.*.org\" has a * elsewhere than in place of the first labels, as in "
		"https://*.example.org"},
	    {"https://*.*.org",
		"\"https://*.*.org\" has a * elsewhere than in place of the first labels, as in "
		"https://*.example.org"},
	    {"*://example.org",
		"\"*://example.org\" has a * elsewhere than in place of the first labels, as in "
		"https://*.example.org"},
	    {"https://a:*",
		"\"https://a:*\" has a * elsewhere than in place of the first labels, as in "
		"https://*.example.org"},
	    {"https://*example.org",
		"\"https://*example.org\" has a * elsewhere than in place of the first labels, as "
		"in https://*.example.org"},
	    {"http://*.0.0.1",
		"\"http://*.0.0.1\" has a *, which stands for labels of a name only"},
	    {"http://*.1", "\"http://*.1\" has a *, which stands for labels of a name only"},
	    {"http://*.[::1]",
		"\"http://*.[::1]\" has a *, which stands for labels of a name only"},
	    {"file://*.", "\"file://*.\" has a *, which stands for labels of a name only"},
	    {"https://ex\xc3\xa4mple.org",
		"\"https://ex\\xc3\\xa4mple.org\" has to be written as browsers send it, with xn-- "
		"in the name"},
	    {"https://",
		"\"https://\" is no origin, as https://example.org or "
		"https://example.org:8443"},
	    {"https://a:0",
		"\"https://a:0\" is no origin, as https://example.org or "
		"https://example.org:8443"},
	    {"https://good.example https://a..b",
		"\"https://a..b\" is no origin, as https://example.org or "
		"https://example.org:8443"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct error err = ERROR_INIT;

		assert_int_equal(allowed_origins_parse(&origins, cases[i].list, &err), -1);
		assert_int_equal(err.code, EX_CONFIG);
		assert_string_equal(err.text, cases[i].error);
		assert_int_equal(allowed_origins_parse(&origins, cases[i].list, NULL), -1);
		assert_true(origins.patterns == NULL && origins.text == NULL);
	}
}

static void
test_exact(void **state)
{
	(void)state;
	parse("https://example.org,http://localhost:8080\thttps://b:443 chrome-extension://abc");
	assert_true(have("https://example.org"));
	assert_true(have("https://EXAMPLE.org"));
	assert_true(have("https://example.org:443"));
	assert_true(have("http://localhost:8080"));
	assert_true(have("https://b"));
	assert_true(have("chrome-extension://abc"));
	assert_false(have("http://example.org"));
	assert_false(have("https://example.org:8443"));
	assert_false(have("https://example.org.evil.example"));
	assert_false(have("https://evilexample.org"));
	assert_false(have("https://a.example.org"));
	assert_false(have("https://example.org/"));
	assert_false(have("https://example.org."));
	assert_false(have("https://example.org https://evil.example"));
	assert_false(have("https://evil.example, https://example.org"));
	assert_false(have("http://localhost"));
	assert_false(have("chrome-extension://abcd"));
	assert_false(have("null"));
	assert_false(have(""));
}

static void
test_labels(void **state)
{
	(void)state;
	parse("https://*.example.org http://*.localhost:3000");
	assert_true(have("https://a.example.org"));
	assert_true(have("https://a.b.c.example.org"));
	assert_true(have("https://A.Example.Org"));
	assert_true(have("http://x.localhost:3000"));
	assert_false(have("https://example.org"));
	assert_false(have("https://.example.org"));
	assert_false(have("https://evilexample.org"));
	assert_false(have("https://a.example.org.evil.example"));
	assert_false(have("http://a.example.org"));
	assert_false(have("https://a.example.org:8443"));
	assert_false(have("http://x.localhost"));
	assert_false(have("http://localhost:3000"));
	assert_false(have("https://*.example.org"));
}

static void
test_words(void **state)
{
	(void)state;
	parse("null");
	assert_true(have("null"));
	assert_false(have("NULL"));
	assert_false(have("https://null"));
	assert_false(have("https://a"));
	parse("same");
	request[0] = "Host", request[1] = "a.example:8080";
	assert_true(have("http://a.example:8080"));
	assert_true(have("https://a.example:8080")); /* a proxy may have taken the TLS off */
	assert_false(have("http://a.example"));
	assert_false(have("http://b.example:8080"));
	assert_false(have("null"));
	request[1] = "a.example";
	assert_true(have("https://a.example"));
	assert_true(have("http://a.example"));
	request[0] = NULL;
	assert_false(have("https://a.example"));
}

static void
test_forwarded_host(void **state)
{
	(void)state;
	parse("same");
	request[0] = "Host", request[1] = "backend:8081";
	request[2] = "X-Forwarded-Host", request[3] = "outer.example, inner:81";
	assert_false(have("https://outer.example"));
	assert_true(have("https://backend:8081"));
	head.from_trusted_proxy = true;
	assert_true(have("https://outer.example"));
	assert_true(have("http://inner:81"));
	assert_true(have("https://backend:8081"));
	assert_false(have("https://inner"));
	assert_false(have("https://evil.example"));
	request[3] = ",, ,";
	assert_false(have("https://outer.example"));
	request[2] = NULL;
	assert_false(have("https://outer.example"));
}

static void
test_same_is_added_or_all(void **state)
{
	(void)state;
	request[0] = "Host", request[1] = "own.example";
	parse("https://other.example");
	assert_false(have("https://own.example"));
	allowed_origins_add_same(&origins);
	assert_true(have("https://own.example"));
	assert_true(have("https://other.example"));

	parse("any");
	allowed_origins_add_same(&origins);
	assert_true(have("https://third.example"));
	allowed_origins_keep_same(&origins);
	assert_true(have("https://own.example"));
	assert_false(have("https://third.example"));
	assert_false(have("null"));

	/* Listed, and of the own host: both. */
	parse("https://other.example https://own.example null");
	allowed_origins_keep_same(&origins);
	assert_true(have("https://own.example"));
	assert_false(have("http://own.example"));
	assert_false(have("https://other.example"));
	assert_false(have("null"));
}

/* --- requests --------------------------------------------------------------------------------- */

static void
assert_claim(bool is_websocket, enum origin_claim_kind kind, const char *text)
{
	struct origin_claim claim = origin_claim_read(&head, is_websocket);

	assert_int_equal(claim.kind, kind);
	assert_int_equal(claim.len, strlen(text));
	assert_memory_equal(claim.text, text, claim.len);
}

static void
test_claim(void **state)
{
	(void)state;
	assert_claim(false, ORIGIN_CLAIM_NONE, "");
	request[0] = "Sec-Fetch-Site", request[1] = "same-origin";
	assert_claim(false, ORIGIN_CLAIM_SITE, "same-origin");
	request[2] = "Referer", request[3] = "https://a/b?c=https://d";
	assert_claim(false, ORIGIN_CLAIM_REFERER, "https://a");
	request[4] = "Sec-WebSocket-Origin", request[5] = "https://e";
	assert_claim(false, ORIGIN_CLAIM_REFERER, "https://a");
	assert_claim(true, ORIGIN_CLAIM_ORIGIN, "https://e");
	request[6] = "Origin", request[7] = "";
	assert_claim(false, ORIGIN_CLAIM_ORIGIN, "");
	request[7] = "https://f";
	assert_claim(true, ORIGIN_CLAIM_ORIGIN, "https://f");
}

static void
test_description(void **state)
{
	char text[ORIGIN_CLAIM_MAX], longer[1000];
	struct origin_claim claim = origin_claim_read(&head, false);

	(void)state;
	origin_claim_describe(&claim, text);
	assert_string_equal(text, "a request without origin");
	request[0] = "Sec-Fetch-Site", request[1] = "cross-site";
	claim = origin_claim_read(&head, false);
	origin_claim_describe(&claim, text);
	assert_string_equal(text, "a page that hides its origin, of Sec-Fetch-Site cross-site");
	request[0] = "Referer", request[1] = "https://a.b/secret?token=1";
	claim = origin_claim_read(&head, false);
	origin_claim_describe(&claim, text);
	assert_string_equal(text, "a page of origin https://a.b");
	request[0] = "Origin", request[1] = "https://a.b";
	claim = origin_claim_read(&head, false);
	origin_claim_describe(&claim, text);
	assert_string_equal(text, "origin https://a.b");
	memset(longer, 'x', sizeof longer);
	longer[sizeof longer - 1] = '\0';
	request[1] = longer;
	claim = origin_claim_read(&head, false);
	origin_claim_describe(&claim, text);
	assert_int_equal(strlen(text), sizeof text - 1);
}

static void
test_admission(void **state)
{
	static const struct {
		const char *name, *value;
		bool optional,
		    required; /* whether it is let in where a claim is, or is not, optional */
	} cases[] = {
	    {"Origin", "https://good.example", true, true},
	    {"Origin", "https://own.example", true, true},
	    {"Origin", "https://evil.example", false, false},
	    {"Origin", "null", false, false},
	    {"Origin", "", false, false},
	    {"Referer", "https://good.example/page?x", true, true},
	    {"Referer", "http://own.example/", true, true},
	    {"Referer", "https://evil.example/https://good.example/", false, false},
	    {"Referer", "https://good.example@evil.example/", false, false},
	    {"Referer", "about:blank", false, false},
	    {"Referer", "", false, false},
	    {"Sec-Fetch-Site", "same-origin", true, true},
	    {"Sec-Fetch-Site", "same-site", true, false},
	    {"Sec-Fetch-Site", "none", true, false},
	    {"Sec-Fetch-Site", "cross-site", false, false},
	    {"Sec-Fetch-Site", "Cross-Site", false, false},
	    {"Sec-Fetch-Site", "", true, false},
	    {"X-Other", "", true, false},
	};
	struct origin_claim claim;
	size_t i;

	(void)state;
	parse("https://good.example same");
	request[2] = "Host", request[3] = "own.example";
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		request[0] = cases[i].name, request[1] = cases[i].value;
		claim = origin_claim_read(&head, false);
		if (allowed_origins_admit(&origins, &claim, true, &head) != cases[i].optional ||
		    allowed_origins_admit(&origins, &claim, false, &head) != cases[i].required)
			fail_msg("%s: %s", cases[i].name, cases[i].value);
	}
	parse("https://good.example");
	request[0] = "Sec-Fetch-Site", request[1] = "same-origin";
	claim = origin_claim_read(&head, false);
	assert_false(allowed_origins_admit(&origins, &claim, false, &head));
	assert_true(allowed_origins_admit(&origins, &claim, true, &head));
	parse("any");
	request[1] = "cross-site";
	claim = origin_claim_read(&head, false);
	assert_true(allowed_origins_admit(&origins, &claim, false, &head));
}

/* --- frames ----------------------------------------------------------------------------------- */

static void
assert_policy(const char *list, const char *expected)
{
	struct buffer out = BUFFER_INIT;

	parse(list);
	allowed_origins_append_policy(&origins, &out);
	buffer_append_char(&out, '\0');
	assert_string_equal(out.data, expected);
	buffer_free(&out);
}

static void
test_policy(void **state)
{
	(void)state;
	assert_policy("same https://a.example", "frame-ancestors 'self' https://a.example");
	assert_policy("https://*.a.example http://b:81 file:// chrome-extension://c",
	    "frame-ancestors https://*.a.example http://b:81 file: chrome-extension://c");
	assert_policy("null", "frame-ancestors");
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(any),
	    TEST(refused_lists),
	    TEST(exact),
	    TEST(labels),
	    TEST(words),
	    TEST(forwarded_host),
	    TEST(same_is_added_or_all),
	    TEST(claim),
	    TEST(description),
	    TEST(admission),
	    TEST(policy),
	};

	return cmocka_run_group_tests_name("allowed_origins", tests, NULL, NULL);
}
