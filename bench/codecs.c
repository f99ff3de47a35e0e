/*
 * codecs: takes one message of each kind apart, for callgrind to count what that costs.
 *
 * A codec is a function codec_NAME, whose instructions are counted from its begin to its end:
 * valgrind --tool=callgrind --toggle-collect='codec_*' --dump-after='codec_*'. Prints the names in
 * the order in which they ran. They run twice: the first time, functions are looked up.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fcgi/webserver/record.h"
#include "sessiond/fastcgi/fastcgi_record.h"
#include "sessiond/http/http_framing.h"
#include "sessiond/worker/worker_codec.h"
#include "sockjs/hixie76_frame.h"
#include "sockjs/message_array.h"
#include "sockjs/send_body.h"
#include "sockjs/ws_deflate.h"
#include "wire/wire_messages.h"

#define LARGE	   (64 << 10)
#define ARRAY	   "[\"hello, world: \\u00e9\\n\",\"x\"]"
#define FORM	   "d=%5B%22hello%2C+world%3A+%5Cu00e9%5Cn%22%2C%22x%22%5D"
#define LITERAL(s) s, sizeof(s) - 1

/* Not assert(): it has to hold in a build with NDEBUG as well. */
#define REQUIRE(condition)                                                                         \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);    \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

#define CODEC(name) static __attribute__((noinline)) void codec_##name(void)

/* What decoders may overwrite. */
static char scratch[LARGE + 64];

static char *
fresh(const char *data, size_t len)
{
	memcpy(scratch, data, len);
	return scratch;
}

static void
parse_ws(const char *frame, size_t len)
{
	static const struct ws_limits limits = {.message = SIZE_MAX};
	struct ws_parser parser;
	struct ws_event event;

	ws_parser_init(&parser);
	REQUIRE(ws_parse(&parser, fresh(frame, len), len, &limits, &event) == (ssize_t)len);
	REQUIRE(event.type == WS_EVENT_DATA && event.last);
}

CODEC(ws_frame)
{
	parse_ws(LITERAL("\x81\x98\1\2\3\4"
			 "Z\"{|yz{|yz{|yz{|yz{|yz#Y"));
}

static char large_frame[14 + LARGE];

CODEC(ws_frame_64k)
{
	parse_ws(large_frame, sizeof large_frame);
}

CODEC(hixie76_frame)
{
	static const char frame[] = "\0[\"hello, world, hello\"]\xff";
	static const struct ws_limits limits = {.message = SIZE_MAX};
	struct ws_event event = {.type = WS_EVENT_NONE};
	size_t len = sizeof frame - 1, at = 0;
	char *data = fresh(frame, len);
	struct hixie76_parser parser;

	hixie76_parser_init(&parser);
	while (event.type != WS_EVENT_DATA || !event.last) {
		REQUIRE(at < len);
		at += (size_t)hixie76_parse(&parser, data + at, len - at, &limits, &event);
	}
}

CODEC(message_array)
{
	size_t count;

	REQUIRE(message_array_decode(fresh(LITERAL(ARRAY)), sizeof ARRAY - 1, 0, 0, &count) > 0);
	REQUIRE(count == 2);
}

CODEC(send_body_form)
{
	struct buffer body = BUFFER_INIT;
	size_t len;

	buffer_append(&body, LITERAL(FORM));
	REQUIRE(
	    send_body_decode(&body, true, "application/x-www-form-urlencoded", 0, &len) == NULL);
	buffer_free(&body);
}

CODEC(ws_inflate)
{
	static const struct ws_deflate_params params = {true, true, 15, 15};
	static struct ws_inflater *inflater;
	struct buffer out = BUFFER_INIT;

	if (!inflater)
		inflater = ws_inflater_create(&params);
	/* "Hello" (RFC 7692, 7.2.3.1) */
	REQUIRE(ws_inflate(inflater, LITERAL("\xf2\x48\xcd\xc9\xc9\x07\x00"), true, SIZE_MAX,
		    SIZE_MAX, &out) == 0);
	REQUIRE(out.len == 5);
	buffer_free(&out);
}

CODEC(http_framing)
{
	static const char request[] =
	    "POST /echo/123/abcdefgh/xhr_send HTTP/1.1\r\nHost: www.example.org\r\n"
	    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101\r\n"
	    "Accept: */*\r\nAccept-Encoding: gzip, deflate\r\nContent-Type: text/plain\r\n"
	    "Content-Length: 9\r\nOrigin: http://www.example.org\r\n"
	    "Connection: keep-alive\r\n\r\n[\"hello\"]";
	struct http_framing framing = {0};

	REQUIRE(http_framing_feed(&framing, request, sizeof request - 1) == sizeof request - 1);
	REQUIRE(framing.heads == 1 && http_framing_is_between(&framing));
	http_framing_clear(&framing);
}

static struct buffer wire_message, records, answer_records;

CODEC(wire_send)
{
	struct wire_header header;
	struct wire_send send;

	REQUIRE(
	    wire_parse_header(wire_message.data, wire_message.len, WIRE_PAYLOAD_MAX, &header) == 1);
	REQUIRE(wire_decode_send(&header, wire_message.data + WIRE_HEADER_SIZE, &send) == 0);
	REQUIRE(send.messages_len == 6);
}

