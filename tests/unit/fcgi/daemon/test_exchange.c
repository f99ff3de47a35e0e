/*
 * fcgi/daemon/exchange.h: the conversation with sessiond, as messages without a socket.
 */
#include "fcgi/daemon/exchange.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/connection_info.h"

#define INSTANCE UINT64_C(0x1122334455667788)

/* Gives the one message in b to the exchange, and empties b. The payload stays valid in `last`. */
static struct buffer last;

static int
give(struct exchange *exchange, struct buffer *b, struct exchange_news *news)
{
	struct wire_header header;

	buffer_free(&last);
	last = *b;
	*b = (struct buffer)BUFFER_INIT;
	memset(news, 0, sizeof *news);
	assert_int_equal(wire_parse_header(last.data, last.len, WIRE_PAYLOAD_MAX, &header), 1);
	assert_int_equal(last.len, WIRE_HEADER_SIZE + header.length);
	return exchange_take(exchange, &header, last.data + WIRE_HEADER_SIZE, news);
}

/* sessiond's HELLO. */
static int
give_hello_of(struct exchange *exchange, unsigned major, unsigned minor, uint64_t id,
    struct exchange_news *news)
{
	const struct wire_hello hello = {.role = WIRE_DAEMON,
	    .major = major,
	    .minor = minor,
	    .pid = 42,
	    .instance = 1,
	    .link_id = id};
	struct buffer b = BUFFER_INIT;

	wire_encode_hello(&b, &hello);
	return give(exchange, &b, news);
}

static int
give_hello(struct exchange *exchange, unsigned major, uint64_t id, struct exchange_news *news)
{
	return give_hello_of(exchange, major, WIRE_MINOR, id, news);
}

static int
give_frame(struct exchange *exchange, const char *text, bool end, struct exchange_news *news)
{
	struct buffer b = BUFFER_INIT;

	assert_int_equal(wire_encode_frame(&b, 9, text, strlen(text), end), 1);
	return give(exchange, &b, news);
}

/* The HELLO that begins a connection. */
static struct wire_hello
begin(struct exchange *exchange)
{
	struct buffer b = BUFFER_INIT;
	struct wire_header header;
	struct wire_hello hello;

	exchange_begin(exchange, 77, &b);
	assert_int_equal(wire_parse_header(b.data, b.len, WIRE_PAYLOAD_MAX, &header), 1);
	assert_int_equal(wire_check(&header, WIRE_RESPONDER), 0);
	assert_int_equal(wire_decode_hello(&header, b.data + WIRE_HEADER_SIZE, &hello), 0);
	assert_int_equal(b.len, WIRE_HEADER_SIZE + header.length);
	buffer_free(&b);
	assert_int_equal(hello.role, WIRE_RESPONDER);
	assert_int_equal(hello.pid, 77);
	assert_int_equal(hello.instance, INSTANCE);
	return hello;
}

static void
greeted(struct exchange *exchange)
{
	struct exchange_news news;

	exchange_init(exchange, INSTANCE);
	begin(exchange);
	assert_int_equal(give_hello(exchange, WIRE_MAJOR, 5, &news), 0);
	assert_int_equal(news.kind, EXCHANGE_GREETED);
}

/* Each connection tells how much was taken of the last one that greeted. */
static void
test_hello_counts_frames(void **state)
{
	struct exchange exchange;
	struct exchange_news news;
	struct wire_hello hello;

	(void)state;
	exchange_init(&exchange, INSTANCE);
	hello = begin(&exchange);
	assert_int_equal(hello.link_id, 0);
	assert_int_equal(hello.frames, 0);
	assert_int_equal(give_hello(&exchange, WIRE_MAJOR, 5, &news), 0);
	assert_int_equal(give_frame(&exchange, "o\n", false, &news), 0);
	assert_int_equal(give_frame(&exchange, "h\n", false, &news), 0);
	hello = begin(&exchange);
	assert_int_equal(hello.link_id, 5);
	assert_int_equal(hello.frames, 2);
	/* This one broke before sessiond's HELLO came. */
	hello = begin(&exchange);
	assert_int_equal(hello.link_id, 5);
	assert_int_equal(hello.frames, 2);
	assert_int_equal(give_hello(&exchange, WIRE_MAJOR, 6, &news), 0);
	assert_int_equal(exchange.link_id, 6);
	hello = begin(&exchange);
	assert_int_equal(hello.link_id, 6);
	assert_int_equal(hello.frames, 0);
}

