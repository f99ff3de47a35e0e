/*
 * See redis_check.h. A loop of its own ends when the server has answered everything, has said what
 * is wrong, or nothing for REDIS_TIMEOUT.
 */
#include "sessiond/redis/redis_check.h"

#include "conf/engine_address.h"
#include "sessiond/redis/redis_library.h"
#include "sessiond/redis/redis_link.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

struct checking {
	const struct redis_client_ops *ops;
	struct engine_address address;
	struct redis_client *client;
	uv_loop_t loop;
	uv_timer_t timer;
	size_t waits; /* replies */
	struct error *err;
};

static void
stop(struct checking *checking)
{
	checking->ops->destroy(&checking->client);
	if (!uv_is_closing((uv_handle_t *)&checking->timer))
		uv_close((uv_handle_t *)&checking->timer, NULL);
}

static void
fail(struct checking *checking, const char *why, const char *remedy)
{
	char *name = engine_address_name(&checking->address);

	error_set(
	    checking->err, EX_UNAVAILABLE, "engine: the Redis at %s: %s; %s", name, why, remedy);
	free(name);
	stop(checking);
}

static void
ended(void *owner, const char *why)
{
	fail(owner, why,
	    "see whether it runs, and is reached from here: `redis-cli ping` says PONG");
}

static void
timed_out(uv_timer_t *timer)
{
	fail(timer->data, "it does not answer", "see whether it is a Redis, and not stopped");
}

static const char *
remedy_of(const char *why)
{
	static const struct {
		const char *begins, *remedy;
	} remedies[] = {
	    {"NOAUTH", "put its password into the URL, redis://:PASSWORD@HOST"},
	    {"WRONGPASS", "the URL has another user or password than the server"},
	    {"ERR invalid password", "the URL has another password than the server (requirepass)"},
	    {"ERR AUTH", "the server has no password: take it out of the URL"},
	    {"ERR DB index", "the server has no such database: see its option `databases`"},
	    {"NOPERM",
		"give that user the rights to the keys and channels sockjs:*, and to scripts"},
	    {"DENIED", "the server is in protected mode: set a password, and put it into the URL"},
	};
	size_t i;

	for (i = 0; i < sizeof remedies / sizeof remedies[0]; i++)
		if (strncmp(why, remedies[i].begins, strlen(remedies[i].begins)) == 0)
			return remedies[i].remedy;
	return "the log of the server may say more";
}

static void
replied(void *owner, const struct redis_reply *reply)
{
	struct checking *checking = owner;
	char why[200];
	size_t len;

	if (checking->ops->type(reply) == REDIS_ERROR) {
		snprintf(why, sizeof why, "%.199s", checking->ops->text(reply, &len));
		fail(checking, why, remedy_of(why));
	} else if (--checking->waits == 0) {
		stop(checking);
	}
}

static void
say(struct checking *checking, int count, const char *const *words)
{
	const char *copy[8];
	size_t lens[8];
	int i;

	for (i = 0; i < count; i++) {
		copy[i] = words[i];
		lens[i] = strlen(words[i]);
	}
	checking->ops->put(checking->client, count, copy, lens);
	checking->waits++;
}

/* As a start does; and one script, which the server has to let us run. */
static void
connected(void *owner)
{
	struct checking *checking = owner;
	const struct engine_address *address = &checking->address;
	char db[12];

	snprintf(db, sizeof db, "%u", address->db);
	if (address->password != NULL && address->user != NULL)
		say(checking, 3, (const char *[]){"AUTH", address->user, address->password});
	else if (address->password != NULL)
		say(checking, 2, (const char *[]){"AUTH", address->password});
	say(checking, 2, (const char *[]){"SELECT", db});
	say(checking, 2, (const char *[]){"INFO", "server"});
	say(checking, 3, (const char *[]){"EVAL", "return redis.call('TIME')", "0"});
	checking->ops->flush(checking->client);
}

static void
run(struct checking *checking)
{
	static const struct redis_client_calls calls = {connected, replied, ended};
	const struct engine_address *address = &checking->address;

	if (uv_loop_init(&checking->loop) != 0)
		abort();
	uv_timer_init(&checking->loop, &checking->timer);
	checking->timer.data = checking;
	uv_timer_start(&checking->timer, timed_out, REDIS_TIMEOUT, 0);
	checking->client = checking->ops->create(
	    &checking->loop, address->host, address->port, address->path, &calls, checking);
	uv_run(&checking->loop, UV_RUN_DEFAULT);
	uv_loop_close(&checking->loop);
}

int
redis_check(const char *option, struct error *err)
{
	struct checking checking = {.err = err};
	int status = engine_address_read(option, &checking.address, err);

	if (status <= 0)
		return status;
	checking.ops = redis_library_load(err);
	if (checking.ops != NULL)
		run(&checking);
	engine_address_clear(&checking.address);
	return err->code == 0 ? 0 : -1;
}
