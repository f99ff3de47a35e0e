/*
 * The messages of the local socket with any content: what is encoded comes back as it was; cut,
 * followed by more, or damaged it is refused, or is another good message.
 */
#include <stdio.h>

#include "tests/unit/wire/wire_fixture.h"
#include "tests/unit/wire/wire_recode.h"

static uint32_t random_state = 1;

static uint32_t
random_below(uint32_t n)
{
	random_state = random_state * 1664525u + 1013904223u;
	return (random_state >> 8) % n;
}

/*
 * Up to most - 1 bytes, none NUL, in one of a few places that are used in turn; valid for the next
 * 15 calls.
 */
static char *
random_string(uint32_t most)
{
	static char places[16][300];
	static unsigned place;
	char *to = places[place++ % 16];
	uint32_t len = random_below(most);

	for (uint32_t i = 0; i < len; i++)
		to[i] = (char)(1 + random_below(255));
	to[len] = '\0';
	return to;
}

static uint64_t
random_u64(void)
{
	return (uint64_t)random_below(1 << 24) << 40 | (uint64_t)random_below(1 << 20) << 20 |
	    random_below(1 << 20);
}

static void
put_random_services(struct buffer *out)
{
	struct wire_service_entry entries[3];
	struct service_options options[3];
	uint32_t count = random_below(4);

	for (uint32_t i = 0; i < count; i++) {
		options[i] = (struct service_options){
		    .sockjs_url = random_string(30),
		    .base_url = random_below(2) == 0 ? NULL : random_string(30),
		    .response_limit = random_u64(),
		    .transports = random_below(TRANSPORTS_ALL + 1),
		    .websocket = random_below(2) == 1,
		    .disable_cors = random_below(2) == 1,
		    .jsessionid = (int)random_below(3),
		    .heartbeat_delay = random_u64(),
		    .disconnect_delay = random_u64(),
		    .body_limit = random_u64(),
		    .messages_limit = (uint32_t)random_u64(),
		    .log_level = (int)random_below(3),
		    .allowed_origins = random_below(2) == 0 ? NULL : random_string(30),
		    .session_id_min = (uint32_t)random_u64(),
		    .jsessionid_samesite = (int)random_below(4),
		    .jsessionid_secure = random_below(2) == 1,
		    .jsessionid_httponly = random_below(2) == 1,
		    .jsessionid_path = random_below(2) == 0 ? NULL : random_string(30),
		    .headers = random_below(2) == 0 ? NULL : random_string(30),
		};
		entries[i] = (struct wire_service_entry){
		    random_string(30), &options[i], (uint16_t)random_u64(), random_below(2) == 1};
	}
	assert_int_equal(wire_encode_services(out, random_string(30), entries, count), 0);
}

static const struct sockaddr *
random_address(union net_address *address)
{
	static const sa_family_t families[] = {AF_INET, AF_INET6, AF_UNIX, AF_UNSPEC};

	memset(address, 0, sizeof *address);
	address->any.sa_family = families[random_below(4)];
	if (address->any.sa_family == AF_INET)
		address->v4.sin_addr.s_addr = (uint32_t)random_u64();
	if (address->any.sa_family == AF_INET6)
		memset(&address->v6.sin6_addr, (int)random_below(256), 16);
	address->v4.sin_port = (in_port_t)random_u64(); /* of both */
	return address->any.sa_family == AF_UNSPEC ? NULL : &address->any;
}

static void
put_random_receive(struct buffer *out)
{
	static const enum transport_id transports[] = {TRANSPORT_EVENTSOURCE, TRANSPORT_HTMLFILE,
	    TRANSPORT_JSONP_POLLING, TRANSPORT_XHR_POLLING, TRANSPORT_XHR_STREAMING};
	struct headers headers = {{NULL}, {NULL}};
	union net_address peer, local;
	struct wire_receive receive = {
	    .flags = random_below(8),
	    .service = random_below(65536),
	    .transport = transports[random_below(5)],
	    .session = random_string(40),
	    .callback = random_string(33),
	    .cookie = random_string(40),
	};
	struct connection_source source = {
	    .path = random_string(200),
	    .query = random_below(2) == 0 ? NULL : random_string(100),
	    .peer = random_address(&peer),
	    .local = random_address(&local),
	    .header = find_header,
	    .context = &headers,
	};

	for (uint32_t i = 0, j = 0; wanted[i] != NULL; i++) {
		if (random_below(2) == 0)
			continue;
		headers.names[j] = wanted[i];
		headers.values[j++] = random_string(60);
	}
	if (*receive.session == '\0')
		receive.session = "s";
	receive.session_len = strlen(receive.session);
	source.prefix_len = random_below((uint32_t)strlen(source.path) + 1);
	assert_int_equal(wire_encode_receive(out, random_u64(), &receive, &source, wanted), 0);
}

