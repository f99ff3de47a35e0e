/*
 * See wire_messages.h. Each pair below lists its fields in the same order; the decoders read all of
 * them and look at the reader's state once, at the end.
 */
#include "wire/wire_messages.h"

#include "common/log.h"
#include "sockjs/message_array.h"

#include <stdlib.h>
#include <string.h>

/*
 * RECEIVE and SERVICES carry the numbers of enum transport_id, and SERVICES those of
 * jsessionid_mode and log_severity.
 */
_Static_assert(TRANSPORT_EVENTSOURCE == 0 && TRANSPORT_HTMLFILE == 1 &&
	TRANSPORT_JSONP_POLLING == 2 && TRANSPORT_WEBSOCKET == 3 && TRANSPORT_WEBSOCKET_RAW == 4 &&
	TRANSPORT_XHR_POLLING == 5 && TRANSPORT_XHR_STREAMING == 6 && TRANSPORT_COUNT == 7,
    "doc/local-socket.md has these numbers");
_Static_assert(JSESSIONID_OFF == 0 && JSESSIONID_ON == 1 && JSESSIONID_MODULE == 2,
    "doc/local-socket.md has these numbers");
_Static_assert(SAMESITE_OFF == 0 && SAMESITE_NONE == 1 && SAMESITE_LAX == 2 && SAMESITE_STRICT == 3,
    "doc/local-socket.md has these numbers");
_Static_assert(SEVERITY_ERROR == 0 && SEVERITY_INFO == 1 && SEVERITY_DEBUG == 2,
    "doc/local-socket.md has these numbers");

static int
end_reading(const struct wire_reader *reader)
{
	return wire_reader_done(reader) ? 0 : -1;
}

/* For texts that may as well be cut. */
static void
put_text(struct buffer *out, const char *text)
{
	wire_put_string16(out, text, strnlen(text, WIRE_STRING_MAX));
}

static void
get_str(struct wire_reader *reader, const char **str)
{
	size_t len;

	wire_get_string16(reader, str, &len);
}

/* --- HELLO, GOODBYE --------------------------------------------------------------------------- */

void
wire_encode_hello(struct buffer *out, const struct wire_hello *hello)
{
	size_t mark;

	wire_begin(out, WIRE_HELLO, 0, 0, &mark);
	wire_put_u8(out, (uint8_t)hello->role);
	wire_put_u16(out, (uint16_t)hello->major);
	wire_put_u16(out, (uint16_t)hello->minor);
	wire_put_u32(out, hello->pid);
	wire_put_u64(out, hello->instance);
	wire_put_u64(out, hello->link_id);
	wire_put_u64(out, hello->frames);
	wire_end(out, mark);
}

int
wire_decode_hello(const struct wire_header *header, const char *payload, struct wire_hello *hello)
{
	struct wire_reader reader;

	wire_reader_init(&reader, payload, header->length);
	hello->role = wire_get_u8(&reader);
	hello->major = wire_get_u16(&reader);
	hello->minor = wire_get_u16(&reader);
	hello->pid = wire_get_u32(&reader);
	hello->instance = wire_get_u64(&reader);
	hello->link_id = wire_get_u64(&reader);
	hello->frames = wire_get_u64(&reader);
	return end_reading(&reader);
}

const char *
wire_hello_refusal(const struct wire_hello *hello, unsigned roles)
{
	if (hello->major != WIRE_MAJOR)
		return "another version of the protocol";
	if (hello->role > WIRE_RESPONDER || (roles & 1u << hello->role) == 0)
		return "not a role that is served here";
	return NULL;
}

/* A message about the connection that is a text. */
static void
encode_text(struct buffer *out, enum wire_type type, const char *text)
{
	size_t mark;

	wire_begin(out, type, 0, 0, &mark);
	put_text(out, text);
	wire_end(out, mark);
}

void
wire_encode_goodbye(struct buffer *out, const char *text)
{
	encode_text(out, WIRE_GOODBYE, text);
}

int
wire_decode_goodbye(
    const struct wire_header *header, const char *payload, struct wire_goodbye *goodbye)
{
	struct wire_reader reader;

	wire_reader_init(&reader, payload, header->length);
	wire_get_string16(&reader, &goodbye->text, &goodbye->text_len);
	return end_reading(&reader);
}

/* --- STATE ------------------------------------------------------------------------------------ */

void
wire_encode_state(struct buffer *out, const char *text)
{
	encode_text(out, WIRE_STATE, text);
}

int
wire_decode_state(const struct wire_header *header, const char *payload, struct wire_state *state)
{
	struct wire_reader reader;

	wire_reader_init(&reader, payload, header->length);
	wire_get_string16(&reader, &state->text, &state->text_len);
	return end_reading(&reader);
}

