/*
 * sessiond/worker/worker_codec.h: every event, byte for byte.
 */
#include "tests/unit/worker/worker_fixture.h"

#include "sessiond/worker/worker_codec.h"

static struct worker_service shop;
static struct worker_connection connection;
static struct buffer out;

static int
set_up_codec(void **state)
{
	static char info[] = "\"protocol\":\"websocket\"", state_text[] = "{\"n\":1}";
	(void)state;
	fixture_set_up(state);
	buffer_init(&out);
	shop = (struct worker_service){.service = service};
	connection = (struct worker_connection){
	    .service = &shop, .info = info, .state = state_text, .id = "some-id"};
	STAILQ_INIT(&connection.events);
	return 0;
}

static struct worker_event *
add(enum worker_event_kind kind, const char *data, size_t len, bool is_binary)
{
	struct worker_event *event = malloc(sizeof *event + len);

	assert_non_null(event);
	*event = (struct worker_event){.kind = (uint8_t)kind, .is_binary = is_binary, .len = len};
	memcpy(event->data, data, len);
	STAILQ_INSERT_TAIL(&connection.events, event, next);
	return event;
}

static int
tear_down_codec(void **state)
{
	struct worker_event *event;

	while ((event = STAILQ_FIRST(&connection.events)) != NULL) {
		STAILQ_REMOVE_HEAD(&connection.events, next);
		free(event);
	}
	buffer_free(&out);
	return fixture_tear_down(state);
}

static void
expect_out(const char *expected, const char *file, int line)
{
	assert_false(buffer_failed(&out));
	buffer_append_char(&out, '\0');
	_assert_string_equal(out.data, expected, file, line);
	buffer_clear(&out);
}

#define assert_out(expected) expect_out(expected, __FILE__, __LINE__)

static void
encode(const struct worker_event *event, uint64_t seq)
{
	worker_encode_event(&out, &connection, event, seq);
}

static void
test_lines(void **state)
{
	(void)state;
	worker_encode_hello(&out, &shop);
	assert_out(HELLO);
	encode(add(WORKER_EVENT_CONNECT, "", 0, false), 1);
	assert_out(
	    "{\"event\":\"connect\",\"seq\":1,\"id\":\"some-id\",\"protocol\":\"websocket\"}\n");
	encode(add(WORKER_EVENT_CONNECTION, "", 0, false), 2);
	assert_out(
	    "{\"event\":\"connection\",\"seq\":2,\"id\":\"some-id\",\"protocol\":\"websocket\"}\n");
	encode(add(WORKER_EVENT_CLOSE, "", 0, false), UINT64_MAX);
	assert_out("{\"event\":\"close\",\"seq\":18446744073709551615,\"id\":\"some-id\"}\n");
	worker_encode_drain(&out, &connection);
	assert_out("{\"event\":\"drain\",\"id\":\"some-id\"}\n");
	worker_encode_resume(&out, &connection, 3);
	assert_out("{\"event\":\"resume\",\"seq\":3,\"id\":\"some-id\",\"state\":{\"n\":1},"
		   "\"protocol\":\"websocket\"}\n");
	connection.state = NULL;
	worker_encode_resume(&out, &connection, 4);
	assert_out("{\"event\":\"resume\",\"seq\":4,\"id\":\"some-id\",\"state\":null,"
		   "\"protocol\":\"websocket\"}\n");
}

static void
test_error(void **state)
{
	json_t *ref = json_pack("{s:[s,f,b]}", "a", "\"\n", 1.5, 1);

	(void)state;
	worker_encode_error(&out, NULL, "gone", "a \"quote\"");
	assert_out("{\"event\":\"error\",\"ref\":null,\"code\":\"gone\","
		   "\"message\":\"a \\\"quote\\\"\"}\n");
	worker_encode_error(&out, ref, "full", "x");
	assert_out("{\"event\":\"error\",\"ref\":{\"a\":[\"\\\"\\n\",1.5,true]},\"code\":\"full\","
		   "\"message\":\"x\"}\n");
	json_decref(ref);
	/* Cut within a character. */
	worker_encode_error(&out, NULL, "unknown", "caf\xc3\xa9 caf\xc3");
	assert_out("{\"event\":\"error\",\"ref\":null,\"code\":\"unknown\","
		   "\"message\":\"caf\xc3\xa9 caf?\"}\n");
}

#define TEXT(bytes, json)                                                                          \
	do {                                                                                       \
		encode(add(WORKER_EVENT_DATA, bytes, sizeof bytes - 1, false), 7);                 \
		assert_out(                                                                        \
		    "{\"event\":\"data\",\"seq\":7,\"id\":\"some-id\",\"data\":" json "}\n");      \
	} while (0)