static void
put_random_send(struct buffer *out)
{
	char *messages = random_string(300);
	struct wire_send send = {
	    .service = random_below(65536),
	    .session = random_string(40),
	    .instance = random_u64(),
	    .sequence = random_u64(),
	    .cookie = random_string(40),
	    .messages = messages,
	    .messages_len = strlen(messages),
	};

	random_address(&send.client);
	if (*send.session == '\0')
		send.session = "s";
	send.session_len = strlen(send.session);
	if (send.messages_len > 0)
		messages[send.messages_len - 1] = '\xff';
	assert_int_equal(wire_encode_send(out, random_u64(), &send), 0);
}

static void
put_random_counts(struct buffer *out)
{
	struct wire_counts counts = {
	    .lines_dropped = (uint32_t)random_u64(), .count = random_below(5)};

	for (size_t i = 0; i < counts.count; i++)
		counts.list[i] = (struct wire_count){(uint8_t)random_below(ENDPOINT_KINDS),
		    (uint16_t)(100 + random_below(500)), (uint32_t)random_u64()};
	wire_encode_counts(out, &counts);
}

static void
put_random_api(struct buffer *out)
{
	char path[400];
	const struct wire_api api = {path, random_u64()};

	snprintf(path, sizeof path, "/%s/", random_string(100));
	assert_int_equal(wire_encode_api(out, &api), 0);
}

static void
put_random_ask(struct buffer *out)
{
	char method[WIRE_METHOD_MAX + 1], path[400];
	struct wire_ask ask = {
	    .method = method,
	    .path = path,
	    .query = random_below(2) == 0 ? NULL : random_string(100),
	    .body = random_string(300),
	    .body_len = random_below(300),
	};

	snprintf(method, sizeof method, "M%s", random_string(WIRE_METHOD_MAX));
	snprintf(path, sizeof path, "/%s", random_string(200));
	random_address(&ask.client);
	assert_int_equal(wire_encode_ask(out, random_u64(), &ask), 0);
}

static void
put_random_answer(struct buffer *out)
{
	char content_type[30];
	uint32_t len = random_below(sizeof content_type);
	const struct wire_answer answer = {
	    200 + random_below(400), content_type, random_string(300), random_below(300)};

	for (uint32_t i = 0; i < len; i++)
		content_type[i] = (char)(' ' + random_below('~' - ' ' + 1));
	content_type[len] = '\0';
	assert_int_equal(wire_encode_answer(out, random_u64(), &answer), 0);
}

static void
put_random_daemons(struct buffer *out)
{
	struct wire_daemons daemons = {.count = 1 + random_below(65535)};

	daemons.index = random_below(daemons.count);
	wire_encode_daemons(out, &daemons);
}

static void
put_random(struct buffer *out, enum wire_type type)
{
	struct wire_hello hello = {random_below(256), random_below(65536), random_below(65536),
	    (uint32_t)random_u64(), random_u64(), random_u64(), random_u64()};

	switch (type) {
	case WIRE_HELLO:
		wire_encode_hello(out, &hello);
		break;
	case WIRE_GOODBYE:
		wire_encode_goodbye(out, random_string(100));
		break;
	case WIRE_STATE:
		wire_encode_state(out, random_string(100));
		break;
	case WIRE_SERVICES:
		put_random_services(out);
		break;
	case WIRE_RECEIVE:
		put_random_receive(out);
		break;
	case WIRE_SEND:
		put_random_send(out);
		break;
	case WIRE_ABORT:
		wire_encode_abort(out, random_u64(), random_below(2));
		break;
	case WIRE_WRITTEN:
		wire_encode_written(out, random_u64());
		break;
	case WIRE_FRAME:
		assert_int_equal(wire_encode_frame(out, random_u64(), random_string(300),
				     random_below(300), random_below(2) == 1),
		    1);
		break;
	case WIRE_SENT:
		wire_encode_sent(out, random_u64(), random_below(3));
		break;
	case WIRE_REFUSED:
		wire_encode_refused(out, random_u64(), 400 + random_below(200), random_string(100));
		break;
	case WIRE_COOKIE:
		assert_int_equal(wire_encode_cookie(out, random_u64(), random_string(100)), 0);
		break;
	case WIRE_COUNTS:
		put_random_counts(out);
		break;
	case WIRE_API:
		put_random_api(out);
		break;
	case WIRE_ASK:
		put_random_ask(out);
		break;
	case WIRE_ANSWER:
		put_random_answer(out);
		break;
	case WIRE_DAEMONS:
		put_random_daemons(out);
		break;
	case WIRE_HANDOVER:
		assert_int_equal(wire_encode_handover(
				     out, random_u64(), random_string(300), 1 + random_below(299)),
		    0);
		break;
	case WIRE_TAKEN:
		wire_encode_taken(out, random_u64());
		break;
	}
	assert_false(buffer_failed(out));
}