/* --- SERVICES --------------------------------------------------------------------------------- */

static bool
is_absent_or_short(const char *text)
{
	return text == NULL || wire_is_short(text);
}

static bool
is_encodable(const struct wire_service_entry *entry)
{
	const struct service_options *options = entry->options;

	return wire_is_short(entry->name) && wire_is_short(options->sockjs_url) &&
	    is_absent_or_short(options->base_url) && is_absent_or_short(options->allowed_origins) &&
	    is_absent_or_short(options->jsessionid_path) && is_absent_or_short(options->headers);
}

static void
put_service(struct buffer *out, const struct wire_service_entry *entry)
{
	const struct service_options *options = entry->options;

	wire_put_u16(out, entry->number);
	wire_put_u8(out, entry->retired);
	wire_put_str(out, entry->name);
	wire_put_str(out, options->sockjs_url);
	wire_put_optional_string16(out, options->base_url);
	wire_put_u64(out, options->response_limit);
	wire_put_u32(out, options->transports);
	wire_put_u8(out, options->websocket);
	wire_put_u8(out, options->disable_cors);
	wire_put_u8(out, (uint8_t)options->jsessionid);
	wire_put_u64(out, options->heartbeat_delay);
	wire_put_u64(out, options->disconnect_delay);
	wire_put_u64(out, options->body_limit);
	wire_put_u32(out, options->messages_limit);
	wire_put_u8(out, (uint8_t)options->log_level);
	wire_put_optional_string16(out, options->allowed_origins);
	wire_put_u32(out, options->session_id_min);
	wire_put_u8(out, (uint8_t)options->jsessionid_samesite);
	wire_put_u8(out, options->jsessionid_secure);
	wire_put_u8(out, options->jsessionid_httponly);
	wire_put_optional_string16(out, options->jsessionid_path);
	wire_put_optional_string16(out, options->headers);
}

int
wire_encode_services(struct buffer *out, const char *trusted_proxies,
    const struct wire_service_entry *entries, size_t count)
{
	size_t mark;

	if (count > WIRE_SERVICES_MAX || !wire_is_short(trusted_proxies))
		return -1;
	for (size_t i = 0; i < count; i++)
		if (!is_encodable(&entries[i]))
			return -1;
	wire_begin(out, WIRE_SERVICES, 0, 0, &mark);
	wire_put_u16(out, (uint16_t)count);
	wire_put_str(out, trusted_proxies);
	for (size_t i = 0; i < count; i++)
		put_service(out, &entries[i]);
	return wire_end(out, mark);
}

/* Sets *copy to a copy of str, if there is one. */
static void
copy_string(struct wire_reader *reader, const char *str, char **copy)
{
	if (reader->failed || str == NULL)
		return;
	*copy = strdup(str);
	if (*copy == NULL)
		reader->failed = true;
}

static size_t
get_size(struct wire_reader *reader)
{
	uint64_t value = wire_get_u64(reader);

	if (value > SIZE_MAX)
		reader->failed = true;
	return (size_t)value;
}

static void
get_service(struct wire_reader *reader, struct wire_service *service)
{
	struct service_options *options = &service->options;
	const char *name, *sockjs_url, *base_url, *origins, *path, *headers;
	size_t len;

	service->number = (uint16_t)wire_get_u16(reader);
	service->retired = wire_get_bool(reader);
	get_str(reader, &name);
	get_str(reader, &sockjs_url);
	wire_get_optional_string16(reader, &base_url, &len);
	options->response_limit = get_size(reader);
	options->transports = wire_at_most(reader, wire_get_u32(reader), TRANSPORTS_ALL);
	options->websocket = wire_get_bool(reader);
	options->disable_cors = wire_get_bool(reader);
	options->jsessionid = (int)wire_at_most(reader, wire_get_u8(reader), JSESSIONID_MODULE);
	options->heartbeat_delay = wire_get_u64(reader);
	options->disconnect_delay = wire_get_u64(reader);
	options->body_limit = get_size(reader);
	options->messages_limit = wire_get_u32(reader);
	options->log_level = (int)wire_at_most(reader, wire_get_u8(reader), SEVERITY_DEBUG);
	wire_get_optional_string16(reader, &origins, &len);
	options->session_id_min = wire_get_u32(reader);
	options->jsessionid_samesite =
	    (int)wire_at_most(reader, wire_get_u8(reader), SAMESITE_STRICT);
	options->jsessionid_secure = wire_get_bool(reader);
	options->jsessionid_httponly = wire_get_bool(reader);
	wire_get_optional_string16(reader, &path, &len);
	wire_get_optional_string16(reader, &headers, &len);
	copy_string(reader, name, &service->name);
	copy_string(reader, sockjs_url, &options->sockjs_url);
	copy_string(reader, base_url, &options->base_url);
	copy_string(reader, origins, &options->allowed_origins);
	copy_string(reader, path, &options->jsessionid_path);
	copy_string(reader, headers, &options->headers);
}

