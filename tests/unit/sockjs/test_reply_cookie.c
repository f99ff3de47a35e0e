/*
 * sockjs/reply.h: the JSESSIONID cookie, which is given back to whoever sent it, but never as
 * something else.
 */
#include "tests/unit/sockjs/reply_fixture.h"

/* The Set-Cookie header; NULL: there is none. */
static const char *
cookie_of(const char *method, const char *path)
{
	char *found, *end;

	ask(method, path);
	found = strstr(headers.data, "Set-Cookie: ");
	if (found == NULL)
		return NULL;
	found += strlen("Set-Cookie: ");
	end = strchr(found, '\n');
	assert_null(strstr(end, "Set-Cookie"));
	*end = '\0';
	return found;
}

static void
assert_cookie(const char *sent, const char *value)
{
	char expected[1200];

	request[0] = "Cookie", request[1] = sent;
	snprintf(expected, sizeof expected, "JSESSIONID=%s; path=/", value);
	assert_string_equal(cookie_of("POST", "/a/b/xhr"), expected);
}

static void
test_cookie_is_echoed(void **state)
{
	(void)state;
	service.options.jsessionid = JSESSIONID_ON;
	assert_string_equal(cookie_of("POST", "/a/b/xhr"), "JSESSIONID=dummy; path=/");
	assert_cookie("JSESSIONID=abcdef", "abcdef");
	assert_cookie("a=1; JSESSIONID=abc; b=2", "abc");
	assert_cookie("a=1;JSESSIONID=abc", "abc");
	assert_cookie("JSESSIONID=abc ; b", "abc");
	assert_cookie("JSESSIONID=a=b==", "a=b==");
	assert_cookie("JSESSIONID=!#$%&'()*+-./:<=>?@[]^_`{|}~", "!#$%&'()*+-./:<=>?@[]^_`{|}~");
	assert_cookie("JSESSIONID=first; JSESSIONID=second", "first");
}

static void
test_cookie_is_checked(void **state)
{
	static const char *const bad[] = {"", "JSESSIONID", "JSESSIONID=", "JSESSIONID=; a=b",
	    "xJSESSIONID=a", "JSESSIONIDx=a", "jsessionid=a", "a=JSESSIONID=b",
	    "JSESSIONID=a\r\nSet-Cookie: b=c", "JSESSIONID=a\nb", "JSESSIONID=a\rb",
	    "JSESSIONID=a b", "JSESSIONID=a\tb", "JSESSIONID=\"a\"", "JSESSIONID=a,b",
	    "JSESSIONID=a\\b", "JSESSIONID=a\x7f", "JSESSIONID=a\x01", "JSESSIONID=\xc3\xa4",
	    "JSESSIONID =a"};
	static char too_long[4000];
	size_t i;

	(void)state;
	service.options.jsessionid = JSESSIONID_ON;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_cookie(bad[i], "dummy");
	memset(too_long, 'x', sizeof too_long - 1);
	memcpy(too_long, "JSESSIONID=", strlen("JSESSIONID="));
	assert_cookie(too_long, "dummy");
}

/* Every session URL has it, no other. */
static void
test_cookie_places(void **state)
{
	static const char dummy[] = "JSESSIONID=dummy; path=/";

	(void)state;
	assert_null(cookie_of("POST", "/a/b/xhr")); /* off */
	service.options.jsessionid = JSESSIONID_ON;
	assert_string_equal(cookie_of("POST", "/a/b/xhr_send"), dummy);
	assert_string_equal(cookie_of("POST", "/a/b/xhr_streaming"), dummy);
	assert_string_equal(cookie_of("GET", "/a/b/eventsource"), dummy);
	assert_string_equal(cookie_of("GET", "/a/b/htmlfile"), dummy);
	assert_string_equal(cookie_of("GET", "/a/b/jsonp"), dummy);
	assert_string_equal(cookie_of("POST", "/a/b/jsonp_send"), dummy);
	assert_string_equal(cookie_of("OPTIONS", "/a/b/xhr"), dummy);
	assert_null(cookie_of("GET", "/info"));
	assert_null(cookie_of("OPTIONS", "/info"));
	assert_null(cookie_of("GET", "/"));
	assert_null(cookie_of("GET", "/iframe.html"));
	assert_null(cookie_of("GET", "/a/b/nothing"));
}

