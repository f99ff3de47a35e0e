/*
 * sessiond/http/http_fallback.h: requests outside every service, as a module of [fallback] sees and
 * answers them.
 */
#include "tests/unit/http/http_fixture.h"

static struct sockjs_service *fallback;
static sockjs_request asked; /* the last request that came */
static int count;

static void
on_request(sockjs_request request)
{
	asked = request;
	count++;
}

static const struct sockjs_module module = {
    .abi = SOCKJS_ABI,
    .name = "pages",
    .request = on_request,
};

static int
set_up(void **state)
{
	http_set_up(state);
	fallback = service_create_fallback();
	fallback->application = &module;
	fallback->protocol.options.body_limit = BODY_LIMIT;
	services.fallback = fallback;
	count = 0;
	return 0;
}

static int
tear_down(void **state)
{
	assert_int_equal(fallback->users, 0);
	service_destroy(&fallback);
	return http_tear_down(state);
}

static int
respond(int status, const char *body)
{
	const sockjs_response response = {
	    .status = status, .content_type = "text/plain", .body = body, .len = strlen(body)};

	return sockjs_respond(asked, &response);
}

static void
test_request(void **state)
{
	int client = connect_client();
	size_t len = 99;

	(void)state;
	say(client,
	    "PUT /a%20b?c=d HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nX-One: 2\r\nContent-Length: "
	    "4\r\n\r\nbody");
	assert_int_equal(count, 1);
	assert_string_equal(sockjs_request_method(asked), "PUT");
	assert_string_equal(sockjs_request_path(asked), "/a%20b");
	assert_string_equal(sockjs_request_query(asked), "c=d");
	assert_string_equal(sockjs_request_header(asked, "x-one"), "1");
	assert_null(sockjs_request_header(asked, "x-two"));
	assert_null(sockjs_request_header(asked, NULL));
	assert_memory_equal(sockjs_request_body(asked, &len), "body", 4);
	assert_int_equal(len, 4);
	assert_ptr_equal(sockjs_request_service(asked), fallback);
	assert_non_null(sockjs_request_remote_address(asked));
	assert_int_equal(fallback->users, 1);
	assert_silence(client);
	assert_int_equal(respond(201, "made"), SOCKJS_OK);
	run();
	assert_heard(client, 201, "made");
	assert_true(has_header("Content-Type: text/plain"));
	assert_int_equal(fallback->users, 0);
	hang_up(client);
}

static void
answer_at_once(sockjs_request request)
{
	asked = request;
	assert_string_equal(sockjs_request_body(asked, NULL), "");
	assert_int_equal(respond(200, "now"), SOCKJS_OK);
}

static void
test_answer_at_once(void **state)
{
	static const struct sockjs_module quick = {
	    .abi = SOCKJS_ABI, .name = "quick", .request = answer_at_once};
	int client = connect_client();

	(void)state;
	fallback->application = &quick;
	ask(client, "GET", "/", "");
	assert_heard(client, 200, "now");
	hang_up(client);
}

/* The handle is good for one answer, and no longer than its client stays. */
static void
test_gone(void **state)
{
	int client = connect_client();

	(void)state;
	ask(client, "GET", "/", "");
	assert_int_equal(respond(200, "once"), SOCKJS_OK);
	assert_int_equal(respond(200, "twice"), SOCKJS_GONE);
	assert_null(sockjs_request_method(asked));
	run();
	assert_heard(client, 200, "once");
	ask(client, "GET", "/", "");
	assert_non_null(sockjs_request_method(asked));
	hang_up(client);
	assert_null(sockjs_request_method(asked));
	assert_null(sockjs_request_path(asked));
	assert_null(sockjs_request_query(asked));
	assert_null(sockjs_request_body(asked, NULL));
	assert_null(sockjs_request_service(asked));
	assert_null(sockjs_request_remote_address(asked));
	assert_null(sockjs_request_header(asked, "host"));
	assert_int_equal(sockjs_request_remote_port(asked), 0);
	assert_int_equal(respond(200, "late"), SOCKJS_GONE);
}

static int
respond_with(const char *name, const char *value)
{
	const sockjs_field fields[] = {{name, value}, {NULL, NULL}};

	return sockjs_respond(asked, &(sockjs_response){.status = 200, .fields = fields});
}