int
wire_decode_services(
    const struct wire_header *header, const char *payload, struct wire_services *services)
{
	struct wire_reader reader;
	const char *trusted_proxies;
	size_t count;

	*services = (struct wire_services){NULL};
	wire_reader_init(&reader, payload, header->length);
	count = wire_get_u16(&reader);
	if (count > WIRE_SERVICES_MAX)
		return -1;
	if (count > 0) {
		services->list = calloc(count, sizeof *services->list);
		if (services->list == NULL)
			return -1;
	}
	services->count = count;
	get_str(&reader, &trusted_proxies);
	copy_string(&reader, trusted_proxies, &services->trusted_proxies);
	for (size_t i = 0; i < count && !reader.failed; i++)
		get_service(&reader, &services->list[i]);
	if (wire_reader_done(&reader))
		return 0;
	wire_services_clear(services);
	return -1;
}

void
wire_services_clear(struct wire_services *services)
{
	for (size_t i = 0; i < services->count; i++) {
		free(services->list[i].name);
		free(services->list[i].options.sockjs_url);
		free(services->list[i].options.base_url);
		free(services->list[i].options.headers);
		free(services->list[i].options.allowed_origins);
		free(services->list[i].options.jsessionid_path);
	}
	free(services->list);
	free(services->trusted_proxies);
	*services = (struct wire_services){NULL};
}

/* --- RECEIVE ---------------------------------------------------------------------------------- */

static bool
is_session_id(const char *id, size_t len)
{
	return len > 0 && wire_is_string16(id, len);
}

int
wire_encode_receive(struct buffer *out, uint64_t request, const struct wire_receive *receive,
    const struct connection_source *source, const char *const *header_names)
{
	size_t mark;

	if (!is_session_id(receive->session, receive->session_len) ||
	    !wire_is_short(receive->callback) || !wire_is_short(receive->cookie))
		return -1;
	wire_begin(out, WIRE_RECEIVE, receive->flags, request, &mark);
	wire_put_u16(out, (uint16_t)receive->service);
	wire_put_u8(out, (uint8_t)receive->transport);
	wire_put_string16(out, receive->session, receive->session_len);
	wire_put_str(out, receive->callback);
	wire_put_str(out, receive->cookie);
	if (wire_put_source(out, source, header_names) == -1) {
		wire_cancel(out, mark);
		return -1;
	}
	return wire_end(out, mark);
}

static void
get_session_id(struct wire_reader *reader, const char **id, size_t *len)
{
	wire_get_string16(reader, id, len);
	if (*len == 0)
		reader->failed = true;
}

int
wire_decode_receive(const struct wire_header *header, const char *payload,
    struct wire_receive *receive, struct wire_source *source)
{
	struct wire_reader reader;

	wire_reader_init(&reader, payload, header->length);
	receive->flags = header->flags;
	receive->service = wire_get_u16(&reader);
	receive->transport = wire_at_most(&reader, wire_get_u8(&reader), TRANSPORT_COUNT - 1);
	if (receive->transport == TRANSPORT_WEBSOCKET ||
	    receive->transport == TRANSPORT_WEBSOCKET_RAW)
		reader.failed = true;
	get_session_id(&reader, &receive->session, &receive->session_len);
	get_str(&reader, &receive->callback);
	get_str(&reader, &receive->cookie);
	wire_get_source(&reader, source);
	return end_reading(&reader);
}

/* --- SEND ------------------------------------------------------------------------------------- */

/* message_array_next would not see what follows the last end byte. */
static bool
are_messages(const char *messages, size_t len)
{
	return len == 0 || messages[len - 1] == MESSAGE_ARRAY_END;
}

int
wire_encode_send(struct buffer *out, uint64_t request, const struct wire_send *send)
{
	size_t mark;

	if (!is_session_id(send->session, send->session_len) || !wire_is_short(send->cookie) ||
	    send->messages_len > WIRE_PAYLOAD_MAX)
		return -1;
	wire_begin(out, WIRE_SEND, 0, request, &mark);
	wire_put_u16(out, (uint16_t)send->service);
	wire_put_string16(out, send->session, send->session_len);
	wire_put_u64(out, send->instance);
	wire_put_u64(out, send->sequence);
	wire_put_str(out, send->cookie);
	wire_put_address(out, &send->client.any);
	wire_put_bytes(out, send->messages, send->messages_len);
	return wire_end(out, mark);
}

