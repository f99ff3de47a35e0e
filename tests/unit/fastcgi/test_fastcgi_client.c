/*
 * sessiond/fastcgi/fastcgi_client.h with servers that answer, err, or mean ill. The server is the
 * test: it listens, reads the request, and does what the case says.
 */
#include "tests/unit/fastcgi/fastcgi_fixture.h"

/* --- answers ---------------------------------------------------------------------------------- */

static void
send_all(const char *bytes, size_t len, size_t cut)
{
	size_t n;

	for (; len > 0; bytes += n, len -= n) {
		n = len < cut ? len : cut;
		assert_int_equal(send(server, bytes, n, MSG_NOSIGNAL), n);
		uv_run(&loop, UV_RUN_NOWAIT);
	}
}

static void
an_answer_is_told(void **state)
{
	static const char bytes[] = HEAD BODY END;
	size_t cut;

	(void)state;
	for (cut = 1; cut < sizeof bytes; cut++) {
		ask_with("[]", 2);
		accept_one();
		read_request();
		send_all(bytes, sizeof bytes - 1, cut);
		wait_for_outcome();
		assert_int_equal(outcome.result, FASTCGI_ANSWERED);
		assert_int_equal(outcome.response.status, 200);
		assert_string_equal(body, "[]");
		close(server);
	}
}

static void
a_long_request_is_read_slowly(void **state)
{
	size_t len = 3 << 20;
	char *input = malloc(len);

	(void)state;
	memset(input, 'x', len);
	ask_with(input, len);
	free(input);
	accept_one();
	read_request();
	send_all(HEAD END, sizeof HEAD END - 1, SIZE_MAX);
	wait_for_outcome();
	assert_int_equal(outcome.result, FASTCGI_ANSWERED);
	close(server);
}

/* What it is told then, it does not read. */
static void
an_answer_comes_before_the_request_was_read(void **state)
{
	size_t len = 3 << 20;
	char *input = calloc(1, len);

	(void)state;
	ask_with(input, len);
	free(input);
	accept_one();
	send_all(HEAD END, sizeof HEAD END - 1, SIZE_MAX);
	wait_for_outcome();
	assert_int_equal(outcome.result, FASTCGI_ANSWERED);
	close(server);
}

static void
several_at_once(void **state)
{
	int servers[8], i;

	(void)state;
	told = 0;
	for (i = 0; i < 8; i++)
		fastcgi_client_ask(client, NULL, 0, "[]", 2, on_done, &told);
	for (i = 0; i < 8; i++) {
		accept_one();
		servers[i] = server;
	}
	for (i = 7; i >= 0; i--) {
		server = servers[i];
		send_all(HEAD END, sizeof HEAD END - 1, 7);
		while (told < 8 - i)
			uv_run(&loop, UV_RUN_NOWAIT);
		close(server);
	}
	assert_int_equal(told, 8);
}

/* --- errors ----------------------------------------------------------------------------------- */

static const struct bad_answer {
	const char *bytes;
	size_t len;
	bool closes;
	enum fastcgi_result result;
	const char *why;
} bad_answers[] = {
#define BYTES(text) text, sizeof text - 1
    {BYTES(""), true, FASTCGI_FAILED, "has closed the connection without an answer"},
    {BYTES("\1"), true, FASTCGI_FAILED, "has closed the connection without an answer"},
    {BYTES(HEAD BODY), true, FASTCGI_FAILED, "has closed the connection without an answer"},
    {BYTES(HEAD "\1\6\0\1\377\377\0\0["), true, FASTCGI_FAILED, "without an answer"},
    {BYTES("HTTP/1.1 400 Bad Request\r\n\r\n"), false, FASTCGI_FAILED, "is no FastCGI"},
    {BYTES("\1\6\0\2\0\1\0\0["), false, FASTCGI_FAILED, "of another request"},
    {BYTES(HEAD "\1\12\0\1\0\0\0\0"), false, FASTCGI_FAILED, "does not belong there"},
    {BYTES("\1\3\0\1\0\1\0\0\0"), false, FASTCGI_FAILED, "a broken end"},
    {BYTES(BODY END), false, FASTCGI_FAILED, "does not begin with headers"},
    {BYTES(END), false, FASTCGI_FAILED, "does not begin with headers"},
    {BYTES(HEAD "\1\3\0\1\0\10\0\0\0\0\0\77\0\0\0\0"), false, FASTCGI_FAILED,
	"ended with status 63"},
    {BYTES("\1\3\0\1\0\10\0\0\0\0\0\0\2\0\0\0"), false, FASTCGI_AWAY, "is overloaded"},
    {BYTES("\1\3\0\1\0\10\0\0\0\0\0\0\3\0\0\0"), false, FASTCGI_AWAY, "protocol status 3"},
};

