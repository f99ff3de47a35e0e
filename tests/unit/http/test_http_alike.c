/*
 * sessiond/http: a request is answered alike, whether it passes libmicrohttpd by or not. Polls and
 * sends are changed at random in small ways; each is asked both ways, in one piece.
 */
#include "tests/unit/http/http_fixture.h"

enum { REQUESTS = 4000, REQUEST_MAX = 1024, CHANGES_MAX = 3 };

static const char *const requests[] = {
    "POST /echo/000/s/xhr HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
    "POST /echo/000/s/xhr_send HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n[\"c\"]",
    "POST /echo/000/s/xhr?t=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
    "POST /echo/000/s/xhr_send?t=2 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n[\"c\"]",
    "POST /echo/000/s/xhr HTTP/1.1\r\nHost: a\r\nOrigin: http://b\r\nContent-Type: text/plain\r\n"
    "Connection: keep-alive\r\nContent-Length: 0\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n",
    "POST /echo/000/s/xhr_send HTTP/1.1\r\nHost: a\r\nUser-Agent: x\r\nContent-Length: 9\r\n"
    "Cookie: JSESSIONID=x; y=z\r\n\r\n[\"c\",\"d\"]",
};

static const char *const pieces[] = {"\r\n", "\r", "\n", " ", "\t", ":", ",", "/", "?", "#", "%",
    "\"", "[", "]", "0", "1", "9", "x", "/xhr", "/xhr_send", "?/xhr", "/xhr_streaming",
    "/chunking_test", "?x=/xhr_send", " HTTP/1.0", "close", "\r\nConnection: close",
    "\r\nConnection: keep-alive", "\r\nConnection: x, Close", "\r\nExpect: 100-continue",
    "\r\nContent-Length: 5", "\r\nTransfer-Encoding: chunked", "\r\nUpgrade: websocket",
    "\r\nHost: b", "\r\na:\r\nb:", "[\"e\"]"};

/* What came of one. */
struct outcome {
	char text[sizeof heard.text]; /* lines with \n, without Date */
	char events[4096];
	bool ended, passed;
};

static struct outcome past, within;

static unsigned
pick(unsigned below)
{
	static unsigned random = 1;

	random = random * 1664525u + 1013904223u;
	return (random >> 16) % below;
}

/* --- a request -------------------------------------------------------------------------------- */

/* Puts a piece there in place of so many bytes. */
static void
put_piece(char *text, size_t at, size_t cut, const char *piece)
{
	size_t len = strlen(text), n = strlen(piece);

	if (len - cut + n >= REQUEST_MAX)
		return;
	memmove(text + at + n, text + at + cut, len - at - cut + 1);
	memcpy(text + at, piece, n);
}

static void
change(char *text)
{
	const char *piece = pieces[pick(sizeof pieces / sizeof pieces[0])];
	size_t len = strlen(text), at = pick((unsigned)len + 1), cut;
	char *line = strchr(text + at, '\r');

	/* Half of them where a line ends. */
	if (pick(2) == 0 && line != NULL)
		at = (size_t)(line - text);
	cut = pick(3) == 0 ? pick(3) : 0;
	cut = cut < len - at ? cut : len - at;
	put_piece(text, at, cut, pick(4) == 0 ? "" : piece);
}

static void
make_request(char *text)
{
	do {
		strcpy(text, requests[pick(sizeof requests / sizeof requests[0])]);
		for (unsigned left = pick(CHANGES_MAX + 1); left > 0; left--)
			change(text);
		/* libmicrohttpd takes a blank behind a value for a part of it (RFC 9112 5.1). */
	} while (strstr(text, " \r\n") != NULL || strstr(text, "\t\r\n") != NULL);
}

/* --- its outcome ------------------------------------------------------------------------------ */

/* Cuts each \r before a \n, and all lines that say the time. */
static void
clean(const char *from, char *to)
{
	for (; *from != '\0'; from++) {
		if (strncmp(from, "\nDate: ", strlen("\nDate: ")) == 0)
			from += strcspn(from + 1, "\n") + 1;
		if (*from != '\r' || from[1] != '\n')
			*to++ = *from;
	}
	*to = '\0';
}

/* A session with a message waits for it, and nothing else is there before or after. */
static void
ask_one(const char *text, struct outcome *outcome)
{
	int client = open_session();
	const struct http_connection *connection = only_connection();
	uint64_t heads = connection->heads;

	write_text(latest, "a");
	run();
	now += 1;
	say(client, text);
	outcome->passed = server.connections.count == 1 && connection->heads == heads + 1 &&
	    connection->response == NULL && connection->heard < now;
	read_all(client);
	clean(heard.text, outcome->text);
	outcome->ended = heard.ended;
	hang_up(client);
	buffer_append_char(&seen, '\0');
	snprintf(outcome->events, sizeof outcome->events, "%s", seen.data);
	sessions_each(&sessions, abort_one, NULL);
	turn();
	buffer_clear(&seen);
	assert_int_equal(server.connections.count, 0);
}

/* Each line of the one is one of the other, in whatever order. */
static bool
has_lines_of(const char *text, const char *other)
{
	char line[REQUEST_MAX];

	while (*other != '\0') {
		size_t len = strcspn(other, "\n");

		snprintf(line, sizeof line, "%.*s", (int)len, other);
		if (strstr(text, line) == NULL)
			return false;
		other += len + (other[len] == '\n');
	}
	return true;
}

static bool
are_alike(const struct outcome *one, const struct outcome *other)
{
	return one->ended == other->ended && strcmp(one->events, other->events) == 0 &&
	    strlen(one->text) == strlen(other->text) && has_lines_of(one->text, other->text) &&
	    has_lines_of(other->text, one->text);
}

static void
test_at_random(void **state)
{
	char text[REQUEST_MAX];
	unsigned passed = 0, failed = 0;

	(void)state;
	for (int i = 0; i < REQUESTS; i++) {
		make_request(text);
		passes = true;
		ask_one(text, &past);
		passes = false;
		ask_one(text, &within);
		assert_false(within.passed);
		passed += past.passed;
		if (are_alike(&past, &within))
			continue;
		failed++;
		print_error("%s\n--- past libmicrohttpd (%s, %s):\n%s\n--- within (%s, %s):\n%s\n",
		    text, past.events, past.ended ? "ended" : "open", past.text, within.events,
		    within.ended ? "ended" : "open", within.text);
	}
	assert_int_equal(failed, 0);
	assert_true(passed > REQUESTS / 10);
	print_message("%u of %d passed\n", passed, REQUESTS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    HTTP_TEST(at_random),
	};

	return cmocka_run_group_tests_name("http_alike", tests, NULL, NULL);
}
