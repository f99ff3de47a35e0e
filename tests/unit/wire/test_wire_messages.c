/*
 * The messages of the local socket: what each looks like byte by byte.
 * Random content is in test_wire_random.c, what is not taken in test_wire_bad.c.
 */
#include "tests/unit/wire/wire_fixture.h"

/* --- byte by byte */

static void
test_hello(void **state)
{
	struct wire_hello hello = {WIRE_RESPONDER, 1, 0x0203, 0x01020304,
	    UINT64_C(0xfedcba9876543210), UINT64_C(0x1122334455667788),
	    UINT64_C(0x0807060504030201)};
	struct wire_hello got;
	struct buffer out = BUFFER_INIT;
	struct wire_header header;
	char *payload;

	(void)state;
	wire_encode_hello(&out, &hello);
	assert_content(&out,
	    BYTES("\0\0\0\x21\0\1\0\0\0\0\0\0\0\0\0\0"
		  "\2\0\1\2\3\1\2\3\4\xfe\xdc\xba\x98\x76\x54\x32\x10"
		  "\x11\x22\x33\x44\x55\x66\x77\x88\x08\7\6\5\4\3\2\1"));
	payload = take_message(&out, &header);
	assert_int_equal(wire_decode_hello(&header, payload, &got), 0);
	assert_true(got.role == WIRE_RESPONDER && got.major == 1 && got.minor == 0x0203);
	assert_true(got.pid == 0x01020304 && got.instance == hello.instance);
	assert_true(got.link_id == hello.link_id && got.frames == hello.frames);
	free(payload);
	buffer_free(&out);
}

static void
test_hello_refusal(void **state)
{
	unsigned served = 1u << WIRE_RESPONDER;
	struct wire_hello hello = {WIRE_RESPONDER, WIRE_MAJOR, WIRE_MINOR + 7, 1, 1, 0, 0};

	(void)state;
	assert_null(wire_hello_refusal(&hello, served));
	assert_non_null(wire_hello_refusal(&hello, 1u << WIRE_DAEMON));
	for (unsigned role = 0; role <= 255; role++) {
		hello.role = role;
		if (role != WIRE_RESPONDER)
			assert_non_null(wire_hello_refusal(&hello, served));
	}
	hello.role = WIRE_RESPONDER;
	hello.major = WIRE_MAJOR + 1;
	assert_string_equal(wire_hello_refusal(&hello, served), "another version of the protocol");
}

static void
test_state(void **state)
{
	struct buffer out = BUFFER_INIT;
	struct wire_header header;
	struct wire_state told;
	char *payload;

	(void)state;
	wire_encode_state(&out, "full");
	assert_content(&out, BYTES("\0\0\0\7\0\x11\0\0\0\0\0\0\0\0\0\0\0\4full\0"));
	payload = take_message(&out, &header);
	assert_int_equal(wire_decode_state(&header, payload, &told), 0);
	assert_string_equal(told.text, "full");
	assert_int_equal(told.text_len, 4);
	free(payload);
	buffer_free(&out);
}

static void
test_goodbye(void **state)
{
	char *longer = malloc(WIRE_STRING_MAX + 11);
	struct buffer out = BUFFER_INIT;
	struct wire_goodbye goodbye;
	struct wire_header header;
	char *payload;

	(void)state;
	wire_encode_goodbye(&out, "stopping");
	assert_content(&out, BYTES("\0\0\0\x0b\0\2\0\0\0\0\0\0\0\0\0\0\0\x08stopping\0"));
	buffer_clear(&out);
	assert_non_null(longer);
	memset(longer, 'x', WIRE_STRING_MAX + 10);
	longer[WIRE_STRING_MAX + 10] = '\0';
	wire_encode_goodbye(&out, longer);
	payload = take_message(&out, &header);
	assert_int_equal(wire_decode_goodbye(&header, payload, &goodbye), 0);
	assert_int_equal(goodbye.text_len, WIRE_STRING_MAX);
	assert_int_equal(strlen(goodbye.text), WIRE_STRING_MAX);
	free(longer);
	free(payload);
	buffer_free(&out);
}

