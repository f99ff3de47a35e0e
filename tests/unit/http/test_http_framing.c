/*
 * sessiond/http/http_framing.h: what is refused, and where requests end, however the bytes were
 * cut.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sessiond/http/http_framing.h"

#define HOST	"Host: a\r\n"
#define CHUNKED "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"

struct verdict {
	size_t passed; /* bytes before the refused request; all bytes without one */
	int status;    /* 0: none is refused */
	uint64_t heads;
	bool is_between;
};

static struct verdict
judge(const char *bytes, size_t len, size_t piece)
{
	struct http_framing framing = {0};
	struct verdict verdict = {0};
	size_t pos, begin = 0;

	for (pos = 0; pos < len && framing.refusal == NULL; pos += piece) {
		size_t n = piece < len - pos ? piece : len - pos,
		       passed = http_framing_feed(&framing, bytes + pos, n);

		if (framing.refusal == NULL)
			assert_int_equal(passed, n);
		else
			begin = pos + passed;
	}
	verdict.passed = framing.refusal == NULL ? len : begin;
	verdict.status = framing.refusal == NULL ? 0 : framing.refusal->status;
	verdict.heads = framing.heads;
	verdict.is_between = http_framing_is_between(&framing);
	http_framing_clear(&framing);
	return verdict;
}

/* In one piece and in pieces of 1 and 7 bytes. */
static void
assert_status_of(const char *bytes, size_t len, int status)
{
	static const size_t pieces[] = {1 << 20, 1, 7};
	size_t i;

	for (i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
		struct verdict verdict = judge(bytes, len, pieces[i]);

		if (verdict.status != status)
			print_error("%d instead of %d: %s\n", verdict.status, status, bytes);
		assert_int_equal(verdict.status, status);
		if (status == 0)
			assert_true(verdict.is_between);
	}
}

#define ASSERT_STATUS(bytes, status)  assert_status_of(bytes, sizeof(bytes) - 1, status)
#define ASSERT_FIELDS(fields, status) ASSERT_STATUS("GET / HTTP/1.1\r\n" fields "\r\n", status)
#define ASSERT_FIELD(field, status)   ASSERT_FIELDS(HOST field "\r\n", status)

