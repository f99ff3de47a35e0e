/*
 * What the decoders of the local socket's messages do not take, field by field, and what the
 * encoders do not send.
 */
#include <stdio.h>

#include "tests/unit/wire/wire_fixture.h"
#include "tests/unit/wire/wire_recode.h"

/* The shortest payload the table allows is one that the decoder takes. */
static void
test_least_payloads(void **state)
{
	static const struct {
		enum wire_type type;
		const char *bytes;
		size_t len;
	} cases[] = {
	    {WIRE_HELLO,
		BYTES("\2\0\1\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")},
	    {WIRE_GOODBYE, BYTES("\0\0\0")},
	    {WIRE_ABORT, BYTES("")},
	    {WIRE_WRITTEN, BYTES("")},
	    {WIRE_SERVICES, BYTES("\0\0\0\0\0")},
	    {WIRE_RECEIVE, BYTES("\0\0\5\0\1s\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")},
	    {WIRE_SEND, BYTES("\0\0\0\1s\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0")},
	    {WIRE_REFUSED, BYTES("\1\xf4\0\0\0")},
	    {WIRE_COOKIE, BYTES("\0\0\0")},
	    {WIRE_STATE, BYTES("\0\0\0")},
	    {WIRE_COUNTS, BYTES("\0\0\0\0\0\0")},
	    {WIRE_API, BYTES("\0\1/\0\0\0\0\0\0\0\0\0")},
	    {WIRE_ASK, BYTES("\0\1M\0\0\1/\0\0\0\0\0\0\0")},
	    {WIRE_ANSWER, BYTES("\0\xc8\0\0\0\0\0\0\0")},
	    {WIRE_DAEMONS, BYTES("\0\0\0\1")},
	    {WIRE_HANDOVER, BYTES("G")},
	    {WIRE_TAKEN, BYTES("")},
	};
	struct buffer again = BUFFER_INIT;
	struct wire_header header = {0};
	bool is_same;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		header.type = (uint16_t)cases[i].type;
		header.length = (uint32_t)cases[i].len;
		assert_int_equal(wire_type_find(header.type)->least, cases[i].len);
		assert_int_equal(recode(&header, cases[i].bytes, &again, &is_same), 0);
	}
	buffer_free(&again);
}

/* Good payloads; each bad one is one of them with a few bytes replaced. */
static const char good_services[] = "\0\1\0\4unix\0\0\5\0\0\1/\0\0\1u\0\1\0\1b\0"
				    "\0\0\0\0\0\2\0\0"
				    "\0\0\0\x7f\1\0\2"
				    "\0\0\0\0\0\0\x61\xa8\0\0\0\0\0\0\x13\x88\0\0\0\0\2\3\4\5"
				    "\0\1\2\3\2"
				    "\1\0\1o\0\0\0\0\x08\3\1\1\1\0\1/\0\1\0\1h\0";
static const char good_send[] =
    "\0\0\0\2ab\0\1\2\3\4\5\6\7\x08\1\2\3\4\5\6\7\x08\0\1c\0\4\1\1\1\1\0\7"
    "\0\0\0\5m\0\xffn\xff";
static const char good_goodbye[] = "\0\3bye\0";
static const char good_counts[] = "\0\0\0\1\0\2\2\0\xc8\0\0\0\5\x09\1\x94\0\0\1\0";
static const char good_api[] = "\0\3/a/\0\0\0\0\0\0\1\0\0";
/* PUT /b?q, by 1.1.1.1 */
static const char good_ask[] = "\0\3PUT\0\0\2/b\0\1\0\1q\0\4\1\1\1\1\0\7\0\0\0\2{}";
static const char good_answer[] = "\0\xc8\0\1t\0\0\0\0\2{}";
static const char good_refused[] = "\1\xf7\0\4full\0";

enum {
	PATH = 19,	      /* of some_receive's payload: the path's length */
	QUERY = PATH + 16,    /* whether there is one */
	PREFIX = QUERY + 8,   /* prefix_len */
	PEER = PREFIX + 2,    /* its family */
	LOCAL = PEER + 7,     /* likewise */
	HEADERS = LOCAL + 19, /* how many */
};