static void
a_bad_answer_is_an_error(void **state)
{
	const struct bad_answer *bad;

	(void)state;
	for (bad = bad_answers; bad < bad_answers + sizeof bad_answers / sizeof *bad; bad++) {
		ask_with("[]", 2);
		accept_one();
		read_request();
		send_all(bad->bytes, bad->len, SIZE_MAX);
		if (bad->closes)
			close(server);
		expect_failure(bad->result, bad->why);
		if (!bad->closes)
			close(server);
	}
}

static void
an_endless_answer_is_cut(void **state)
{
	static char record[8 + 65535] = "\1\6\0\1\377\377";

	(void)state;
	ask_with("[]", 2);
	accept_one();
	while (told == 0) {
		send(server, record, sizeof record, MSG_NOSIGNAL);
		uv_run(&loop, UV_RUN_NOWAIT);
	}
	expect_failure(FASTCGI_FAILED, "the answer is ");
	close(server);
}

static void
reset(int fd)
{
	const struct linger now = {1, 0};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	close(fd);
}

static void
a_reset_is_an_error(void **state)
{
	(void)state;
	ask_with("[]", 2);
	accept_one();
	/* Of a Unix socket it is one if something was not read. */
	uv_run(&loop, UV_RUN_NOWAIT);
	reset(server);
	expect_failure(FASTCGI_FAILED, "without an answer");
}

static void
silence_has_an_end(void **state)
{
	(void)state;
	ask_with("[]", 2);
	accept_one();
	send_all(HEAD, sizeof HEAD - 1, SIZE_MAX);
	timers_run(&timers, uv_now(&loop) + TIMEOUT - 1000);
	assert_int_equal(told, 0);
	timers_run(&timers, uv_now(&loop) + TIMEOUT);
	expect_failure(FASTCGI_FAILED, "gave no answer in time");
	close(server);
}

static void
a_call_is_ended(void **state)
{
	struct fastcgi_call *call = ask_with("[]", 2);

	(void)state;
	fastcgi_call_end(&call);
	assert_null(call);
	fastcgi_call_end(&call);
	call = ask_with("[]", 2);
	accept_one();
	close(server);
	accept_one();
	send_all(HEAD BODY, sizeof HEAD BODY - 1, SIZE_MAX);
	fastcgi_call_end(&call);
	uv_run(&loop, UV_RUN_DEFAULT);
	timers_run(&timers, uv_now(&loop) + TIMEOUT);
	assert_int_equal(told, 0);
	close(server);
}

static void
destroy(void *owner, const struct fastcgi_outcome *is)
{
	(void)is;
	(*(int *)owner)++;
	fastcgi_client_destroy(&client);
}

/* With another call under way, of which nothing is told. */
static void
a_client_is_destroyed_in_its_call(void **state)
{
	int other;

	(void)state;
	ask_with("[]", 2);
	accept_one();
	other = server;
	fastcgi_client_ask(client, NULL, 0, "", 0, destroy, &told);
	accept_one();
	close(server);
	wait_for_outcome();
	assert_null(client);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(told, 1);
	close(other);
	create_client(address);
}

/* --- nobody there ----------------------------------------------------------------------------- */

static void
nobody_listens(void **state)
{
	char path[200], port[40];
	uint16_t number;

	(void)state;
	fastcgi_client_destroy(&client);
	snprintf(path, sizeof path, "%s/none", folder);
	create_client(path);
	ask_with("[]", 2);
	assert_int_equal(told, 0);
	expect_failure(FASTCGI_AWAY, "no such file or directory; is it running?");
	assert_non_null(strstr(why, path));
	close(listen_at(path));
	ask_with("[]", 2);
	expect_failure(FASTCGI_AWAY, "connection refused; is it running?");
	fastcgi_client_destroy(&client);
	close(listen_on_port(&number));
	snprintf(port, sizeof port, "127.0.0.1:%u", number);
	create_client(port);
	ask_with("[]", 2);
	expect_failure(FASTCGI_AWAY, "connection refused");
	unlink(path);
	fastcgi_client_destroy(&client);
	create_client(address);
}

/* libuv says it within the call; its owner does not hear it there. */
static void
an_address_cannot_be_reached(void **state)
{
	(void)state;
	fastcgi_client_destroy(&client);
	create_client("255.255.255.255:9");
	ask_with("[]", 2);
	assert_int_equal(told, 0);
	expect_failure(FASTCGI_AWAY, "cannot connect to 255.255.255.255:9: ");
	fastcgi_client_destroy(&client);
	create_client(address);
}