static void
test_request_lines(void **state)
{
	(void)state;
	ASSERT_STATUS("GET / HTTP/1.1\r\n" HOST "\r\n", 0);
	ASSERT_STATUS("\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", 0);
	ASSERT_STATUS("M-SEARCH /a?b=\xc3\xa4 HTTP/1.1\r\n" HOST "\r\n", 0);
	ASSERT_STATUS("OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 0);
	ASSERT_STATUS("CONNECT a:80 HTTP/1.1\r\n" HOST "\r\n", 0);
	ASSERT_STATUS("GET http://b/a HTTP/1.1\r\n" HOST "\r\n", 0);
	ASSERT_STATUS("GET HTTPS://b HTTP/1.1\r\n" HOST "\r\n", 0);
	ASSERT_STATUS("GET / HTTP/1.0\r\n\r\n", 0);
	ASSERT_STATUS("GET\r\n", 400);
	ASSERT_STATUS("GET \r\n", 400);
	ASSERT_STATUS("GET /\r\n", 400);
	ASSERT_STATUS("GET HTTP/1.1\r\n", 400);
	ASSERT_STATUS("GET  HTTP/1.1\r\n", 400);
	ASSERT_STATUS(" GET / HTTP/1.1\r\n", 400);
	ASSERT_STATUS("GET  / HTTP/1.1\r\n", 400);
	ASSERT_STATUS("GET /  HTTP/1.1\r\n", 400);
	ASSERT_STATUS("GET / HTTP/1.1 \r\n", 400);
	ASSERT_STATUS("GET\t/ HTTP/1.1\r\n", 400);
	ASSERT_STATUS("GET /\tHTTP/1.1\r\n", 400);
	ASSERT_STATUS("GET / a HTTP/1.1\r\n", 400);
	ASSERT_STATUS("G@T / HTTP/1.1\r\n", 400);
	ASSERT_STATUS("G\xc3T / HTTP/1.1\r\n", 400);
	ASSERT_STATUS("GET /\0 HTTP/1.1\r\n", 400);
	ASSERT_STATUS("GET /\x7f HTTP/1.1\r\n", 400);
	ASSERT_STATUS("GET /\x01 HTTP/1.1\r\n", 400);
	ASSERT_STATUS("GET a HTTP/1.1\r\n", 400);
	ASSERT_STATUS("GET * HTTP/1.1\r\n", 400);
	ASSERT_STATUS("GET a:80 HTTP/1.1\r\n", 400);
	ASSERT_STATUS("GET ftp://a/ HTTP/1.1\r\n", 400);
	ASSERT_STATUS("GET http:///a HTTP/1.1\r\n", 400);
	ASSERT_STATUS("GET http://a@b/ HTTP/1.1\r\n", 400);
	ASSERT_STATUS("CONNECT a/b HTTP/1.1\r\n", 400);
	ASSERT_STATUS("GET / http/1.1\r\n", 400);
	ASSERT_STATUS("GET / HTTP/1.x\r\n", 400);
	ASSERT_STATUS("GET / HTTP/11\r\n", 400);
}

static void
test_lines(void **state)
{
	(void)state;
	ASSERT_STATUS("GET / HTTP/1.1\n", 400);
	ASSERT_STATUS("GET / HTTP/1.1\r\r\n", 400);
	ASSERT_STATUS("GET / HTTP/1.1\r\nHost: a\n", 400);
	ASSERT_STATUS("GET / HTTP/1.1\r\n" HOST "\n", 400);
	ASSERT_STATUS("GET / HTTP/1.1\rHost: a\r", 400);
	ASSERT_STATUS("\n", 400);
	ASSERT_STATUS("\0", 400);
	ASSERT_FIELD("X: a\rb", 400);
	ASSERT_FIELD("X: a\0b", 400);
	ASSERT_FIELD("X: a\0", 400);
}

static void
test_fields(void **state)
{
	(void)state;
	ASSERT_FIELD("X:", 0);
	ASSERT_FIELD("X:a", 0);
	ASSERT_FIELD("X: \t a b \xff\t", 0);
	ASSERT_FIELD("!#$%&'*+-.^_`|~09azAZ: a", 0);
	ASSERT_FIELD("X : a", 400);
	ASSERT_FIELD("X\t: a", 400);
	ASSERT_FIELD("X Y: a", 400);
	ASSERT_FIELD(": a", 400);
	ASSERT_FIELD("X", 400);
	ASSERT_FIELD("X\xc3: a", 400);
	ASSERT_FIELD("X(: a", 400);
	ASSERT_FIELD("X\0: a", 400);
	ASSERT_FIELD("X: a\r\n b", 400);
	ASSERT_FIELD("X: a\r\n\tb", 400);
	ASSERT_FIELD("X: a\r\n ", 400);
	ASSERT_FIELDS(" X: a\r\n" HOST, 400);
}

static void
test_hosts(void **state)
{
	(void)state;
	ASSERT_FIELDS("Host:\r\n", 0);
	ASSERT_FIELDS("hOST: [::1]:8080 \r\n", 0);
	ASSERT_FIELDS("", 400);
	ASSERT_FIELDS("Hosts: a\r\n", 400);
	ASSERT_FIELDS(HOST HOST, 400);
	ASSERT_FIELDS("Host: a b\r\n", 400);
	ASSERT_FIELDS("Host: a/b\r\n", 400);
	ASSERT_FIELDS("Host: a@b\r\n", 400);
	ASSERT_FIELDS("Host: \"a\"\r\n", 400);
	ASSERT_STATUS("GET / HTTP/1.0\r\n" HOST HOST "\r\n", 400);
}

static void
test_lengths(void **state)
{
	(void)state;
	ASSERT_STATUS("POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", 0);
	ASSERT_STATUS("POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\n\n\n\n", 0);
	ASSERT_STATUS(
	    "POST / HTTP/1.1\r\n" HOST "content-length:1\r\nContent-Length: 1\r\n\r\na", 0);
	ASSERT_FIELD("Content-Length:", 400);
	ASSERT_FIELD("Content-Length: -1", 400);
	ASSERT_FIELD("Content-Length: +1", 400);
	ASSERT_FIELD("Content-Length: 0x1", 400);
	ASSERT_FIELD("Content-Length: 1a", 400);
	ASSERT_FIELD("Content-Length: 1, 1", 400);
	ASSERT_FIELD("Content-Length: 1 1", 400);
	ASSERT_FIELD("Content-Length: 0\r\nContent-Length: 1", 400);
	ASSERT_FIELD("Content-Length: 18446744073709551616", 413);
	ASSERT_FIELD("Content-Length: 0\r\nTransfer-Encoding: chunked", 400);
	ASSERT_FIELD("Transfer-Encoding: chunked\r\nContent-Length: 0", 400);
}

static void
test_encodings(void **state)
{
	(void)state;
	ASSERT_STATUS(CHUNKED "0\r\n\r\n", 0);
	ASSERT_FIELD("Transfer-Encoding: CHUNKED\r\n\r\n0\r\n", 0);
	ASSERT_FIELD("Transfer-Encoding:", 400);
	ASSERT_FIELD("Transfer-Encoding: gzip", 400);
	ASSERT_FIELD("Transfer-Encoding: identity", 400);
	ASSERT_FIELD("Transfer-Encoding: xchunked", 400);
	ASSERT_FIELD("Transfer-Encoding: \x0b"
		     "chunked",
	    400);
	ASSERT_FIELD("Transfer-Encoding: chunked, gzip", 400);
	ASSERT_FIELD("Transfer-Encoding: gzip chunked", 400);
	ASSERT_FIELD("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", 400);
	ASSERT_FIELD("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", 400);
	ASSERT_FIELD("Transfer-Encoding: gzip, chunked", 501);
	ASSERT_STATUS("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400);
}

static void
test_chunks(void **state)
{
	(void)state;
	ASSERT_STATUS(CHUNKED "2\r\n\n\n\r\n0\r\n\r\n", 0);
	ASSERT_STATUS(CHUNKED "0a\r\n0123456789\r\nA;x=\"y\"\r\n0123456789\r\n000\r\n\r\n", 0);
	ASSERT_STATUS(CHUNKED "0\r\nX: a\r\nContent-Length: 7\r\n\r\n", 0);
	ASSERT_STATUS(CHUNKED "\r\n", 400);
	ASSERT_STATUS(CHUNKED "x\r\n", 400);
	ASSERT_STATUS(CHUNKED "-1\r\n", 400);
	ASSERT_STATUS(CHUNKED "0x1\r\n", 400);
	ASSERT_STATUS(CHUNKED " 1\r\n", 400);
	ASSERT_STATUS(CHUNKED "1 \r\n", 400);
	ASSERT_STATUS(CHUNKED "1\n", 400);
	ASSERT_STATUS(CHUNKED "1;a\n", 400);
	ASSERT_STATUS(CHUNKED "1;a\rb\r\n", 400);
	ASSERT_STATUS(CHUNKED "1\r\na\n", 400);
	ASSERT_STATUS(CHUNKED "1\r\nab\r\n", 400);
	ASSERT_STATUS(CHUNKED "1\r\na0\r\n", 400);
	ASSERT_STATUS(CHUNKED "0\r\nX : a\r\n", 400);
	ASSERT_STATUS(CHUNKED "0\r\n X: a\r\n", 400);
	ASSERT_STATUS(CHUNKED "0\r\n\n", 400);
	ASSERT_STATUS(CHUNKED "fffffffffffffffff\r\n", 413);
}

/* What came before the refused request is passed on, if it has not been before. */
static void
test_behind_others(void **state)
{
	static const char good[] = "GET / HTTP/1.1\r\n" HOST "\r\n", bad[] = "BAD\r\n";
	static const char both[] = "GET / HTTP/1.1\r\n" HOST "\r\nBAD\r\n";
	struct verdict verdict;

	(void)state;
	verdict = judge(good, sizeof good - 1, SIZE_MAX / 2);
	assert_int_equal(verdict.heads, 1);
	verdict = judge(both, sizeof both - 1, SIZE_MAX / 2);
	assert_int_equal(verdict.passed, sizeof good - 1);
	assert_int_equal(verdict.heads, 1);
	verdict = judge(bad, sizeof bad - 1, 3);
	assert_int_equal(verdict.passed, 3);
}

/* Bytes behind an Upgrade are of whatever it upgrades to, if they come at once. */
static void
test_upgrades(void **state)
{
	static const char text[] = "GET / HTTP/1.1\r\n" HOST "Upgrade: x\r\n\r\n";
	struct http_framing framing = {0};

	(void)state;
	http_framing_feed(&framing, text, sizeof text - 1);
	assert_true(http_framing_is_between(&framing));
	assert_int_equal(framing.state, HTTP_FRAMING_OFFERED);
	http_framing_feed(&framing, text, sizeof text - 1);
	assert_int_equal(framing.heads, 2);
	http_framing_feed(&framing, "BAD\r\n", 5);
	assert_int_equal(framing.state, HTTP_FRAMING_REFUSED);
	http_framing_clear(&framing);
	framing = (struct http_framing){0};
	assert_int_equal(
	    http_framing_feed(&framing, "GET / HTTP/1.1\r\n" HOST "Upgrade: x\r\n\r\n\n", 42), 42);
	assert_int_equal(framing.state, HTTP_FRAMING_UNKNOWN);
	assert_int_equal(http_framing_feed(&framing, "\n", 1), 1);
	assert_int_equal(framing.heads, 1);
	/* With a body there is no doubt where the next request begins; HTTP/1.0 has no upgrades. */
	ASSERT_FIELD("Upgrade: x\r\nContent-Length: 1\r\n\r\na\r\nBAD", 400);
	ASSERT_STATUS("GET / HTTP/1.0\r\nUpgrade: x\r\n\r\nBAD\r\n", 400);
}

/* --- requests of another daemon --------------------------------------------------------------- */

static unsigned asked;

static bool
is_elsewhere(const void *context, const char *target, size_t len)
{
	assert_ptr_equal(context, &asked);
	asked++;
	return len >= 5 && memcmp(target, "/away", 5) == 0;
}

/* Feeds text in pieces of that size: what may pass, and what is kept of the request that leaves. */
static void
check_elsewhere(const char *text, size_t piece, size_t passes, const char *kept)
{
	struct http_framing framing = {.is_elsewhere = is_elsewhere, .context = &asked};
	size_t len = strlen(text), passed = 0, pos = 0;

	while (pos < len && framing.state != HTTP_FRAMING_ELSEWHERE) {
		size_t n = len - pos < piece ? len - pos : piece;

		passed += http_framing_feed(&framing, text + pos, n);
		pos += n;
	}
	assert_int_equal(passed, passes);
	assert_int_equal(framing.state, HTTP_FRAMING_ELSEWHERE);
	assert_int_equal(framing.line.len, strlen(kept));
	assert_memory_equal(framing.line.data, kept, strlen(kept));
	assert_false(http_framing_is_between(&framing));
	http_framing_clear(&framing);
}

#define HERE "GET /here HTTP/1.1\r\nHost: a\r\n\r\n"
#define AWAY "GET /away?x HTTP/1.1\r\nHost: a\r\n\r\n"

static void
test_elsewhere(void **state)
{
	static const char line[] = "GET /away?x HTTP/1.1\r\n";

	(void)state;
	check_elsewhere(AWAY, 1000, 0, AWAY);
	check_elsewhere("\r\n" AWAY, 1000, 2, AWAY);
	check_elsewhere(HERE AWAY HERE, 1000, sizeof HERE - 1, AWAY HERE);
	/* All but the end of its first line had passed when it was recognised. */
	check_elsewhere(AWAY, 1, sizeof line - 2, line);
	check_elsewhere(HERE AWAY, 1, sizeof HERE - 1 + sizeof line - 2, line);
	check_elsewhere(AWAY HERE, 12, 12, "GET /away?x HTTP/1.1\r\nHo");
}

/* The first request that was brought stays, whatever it asks for. */
static void
test_stays(void **state)
{
	struct http_framing framing = {
	    .is_elsewhere = is_elsewhere, .context = &asked, .stays = true};

	(void)state;
	asked = 0;
	assert_int_equal(http_framing_feed(&framing, AWAY, sizeof AWAY - 1), sizeof AWAY - 1);
	assert_int_equal(asked, 0);
	assert_int_equal(http_framing_feed(&framing, AWAY, sizeof AWAY - 1), 0);
	assert_int_equal(asked, 1);
	assert_int_equal(framing.heads, 1);
	http_framing_clear(&framing);
}

/* The status of a request after another one, if a head may be that long. */
static int
status_within(const char *request, size_t head_max, size_t piece)
{
	static const char before[] = "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc";
	struct http_framing framing = {.head_max = head_max};
	size_t len = strlen(request), n;
	int status;

	assert_int_equal(http_framing_feed(&framing, before, strlen(before)), strlen(before));
	for (; len > 0 && framing.refusal == NULL; request += n, len -= n) {
		n = piece < len ? piece : len;
		http_framing_feed(&framing, request, n);
	}
	status = framing.refusal == NULL ? 0 : framing.refusal->status;
	http_framing_clear(&framing);
	return status;
}

static void
test_head_max(void **state)
{
	static const char head[] =
	    "POST /0123456789012345678901234567890123456789 HTTP/1.1\r\n" HOST
	    "Content-Length: 3\r\n\r\n";
	static const size_t pieces[] = {1, 7, 1000};
	char request[sizeof head + 3];

	(void)state;
	strcat(strcpy(request, head), "abc");
	for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
		assert_int_equal(status_within(request, sizeof head - 1, pieces[i]), 0);
		assert_int_equal(status_within(request, sizeof head - 2, pieces[i]), 431);
		assert_int_equal(status_within(request, 50, pieces[i]), 414);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_request_lines),
	    cmocka_unit_test(test_lines),
	    cmocka_unit_test(test_fields),
	    cmocka_unit_test(test_hosts),
	    cmocka_unit_test(test_lengths),
	    cmocka_unit_test(test_encodings),
	    cmocka_unit_test(test_chunks),
	    cmocka_unit_test(test_behind_others),
	    cmocka_unit_test(test_upgrades),
	    cmocka_unit_test(test_elsewhere),
	    cmocka_unit_test(test_stays),
	    cmocka_unit_test(test_head_max),
	};

	return cmocka_run_group_tests_name("http_framing", tests, NULL, NULL);
}