struct change {
	const char *what;
	enum wire_type type;
	size_t at;
	const char *bytes;
	size_t len;
	int result;
};

/* clang-format off */
static const struct change changes[] = {
	{"session id of no bytes", WIRE_RECEIVE, 3, BYTES("\0\0\0"), -1},
	{"transport websocket", WIRE_RECEIVE, 2, BYTES("\3"), -1},
	{"transport websocket_raw", WIRE_RECEIVE, 2, BYTES("\4"), -1},
	{"transport xhr", WIRE_RECEIVE, 2, BYTES("\5"), 0},
	{"transport xhr_streaming", WIRE_RECEIVE, 2, BYTES("\6"), 0},
	{"transport that is none", WIRE_RECEIVE, 2, BYTES("\7"), -1},
	{"transport 255", WIRE_RECEIVE, 2, BYTES("\xff"), -1},
	{"NUL in the session id", WIRE_RECEIVE, 5, BYTES("\0"), -1},
	{"no NUL after the session id", WIRE_RECEIVE, 7, BYTES("x"), -1},
	{"NUL in the callback", WIRE_RECEIVE, 11, BYTES("\0"), -1},
	{"NUL in the cookie", WIRE_RECEIVE, 15, BYTES("\0"), -1},
	{"no NUL after the cookie", WIRE_RECEIVE, 18, BYTES("x"), -1},
	{"NUL in the path", WIRE_RECEIVE, PATH + 2, BYTES("\0"), -1},
	{"path longer than all", WIRE_RECEIVE, PATH, BYTES("\xff\xff"), -1},
	{"query flag 2", WIRE_RECEIVE, QUERY, BYTES("\2"), -1},
	{"query flag 0 and a query", WIRE_RECEIVE, QUERY, BYTES("\0"), -1},
	{"NUL in the query", WIRE_RECEIVE, QUERY + 3, BYTES("\0"), -1},
	{"prefix as long as the path", WIRE_RECEIVE, PREFIX, BYTES("\0\x0d"), 0},
	{"prefix longer than the path", WIRE_RECEIVE, PREFIX, BYTES("\0\x0e"), -1},
	{"prefix much longer", WIRE_RECEIVE, PREFIX, BYTES("\xff\xff"), -1},
	{"family 5", WIRE_RECEIVE, PEER, BYTES("\5"), -1},
	{"family 6 where there are 4 bytes", WIRE_RECEIVE, PEER, BYTES("\6"), -1},
	{"another address and port", WIRE_RECEIVE, PEER + 1, BYTES("\1\2\3\4\5\6"), 0},
	{"family 1", WIRE_RECEIVE, LOCAL, BYTES("\1"), -1},
	{"family 5 with its bytes", WIRE_RECEIVE, LOCAL, BYTES("\5"), -1},
	{"fewer headers than there are", WIRE_RECEIVE, HEADERS, BYTES("\1"), -1},
	{"more headers than there are", WIRE_RECEIVE, HEADERS, BYTES("\3"), -1},
	{"33 headers", WIRE_RECEIVE, HEADERS, BYTES("\x21"), -1},
	{"NUL in a header's name", WIRE_RECEIVE, HEADERS + 4, BYTES("\0"), -1},
	{"NUL in a header's value", WIRE_RECEIVE, HEADERS + 10, BYTES("\0"), -1},
	{"no NUL after a header's value", WIRE_RECEIVE, HEADERS + 14, BYTES("x"), -1},

	{"2 services where 1 is", WIRE_SERVICES, 0, BYTES("\0\2"), -1},
	{"NUL in trusted_proxies", WIRE_SERVICES, 4, BYTES("\0"), -1},
	{"an address of no family", WIRE_SEND, 27, BYTES("\5"), -1},
	{"an address of another length", WIRE_SEND, 27, BYTES("\6"), -1},
	{"0 services where 1 is", WIRE_SERVICES, 0, BYTES("\0\0"), -1},
	{"65535 services", WIRE_SERVICES, 0, BYTES("\xff\xff"), -1},
	{"retired 2", WIRE_SERVICES, 11, BYTES("\2"), -1},
	{"retired 1, number 65535", WIRE_SERVICES, 9, BYTES("\xff\xff\1"), 0},
	{"NUL as a service's name", WIRE_SERVICES, 14, BYTES("\0"), -1},
	{"NUL as sockjs_url", WIRE_SERVICES, 18, BYTES("\0"), -1},
	{"base_url flag 2", WIRE_SERVICES, 20, BYTES("\2"), -1},
	{"NUL as base_url", WIRE_SERVICES, 23, BYTES("\0"), -1},
	{"a transport that is none", WIRE_SERVICES, 33, BYTES("\0\0\0\x80"), -1},
	{"transport bit 31", WIRE_SERVICES, 33, BYTES("\x80\0\0\0"), -1},
	{"no transport", WIRE_SERVICES, 33, BYTES("\0\0\0\0"), 0},
	{"websocket 2", WIRE_SERVICES, 37, BYTES("\2"), -1},
	{"disable_cors 1", WIRE_SERVICES, 38, BYTES("\1"), 0},
	{"disable_cors 255", WIRE_SERVICES, 38, BYTES("\xff"), -1},
	{"jsessionid 3", WIRE_SERVICES, 39, BYTES("\3"), -1},
	{"body_limit over 32 bits", WIRE_SERVICES, 59, BYTES("\1"), SIZE_MAX > UINT32_MAX ? 0 : -1},
	{"log_level 3", WIRE_SERVICES, 68, BYTES("\3"), -1},
	{"log_level 0", WIRE_SERVICES, 68, BYTES("\0"), 0},
	{"allowed_origins flag 2", WIRE_SERVICES, 69, BYTES("\2"), -1},
	{"NUL as allowed_origins", WIRE_SERVICES, 72, BYTES("\0"), -1},
	{"session_id_min", WIRE_SERVICES, 74, BYTES("\xff\xff\xff\xff"), 0},
	{"jsessionid_samesite 4", WIRE_SERVICES, 78, BYTES("\4"), -1},
	{"jsessionid_secure 2", WIRE_SERVICES, 79, BYTES("\2"), -1},
	{"jsessionid_httponly 2", WIRE_SERVICES, 80, BYTES("\2"), -1},
	{"jsessionid_path flag 2", WIRE_SERVICES, 81, BYTES("\2"), -1},
	{"NUL as jsessionid_path", WIRE_SERVICES, 84, BYTES("\0"), -1},
	{"headers flag 2", WIRE_SERVICES, 86, BYTES("\2"), -1},
	{"NUL as headers", WIRE_SERVICES, 89, BYTES("\0"), -1},

	{"session id of no bytes", WIRE_SEND, 2, BYTES("\0\0\0"), -1},
	{"NUL in the session id", WIRE_SEND, 5, BYTES("\0"), -1},
	{"NUL as cookie", WIRE_SEND, 25, BYTES("\0"), -1},
	{"messages longer than all", WIRE_SEND, 34, BYTES("\0\0\0\6"), -1},
	{"messages much longer", WIRE_SEND, 34, BYTES("\xff\xff\xff\xff"), -1},
	{"messages shorter", WIRE_SEND, 34, BYTES("\0\0\0\3"), -1},
	{"last message without end", WIRE_SEND, 42, BYTES("x"), -1},
	{"one message", WIRE_SEND, 40, BYTES("x"), 0},

	{"NUL in the text", WIRE_GOODBYE, 3, BYTES("\0"), -1},
	{"no NUL after the text", WIRE_GOODBYE, 5, BYTES("x"), -1},
	{"status 399", WIRE_REFUSED, 0, BYTES("\1\x8f"), -1},
	{"status 400", WIRE_REFUSED, 0, BYTES("\1\x90"), 0},
	{"status 599", WIRE_REFUSED, 0, BYTES("\2\x57"), 0},
	{"status 600", WIRE_REFUSED, 0, BYTES("\2\x58"), -1},
	{"status 0", WIRE_REFUSED, 0, BYTES("\0\0"), -1},
	{"result 4", WIRE_SENT, 0, BYTES("\4"), -1},
	{"NUL in the value", WIRE_COOKIE, 2, BYTES("\0"), -1},
	{"NUL in the state", WIRE_STATE, 3, BYTES("\0"), -1},
	{"fewer entries than there are", WIRE_COUNTS, 4, BYTES("\0\1"), -1},
	{"more entries than there are", WIRE_COUNTS, 4, BYTES("\0\3"), -1},
	{"257 entries", WIRE_COUNTS, 4, BYTES("\1\1"), -1},
	{"65535 entries", WIRE_COUNTS, 4, BYTES("\xff\xff"), -1},
	{"endpoint 10", WIRE_COUNTS, 6, BYTES("\x0a"), -1},
	{"endpoint 255", WIRE_COUNTS, 13, BYTES("\xff"), -1},
	{"status 99", WIRE_COUNTS, 7, BYTES("\0\x63"), -1},
	{"status 100", WIRE_COUNTS, 7, BYTES("\0\x64"), 0},
	{"status 599", WIRE_COUNTS, 7, BYTES("\2\x57"), 0},
	{"status 600", WIRE_COUNTS, 7, BYTES("\2\x58"), -1},
	{"status 0", WIRE_COUNTS, 14, BYTES("\0\0"), -1},
	{"the same pair twice", WIRE_COUNTS, 13, BYTES("\2\0\xc8"), 0},
	{"no requests", WIRE_COUNTS, 9, BYTES("\0\0\0\0"), 0},
	{"a path without a / before it", WIRE_API, 2, BYTES("x"), -1},
	{"a path without a / behind it", WIRE_API, 4, BYTES("x"), -1},
	{"a path that is short", WIRE_API, 1, BYTES("\0"), -1},
	{"NUL in the path", WIRE_API, 3, BYTES("\0"), -1},
	{"body_limit 0", WIRE_API, 6, BYTES("\0\0\0\0\0\0\0\0"), 0},
	{"a method of no bytes", WIRE_ASK, 0, BYTES("\0\0\0"), -1},
	{"a method that is long", WIRE_ASK, 1, BYTES("\x21"), -1},
	{"NUL in the method", WIRE_ASK, 2, BYTES("\0"), -1},
	{"a path without a / before it", WIRE_ASK, 8, BYTES("x"), -1},
	{"query flag 2", WIRE_ASK, 11, BYTES("\2"), -1},
	{"query flag 0 and a query", WIRE_ASK, 11, BYTES("\0"), -1},
	{"an address of no family", WIRE_ASK, 16, BYTES("\5"), -1},
	{"a body longer than all", WIRE_ASK, 23, BYTES("\0\0\0\3"), -1},
	{"a body shorter", WIRE_ASK, 23, BYTES("\0\0\0\1"), -1},
	{"any bytes as a body", WIRE_ASK, 27, BYTES("\0\xff"), 0},
	{"status 199", WIRE_ANSWER, 0, BYTES("\0\xc7"), -1},
	{"status 599", WIRE_ANSWER, 0, BYTES("\2\x57"), 0},
	{"status 600", WIRE_ANSWER, 0, BYTES("\2\x58"), -1},
	{"the end of a line in content_type", WIRE_ANSWER, 4, BYTES("\n"), -1},
	{"a letter that is none of ASCII in content_type", WIRE_ANSWER, 4, BYTES("\xe4"), -1},
	{"a body longer than all", WIRE_ANSWER, 8, BYTES("\0\0\0\3"), -1},
	{"the last of the daemons", WIRE_DAEMONS, 0, BYTES("\0\2"), 0},
	{"one behind the last", WIRE_DAEMONS, 0, BYTES("\0\3"), -1},
	{"no daemon", WIRE_DAEMONS, 0, BYTES("\0\0\0\0"), -1},
};
/* clang-format on */