static void
test_services(void **state)
{
	struct service_options first = some_options(), second = some_options();
	struct wire_service_entry entries[] = {
	    {"/echo", &first, 0x102, false}, {"~ /c[0-9]", &second, 7, true}};
	const struct service_options *got;
	struct buffer out = BUFFER_INIT;
	struct wire_services services;
	struct wire_header header;
	char *payload;

	(void)state;
	second.base_url = (char *)(uintptr_t) "b";
	second.websocket = false;
	second.disable_cors = true;
	second.jsessionid = JSESSIONID_OFF;
	second.log_level = SEVERITY_ERROR;
	second.allowed_origins = (char *)(uintptr_t) "same";
	second.session_id_min = 8;
	second.jsessionid_samesite = SAMESITE_LAX;
	second.jsessionid_secure = second.jsessionid_httponly = true;
	second.jsessionid_path = (char *)(uintptr_t) "/";
	second.headers = (char *)(uintptr_t) "x-y";
	assert_int_equal(wire_encode_services(&out, "10.0.0.1", entries, 2), 0);
	assert_memory_equal(out.data + WIRE_HEADER_SIZE,
	    "\0\2\0\x08"
	    "10.0.0.1\0\1\2\0\0\5/echo\0\0\1u\0\0"
	    "\0\0\0\0\0\2\0\0"
	    "\0\0\0\x65\1\0\2"
	    "\0\0\0\0\0\0\x61\xa8\0\0\0\0\0\0\x13\x88\0\0\0\0\1\2\3\4"
	    "\0\1\2\3\2"
	    "\0\0\0\0\0\0\0\0\0\0"
	    "\0\7\1\0\x09~ /c[0-9]\0\0\1u\0\1\0\1b\0",
	    2 + 11 + 3 + 8 + 4 + 1 + 8 + 7 + 24 + 5 + 10 + 3 + 12 + 4 + 5);
	assert_memory_equal(
	    out.data + out.len - 27, "\1\0\4same\0\0\0\0\x08\2\1\1\1\0\1/\0\1\0\3x-y\0", 27);
	payload = take_message(&out, &header);
	assert_int_equal(wire_decode_services(&header, payload, &services), 0);
	memset(payload, 'x', header.length); /* strings are copies */
	assert_int_equal(services.count, 2);
	assert_string_equal(services.trusted_proxies, "10.0.0.1");
	assert_string_equal(services.list[0].name, "/echo");
	assert_true(services.list[0].number == 0x102 && !services.list[0].retired);
	assert_true(services.list[1].number == 7 && services.list[1].retired);
	got = &services.list[0].options;
	assert_string_equal(got->sockjs_url, "u");
	assert_null(got->base_url);
	assert_true(got->response_limit == 0x20000 && got->transports == 0x65 && got->websocket);
	assert_true(!got->disable_cors && got->jsessionid == JSESSIONID_MODULE);
	assert_true(got->heartbeat_delay == 25000 && got->disconnect_delay == 5000);
	assert_true(got->body_limit == 0x01020304 && got->messages_limit == 0x10203);
	assert_true(got->log_level == SEVERITY_DEBUG && !got->websocket_hixie76);
	assert_true(!got->websocket_deflate && got->message_limit == 0 && got->queue_limit == 0);
	assert_string_equal(services.list[1].name, "~ /c[0-9]");
	got = &services.list[1].options;
	assert_string_equal(got->base_url, "b");
	assert_true(!got->websocket && got->disable_cors && got->jsessionid == JSESSIONID_OFF);
	assert_true(got->log_level == SEVERITY_ERROR);
	assert_string_equal(got->allowed_origins, "same");
	assert_true(got->session_id_min == 8 && got->jsessionid_samesite == SAMESITE_LAX);
	assert_true(got->jsessionid_secure && got->jsessionid_httponly);
	assert_string_equal(got->jsessionid_path, "/");
	assert_string_equal(got->headers, "x-y");
	got = &services.list[0].options;
	assert_true(got->allowed_origins == NULL && got->jsessionid_path == NULL);
	assert_null(got->headers);
	assert_true(!got->jsessionid_secure && !got->jsessionid_httponly);
	wire_services_clear(&services);
	assert_true(services.count == 0 && services.list == NULL);
	wire_services_clear(&services);
	free(payload);
	buffer_free(&out);
}

