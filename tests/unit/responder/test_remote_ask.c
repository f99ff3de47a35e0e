/*
 * sessiond/responder/remote_ask.h: requests of the HTTP API, from a responder to whoever answers
 * them, and when their answers leave.
 */
#include "tests/unit/responder/responder_fixture.h"
#include "tests/unit/log_capture.h"

#include <netinet/in.h>

enum { API_LIMIT = 10 };

/* --- who answers ------------------------------------------------------------------------------ */

static const char *folder; /* NULL: there is no API */
static struct buffer asked;
static struct api_answer next; /* without its body; status 0: it comes later */
static struct api_answer *late;
static size_t long_body;

static void
answer(void *context, const struct api_request *request, struct api_answer *made)
{
	(void)context;
	buffer_printf(&asked, "%s %s %s %.*s;", request->method, request->path,
	    request->query == NULL ? "-" : request->query, (int)request->body_len, request->body);
	late = made;
	next.came = made->came;
	*made = next;
	if (next.status == 0)
		return;
	if (long_body == 0)
		buffer_append_str(&made->body, "done");
	else if (buffer_reserve(&made->body, long_body) != NULL)
		memset(made->body.data, 'x', long_body), buffer_added(&made->body, long_body);
	if (next.acknowledges)
		assert_int_equal(
		    write_text((sockjs_connection){find("s")->handle}, "m"), SOCKJS_OK);
}

static const char *
folder_of(void *context)
{
	(void)context;
	return folder;
}

static size_t
limit_of(void *context)
{
	(void)context;
	return API_LIMIT;
}

static const struct api api = {NULL, answer, folder_of, limit_of};

static void
expect_asked(const char *expected, const char *file, int line)
{
	buffer_append_char(&asked, '\0');
	_assert_string_equal(asked.data, expected, file, line);
	buffer_clear(&asked);
}

#define assert_asked(expected) expect_asked(expected, __FILE__, __LINE__)

static int
set_up_ask(void **state)
{
	if (set_up_responder(state) == -1)
		return -1;
	messages.asks.api = &api;
	folder = "";
	next = (struct api_answer){.status = 200, .content_type = "text/plain"};
	long_body = 0;
	buffer_clear(&asked);
	return 0;
}

static int
tear_down_ask(void **state)
{
	buffer_free(&asked);
	return tear_down_responder(state);
}

/* --- the responder ---------------------------------------------------------------------------- */

static void
greet(unsigned minor, const char *expected)
{
	const struct wire_hello hello = {
	    .role = WIRE_RESPONDER, .major = WIRE_MAJOR, .minor = minor, .pid = 42, .instance = 1};

	connect_responder();
	wire_encode_hello(&out, &hello);
	say();
	assert_heard(expected);
}

static void
open_with_api(void)
{
	greet(WIRE_MINOR, "HELLO API(/apps/,10) SERVICES(1) ");
}

static void
encode_ask(uint64_t id, const char *path, const char *body)
{
	struct wire_ask ask = {
	    .method = "POST", .path = path, .query = "a=1", .body = body, .body_len = strlen(body)};

	ask.client.v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = 1};
	assert_int_equal(wire_encode_ask(&out, id, &ask), 0);
}

static void
say_ask(uint64_t id, const char *path, const char *body)
{
	encode_ask(id, path, body);
	say();
}

/* --- tests ------------------------------------------------------------------------------------ */

static void
test_ask(void **state)
{
	(void)state;
	open_with_api();
	next.status = 201;
	say_ask(7, "/apps/1/events", "{}");
	assert_heard("7:201(done) ");
	assert_asked("POST /apps/1/events a=1 {};");
	assert_int_equal(messages.asks_taken, 1);
}

static void
test_folder(void **state)
{
	(void)state;
	folder = "/live";
	greet(WIRE_MINOR, "HELLO API(/live/apps/,10) SERVICES(1) ");
	say_ask(7, "/live/apps/1", "");
	assert_heard("7:200(done) ");
	assert_asked("POST /apps/1 a=1 ;");
	/* It was moved while this was under way. */
	say_ask(8, "/apps/1", "");
	assert_heard("8:404(404 Error: Page not found\n) ");
	assert_asked("");
	folder = NULL;
	say_ask(9, "/live/apps/1", "");
	assert_heard("9:404(404 Error: Page not found\n) ");
	assert_int_equal(peer_messages_send_services(LIST_FIRST(&peers.list)), 0);
	assert_heard("SERVICES(1) ");
}

/* One of before 2.2 is not told; if it asks all the same, it is no responder of ours. */
static void
test_old_responder(void **state)
{
	(void)state;
	greet(1, "HELLO SERVICES(1) ");
	capture_begin();
	say_ask(7, "/apps/1", "");
	assert_heard("closed ");
	capture_end();
	assert_asked("");
	greet(7, "HELLO API(/apps/,10) SERVICES(1) ");
}

static void
test_long_body(void **state)
{
	(void)state;
	open_with_api();
	say_ask(7, "/apps/1", "0123456789");
	assert_heard("7:200(done) ");
	assert_asked("POST /apps/1 a=1 0123456789;");
	say_ask(8, "/apps/1", "0123456789x");
	assert_heard("8:413(Request body too large.\n) ");
	assert_asked("");
	assert_int_equal(sessions.limits.reached[LIMIT_BODY], 1);
}