int
wire_decode_send(const struct wire_header *header, const char *payload, struct wire_send *send)
{
	struct wire_reader reader;

	wire_reader_init(&reader, payload, header->length);
	send->service = wire_get_u16(&reader);
	get_session_id(&reader, &send->session, &send->session_len);
	send->instance = wire_get_u64(&reader);
	send->sequence = wire_get_u64(&reader);
	get_str(&reader, &send->cookie);
	wire_get_address(&reader, &send->client);
	wire_get_bytes(&reader, &send->messages, &send->messages_len);
	if (!are_messages(send->messages, send->messages_len))
		return -1;
	return end_reading(&reader);
}

/* --- ABORT, WRITTEN --------------------------------------------------------------------------- */

static void
put_empty(struct buffer *out, enum wire_type type, unsigned flags, uint64_t request)
{
	size_t mark;

	wire_begin(out, type, flags, request, &mark);
	wire_end(out, mark);
}

static int
get_empty(const struct wire_header *header, const char *payload)
{
	struct wire_reader reader;

	wire_reader_init(&reader, payload, header->length);
	return end_reading(&reader);
}

void
wire_encode_abort(struct buffer *out, uint64_t request, unsigned flags)
{
	put_empty(out, WIRE_ABORT, flags, request);
}

int
wire_decode_abort(const struct wire_header *header, const char *payload)
{
	return get_empty(header, payload);
}

void
wire_encode_written(struct buffer *out, uint64_t request)
{
	put_empty(out, WIRE_WRITTEN, 0, request);
}

int
wire_decode_written(const struct wire_header *header, const char *payload)
{
	return get_empty(header, payload);
}

/* --- FRAME, SENT, REFUSED, COOKIE ------------------------------------------------------------- */

void
wire_begin_frame(struct buffer *out, uint64_t request, size_t *mark)
{
	wire_begin(out, WIRE_FRAME, 0, request, mark);
}

int
wire_end_frame(struct buffer *out, size_t mark, bool end)
{
	return wire_end_parts(out, mark, WIRE_FRAME_MAX, WIRE_FRAME_MORE, end ? WIRE_FRAME_END : 0);
}

int
wire_encode_frame(struct buffer *out, uint64_t request, const char *bytes, size_t len, bool end)
{
	size_t mark;

	wire_begin_frame(out, request, &mark);
	buffer_append(out, bytes, len);
	return wire_end_frame(out, mark, end);
}

int
wire_decode_frame(const struct wire_header *header, const char *payload, struct wire_frame *frame)
{
	frame->bytes = payload;
	frame->len = header->length;
	frame->end = (header->flags & WIRE_FRAME_END) != 0;
	frame->more = (header->flags & WIRE_FRAME_MORE) != 0;
	return frame->end && frame->more ? -1 : 0;
}

void
wire_encode_sent(struct buffer *out, uint64_t request, enum wire_sent_result result)
{
	size_t mark;

	wire_begin(out, WIRE_SENT, 0, request, &mark);
	wire_put_u8(out, (uint8_t)result);
	wire_end(out, mark);
}

int
wire_decode_sent(
    const struct wire_header *header, const char *payload, enum wire_sent_result *result)
{
	struct wire_reader reader;

	wire_reader_init(&reader, payload, header->length);
	*result = wire_at_most(&reader, wire_get_u8(&reader), WIRE_SENT_TOO_MANY);
	return end_reading(&reader);
}

void
wire_encode_refused(struct buffer *out, uint64_t request, unsigned status, const char *text)
{
	size_t mark;

	wire_begin(out, WIRE_REFUSED, 0, request, &mark);
	wire_put_u16(out, (uint16_t)status);
	put_text(out, text);
	wire_end(out, mark);
}

int
wire_decode_refused(
    const struct wire_header *header, const char *payload, struct wire_refused *refused)
{
	struct wire_reader reader;

	wire_reader_init(&reader, payload, header->length);
	refused->status = wire_get_u16(&reader);
	if (refused->status < 400)
		reader.failed = true;
	refused->status = wire_at_most(&reader, refused->status, 599);
	wire_get_string16(&reader, &refused->text, &refused->text_len);
	return end_reading(&reader);
}

int
wire_encode_cookie(struct buffer *out, uint64_t request, const char *value)
{
	size_t mark;

	if (!wire_is_short(value))
		return -1;
	wire_begin(out, WIRE_COOKIE, 0, request, &mark);
	wire_put_str(out, value);
	return wire_end(out, mark);
}

int
wire_decode_cookie(
    const struct wire_header *header, const char *payload, struct wire_cookie *cookie)
{
	struct wire_reader reader;

	wire_reader_init(&reader, payload, header->length);
	wire_get_string16(&reader, &cookie->value, &cookie->value_len);
	return end_reading(&reader);
}
