/*
 * sessiond/http/http_framing.h: which heads leave a doubt where the body ends.
 */
#include "tests/unit/http/http_fixture.h"

static void
assert_status(const char *headers, const char *body, int status)
{
	char text[1024];
	int client = connect_client();

	snprintf(text, sizeof text, "POST /echo/000/none/xhr_send HTTP/1.1\r\nHost: a\r\n%s\r\n%s",
	    headers, body);
	say(client, text);
	hear(client);
	assert_int_equal(heard.status, status);
	hang_up(client);
}

static void
assert_ambiguous(const char *headers, const char *body)
{
	assert_status(headers, body, 400);
	assert_string_equal(heard.body, "The length of the request's body is ambiguous.\n");
}

/* There is no such session: 404 says that the request was read. */
static void
test_clear(void **state)
{
	(void)state;
	assert_status("Content-Length: 5\r\n", "[\"a\"]", 404);
	assert_status("Content-Length: 5\r\nContent-Length: 5\r\n", "[\"a\"]", 404);
	assert_status("Transfer-Encoding: chunked\r\n", "5\r\n[\"a\"]\r\n0\r\n\r\n", 404);
	assert_status("transfer-encoding: Chunked\r\n", "5\r\n[\"a\"]\r\n0\r\n\r\n", 404);
	assert_status("", "", 500); /* no body is no array */
}

static void
test_ambiguous(void **state)
{
	(void)state;
	assert_ambiguous("Content-Length: 5\r\nContent-Length: 6\r\n", "[\"a\"]");
	assert_ambiguous("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "[\"a\"]");
	assert_ambiguous("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n");
	assert_ambiguous(
	    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n");
}

static void
test_unknown_encoding(void **state)
{
	(void)state;
	assert_status("Transfer-Encoding: gzip\r\n", "", 501);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    HTTP_TEST(clear),
	    HTTP_TEST(ambiguous),
	    HTTP_TEST(unknown_encoding),
	};

	return cmocka_run_group_tests_name("http_framing", tests, NULL, NULL);
}