/* Changed, and unchanged to begin with. */
static char *
good_payload(enum wire_type type, size_t *len)
{
	static const struct {
		enum wire_type type;
		const char *bytes;
		size_t len;
	} good[] = {
	    {WIRE_RECEIVE, some_receive + WIRE_HEADER_SIZE,
		sizeof some_receive - 1 - WIRE_HEADER_SIZE},
	    {WIRE_SERVICES, BYTES(good_services)},
	    {WIRE_SEND, BYTES(good_send)},
	    {WIRE_GOODBYE, BYTES(good_goodbye)},
	    {WIRE_REFUSED, BYTES(good_refused)},
	    {WIRE_SENT, BYTES("\0")},
	    {WIRE_COOKIE, BYTES("\0\1v\0")},
	    {WIRE_STATE, BYTES(good_goodbye)},
	    {WIRE_COUNTS, BYTES(good_counts)},
	    {WIRE_API, BYTES(good_api)},
	    {WIRE_ASK, BYTES(good_ask)},
	    {WIRE_ANSWER, BYTES(good_answer)},
	    {WIRE_DAEMONS, BYTES("\0\1\0\3")},
	};
	char *copy;

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		if (good[i].type != type)
			continue;
		*len = good[i].len;
		copy = malloc(*len);
		assert_non_null(copy);
		return memcpy(copy, good[i].bytes, *len);
	}
	fail();
	return NULL;
}