/* Nothing else may come before HELLO, which comes once and has an id. */
static void
test_order(void **state)
{
	struct exchange exchange;
	struct exchange_news news;

	(void)state;
	exchange_init(&exchange, INSTANCE);
	begin(&exchange);
	assert_int_equal(give_frame(&exchange, "o\n", false, &news), -1);
	assert_int_equal(give_hello(&exchange, WIRE_MAJOR, 0, &news), -1);
	assert_int_equal(give_hello(&exchange, WIRE_MAJOR, 5, &news), 0);
	assert_int_equal(give_hello(&exchange, WIRE_MAJOR, 5, &news), -1);
	/* The next connection has to greet again. */
	begin(&exchange);
	assert_int_equal(give_frame(&exchange, "o\n", false, &news), -1);
}

static void
test_other_version(void **state)
{
	struct exchange exchange;
	struct exchange_news news;

	(void)state;
	greeted(&exchange);
	begin(&exchange);
	assert_int_equal(give_hello(&exchange, WIRE_MAJOR + 1, 6, &news), 0);
	assert_int_equal(news.kind, EXCHANGE_UNFIT);
	assert_int_equal(news.unfit.pid, 42);
	assert_non_null(news.unfit.why);
	assert_false(exchange.is_greeted);
	/* It does not count as a connection. */
	assert_int_equal(begin(&exchange).link_id, 5);
}

static void
test_goodbye(void **state)
{
	struct exchange exchange;
	struct exchange_news news;
	struct buffer b = BUFFER_INIT;

	(void)state;
	greeted(&exchange);
	assert_false(exchange.is_leaving);
	wire_encode_goodbye(&b, "stopping");
	assert_int_equal(give(&exchange, &b, &news), 0);
	assert_int_equal(news.kind, EXCHANGE_GOODBYE);
	assert_string_equal(news.goodbye.text, "stopping");
	assert_true(exchange.is_leaving);
	/* What it held is still answered. */
	assert_int_equal(give_frame(&exchange, "h\n", true, &news), 0);
	begin(&exchange);
	assert_false(exchange.is_leaving);
}

static void
test_services(void **state)
{
	struct service_options options = {
	    .sockjs_url = (char *)(uintptr_t) "/s.js", .body_limit = 5};
	const struct wire_service_entry entry = {.name = "/echo", .options = &options, .number = 3};
	struct exchange exchange;
	struct exchange_news news;
	struct buffer b = BUFFER_INIT;

	(void)state;
	greeted(&exchange);
	assert_int_equal(wire_encode_services(&b, "unix", &entry, 1), 0);
	assert_int_equal(give(&exchange, &b, &news), 0);
	assert_int_equal(news.kind, EXCHANGE_SERVICES);
	assert_int_equal(news.services.count, 1);
	assert_string_equal(news.services.list[0].name, "/echo");
	assert_int_equal(news.services.list[0].number, 3);
	wire_services_clear(&news.services);
}

static void
test_answers(void **state)
{
	struct exchange exchange;
	struct exchange_news news;
	struct buffer b = BUFFER_INIT;

	(void)state;
	greeted(&exchange);
	assert_int_equal(give_frame(&exchange, "a[\"x\"]\n", true, &news), 0);
	assert_int_equal(news.kind, EXCHANGE_FRAME);
	assert_int_equal(news.call, 9);
	assert_int_equal(news.frame.len, 7);
	assert_memory_equal(news.frame.bytes, "a[\"x\"]\n", 7);
	assert_true(news.frame.end && !news.frame.more);
	wire_encode_sent(&b, 10, WIRE_SENT_NO_SESSION);
	assert_int_equal(give(&exchange, &b, &news), 0);
	assert_int_equal(news.kind, EXCHANGE_SENT);
	assert_int_equal(news.call, 10);
	assert_int_equal(news.sent, WIRE_SENT_NO_SESSION);
	wire_encode_refused(&b, 11, 503, "full");
	assert_int_equal(give(&exchange, &b, &news), 0);
	assert_int_equal(news.kind, EXCHANGE_REFUSED);
	assert_int_equal(news.call, 11);
	assert_int_equal(news.refused.status, 503);
	assert_string_equal(news.refused.text, "full");
	assert_int_equal(wire_encode_cookie(&b, 12, "abc"), 0);
	assert_int_equal(give(&exchange, &b, &news), 0);
	assert_int_equal(news.kind, EXCHANGE_COOKIE);
	assert_int_equal(news.call, 12);
	assert_string_equal(news.cookie.value, "abc");
	assert_int_equal(exchange.frames, 1);
}