/* As many as there may be, and one more; and none. */
static void
test_number_of_services(void **state)
{
	struct wire_service_entry *entries = calloc(WIRE_SERVICES_MAX + 1, sizeof *entries);
	struct service_options options = some_options();
	struct buffer out = BUFFER_INIT;
	struct wire_services services;
	struct wire_header header;
	char *payload;

	(void)state;
	assert_non_null(entries);
	for (size_t i = 0; i <= WIRE_SERVICES_MAX; i++)
		entries[i] = (struct wire_service_entry){"/s", &options, (uint16_t)i, false};
	assert_int_equal(wire_encode_services(&out, "", entries, WIRE_SERVICES_MAX + 1), -1);
	assert_int_equal(out.len, 0);
	assert_int_equal(wire_encode_services(&out, "", entries, WIRE_SERVICES_MAX), 0);
	payload = take_message(&out, &header);
	assert_int_equal(wire_decode_services(&header, payload, &services), 0);
	assert_int_equal(services.count, WIRE_SERVICES_MAX);
	wire_services_clear(&services);
	free(payload);
	/* One more, made from what is there. */
	buffer_append(&out, out.data + WIRE_HEADER_SIZE + 5, (out.len - 21) / WIRE_SERVICES_MAX);
	out.data[17] = 1;
	header.length = (uint32_t)(out.len - WIRE_HEADER_SIZE);
	assert_int_equal(wire_decode_services(&header, out.data + WIRE_HEADER_SIZE, &services), -1);
	buffer_clear(&out);
	assert_int_equal(wire_encode_services(&out, "", NULL, 0), 0);
	payload = take_message(&out, &header);
	assert_int_equal(wire_decode_services(&header, payload, &services), 0);
	assert_true(services.count == 0 && services.list == NULL);
	wire_services_clear(&services);
	free(payload);
	free(entries);
	buffer_free(&out);
}

static void
encode_some_receive(struct buffer *out, const char *query)
{
	struct headers headers = {{"via", "host", "cookie", NULL}, {"", "h:80", "secret", NULL}};
	struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons(0x1234)};
	struct sockaddr_in6 local = {.sin6_family = AF_INET6, .sin6_port = htons(80)};
	struct wire_receive receive = {
	    .flags = WIRE_RECEIVE_ONE_FRAME | WIRE_RECEIVE_ALONE,
	    .service = 0x0102,
	    .transport = TRANSPORT_JSONP_POLLING,
	    .session = "s1/rest",
	    .session_len = 2,
	    .callback = "cb",
	    .cookie = "a=b",
	};
	struct connection_source source = {
	    .path = "/e/0/s1/jsonp",
	    .query = query,
	    .prefix_len = 2,
	    .peer = (struct sockaddr *)&peer,
	    .local = (struct sockaddr *)&local,
	    .header = find_header,
	    .context = &headers,
	};

	peer.sin_addr.s_addr = htonl(0x7f000001);
	memcpy(&local.sin6_addr, "0123456789abcdef", 16);
	assert_int_equal(wire_encode_receive(out, 9, &receive, &source, wanted), 0);
}

static void
test_receive(void **state)
{
	struct buffer out = BUFFER_INIT;
	struct wire_receive receive;
	struct wire_source source;
	struct wire_header header;
	char *payload;

	(void)state;
	encode_some_receive(&out, "c=cb");
	assert_content(&out, BYTES(some_receive));
	payload = take_message(&out, &header);
	assert_int_equal(wire_decode_receive(&header, payload, &receive, &source), 0);
	assert_int_equal(receive.flags, WIRE_RECEIVE_ONE_FRAME | WIRE_RECEIVE_ALONE);
	assert_true(receive.service == 0x0102 && receive.transport == TRANSPORT_JSONP_POLLING);
	assert_int_equal(receive.session_len, 2);
	assert_string_equal(receive.session, "s1");
	assert_string_equal(receive.callback, "cb");
	assert_string_equal(receive.cookie, "a=b");
	assert_string_equal(source.source.path, "/e/0/s1/jsonp");
	assert_string_equal(source.source.query, "c=cb");
	assert_int_equal(source.header_count, 2);
	assert_true(source.headers[0].name_len == 4 && source.headers[0].value_len == 4);
	free(payload);
	buffer_clear(&out);
	encode_some_receive(&out, NULL);
	payload = take_message(&out, &header);
	assert_int_equal(wire_decode_receive(&header, payload, &receive, &source), 0);
	assert_null(source.source.query);
	free(payload);
	buffer_free(&out);
}