static void
test_text(void **state)
{
	(void)state;
	TEXT("", "\"\"");
	TEXT("a\"b\\c/", "\"a\\\"b\\\\c/\"");
	TEXT("\0\x01\x1f\n\r\t\b\f", "\"\\u0000\\u0001\\u001f\\n\\r\\t\\b\\f\"");
	TEXT("\xc3\xa9\xe2\x82\xac", "\"\xc3\xa9\xe2\x82\xac\"");
	/* As every other JSON of ours: pairs as escapes, and what browsers are known to change. */
	TEXT("\xf0\x9f\x98\x80", "\"\\ud83d\\ude00\"");
	TEXT("\xe2\x80\xa8\xef\xbf\xbf", "\"\\u2028\\uffff\"");
	/* Half of a pair is what strict parsers refuse. */
	TEXT("x\xed\xa0\xbdy", "\"x\\ufffdy\"");
	TEXT("\xed\xb8\x80", "\"\\ufffd\"");
	TEXT("\xed\xb8\x80\xed\xa0\xbd", "\"\\ufffd\\ufffd\"");
}

#define BINARY(bytes, text)                                                                        \
	do {                                                                                       \
		encode(add(WORKER_EVENT_DATA, bytes, sizeof bytes - 1, true), 7);                  \
		assert_out("{\"event\":\"data\",\"seq\":7,\"id\":\"some-id\",\"base64\":\"" text   \
			   "\"}\n");                                                               \
	} while (0)

static void
test_binary(void **state)
{
	(void)state;
	BINARY("", "");
	BINARY("\0", "AA==");
	BINARY("\xff\xfe", "//4=");
	BINARY("\xfb\xef\xbe", "++++");
}

static void
test_batch(void **state)
{
	(void)state;
	add(WORKER_EVENT_CONNECTION, "", 0, false);
	add(WORKER_EVENT_DATA, "one", 3, false);
	add(WORKER_EVENT_DATA, "two", 3, true);
	add(WORKER_EVENT_CLOSE, "", 0, false);
	worker_encode_batch(&out, &connection, 2);
	assert_out("{\"connection\":{\"id\":\"some-id\",\"protocol\":\"websocket\"},"
		   "\"state\":{\"n\":1},\"events\":[{\"event\":\"connection\"},"
		   "{\"event\":\"data\",\"data\":\"one\"}]}");
	connection.state = NULL;
	worker_encode_batch(&out, &connection, 4);
	assert_out("{\"connection\":{\"id\":\"some-id\",\"protocol\":\"websocket\"},"
		   "\"state\":null,\"events\":[{\"event\":\"connection\"},"
		   "{\"event\":\"data\",\"data\":\"one\"},{\"event\":\"data\",\"base64\":\"dHdv\"},"
		   "{\"event\":\"close\"}]}");
}

/* --- what is known of a client ---------------------------------------------------------------- */

static const char *
strange_header(const void *context, const char *name)
{
	(void)context;
	if (strcmp(name, "user-agent") == 0)
		return "a\"b\xff";
	if (strcmp(name, "accept-language") == 0)
		return "fr, \xc3\xa9\x01";
	return strcmp(name, "x-key") == 0 ? "k" : NULL;
}

static void
test_info(void **state)
{
	static char more[] = "X-Key, Cookie";
	struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = 0x5000};
	const struct connection_source source = {.path = "/echo/\xff/s/websocket",
	    .prefix_len = 5,
	    .peer = (struct sockaddr *)&peer,
	    .header = strange_header,
	    .more_headers = more};
	struct session *session;

	(void)state;
	peer.sin_addr.s_addr = htonl(0x7f000001);
	service->protocol.options.headers = more;
	session = session_create(service, NULL, 0);
	session_arrive(session, &fake_websocket('1')->receiver, &source);
	turn_flush_session(session);
	worker_encode_info(&out, latest);
	/* Values that are not UTF-8 are not told: a line has to be. */
	assert_out("\"protocol\":\"websocket\",\"remoteAddress\":\"127.0.0.1\",\"remotePort\":80,"
		   "\"url\":null,\"pathname\":null,\"prefix\":\"/echo\",\"headers\":{"
		   "\"user-agent\":null,\"accept-language\":\"fr, \xc3\xa9\\u0001\","
		   "\"x-key\":\"k\"}");
	service->protocol.options.headers = NULL;
}

#define CODEC_TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up_codec, tear_down_codec)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CODEC_TEST(lines),
	    CODEC_TEST(error),
	    CODEC_TEST(text),
	    CODEC_TEST(binary),
	    CODEC_TEST(batch),
	    CODEC_TEST(info),
	};

	log_open("test_worker_codec", SEVERITY_ERROR);
	return cmocka_run_group_tests_name("worker_codec", tests, NULL, NULL);
}