/* What only a responder says, and a payload that is cut short. */
static void
test_broken(void **state)
{
	struct exchange exchange;
	struct exchange_news news;
	struct buffer b = BUFFER_INIT;

	(void)state;
	greeted(&exchange);
	wire_encode_abort(&b, 1, 0);
	assert_int_equal(give(&exchange, &b, &news), -1);
	wire_encode_sent(&b, 10, WIRE_SENT_OK);
	b.data[b.len - 1] = 99;
	assert_int_equal(give(&exchange, &b, &news), -1);
}

static const char *
no_header(const void *context, const char *name)
{
	(void)context;
	(void)name;
	return NULL;
}

static void
test_receive(void **state)
{
	const struct wire_receive receive = {.flags = WIRE_RECEIVE_REISSUED,
	    .service = 3,
	    .transport = TRANSPORT_XHR_POLLING,
	    .session = "sess",
	    .session_len = 4,
	    .callback = "",
	    .cookie = ""};
	struct connection_source source = {
	    .path = "/echo/000/sess/xhr", .prefix_len = 5, .header = no_header};
	struct buffer b = BUFFER_INIT;
	struct wire_header header;
	struct wire_receive got;
	struct wire_source got_source;
	size_t before;

	(void)state;
	assert_int_equal(exchange_put_receive(&b, 21, &receive, &source), 0);
	assert_int_equal(wire_parse_header(b.data, b.len, WIRE_PAYLOAD_MAX, &header), 1);
	assert_int_equal(header.request, 21);
	assert_int_equal(
	    wire_decode_receive(&header, b.data + WIRE_HEADER_SIZE, &got, &got_source), 0);
	assert_int_equal(got.flags, WIRE_RECEIVE_REISSUED);
	assert_int_equal(got.session_len, 4);
	assert_string_equal(got_source.source.path, "/echo/000/sess/xhr");
	/* One that cannot be sent leaves no trace. */
	before = b.len;
	source.prefix_len = 1000;
	assert_int_equal(exchange_put_receive(&b, 22, &receive, &source), -1);
	assert_int_equal(b.len, before);
	buffer_free(&b);
}

/* A send has the same name whenever it is sent: this process, and the call. */
static void
test_send(void **state)
{
	struct wire_send send = {.service = 3,
	    .session = "sess",
	    .session_len = 4,
	    .cookie = "",
	    .messages = "hi\xff",
	    .messages_len = 3};
	struct exchange exchange;
	struct buffer b = BUFFER_INIT;
	struct wire_header header;
	struct wire_send got;

	(void)state;
	greeted(&exchange);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(exchange_put_send(&exchange, &b, 23, &send), 0);
		assert_int_equal(wire_parse_header(b.data, b.len, WIRE_PAYLOAD_MAX, &header), 1);
		assert_int_equal(header.request, 23);
		assert_int_equal(wire_decode_send(&header, b.data + WIRE_HEADER_SIZE, &got), 0);
		assert_int_equal(got.instance, INSTANCE);
		assert_int_equal(got.sequence, 23);
		assert_memory_equal(got.messages, "hi\xff", 3);
		buffer_free(&b);
		begin(&exchange);
	}
}

/* The version that counts is that of the present connection: sessiond may be replaced. */
static void
test_counts(void **state)
{
	static const struct {
		unsigned minor;
		bool is_told;
	} versions[] = {{0, false}, {1, true}, {2, true}, {65535, true}, {0, false}};
	const struct wire_counts counts = {.lines_dropped = 3};
	struct exchange exchange;
	struct exchange_news news;

	(void)state;
	exchange_init(&exchange, INSTANCE);
	for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
		struct buffer b = BUFFER_INIT;

		begin(&exchange);
		assert_int_equal(
		    give_hello_of(&exchange, WIRE_MAJOR, versions[i].minor, 5 + i, &news), 0);
		exchange_put_counts(&exchange, &b, &counts);
		assert_int_equal(b.len, versions[i].is_told ? WIRE_HEADER_SIZE + 6 : 0);
		buffer_free(&b);
	}
}