/* What the daemon makes of it, and after the message has gone. */
static void
test_source_serves_connection_info(void **state)
{
	struct buffer out = BUFFER_INIT;
	struct connection_info *info;
	struct wire_receive receive;
	struct wire_source source;
	struct wire_header header;
	char *payload;

	(void)state;
	encode_some_receive(&out, "c=cb");
	payload = take_message(&out, &header);
	assert_int_equal(wire_decode_receive(&header, payload, &receive, &source), 0);
	info = connection_info_create(&source.source);
	free(payload);
	memset(&source, 'x', sizeof source);
	assert_string_equal(connection_info_url(info), "/e/0/s1/jsonp?c=cb");
	assert_string_equal(connection_info_pathname(info), "/e/0/s1/jsonp");
	assert_string_equal(connection_info_prefix(info), "/e");
	assert_string_equal(connection_info_remote_address(info), "127.0.0.1");
	assert_int_equal(connection_info_remote_port(info), 0x1234);
	assert_string_equal(
	    connection_info_local_address(info), "3031:3233:3435:3637:3839:6162:6364:6566");
	assert_int_equal(connection_info_local_port(info), 80);
	assert_string_equal(connection_info_header(info, "host"), "h:80");
	assert_string_equal(connection_info_header(info, "via"), "");
	assert_null(connection_info_header(info, "origin"));
	connection_info_destroy(&info);
	buffer_free(&out);
}

static void
test_source_finds_headers_in_any_case(void **state)
{
	struct buffer out = BUFFER_INIT;
	struct wire_receive receive;
	struct wire_source source;
	struct wire_header header;
	char *payload;

	(void)state;
	encode_some_receive(&out, NULL);
	payload = take_message(&out, &header);
	assert_int_equal(wire_decode_receive(&header, payload, &receive, &source), 0);
	assert_string_equal(source.source.header(source.source.context, "Host"), "h:80");
	assert_null(source.source.header(source.source.context, "hos"));
	assert_null(source.source.header(source.source.context, "cookie"));
	free(payload);
	buffer_free(&out);
}

static void
test_send(void **state)
{
	struct wire_send send = {
	    .service = 0x0304,
	    .session = "abc",
	    .session_len = 2,
	    .instance = UINT64_C(0x0102030405060708),
	    .sequence = UINT64_C(0x1112131415161718),
	    .cookie = "c",
	    .client.v4 = {.sin_family = AF_INET,
		.sin_port = htons(258),
		.sin_addr.s_addr = htonl(0x0a000001)},
	    .messages = "m\0\xffn\xff",
	    .messages_len = 5,
	};
	struct buffer out = BUFFER_INIT;
	struct wire_header header;
	struct wire_send got;
	char *payload;

	(void)state;
	assert_int_equal(wire_encode_send(&out, 3, &send), 0);
	assert_content(&out,
	    BYTES(
		"\0\0\0\x2b\0\x21\0\0\0\0\0\0\0\0\0\3"
		"\3\4\0\2ab\0\1\2\3\4\5\6\7\x08\x11\x12\x13\x14\x15\x16\x17\x18\0\1c\0\4\x0a\0\0\1\1\2"
		"\0\0\0\5m\0\xffn\xff"));
	payload = take_message(&out, &header);
	assert_int_equal(wire_decode_send(&header, payload, &got), 0);
	assert_true(got.service == 0x0304 && got.session_len == 2);
	assert_string_equal(got.session, "ab");
	assert_true(got.instance == send.instance && got.sequence == send.sequence);
	assert_string_equal(got.cookie, "c");
	assert_true(net_address_is_same(&got.client, &send.client));
	assert_int_equal(net_address_port(&got.client.any), 258);
	assert_int_equal(got.messages_len, 5);
	assert_memory_equal(got.messages, send.messages, 5);
	free(payload);
	buffer_free(&out);
}