static void
test_changes(void **state)
{
	struct buffer again = BUFFER_INIT;
	struct wire_header header = {0};
	const struct change *change;
	bool is_same;
	char *payload;
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		change = &changes[i];
		payload = good_payload(change->type, &len);
		header.type = (uint16_t)change->type;
		header.length = (uint32_t)len;
		assert_int_equal(recode(&header, payload, &again, &is_same), 0);
		assert_true(change->at + change->len <= len);
		memcpy(payload + change->at, change->bytes, change->len);
		if (recode(&header, payload, &again, &is_same) != change->result)
			fail_msg("%s: %s", wire_type_name(header.type), change->what);
		free(payload);
	}
	buffer_free(&again);
}

/* Otherwise whole: a session without an id is none. */
static void
test_empty_session_ids(void **state)
{
	static const char receive[] = "\0\0\5\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
	static const char send[] = "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0";
	struct wire_header header = {.length = sizeof receive - 1};
	struct wire_receive got_receive;
	struct wire_source source;
	struct wire_send got_send;

	(void)state;
	assert_int_equal(header.length, wire_type_find(WIRE_RECEIVE)->least - 1);
	assert_int_equal(wire_decode_receive(&header, receive, &got_receive, &source), -1);
	header.length = sizeof send - 1;
	assert_int_equal(header.length, wire_type_find(WIRE_SEND)->least - 1);
	assert_int_equal(wire_decode_send(&header, send, &got_send), -1);
}

