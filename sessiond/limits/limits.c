/* See limits.h. */
#include "sessiond/limits/limits.h"

#include "conf/config_options.h"

const char *const limit_options[LIMIT_COUNT] = {
    [LIMIT_AUTHORIZE] = "authorize_timeout",
    [LIMIT_BODY] = "body_limit",
    [LIMIT_CHANNELS] = "channels_limit",
    [LIMIT_CHANNELS_PER_CONNECTION] = "channels_per_connection",
    [LIMIT_MEMBERS] = "members_per_channel",
    [LIMIT_MEMBER] = "member_limit",
    [LIMIT_CONNECTION] = "connection_limit",
    [LIMIT_FCGID_MAX_HELD] = "fcgid_max_held",
    [LIMIT_GUESSES] = "guesses_per_minute",
    [LIMIT_HEADERS] = "headers_limit",
    [LIMIT_HISTORIES] = "histories_limit",
    [LIMIT_HISTORY] = "history_limit",
    [LIMIT_LOCAL_BACKLOG] = "local_backlog",
    [LIMIT_LOCAL_PEERS] = "local_peers",
    [LIMIT_MESSAGE] = "message_limit",
    [LIMIT_PUBLISH] = "publish_limit",
    [LIMIT_ENGINE_BACKLOG] = "engine_backlog",
    [LIMIT_QUEUE] = "queue_limit",
    [LIMIT_SESSION] = "session_limit",
    [LIMIT_SESSIONS_PER_ADDRESS] = "sessions_per_address",
    [LIMIT_STORE_ADDRESS] = "store_address_limit",
    [LIMIT_STORE_SESSION] = "store_session_limit",
};

const char *const limit_rate_options[2][RATE_KINDS] = {
    {
	[RATE_REQUEST] = "request_rate",
	[RATE_SEND] = "send_rate",
	[RATE_MESSAGE] = "message_rate",
	[RATE_PING] = "ping_rate",
    },
    {
	[RATE_REQUEST] = "address_request_rate",
	[RATE_SEND] = "address_send_rate",
	[RATE_MESSAGE] = "address_message_rate",
	[RATE_PING] = "address_ping_rate",
    },
};

enum { LOOK_AGAIN = 1 << 20 }; /* bytes more that are taken */

void
limits_init(struct limits *limits, struct timers *timers)
{
	*limits = (struct limits){
	    .input = {.option = "input_limit", .most = SIZE_MAX},
	    .queued = {.option = "queues_limit", .most = SIZE_MAX},
	    .deflate = {.option = "deflate_limit", .most = SIZE_MAX},
	    .connections = {.option = "connections_per_address", .most = SIZE_MAX},
	    .memory = {.option = "memory_limit", .most = SIZE_MAX},
	    .rate = {.option = "a rate", .most = SIZE_MAX},
	};
	address_count_init(&limits->addresses);
	rate_table_init(&limits->addresses_rates);
	guesses_init(&limits->guesses);
	memory_watch_init(&limits->watch, timers, SIZE_MAX);
}

void
limits_clear(struct limits *limits)
{
	memory_watch_clear(&limits->watch);
	guesses_clear(&limits->guesses);
	rate_table_clear(&limits->addresses_rates);
	address_count_clear(&limits->addresses);
}

void
limits_set(struct limits *limits, const struct server_options *options, unsigned daemons)
{
	limits->input.most = options->input_limit;
	limits->queued.most = options->queues_limit;
	limits->deflate.most = options->deflate_limit;
	limits->connections.most =
	    options->connections_per_address == 0 ? SIZE_MAX : options->connections_per_address;
	limits->memory.most = options->memory_limit == 0 ? memory_watch_default_limit() / daemons
							 : options->memory_limit;
	limits->watch.limit = limits->memory.most;
	limits->guesses.a_minute = options->guesses_per_minute;
	limits->of_connection = (struct rates){{
	    [RATE_REQUEST] = options->request_rate,
	    [RATE_SEND] = options->send_rate,
	    [RATE_MESSAGE] = options->message_rate,
	    [RATE_PING] = options->ping_rate,
	}};
	limits->of_address = (struct rates){{
	    [RATE_REQUEST] = options->address_request_rate,
	    [RATE_SEND] = options->address_send_rate,
	    [RATE_MESSAGE] = options->address_message_rate,
	    [RATE_PING] = options->address_ping_rate,
	}};
}

bool
limits_refuse_for_memory(struct limits *limits)
{
	limits->watch.is_wanted = true;
	if (!memory_watch_is_short(&limits->watch))
		return false;
	limit_refuse(&limits->memory);
	return true;
}

bool
limits_take_input(struct limits *limits, size_t *own, size_t wanted)
{
	if (wanted <= LIMITS_SMALL_INPUT) {
		limits->input.taken += wanted - *own;
		*own = wanted;
		return true;
	}
	if (wanted > *own && limits_refuse_for_memory(limits))
		return false;
	return limit_resize(&limits->input, own, wanted);
}

void
limits_give_input(struct limits *limits, size_t *own)
{
	limit_resize(&limits->input, own, 0);
}

void
limits_turn(struct limits *limits, size_t queued, size_t others, uint64_t now)
{
	size_t waiting = limits->queued.taken + queued;
	size_t all = waiting + limits->input.taken + others;

	limits->is_scarce = waiting > limits->queued.most || memory_watch_is_short(&limits->watch);
	if (all > limits->seen + LOOK_AGAIN) {
		limits->seen = all;
		limits->watch.is_wanted = true;
	} else if (all < limits->seen / 2) {
		limits->seen = all;
		memory_watch_freed(&limits->watch);
	}
	memory_watch_turn(&limits->watch, now);
}

/* of_address: 0 or 1. */
static bool
refuse_rate(struct limits *limits, int of_address, enum rate_kind kind, uint32_t a_second)
{
	limits->rates_reached[of_address][kind]++;
	limits->rate.option = limit_rate_options[of_address][kind];
	limits->rate.most = a_second;
	limit_refuse(&limits->rate);
	return false;
}

bool
limits_rate(struct limits *limits, struct rate_points *connection, uint64_t address,
    enum rate_kind kind, size_t n, uint64_t now)
{
	const struct rates *one = &limits->of_connection, *all = &limits->of_address;

	if (connection != NULL && !rate_take(one, connection, kind, n, now))
		return refuse_rate(limits, 0, kind, one->a_second[kind]);
	if (all->a_second[kind] > 0 &&
	    !rate_take(all, rate_table_find(&limits->addresses_rates, address), kind, n, now))
		return refuse_rate(limits, 1, kind, all->a_second[kind]);
	return true;
}

bool
limits_request(struct limits *limits, const struct sockaddr *address, bool is_send, uint64_t now)
{
	uint64_t number;

	if (!rates_are_set(&limits->of_address))
		return true;
	number = address_count_number(address);
	return limits_rate(limits, NULL, number, RATE_REQUEST, 1, now) &&
	    (!is_send || limits_rate(limits, NULL, number, RATE_SEND, 1, now));
}

bool
limits_have_rates(const struct limits *limits)
{
	return rates_are_set(&limits->of_connection) || rates_are_set(&limits->of_address);
}

struct address_entry *
limits_connection(struct limits *limits, const struct sockaddr *address)
{
	if (address_count_get(&limits->addresses, address) >= limits->connections.most) {
		limit_refuse(&limits->connections);
		return NULL;
	}
	return address_count_add(&limits->addresses, address);
}