static void
test_abort(void **state)
{
	struct buffer out = BUFFER_INIT;
	struct wire_header header;
	char *payload;

	(void)state;
	wire_encode_abort(&out, 7, WIRE_ABORT_UNWRITTEN);
	assert_content(&out, BYTES("\0\0\0\0\0\x22\0\1\0\0\0\0\0\0\0\7"));
	payload = take_message(&out, &header);
	assert_int_equal(wire_decode_abort(&header, payload), 0);
	free(payload);
	buffer_free(&out);
}

static void
test_written(void **state)
{
	struct buffer out = BUFFER_INIT;
	struct wire_header header;
	char *payload;

	(void)state;
	wire_encode_written(&out, 7);
	assert_content(&out, BYTES("\0\0\0\0\0\x23\0\0\0\0\0\0\0\0\0\7"));
	payload = take_message(&out, &header);
	assert_int_equal(wire_decode_written(&header, payload), 0);
	free(payload);
	buffer_free(&out);
}

static void
test_frame(void **state)
{
	struct buffer out = BUFFER_INIT;
	struct wire_frame frame;
	struct wire_header header;
	char *payload;

	(void)state;
	assert_int_equal(wire_encode_frame(&out, 7, BYTES("h\n"), false), 1);
	assert_content(&out, BYTES("\0\0\0\2\0\x30\0\0\0\0\0\0\0\0\0\7h\n"));
	payload = take_message(&out, &header);
	assert_int_equal(wire_decode_frame(&header, payload, &frame), 0);
	assert_true(frame.len == 2 && memcmp(frame.bytes, "h\n", 2) == 0 && !frame.end);
	free(payload);
	buffer_clear(&out);
	assert_int_equal(wire_encode_frame(&out, 7, NULL, 0, true), 1);
	assert_content(&out, BYTES("\0\0\0\0\0\x30\0\1\0\0\0\0\0\0\0\7"));
	payload = take_message(&out, &header);
	assert_int_equal(wire_decode_frame(&header, payload, &frame), 0);
	assert_true(frame.len == 0 && frame.end && !frame.more);
	header.flags = WIRE_FRAME_MORE;
	assert_int_equal(wire_decode_frame(&header, payload, &frame), 0);
	assert_true(frame.more && !frame.end);
	header.flags = WIRE_FRAME_MORE | WIRE_FRAME_END;
	assert_int_equal(wire_decode_frame(&header, payload, &frame), -1);
	free(payload);
	buffer_free(&out);
}

/* More than one FRAME takes: the pieces make the whole, and only the last has the end. */
static void
test_long_frame(void **state)
{
	static const size_t lengths[] = {
	    WIRE_FRAME_MAX, WIRE_FRAME_MAX + 1, 2 * WIRE_FRAME_MAX, 2 * WIRE_FRAME_MAX + 5};
	static const size_t messages[] = {1, 2, 2, 3};
	char *bytes = malloc(2 * WIRE_FRAME_MAX + 5);
	struct buffer out = BUFFER_INIT;
	struct wire_header header;
	struct wire_frame frame;
	size_t at, found;

	(void)state;
	assert_non_null(bytes);
	for (size_t i = 0; i < 2 * WIRE_FRAME_MAX + 5; i++)
		bytes[i] = (char)(i % 251);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(wire_encode_frame(&out, 7, bytes, lengths[i], true), messages[i]);
		at = found = 0;
		while (wire_parse_header(out.data, out.len, WIRE_FRAME_MAX, &header) == 1) {
			wire_decode_frame(&header, out.data + WIRE_HEADER_SIZE, &frame);
			assert_true(memcmp(frame.bytes, bytes + at, frame.len) == 0);
			at += frame.len;
			assert_int_equal(frame.end, ++found == messages[i]);
			assert_int_equal(frame.more, found < messages[i]);
			buffer_consume(&out, WIRE_HEADER_SIZE + frame.len);
		}
		assert_int_equal(at, lengths[i]);
		assert_int_equal(out.len, 0);
	}
	free(bytes);
	buffer_free(&out);
}

