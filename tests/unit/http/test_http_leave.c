/*
 * sessiond/http: connections whose request is another daemon's leave, with what was read of it; and
 * those that another has read from go on here.
 */
#include "tests/unit/http/http_fixture.h"

/* What has left. */
static struct {
	unsigned count;
	int fd;
	char bytes[64 * 1024];
} gone;

/* Another daemon's is what has "away" in its target. */
static bool
is_elsewhere(const void *context, const char *target, size_t len)
{
	assert_ptr_equal(context, &gone);
	return memmem(target, len, "away", strlen("away")) != NULL;
}

static void
left(void *context, int fd, struct address_entry *address, struct buffer *bytes)
{
	assert_ptr_equal(context, &gone);
	assert_null(address);
	gone.count++;
	gone.fd = fd;
	assert_true(bytes->len < sizeof gone.bytes);
	memcpy(gone.bytes, bytes->data, bytes->len);
	gone.bytes[bytes->len] = '\0';
	buffer_free(bytes);
}

static int
set_up(void **state)
{
	memset(&gone, 0, sizeof gone);
	if (http_set_up(state) == -1)
		return -1;
	server.connections.is_elsewhere = is_elsewhere;
	server.connections.left = left;
	server.connections.context = &gone;
	return 0;
}

#define LEAVE_TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, http_tear_down)

#define AWAY(method) method " /echo/000/away/xhr HTTP/1.1\r\nHost: a\r\n\r\n"

/* The client's connection is open, and leads where it has gone. */
static void
assert_left(int client, const char *bytes)
{
	assert_int_equal(gone.count, 1);
	assert_string_equal(gone.bytes, bytes);
	assert_int_equal(server.connections.count, 0);
	assert_silence(client);
	assert_int_equal(send(gone.fd, "hello", 5, MSG_NOSIGNAL), 5);
	assert_int_equal(recv(client, (char[10]){0}, 10, 0), 5);
	close(gone.fd);
	assert_end(client);
}

static void
test_leaves(void **state)
{
	int client = connect_client();

	(void)state;
	say(client, AWAY("POST"));
	assert_left(client, AWAY("POST"));
}

/* With a part of its body; what comes later stays in the socket. */
static void
test_leaves_with_a_part(void **state)
{
	static const char text[] =
	    "POST /echo/0/away/xhr_send HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n[\"";
	int client = connect_client();

	(void)state;
	say(client, text);
	put(client, "a\"]");
	run();
	assert_int_equal(recv(gone.fd, (char[10]){0}, 10, 0), 3);
	assert_left(client, text);
}

static void
test_leaves_byte_by_byte(void **state)
{
	static const char text[] = "POST /echo/000/away/xhr HTTP/1.1\r\n";
	int client = connect_client();

	(void)state;
	for (size_t i = 0; i < sizeof text - 1; i++) {
		assert_int_equal(gone.count, 0);
		say(client, (char[]){text[i], '\0'});
	}
	assert_left(client, text);
}

static void
test_leaves_later(void **state)
{
	int client = open_session();

	(void)state;
	say(client, AWAY("POST"));
	assert_left(client, AWAY("POST"));
	assert_int_equal(sessions.count, 1);
}

/* What was asked before is answered before, though it was read in one go. */
static void
test_leaves_behind_another(void **state)
{
	int client = connect_client();

	(void)state;
	say(client, "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n" AWAY("POST") AWAY("GET"));
	assert_heard(client, 200, "Welcome to SockJS!\n");
	assert_left(client, AWAY("POST") AWAY("GET"));
}

/* ... and if that takes its time. */
static void
test_leaves_behind_a_poll(void **state)
{
	int client = open_session();

	(void)state;
	say(client, "POST /echo/000/s/xhr HTTP/1.1\r\nHost: a\r\n\r\n" AWAY("POST"));
	say(client, AWAY("GET"));
	assert_silence(client);
	assert_int_equal(gone.count, 0);
	post(connect_client(), "/echo/000/s/xhr_send", "[\"x\"]");
	assert_seen("=x ");
	session_release_receiver(session_find(service, "s", 1));
	run();
	assert_heard(client, 200, "h\n");
	assert_int_equal(gone.count, 1);
	assert_string_equal(gone.bytes, AWAY("POST"));
	assert_int_equal(recv(gone.fd, heard.text, sizeof heard.text, 0), sizeof AWAY("GET") - 1);
	close(gone.fd);
	close(client);
	run();
}

/* What ends the connection ends it: what comes behind it in the same write is nobody's. */
static void
check_end(const char *text)
{
	int client = connect_client();

	say(client, text);
	assert_heard(client, 200, "Welcome to SockJS!\n");
	assert_true(heard.ended);
	assert_int_equal(gone.count, 0);
	assert_int_equal(server.connections.count, 0);
	close(client);
}

static void
test_behind_the_last(void **state)
{
	(void)state;
	check_end("GET /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" AWAY("POST"));
	check_end("GET /echo HTTP/1.0\r\n\r\n" AWAY("POST"));
}

/* ... and what comes when nothing can be answered any more. */
static void
test_too_late(void **state)
{
	int client = open_session();

	(void)state;
	post(client, "/echo/000/s/xhr", "");
	http_server_drain(&server);
	write_text(latest, "a");
	run();
	assert_heard(client, 200, "a[\"a\"]\n");
	assert_true(heard.ended);
	assert_int_equal(server.connections.count, 1);
	say(client, AWAY("POST"));
	assert_int_equal(gone.count, 0);
	assert_int_equal(server.connections.count, 0);
	close(client);
}

static void
test_bad_request_stays(void **state)
{
	int client = connect_client();

	(void)state;
	say(client, "POST /echo/000/away/xhr\r\nHost: a\r\n\r\n");
	assert_heard(client, 400, "");
	assert_int_equal(gone.count, 0);
	close(client);
}

