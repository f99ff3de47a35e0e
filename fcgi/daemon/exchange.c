/*
 * See exchange.h.
 */
#include "fcgi/daemon/exchange.h"

#include "common/memory.h"
#include "wire/connection_info.h"

#include <stdlib.h>

void
exchange_init(struct exchange *exchange, uint64_t instance)
{
	*exchange = (struct exchange){.instance = instance};
}

void
exchange_clear(struct exchange *exchange)
{
	free(exchange->api.path);
	exchange->api = (struct known_api){NULL};
}

void
exchange_move_api(struct exchange *exchange, struct known_api *api)
{
	*api = exchange->api;
	exchange->api = (struct known_api){NULL};
}

void
exchange_begin(struct exchange *exchange, uint32_t pid, struct buffer *out)
{
	const struct wire_hello hello = {
	    .role = WIRE_RESPONDER,
	    .major = WIRE_MAJOR,
	    .minor = WIRE_MINOR,
	    .pid = pid,
	    .instance = exchange->instance,
	    .link_id = exchange->link_id,
	    .frames = exchange->frames,
	};

	exchange->is_greeted = exchange->is_leaving = false;
	exchange->daemons = (struct wire_daemons){0, 1};
	exchange_clear(exchange);
	wire_encode_hello(out, &hello);
}

static int
take_hello(struct exchange *exchange, const struct wire_header *header, const char *payload,
    struct exchange_news *news)
{
	struct wire_hello hello;
	const char *refusal;

	if (exchange->is_greeted || wire_decode_hello(header, payload, &hello) == -1)
		return -1;
	refusal = wire_hello_refusal(&hello, 1u << WIRE_DAEMON);
	if (refusal != NULL) {
		news->kind = EXCHANGE_UNFIT;
		news->unfit.pid = hello.pid;
		news->unfit.why = refusal;
		return 0;
	}
	if (hello.link_id == 0)
		return -1;
	news->kind = EXCHANGE_GREETED;
	exchange->is_greeted = true;
	exchange->minor = hello.minor < WIRE_MINOR ? hello.minor : WIRE_MINOR;
	exchange->link_id = hello.link_id;
	exchange->frames = 0;
	return 0;
}

static int
take_api(struct exchange *exchange, const struct wire_header *header, const char *payload)
{
	const uint64_t most = WIRE_PAYLOAD_MAX - WIRE_OVERHEAD_MAX;
	struct wire_api api;

	exchange_clear(exchange);
	if (wire_decode_api(header, payload, &api) == -1)
		return -1;
	exchange->api.path = xstrdup(api.path);
	exchange->api.body_limit = (size_t)(api.body_limit < most ? api.body_limit : most);
	return 0;
}

/* It leaves, whatever its reason looks like. */
static int
take_goodbye(struct exchange *exchange, const struct wire_header *header, const char *payload,
    struct exchange_news *news)
{
	news->kind = EXCHANGE_GOODBYE;
	exchange->is_leaving = true;
	if (wire_decode_goodbye(header, payload, &news->goodbye) == -1)
		news->goodbye = (struct wire_goodbye){"", 0};
	return 0;
}

int
exchange_take(struct exchange *exchange, const struct wire_header *header, const char *payload,
    struct exchange_news *news)
{
	news->call = header->request;
	if (!exchange->is_greeted && header->type != WIRE_HELLO)
		return -1;
	switch (header->type) {
	case WIRE_HELLO:
		return take_hello(exchange, header, payload, news);
	case WIRE_SERVICES:
		news->kind = EXCHANGE_SERVICES;
		return wire_decode_services(header, payload, &news->services);
	case WIRE_STATE:
		news->kind = EXCHANGE_STATE;
		return wire_decode_state(header, payload, &news->state);
	case WIRE_API:
		news->kind = EXCHANGE_API;
		return take_api(exchange, header, payload);
	case WIRE_DAEMONS:
		news->kind = EXCHANGE_DAEMONS;
		return wire_decode_daemons(header, payload, &exchange->daemons);
	case WIRE_GOODBYE:
		return take_goodbye(exchange, header, payload, news);
	case WIRE_FRAME:
		news->kind = EXCHANGE_FRAME;
		exchange->frames++;
		return wire_decode_frame(header, payload, &news->frame);
	case WIRE_SENT:
		news->kind = EXCHANGE_SENT;
		return wire_decode_sent(header, payload, &news->sent);
	case WIRE_REFUSED:
		news->kind = EXCHANGE_REFUSED;
		return wire_decode_refused(header, payload, &news->refused);
	case WIRE_COOKIE:
		news->kind = EXCHANGE_COOKIE;
		return wire_decode_cookie(header, payload, &news->cookie);
	case WIRE_ANSWER:
		news->kind = EXCHANGE_ANSWER;
		return wire_decode_answer(header, payload, &news->answer);
	default:
		return -1;
	}
}

bool
exchange_is_answer_to(const struct exchange_news *news, enum call_kind kind)
{
	switch (news->kind) {
	case EXCHANGE_FRAME:
		return kind == CALL_RECEIVE;
	case EXCHANGE_SENT:
		return kind == CALL_SEND;
	case EXCHANGE_ANSWER:
		return kind == CALL_ASK;
	default:
		return true;
	}
}

int
exchange_put_receive(struct buffer *out, uint64_t call, const struct wire_receive *receive,
    const struct connection_source *source)
{
	return wire_encode_receive(out, call, receive, source, connection_header_names);
}

int
exchange_put_send(
    const struct exchange *exchange, struct buffer *out, uint64_t call, struct wire_send *send)
{
	send->instance = exchange->instance;
	send->sequence = call;
	return wire_encode_send(out, call, send);
}

int
exchange_put_ask(struct buffer *out, uint64_t call, const struct wire_ask *ask)
{
	return wire_encode_ask(out, call, ask);
}

void
exchange_put_counts(
    const struct exchange *exchange, struct buffer *out, const struct wire_counts *counts)
{
	if (exchange->minor >= WIRE_MINOR_COUNTS)
		wire_encode_counts(out, counts);
}