static void
test_counts(void **state)
{
	static struct wire_counts counts = {.lines_dropped = 0x01020304,
	    .count = 2,
	    .list = {{ENDPOINT_INFO, 200, 5}, {ENDPOINT_OUTSIDE, 404, 0x05060708}}};
	static struct wire_counts got;
	struct buffer out = BUFFER_INIT;
	struct wire_header header;
	char *payload;

	(void)state;
	wire_encode_counts(&out, &counts);
	assert_content(&out,
	    BYTES("\0\0\0\x14\0\x24\0\0\0\0\0\0\0\0\0\0"
		  "\1\2\3\4\0\2"
		  "\2\0\xc8\0\0\0\5"
		  "\x09\1\x94\5\6\7\x08"));
	payload = take_message(&out, &header);
	assert_int_equal(wire_decode_counts(&header, payload, &got), 0);
	assert_true(got.lines_dropped == 0x01020304 && got.count == 2);
	assert_true(got.list[1].endpoint == ENDPOINT_OUTSIDE && got.list[1].status == 404);
	assert_int_equal(got.list[1].requests, 0x05060708);
	free(payload);
	/* As many entries as there may be. */
	buffer_clear(&out);
	for (counts.count = 0; counts.count < WIRE_COUNTS_MAX; counts.count++)
		counts.list[counts.count] = counts.list[0];
	wire_encode_counts(&out, &counts);
	payload = take_message(&out, &header);
	assert_int_equal(wire_decode_counts(&header, payload, &got), 0);
	assert_int_equal(got.count, WIRE_COUNTS_MAX);
	free(payload);
	buffer_free(&out);
}

static void
test_sent_refused_cookie(void **state)
{
	struct buffer out = BUFFER_INIT;
	enum wire_sent_result result;
	struct wire_refused refused;
	struct wire_cookie cookie;
	struct wire_header header;
	char *payload;

	(void)state;
	wire_encode_sent(&out, 7, WIRE_SENT_UNAVAILABLE);
	assert_content(&out, BYTES("\0\0\0\1\0\x31\0\0\0\0\0\0\0\0\0\7\2"));
	payload = take_message(&out, &header);
	assert_int_equal(wire_decode_sent(&header, payload, &result), 0);
	assert_int_equal(result, WIRE_SENT_UNAVAILABLE);
	free(payload);
	buffer_clear(&out);
	wire_encode_refused(&out, 7, 503, "full");
	assert_content(&out, BYTES("\0\0\0\x09\0\x32\0\0\0\0\0\0\0\0\0\7\1\xf7\0\4full\0"));
	payload = take_message(&out, &header);
	assert_int_equal(wire_decode_refused(&header, payload, &refused), 0);
	assert_true(refused.status == 503 && refused.text_len == 4);
	assert_string_equal(refused.text, "full");
	free(payload);
	buffer_clear(&out);
	assert_int_equal(wire_encode_cookie(&out, 7, "v1"), 0);
	assert_content(&out, BYTES("\0\0\0\5\0\x33\0\0\0\0\0\0\0\0\0\7\0\2v1\0"));
	payload = take_message(&out, &header);
	assert_int_equal(wire_decode_cookie(&header, payload, &cookie), 0);
	assert_string_equal(cookie.value, "v1");
	assert_int_equal(cookie.value_len, 2);
	free(payload);
	buffer_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_hello),
	    cmocka_unit_test(test_hello_refusal),
	    cmocka_unit_test(test_goodbye),
	    cmocka_unit_test(test_state),
	    cmocka_unit_test(test_services),
	    cmocka_unit_test(test_number_of_services),
	    cmocka_unit_test(test_receive),
	    cmocka_unit_test(test_source_serves_connection_info),
	    cmocka_unit_test(test_source_finds_headers_in_any_case),
	    cmocka_unit_test(test_send),
	    cmocka_unit_test(test_abort),
	    cmocka_unit_test(test_written),
	    cmocka_unit_test(test_frame),
	    cmocka_unit_test(test_long_frame),
	    cmocka_unit_test(test_counts),
	    cmocka_unit_test(test_sent_refused_cookie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