static const char *made; /* NULL: the application sets none */
static const char *given;

static bool
make_cookie(void *context, const char *cookie, char *value, size_t size)
{
	assert_ptr_equal(context, &made);
	given = cookie;
	if (given != NULL) {
		static char copy[100];

		snprintf(copy, sizeof copy, "%s", cookie);
		given = copy;
	}
	if (made == NULL)
		return false;
	snprintf(value, size, "%s", made);
	return true;
}

static void
test_cookie_of_module(void **state)
{
	(void)state;
	service.options.jsessionid = JSESSIONID_MODULE;
	assert_null(cookie_of("POST", "/a/b/xhr")); /* nobody to ask */
	service.jsessionid = make_cookie;
	service.jsessionid_context = &made;
	made = NULL;
	assert_null(cookie_of("POST", "/a/b/xhr"));
	assert_null(given);
	made = "node-7";
	request[0] = "Cookie", request[1] = "JSESSIONID=old";
	assert_string_equal(cookie_of("POST", "/a/b/xhr"), "JSESSIONID=node-7; path=/");
	assert_string_equal(given, "old");
	request[1] = "JSESSIONID=a b";
	cookie_of("POST", "/a/b/xhr");
	assert_null(given); /* a bad one is none */
	made = "a\r\nX-Bad: 1";
	assert_null(cookie_of("POST", "/a/b/xhr"));
	made = "a;b";
	assert_null(cookie_of("POST", "/a/b/xhr"));
	made = "";
	assert_null(cookie_of("POST", "/a/b/xhr"));
}

static void
test_module_cookie(void **state)
{
	char value[REPLY_COOKIE_MAX];

	(void)state;
	assert_false(reply_module_cookie(&service, "JSESSIONID=old", value)); /* nobody to ask */
	service.jsessionid = make_cookie;
	service.jsessionid_context = &made;
	made = "new";
	assert_true(reply_module_cookie(&service, "a=b; JSESSIONID=old", value));
	assert_string_equal(value, "new");
	assert_string_equal(given, "old");
	assert_true(reply_module_cookie(&service, NULL, value));
	assert_null(given);
	assert_true(reply_module_cookie(&service, "", value));
	assert_null(given);
	made = "a b";
	assert_false(reply_module_cookie(&service, NULL, value));
	made = NULL;
	assert_false(reply_module_cookie(&service, NULL, value));
}

/* The value that another process's module made, which this one has not. */
static void
assert_foreign_cookie(const char *foreign, const char *expected)
{
	struct request_head head = {
	    .method = "POST", .path = "", .header = find_header, .context = &request};

	reply = (struct reply){.status = 200, .cookie = true, .cookie_value = foreign};
	buffer_clear(&headers);
	reply_headers(&reply, &service, &head, add_header, &headers);
	buffer_append_char(&headers, '\0');
	assert_string_equal(headers.data, expected);
}

static void
test_foreign_cookie(void **state)
{
	(void)state;
	service.options.jsessionid = JSESSIONID_MODULE;
	service.jsessionid = make_cookie;
	service.jsessionid_context = &made;
	made = "own";
	assert_foreign_cookie("theirs", "Set-Cookie: JSESSIONID=theirs; path=/\n");
	assert_foreign_cookie("", "");
	assert_foreign_cookie("a\r\nX-Bad: 1", "");
	assert_foreign_cookie(NULL, "Set-Cookie: JSESSIONID=own; path=/\n");
	service.options.jsessionid = JSESSIONID_OFF;
	assert_foreign_cookie("theirs", "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(cookie_is_echoed),
	    TEST(cookie_is_checked),
	    TEST(cookie_places),
	    TEST(cookie_of_module),
	    TEST(module_cookie),
	    TEST(foreign_cookie),
	};

	return cmocka_run_group_tests_name("reply_cookie", tests, NULL, NULL);
}