/* What a web server asks a responder. */
CODEC(fastcgi_request)
{
	unsigned char *data = (unsigned char *)fresh(records.data, records.len);
	struct record_scan scan = {0};
	struct buffer body = BUFFER_INIT;
	const unsigned char *params;
	enum record_progress progress;

	while ((progress = record_scan(&scan, data, records.len)) == RECORD_INCOMPLETE)
		REQUIRE(scan.at > 0);
	REQUIRE(progress == RECORD_COMPLETE);
	record_append_body(&scan, data, &body);
	REQUIRE(body.len == 9 && record_join_params(&scan, data, &params) > 0);
	buffer_free(&body);
}

/* What a callback answers the daemon. */
CODEC(fastcgi_answer)
{
	struct fastcgi_answer answer = {.limit = SIZE_MAX};
	struct fastcgi_response response;
	size_t at = 0;

	while (!answer.is_over) {
		int n =
		    fastcgi_answer_take(&answer, answer_records.data + at, answer_records.len - at);

		REQUIRE(n > 0);
		at += (size_t)n;
	}
	REQUIRE(fastcgi_answer_read(&answer, &response) == FASTCGI_MORE && response.body_len == 2);
	fastcgi_answer_free(&answer);
}

static struct worker_event *event;

/* The line that a worker gets for a message. */
CODEC(worker_event)
{
	static struct worker_connection connection = {.id = "8d8ac610-566d-4ef0-9c22-186b2a5ed793"};
	struct buffer out = BUFFER_INIT;

	worker_encode_event(&out, &connection, event, 12345);
	REQUIRE(out.len > event->len);
	buffer_free(&out);
}

/* --- what they take apart --------------------------------------------------------------------- */

/* A masked text of 64 KB, of which one character in 64 is none of ASCII. */
static void
make_large_frame(void)
{
	static const char mask[4] = {1, 2, 3, 4};
	char *text = large_frame + 14;

	memcpy(large_frame, "\x81\xff\0\0\0\0\0\1\0\0\1\2\3\4", 14);
	for (size_t i = 0; i < LARGE; i += 64) {
		memset(text + i, 'x', 62);
		memcpy(text + i + 62, "\xc3\xa9", 2);
	}
	for (size_t i = 0; i < LARGE; i++)
		text[i] = (char)(text[i] ^ mask[i % 4]);
}

static void
make_wire_message(void)
{
	const struct wire_send send = {.session = "abcdefgh",
	    .session_len = 8,
	    .instance = 1,
	    .sequence = 2,
	    .cookie = "",
	    .messages = "hello\xff",
	    .messages_len = 6};

	REQUIRE(wire_encode_send(&wire_message, 1, &send) == 0);
}

static void
put_record(struct buffer *to, unsigned type, const char *content, size_t len)
{
	const unsigned char head[8] = {
	    1, (unsigned char)type, 0, 1, (unsigned char)(len >> 8), (unsigned char)len, 0, 0};

	buffer_append(to, head, sizeof head);
	buffer_append(to, content, len);
}

static void
make_records(void)
{
	static const struct fastcgi_param params[] = {{"REQUEST_METHOD", "POST"},
	    {"SCRIPT_NAME", "/echo"}, {"PATH_INFO", "/123/abcdefgh/xhr_send"},
	    {"SERVER_PROTOCOL", "HTTP/1.1"}, {"CONTENT_LENGTH", "9"},
	    {"CONTENT_TYPE", "text/plain"}, {"REMOTE_ADDR", "127.0.0.1"},
	    {"HTTP_HOST", "www.example.org"}, {"HTTP_ORIGIN", "http://www.example.org"}};

	fastcgi_append_request(
	    &records, params, sizeof params / sizeof *params, LITERAL("[\"hello\"]"));
	put_record(&answer_records, 6, LITERAL("Content-Type: application/json\r\n\r\n{}"));
	put_record(&answer_records, 6, "", 0);
	put_record(&answer_records, 3, "\0\0\0\0\0\0\0\0", 8);
}

static void
make_event(void)
{
	static const char text[] = "hello, world: \xc3\xa9";

	event = calloc(1, sizeof *event + sizeof text);
	REQUIRE(event != NULL);
	event->kind = WORKER_EVENT_DATA;
	event->len = sizeof text - 1;
	memcpy(event->data, text, event->len);
}

#define ENTRY(name)                                                                                \
	{                                                                                          \
#name, codec_##name                                                                \
	}

int
main(void)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} codecs[] = {ENTRY(ws_frame), ENTRY(ws_frame_64k), ENTRY(hixie76_frame),
	    ENTRY(message_array), ENTRY(send_body_form), ENTRY(ws_inflate), ENTRY(http_framing),
	    ENTRY(wire_send), ENTRY(fastcgi_request), ENTRY(fastcgi_answer), ENTRY(worker_event)};

	make_large_frame();
	make_wire_message();
	make_records();
	make_event();
	for (int turn = 0; turn < 2; turn++) {
		for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++) {
			codecs[i].run();
			puts(codecs[i].name);
		}
	}
	return 0;
}