/* --- what cannot be sent */

/* One byte more than a string16 takes; to be freed. */
static char *
too_long_a_string(void)
{
	char *string = malloc(WIRE_STRING_MAX + 2);

	assert_non_null(string);
	memset(string, 'x', WIRE_STRING_MAX + 1);
	string[WIRE_STRING_MAX + 1] = '\0';
	return string;
}

static void
test_receive_refused(void **state)
{
	struct headers headers = {{"host", NULL}, {"h", NULL}};
	struct connection_source source = {
	    .path = "/e", .prefix_len = 2, .header = find_header, .context = &headers};
	struct wire_receive receive = {
	    .session = "s", .session_len = 1, .callback = "", .cookie = ""};
	char *longer = too_long_a_string();
	struct buffer out = BUFFER_INIT;

	(void)state;
	buffer_append_str(&out, "before");
#define REFUSES(change_receive, change_source)                                                     \
	do {                                                                                       \
		struct wire_receive r = receive;                                                   \
		struct connection_source s = source;                                               \
		change_receive;                                                                    \
		change_source;                                                                     \
		assert_int_equal(wire_encode_receive(&out, 1, &r, &s, wanted), -1);                \
	} while (0)
	REFUSES(r.session_len = 0, );
	REFUSES((r.session = "a\0b", r.session_len = 3), );
	REFUSES((r.session = longer, r.session_len = WIRE_STRING_MAX + 1), );
	REFUSES(r.callback = longer, );
	REFUSES(r.cookie = longer, );
	REFUSES(, s.path = longer);
	REFUSES(, s.query = longer);
	REFUSES(, s.prefix_len = 3);
	REFUSES(, headers.values[0] = longer);
#undef REFUSES
	assert_content(&out, BYTES("before"));
	headers.values[0] = longer + 1;
	assert_int_equal(wire_encode_receive(&out, 1, &receive, &source, wanted), 0);
	free(longer);
	buffer_free(&out);
}

