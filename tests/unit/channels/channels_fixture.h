/*
 * For the tests of sessiond/channels: persistence_fixture.h's service and store with its channels,
 * as the daemon has them. Subscribers are clients that poll, published is by sockjs.h.
 */
#ifndef TESTS_CHANNELS_FIXTURE_H
#define TESTS_CHANNELS_FIXTURE_H

#include "tests/unit/persistence/persistence_fixture.h"

#include "sessiond/api/api_channel.h"
#include "sessiond/channels/channel_store.h"
#include "sessiond/channels/channels.h"

enum { TTL = 60000, HISTORY = 3, HISTORY_LIMIT = 2000 };

static struct channels channels;
static struct channel_store channel_store;
static uint64_t wall = 1000000; /* ms since 1970; goes on over restarts */

static inline uint64_t
fake_wall_clock(void)
{
	return wall;
}

/* --- before, between and after ---------------------------------------------------------------- */

static size_t services_known; /* 1, or 0: the service was taken out of sockjs.conf */
static uint32_t history;      /* of the service, from the next restart on too */

static inline void
begin(void)
{
	service->protocol.options.history = history;
	service->protocol.options.history_ttl = TTL;
	service->protocol.options.history_limit = HISTORY_LIMIT;
	channels_init(&channels, &sessions, &api_channel_kind);
	channels.clock = fake_wall_clock;
	channel_store_init(&channel_store, &channels);
	persistence_add(&persistence, &channel_store.part);
	api_channel_bind(&channels);
	channel_store_begin_restore(&channel_store, &service, services_known);
}

static inline void
restored(void)
{
	channel_store_end_restore(&channel_store);
}

static inline void
end(void)
{
	api_channel_end_all(service);
	assert_int_equal(channels.count, 0);
	assert_int_equal(channels.history_bytes, 0);
	channels_clear(&channels);
	api_channel_bind(NULL);
}

static inline int
set_up(void **state, bool is_memory)
{
	set_up_backend(state, is_memory);
	end_of_service = end;
	before_restore = begin;
	after_restore = restored;
	history = 0;
	services_known = 1;
	begin();
	return 0;
}

static inline int
set_up_in_memory(void **state)
{
	return set_up(state, true);
}

static inline int
set_up_on_disk(void **state)
{
	return set_up(state, false);
}

/* --- what happens ----------------------------------------------------------------------------- */

static inline void
set_history(uint32_t messages)
{
	history = messages;
	service->protocol.options.history = messages;
}

static inline sockjs_connection
connection_of(const char *id)
{
	return (sockjs_connection){find(id)->handle};
}

/* A client that polls, and is stored. */
static inline void
open_client(const char *id)
{
	settled(id);
}

static inline void
subscribe(const char *id, const char *channel)
{
	assert_int_equal(
	    sockjs_channel_subscribe(connection_of(id), channel, NULL, NULL), SOCKJS_OK);
}

static inline int
publish(const char *channel, const char *text)
{
	return sockjs_publish(service, channel, text, strlen(text), SOCKJS_NOBODY);
}

static inline void
must_publish(const char *channel, const char *text)
{
	assert_int_equal(publish(channel, text), SOCKJS_OK);
	end_turn();
	buffer_clear(&written);
}

/* A client polls, and gets that. */
#define assert_polled(id, expected)                                                                \
	do {                                                                                       \
		arrive(id, fake_poll('1'));                                                        \
		end_turn();                                                                        \
		assert_seen("1<" expected " 1. ");                                                 \
		buffer_clear(&written);                                                            \
	} while (0)

static inline bool
come_back(const char *id, const char *channel, const sockjs_position *from)
{
	bool recovered = !from;

	assert_int_equal(
	    sockjs_channel_subscribe(connection_of(id), channel, from, &recovered), SOCKJS_OK);
	return recovered;
}

#define TEST(name)                                                                                 \
	{#name " (memory)", test_##name, set_up_in_memory, tear_down_store, NULL},                 \
	{                                                                                          \
#name " (SQLite)", test_##name, set_up_on_disk, tear_down_store, NULL              \
	}

#endif