static void
test_mistakes(void **state)
{
	static const char *const own[] = {
	    "connection", "Content-Length", "DATE", "Transfer-Encoding", "Upgrade"};
	static const char *const bad[] = {"", "a b", "a:", "a\n", "\xc3\xa4", "a\x7f"};
	int client = connect_client();
	size_t i;

	(void)state;
	ask(client, "GET", "/", "");
	assert_int_equal(sockjs_respond(asked, NULL), SOCKJS_INVALID);
	assert_int_equal(respond(199, ""), SOCKJS_INVALID);
	assert_int_equal(respond(600, ""), SOCKJS_INVALID);
	assert_int_equal(respond(204, "x"), SOCKJS_INVALID);
	assert_int_equal(respond(304, "x"), SOCKJS_INVALID);
	assert_int_equal(
	    sockjs_respond(asked, &(sockjs_response){.status = 200, .len = 1}), SOCKJS_INVALID);
	assert_int_equal(
	    sockjs_respond(asked, &(sockjs_response){.status = 200, .content_type = "a\r"}),
	    SOCKJS_INVALID);
	for (i = 0; i < sizeof own / sizeof own[0]; i++)
		assert_int_equal(respond_with(own[i], "x"), SOCKJS_INVALID);
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(respond_with(bad[i], "x"), SOCKJS_INVALID);
	assert_int_equal(respond_with("X-A", NULL), SOCKJS_INVALID);
	assert_int_equal(respond_with("X-A", "a\r\nX-B: b"), SOCKJS_INVALID);
	assert_int_equal(respond_with("X-A", "a\x7f"), SOCKJS_INVALID);
	run();
	assert_silence(client);
	/* It still waits. */
	assert_int_equal(respond_with("X!-0z`|~", "a\tb \xe4"), SOCKJS_OK);
	run();
	assert_heard(client, 200, "");
	assert_true(has_header("X!-0z`|~: a\tb \xe4"));
	hang_up(client);
}

static void
test_services_come_first(void **state)
{
	int client = connect_client();

	(void)state;
	ask(client, "GET", "/echo", "");
	assert_heard(client, 200, "Welcome to SockJS!\n");
	ask(client, "GET", "/echo/none", "");
	assert_heard(client, 404, "404 Error: Page not found\n");
	assert_int_equal(count, 0);
	hang_up(client);
}

/* Its own body_limit counts. */
static void
test_body_limit(void **state)
{
	char body[BODY_LIMIT + 2];
	int client = connect_client();

	(void)state;
	memset(body, 'x', sizeof body);
	body[BODY_LIMIT + 1] = '\0';
	post(client, "/", body);
	assert_heard(client, 413, "Request body too large.\n");
	assert_int_equal(count, 0);
	body[BODY_LIMIT] = '\0';
	post(client, "/", body);
	assert_int_equal(count, 1);
	assert_int_equal(respond(200, "ok"), SOCKJS_OK);
	hang_up(client);
}

/* Files come first, for GET and HEAD; what is no file, and any other method, is the module's. */
static void
test_beside_files(void **state)
{
	struct error err = ERROR_INIT;
	int client = connect_client();

	(void)state;
	server.requests.files = static_files_open("/proc/self", &err);
	ask(client, "GET", "/comm", "");
	hear(client);
	assert_int_equal(heard.status, 200);
	assert_int_equal(count, 0);
	ask(client, "GET", "/no-file", "");
	assert_int_equal(count, 1);
	assert_int_equal(respond(200, "page"), SOCKJS_OK);
	run();
	assert_heard(client, 200, "page");
	post(client, "/comm", "");
	assert_int_equal(count, 2);
	assert_int_equal(respond(200, "posted"), SOCKJS_OK);
	run();
	assert_heard(client, 200, "posted");
	hang_up(client);
}

/* The daemon stops while the module has the request. */
static void
test_stop(void **state)
{
	int client = connect_client();

	(void)state;
	ask(client, "GET", "/", "");
	http_server_stop(&server);
	assert_end(client);
	assert_int_equal(respond(200, "late"), SOCKJS_GONE);
	uv_run(&loop, UV_RUN_NOWAIT);
	start_server();
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(request),
	    TEST(answer_at_once),
	    TEST(gone),
	    TEST(mistakes),
	    TEST(services_come_first),
	    TEST(body_limit),
	    TEST(beside_files),
	    TEST(stop),
	};

	return cmocka_run_group_tests_name("http_fallback", tests, NULL, NULL);
}