/* Decodes the message and encodes it again: the same comes out. */
static void
assert_comes_back(const struct buffer *message)
{
	struct buffer again = BUFFER_INIT;
	struct wire_header header;
	bool is_same;
	char *payload = take_message(message, &header);

	assert_int_equal(recode(&header, payload, &again, &is_same), 0);
	assert_true(is_same);
	assert_content(&again, message->data, message->len);
	buffer_free(&again);
	free(payload);
}

/* The first n bytes of the payload as a message of their own, or the whole and some more. */
static int
decode_so_much(const struct buffer *message, size_t n)
{
	struct buffer again = BUFFER_INIT;
	struct wire_header header;
	char *payload = take_message(message, &header), *part = calloc(1, n + 1);
	bool is_same;
	int result;

	assert_non_null(part);
	memcpy(part, payload, n < header.length ? n : header.length);
	part = realloc(part, n == 0 ? 1 : n);
	assert_non_null(part);
	header.length = (uint32_t)n;
	result = recode(&header, part, &again, &is_same);
	buffer_free(&again);
	free(payload);
	free(part);
	return result;
}

static void
test_random_content(void **state)
{
	enum { ROUNDS = 300 };
	struct buffer out = BUFFER_INIT;

	(void)state;
	for (size_t i = 0; i < ROUNDS * WIRE_TYPE_COUNT; i++) {
		buffer_clear(&out);
		put_random(&out, wire_types[i % WIRE_TYPE_COUNT].type);
		assert_comes_back(&out);
	}
	buffer_free(&out);
}

/* FRAME and HANDOVER apart, which are whatever bytes there are. */
static void
test_too_little_and_too_much(void **state)
{
	enum { ROUNDS = 8 };
	struct buffer out = BUFFER_INIT;
	const struct wire_type_info *type;
	size_t len;

	(void)state;
	for (size_t i = 0; i < ROUNDS * WIRE_TYPE_COUNT; i++) {
		type = &wire_types[i % WIRE_TYPE_COUNT];
		if (type->type == WIRE_FRAME || type->type == WIRE_HANDOVER)
			continue;
		buffer_clear(&out);
		put_random(&out, type->type);
		len = out.len - WIRE_HEADER_SIZE;
		assert_true(len >= type->least);
		assert_int_equal(decode_so_much(&out, len), 0);
		for (size_t n = 0; n < len; n++)
			assert_int_equal(decode_so_much(&out, n), -1);
		for (size_t n = len + 1; n < len + 4; n++)
			assert_int_equal(decode_so_much(&out, n), -1);
	}
	buffer_free(&out);
}

/* Any byte replaced: it is refused, or it is another message that comes back. */
static void
test_random_damage(void **state)
{
	enum { ROUNDS = 6 };
	struct buffer out = BUFFER_INIT, again = BUFFER_INIT;
	struct wire_header header;
	bool is_same;
	char *payload, was;

	(void)state;
	for (size_t i = 0; i < ROUNDS * WIRE_TYPE_COUNT; i++) {
		buffer_clear(&out);
		put_random(&out, wire_types[i % WIRE_TYPE_COUNT].type);
		payload = take_message(&out, &header);
		for (size_t at = 0; at < header.length; at++) {
			was = payload[at];
			payload[at] = (char)random_below(256);
			buffer_clear(&again);
			if (recode(&header, payload, &again, &is_same) == 0 && is_same) {
				assert_int_equal(again.len, out.len);
				assert_memory_equal(
				    again.data + WIRE_HEADER_SIZE, payload, header.length);
			}
			payload[at] = was;
		}
		free(payload);
	}
	buffer_free(&again);
	buffer_free(&out);
}

static void
test_no_memory(void **state)
{
	struct buffer out = BUFFER_INIT, whole = BUFFER_INIT;
	struct wire_header header;
	bool is_same;
	char *payload;

	(void)state;
	buffer_append_str(&out, "before");
	assert_null(buffer_reserve(&out, SIZE_MAX));
	for (size_t i = 0; i < WIRE_TYPE_COUNT; i++) {
		buffer_clear(&whole);
		put_random(&whole, wire_types[i].type);
		payload = take_message(&whole, &header);
		recode(&header, payload, &out, &is_same);
		assert_true(buffer_failed(&out));
		assert_content(&out, BYTES("before"));
		free(payload);
	}
	buffer_free(&whole);
	buffer_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_random_content),
	    cmocka_unit_test(test_too_little_and_too_much),
	    cmocka_unit_test(test_random_damage),
	    cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