static void
test_rate(void **state)
{
	int i;

	(void)state;
	sessions.limits.of_address.a_second[RATE_REQUEST] = 1;
	open_with_api();
	for (i = 1; i <= 10; i++)
		say_ask((uint64_t)i, "/apps/1", "");
	run();
	hear();
	buffer_clear(&heard);
	say_ask(11, "/apps/1", "");
	assert_heard("11:429(Too many requests.\n) ");
}

/* What it causes is stored before its answer leaves. */
static void
test_stored_before(void **state)
{
	(void)state;
	open_with_api();
	open_session();
	next.acknowledges = true;
	say_ask(7, "/apps/1", "");
	assert_heard("7:200(done) ");
	assert_written("M1@0=m . ");
}

static void
test_store_fails(void **state)
{
	(void)state;
	open_with_api();
	open_session();
	next.acknowledges = true;
	fail_store(1, STORE_FULL);
	capture_begin();
	say_ask(7, "/apps/1", "");
	run();
	next.acknowledges = false;
	say_ask(8, "/apps/2", "");
	assert_heard("7:503(The store cannot be written.\n) 8:200(done) ");
	capture_end();
}

/* What all others wait for is on the same connection. */
static void
test_long_answers(void **state)
{
	(void)state;
	open_with_api();
	long_body = WIRE_ANSWER_MAX + 1;
	say_ask(7, "/apps/1", "");
	assert_heard("7:503(The answer is too long for FastCGI: ask for a part, or ask sessiond "
		     "itself.\n) ");
	config->server.local_backlog = 1000;
	long_body = 300;
	encode_ask(1, "/apps/1", "");
	encode_ask(2, "/apps/1", "");
	say();
	run();
	hear();
	buffer_append_char(&heard, '\0');
	assert_non_null(strstr(heard.data, "1:200(xxx"));
	assert_non_null(
	    strstr(heard.data, "2:503(Too much waits for this web server (local_backlog).\n) "));
	buffer_clear(&heard);
	long_body = 0;
	say_ask(3, "/apps/1", "");
	assert_heard("3:200(done) ");
}

/* After a goodbye nothing is carried out: the responder asks the next daemon. */
static void
test_after_goodbye(void **state)
{
	(void)state;
	open_with_api();
	say_poll(1, "s");
	assert_heard("1<o;. ");
	peer_messages_say_goodbye(LIST_FIRST(&peers.list));
	say_ask(7, "/apps/1", "");
	assert_heard("bye(stopping) ");
	assert_asked("");
	say_written(1);
	assert_heard("closed ");
}

/* The responder is lost between the request and the end of the turn. */
static void
test_lost(void **state)
{
	(void)state;
	open_with_api();
	say_ask(7, "/apps/1", "");
	uv_run(&loop, UV_RUN_NOWAIT);
	assert_int_equal(messages.asks.count, 1);
	peer_drop(LIST_FIRST(&peers.list));
	assert_heard("closed ");
	assert_asked("POST /apps/1 a=1 ;");
	assert_int_equal(messages.asks.count, 0);
}

static void
come(unsigned status)
{
	late->status = status;
	buffer_append_str(&late->body, "late");
	late->came(late);
}

/* Others are answered meanwhile. Of a peer that is gone, nobody is told. */
static void
test_later(void **state)
{
	struct api_answer *first;

	(void)state;
	open_with_api();
	next.status = 0;
	say_ask(7, "/apps/1", "");
	assert_heard("");
	first = late;
	next.status = 200;
	say_ask(8, "/apps/1", "");
	assert_heard("8:200(done) ");
	late = first;
	come(202);
	assert_heard("7:202(late) ");
	next.status = 0;
	say_ask(9, "/apps/1", "");
	assert_heard("");
	peer_drop(LIST_FIRST(&peers.list));
	assert_heard("closed ");
	come(200);
	assert_heard("");
	assert_int_equal(messages.asks.count, 0);
	buffer_clear(&asked);
}

/* The responder would repeat it at the next daemon, and it may have been carried out. */
static void
test_given_up(void **state)
{
	(void)state;
	open_with_api();
	next.status = 0;
	say_ask(7, "/apps/1", "");
	assert_heard("");
	peer_messages_say_goodbye(LIST_FIRST(&peers.list));
	assert_heard("7:503(The server is stopping.\n) bye(stopping) closed ");
	come(200);
	run();
	assert_int_equal(messages.asks.count, 0);
	buffer_clear(&asked);
}

/* What was not answered is freed. */
static void
test_end(void **state)
{
	(void)state;
	open_with_api();
	say_ask(7, "/apps/1", "");
	uv_run(&loop, UV_RUN_NOWAIT);
	assert_int_equal(messages.asks.count, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up_ask, tear_down_ask)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(ask),
	    TEST(folder),
	    TEST(old_responder),
	    TEST(long_body),
	    TEST(rate),
	    TEST(stored_before),
	    TEST(store_fails),
	    TEST(long_answers),
	    TEST(after_goodbye),
	    TEST(lost),
	    TEST(later),
	    TEST(given_up),
	    TEST(end),
	};

	log_open("test_remote_ask", SEVERITY_ERROR);
	return cmocka_run_group_tests_name("remote_ask", tests, folder_setup, folder_teardown);
}