static void
test_send_refused(void **state)
{
	struct wire_send send = {.session = "s", .session_len = 1, .cookie = "", .messages = ""};
	char *longer = too_long_a_string();
	struct buffer out = BUFFER_INIT;

	(void)state;
	buffer_append_str(&out, "before");
#define REFUSES(change)                                                                            \
	do {                                                                                       \
		struct wire_send s = send;                                                         \
		change;                                                                            \
		assert_int_equal(wire_encode_send(&out, 1, &s), -1);                               \
	} while (0)
	REFUSES(s.session_len = 0);
	REFUSES((s.session = "a\0b", s.session_len = 3));
	REFUSES(s.cookie = longer);
	REFUSES(s.messages_len = (size_t)WIRE_PAYLOAD_MAX + 1);
	REFUSES(s.messages_len = SIZE_MAX);
#undef REFUSES
	assert_int_equal(wire_encode_cookie(&out, 1, longer), -1);
	assert_content(&out, BYTES("before"));
	assert_int_equal(wire_encode_send(&out, 1, &send), 0);
	free(longer);
	buffer_free(&out);
}

static void
test_services_refused(void **state)
{
	struct service_options options = some_options();
	struct wire_service_entry entry = {"/e", &options, 0, false};
	char *longer = too_long_a_string();
	struct buffer out = BUFFER_INIT;

	(void)state;
	entry.name = longer;
	assert_int_equal(wire_encode_services(&out, "unix", &entry, 1), -1);
	entry.name = longer + 1;
	options.sockjs_url = longer;
	assert_int_equal(wire_encode_services(&out, "unix", &entry, 1), -1);
	options.sockjs_url = longer + 1;
	options.base_url = longer;
	assert_int_equal(wire_encode_services(&out, "unix", &entry, 1), -1);
	assert_int_equal(out.len, 0);
	assert_false(buffer_failed(&out));
	options.base_url = longer + 1;
	assert_int_equal(wire_encode_services(&out, "unix", &entry, 1), 0);
	free(longer);
	buffer_free(&out);
}

static void
test_too_many_headers(void **state)
{
	static char names[WIRE_HEADERS_MAX + 1][8];
	struct wire_receive receive = {
	    .session = "s", .session_len = 1, .callback = "", .cookie = ""};
	struct headers headers = {{NULL}, {NULL}};
	struct connection_source source = {
	    .path = "/e", .header = find_header, .context = &headers};
	struct buffer out = BUFFER_INIT;
	struct wire_source got;
	struct wire_header header;
	char *payload;

	(void)state;
	for (size_t i = 0; i <= WIRE_HEADERS_MAX; i++) {
		snprintf(names[i], sizeof names[i], "h-%zu", i);
		headers.names[i] = headers.values[i] = names[i];
	}
	assert_int_equal(wire_encode_receive(&out, 1, &receive, &source, headers.names), -1);
	assert_int_equal(out.len, 0);
	headers.names[WIRE_HEADERS_MAX] = NULL;
	assert_int_equal(wire_encode_receive(&out, 1, &receive, &source, headers.names), 0);
	payload = take_message(&out, &header);
	assert_int_equal(wire_decode_receive(&header, payload, &receive, &got), 0);
	assert_int_equal(got.header_count, WIRE_HEADERS_MAX);
	assert_string_equal(got.source.header(got.source.context, "h-31"), "h-31");
	assert_true(got.source.peer == NULL && got.source.local == NULL);
	free(payload);
	/* One more, made from what is there. */
	buffer_append(&out, BYTES("\0\1x\0\0\0\0"));
	out.data[WIRE_HEADER_SIZE + 23]++;
	header.length += 7;
	assert_int_equal(
	    wire_decode_receive(&header, out.data + WIRE_HEADER_SIZE, &receive, &got), -1);
	buffer_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_least_payloads),
	    cmocka_unit_test(test_empty_session_ids),
	    cmocka_unit_test(test_receive_refused),
	    cmocka_unit_test(test_send_refused),
	    cmocka_unit_test(test_services_refused),
	    cmocka_unit_test(test_too_many_headers),
	    cmocka_unit_test(test_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