static int
give_api(struct exchange *exchange, const char *path, uint64_t body_limit)
{
	const struct wire_api api = {path, body_limit};
	struct buffer b = BUFFER_INIT;
	struct exchange_news news;
	int status;

	assert_int_equal(wire_encode_api(&b, &api), 0);
	status = give(exchange, &b, &news);
	if (status == 0)
		assert_int_equal(news.kind, EXCHANGE_API);
	return status;
}

/* It belongs to the services that come next, on the same connection. */
static void
test_api(void **state)
{
	struct known_api api = {NULL};
	struct exchange exchange;
	struct exchange_news news;

	(void)state;
	greeted(&exchange);
	exchange_move_api(&exchange, &api);
	assert_null(api.path);
	assert_int_equal(give_api(&exchange, "/old/", 1), 0);
	assert_int_equal(give_api(&exchange, "/apps/", 1000), 0);
	exchange_move_api(&exchange, &api);
	assert_string_equal(api.path, "/apps/");
	assert_int_equal(api.body_limit, 1000);
	free(api.path);
	exchange_move_api(&exchange, &api);
	assert_null(api.path);
	assert_int_equal(give_api(&exchange, "/apps/", UINT64_MAX), 0);
	assert_int_equal(exchange.api.body_limit, WIRE_PAYLOAD_MAX - WIRE_OVERHEAD_MAX);
	begin(&exchange);
	assert_null(exchange.api.path);
	assert_int_equal(give_api(&exchange, "/apps/", 1), -1);
	assert_int_equal(give_hello(&exchange, WIRE_MAJOR, 6, &news), 0);
	assert_int_equal(give_api(&exchange, "/apps/", 1), 0);
	exchange_clear(&exchange);
	assert_null(exchange.api.path);
}

/* Each kind of call has its own answers; any may be refused. */
static void
test_answers_to(void **state)
{
	static const struct {
		enum exchange_kind answer;
		bool receive, send, ask;
	} cases[] = {
	    {EXCHANGE_FRAME, true, false, false},
	    {EXCHANGE_SENT, false, true, false},
	    {EXCHANGE_ANSWER, false, false, true},
	    {EXCHANGE_REFUSED, true, true, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct exchange_news news = {.kind = cases[i].answer};

		assert_int_equal(exchange_is_answer_to(&news, CALL_RECEIVE), cases[i].receive);
		assert_int_equal(exchange_is_answer_to(&news, CALL_SEND), cases[i].send);
		assert_int_equal(exchange_is_answer_to(&news, CALL_ASK), cases[i].ask);
	}
}

static void
test_ask(void **state)
{
	const struct wire_answer answer = {201, "text/plain", "made", 4};
	const struct wire_ask ask = {.method = "POST", .path = "/apps/1", .body = ""};
	struct buffer b = BUFFER_INIT;
	struct exchange exchange;
	struct exchange_news news;
	struct wire_header header;

	(void)state;
	greeted(&exchange);
	assert_int_equal(exchange_put_ask(&b, 23, &ask), 0);
	assert_int_equal(wire_parse_header(b.data, b.len, WIRE_PAYLOAD_MAX, &header), 1);
	assert_int_equal(wire_check(&header, WIRE_RESPONDER), 0);
	assert_true(header.type == WIRE_ASK && header.request == 23);
	buffer_free(&b);
	assert_int_equal(wire_encode_answer(&b, 23, &answer), 0);
	assert_int_equal(give(&exchange, &b, &news), 0);
	assert_true(news.kind == EXCHANGE_ANSWER && news.call == 23);
	assert_true(news.answer.status == 201 && news.answer.body_len == 4);
}

static int
teardown(void **state)
{
	(void)state;
	buffer_free(&last);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_hello_counts_frames),
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_other_version),
	    cmocka_unit_test(test_goodbye),
	    cmocka_unit_test(test_services),
	    cmocka_unit_test(test_answers),
	    cmocka_unit_test(test_broken),
	    cmocka_unit_test(test_receive),
	    cmocka_unit_test(test_send),
	    cmocka_unit_test(test_counts),
	    cmocka_unit_test(test_api),
	    cmocka_unit_test(test_answers_to),
	    cmocka_unit_test(test_ask),
	};

	return cmocka_run_group_tests_name("exchange", tests, NULL, teardown);
}