/* --- from another daemon ---------------------------------------------------------------------- */

static int
bring(const char *bytes)
{
	const struct sockaddr address = {.sa_family = AF_UNIX};
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	http_server_take(
	    &server, pair[1], &address, sizeof address.sa_family, bytes, strlen(bytes));
	run();
	return pair[0];
}

/*
 * Also what would be another daemon's. The connection is kept, and its next request is looked at.
 */
static void
test_brought(void **state)
{
	int client = bring(AWAY("POST"));

	(void)state;
	assert_heard(client, 200, "o\n");
	assert_seen("+ ");
	post(client, "/echo/000/s/xhr", "");
	assert_heard(client, 200, "o\n");
	assert_seen("+ ");
	assert_int_equal(gone.count, 0);
	say(client, AWAY("POST"));
	assert_left(client, AWAY("POST"));
}

static void
test_brought_with_a_part(void **state)
{
	int opened = open_session(), client;

	(void)state;
	client =
	    bring("POST /echo/0/s/xhr_send HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n[\"");
	assert_seen("");
	say(client, "a\"]");
	assert_seen("=a ");
	assert_heard(client, 204, "");
	close(client);
	hang_up(opened);
}

static void
test_brought_with_more(void **state)
{
	int client = bring(AWAY("POST") "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n");

	(void)state;
	assert_seen("+ ");
	hear(client);
	assert_non_null(strstr(heard.body, "o\nHTTP/1.1 200"));
	assert_non_null(strstr(heard.body, "Welcome to SockJS!\n"));
	hang_up(client);
}

enum { LARGE = 40 * 1024 }; /* bytes, more than libmicrohttpd has room for */

/* Behind a request that waits, which is answered first. */
static void
test_brought_with_much(void **state)
{
	struct buffer text = BUFFER_INIT;
	int opened = open_session(), client;
	size_t count = 0, answers = 0;

	(void)state;
	buffer_append_str(&text, "POST /echo/000/s/xhr HTTP/1.1\r\nHost: a\r\n\r\n");
	for (; text.len < LARGE; count++)
		buffer_printf(&text, "GET /echo HTTP/1.1\r\nHost: a\r\nX: %01000d\r\n\r\n", 0);
	buffer_append(&text, "", 1);
	client = bring(text.data);
	buffer_free(&text);
	assert_silence(client);
	write_text(latest, "a");
	run();
	read_all(client);
	for (const char *at = heard.text; (at = strstr(at, "Welcome to SockJS!\n")) != NULL; at++)
		answers++;
	assert_int_equal(answers, count);
	close(client);
	hang_up(opened);
}

/* It is brought on whole. */
static void
test_brought_with_much_for_another(void **state)
{
	static const char next[] =
	    "POST /echo/0/away/xhr_send HTTP/1.1\r\nHost: a\r\nContent-Length: 40960\r\n\r\n";
	struct buffer text = BUFFER_INIT;
	int client;

	(void)state;
	buffer_append_str(&text, AWAY("POST"));
	buffer_append_str(&text, next);
	for (int i = 0; i < LARGE; i++)
		buffer_append_char(&text, 'x');
	buffer_append(&text, "", 1);
	client = bring(text.data);
	assert_heard(client, 200, "o\n");
	assert_seen("+ ");
	assert_left(client, text.data + sizeof AWAY("POST") - 1);
	buffer_free(&text);
}

static void
test_brought_and_refused(void **state)
{
	int client = bring("POST /echo\r\n\r\n");

	(void)state;
	assert_heard(client, 400, "");
	assert_true(heard.ended);
	close(client);
}

/* Its client has 10 s for the rest of its head, as on any connection. */
static void
test_brought_and_silent(void **state)
{
	int client = bring("POST /echo/000/away/xhr HTTP/1.1\r\n");

	(void)state;
	assert_silence(client);
	pass_time(REQUEST_TIMEOUT);
	run();
	assert_heard(client, 408, "");
	close(client);
}

/* Whoever brought it may have it open for longer than it lives here. */
static void
test_brought_and_open_elsewhere(void **state)
{
	const struct sockaddr address = {.sa_family = AF_UNIX};
	static const char text[] = "GET /echo HTTP/1.0\r\n\r\n";
	int pair[2], other, poll = open_session();

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	other = dup(pair[1]);
	http_server_take(
	    &server, pair[1], &address, sizeof address.sa_family, text, sizeof text - 1);
	run();
	assert_heard(pair[0], 200, "Welcome to SockJS!\n");
	assert_int_equal(server.connections.count, 1);
	post(poll, "/echo/000/s/xhr", "");
	close(pair[0]);
	run();
	close(other);
	run();
	assert_silence(poll);
	hang_up(poll);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    LEAVE_TEST(leaves),
	    LEAVE_TEST(leaves_with_a_part),
	    LEAVE_TEST(leaves_byte_by_byte),
	    LEAVE_TEST(leaves_later),
	    LEAVE_TEST(leaves_behind_another),
	    LEAVE_TEST(leaves_behind_a_poll),
	    LEAVE_TEST(behind_the_last),
	    LEAVE_TEST(too_late),
	    LEAVE_TEST(bad_request_stays),
	    LEAVE_TEST(brought),
	    LEAVE_TEST(brought_with_a_part),
	    LEAVE_TEST(brought_with_more),
	    LEAVE_TEST(brought_with_much),
	    LEAVE_TEST(brought_with_much_for_another),
	    LEAVE_TEST(brought_and_refused),
	    LEAVE_TEST(brought_and_silent),
	    LEAVE_TEST(brought_and_open_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