static void
too_many_wait(void **state)
{
	int connected = 0, waiting[64], i;

	(void)state;
	/* The queue of its socket is full. */
	for (i = 0; i < 64; i++) {
		struct sockaddr_un to = {.sun_family = AF_UNIX};

		snprintf(to.sun_path, sizeof to.sun_path, "%s", address);
		waiting[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connected += connect(waiting[i], (struct sockaddr *)&to, sizeof to) == 0;
	}
	assert_true(connected < 64);
	ask_with("[]", 2);
	expect_failure(FASTCGI_AWAY, "too many wait for it");
	for (i = 0; i < 64; i++)
		close(waiting[i]);
	while ((server = accept(listener, NULL, NULL)) != -1)
		close(server);
}

static void
it_may_not_connect(void **state)
{
	bool is_root;

	(void)state;
	chmod(address, 0);
	/* Nobody is refused anything as root. */
	is_root = geteuid() == 0 && seteuid(65534) == 0;
	ask_with("[]", 2);
	expect_failure(FASTCGI_AWAY, "permission denied; the daemon's user has to be allowed to");
	assert_true(!is_root || seteuid(0) == 0);
	chmod(address, 0700);
}

static void
a_port_is_asked(void **state)
{
	int former = listener;
	uint16_t number;
	char port[40];

	(void)state;
	fastcgi_client_destroy(&client);
	listener = listen_on_port(&number);
	snprintf(port, sizeof port, "127.0.0.1:%u", number);
	create_client(port);
	an_answer_is_told(NULL);
	close(listener);
	listener = former;
	fastcgi_client_destroy(&client);
	create_client(address);
}

static void
addresses_are_checked(void **state)
{
	static const char *const bad[] = {"", "run/x", "localhost:9000", "127.0.0.1"};
	char long_path[200];
	struct error err = ERROR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		error_clear(&err);
		assert_null(try_client(bad[i], &err));
		assert_non_null(strstr(err.text, "is no address of a FastCGI application"));
	}
	memset(long_path, '/', sizeof long_path - 1);
	long_path[sizeof long_path - 1] = '\0';
	error_clear(&err);
	assert_null(try_client(long_path, &err));
	assert_non_null(strstr(err.text, "is too long"));
}

/* --- its standard error ----------------------------------------------------------------------- */

static void
standard_error_is_logged(void **state)
{
	const char *log;

	(void)state;
	capture_begin_later();
	ask_with("[]", 2);
	accept_one();
	send_all("\1\7\0\1\0\4\0\0PHP ", 12, SIZE_MAX);
	send_all("\1\7\0\1\0\16\0\0says:\r\n\nno \1en", 22, 5);
	send_all("\1\7\0\1\0\1\0\0d" HEAD END, 9 + sizeof HEAD END - 1, SIZE_MAX);
	wait_for_outcome();
	log = capture_end();
	assert_int_equal(count_lines(log), 2);
	assert_non_null(strstr(log, " error: [service /chat] callback: PHP says:\n"));
	assert_non_null(strstr(log, " error: [service /chat] callback: no \\x01end\n"));
	close(server);
}

static void
a_flood_of_errors_is_counted(void **state)
{
	static char record[8 + 5000] = "\1\7\0\1\23\210";
	const char *log;
	int i;

	(void)state;
	memset(record + 8, 'e', 5000);
	capture_begin_later();
	ask_with("[]", 2);
	accept_one();
	for (i = 0; i < 10; i++)
		send_all(record, sizeof record, SIZE_MAX);
	send_all(HEAD END, sizeof HEAD END - 1, SIZE_MAX);
	wait_for_outcome();
	log = capture_end();
	assert_int_equal(count_lines(log), LOG_LIMIT_LINES);
	close(server);
}

/* --- before and after ------------------------------------------------------------------------- */

static int
set_up(void **state)
{
	(void)state;
	log_open("test", SEVERITY_INFO);
	snprintf(folder, sizeof folder, "/tmp/fastcgi-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(address, sizeof address, "%s/socket", folder);
	listener = listen_at(address);
	uv_loop_init(&loop);
	timers_init(&timers);
	create_client(address);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	fastcgi_client_destroy(&client);
	fastcgi_client_destroy(&client);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	close(listener);
	unlink(address);
	rmdir(folder);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_answer_is_told),
	    cmocka_unit_test(a_long_request_is_read_slowly),
	    cmocka_unit_test(an_answer_comes_before_the_request_was_read),
	    cmocka_unit_test(several_at_once),
	    cmocka_unit_test(a_bad_answer_is_an_error),
	    cmocka_unit_test(an_endless_answer_is_cut),
	    cmocka_unit_test(a_reset_is_an_error),
	    cmocka_unit_test(silence_has_an_end),
	    cmocka_unit_test(a_call_is_ended),
	    cmocka_unit_test(a_client_is_destroyed_in_its_call),
	    cmocka_unit_test(nobody_listens),
	    cmocka_unit_test(an_address_cannot_be_reached),
	    cmocka_unit_test(too_many_wait),
	    cmocka_unit_test(it_may_not_connect),
	    cmocka_unit_test(a_port_is_asked),
	    cmocka_unit_test(addresses_are_checked),
	    cmocka_unit_test(standard_error_is_logged),
	    cmocka_unit_test(a_flood_of_errors_is_counted),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
