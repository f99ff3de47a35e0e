/*
 * sessiond/redis/redis_link.h: what is called keeps its order when a server has forgotten scripts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sessiond/redis/redis_link.h"

#include <stdio.h>
#include <string.h>

struct redis_reply {
	enum redis_type type;
	const char *text;
};

/*
 * What has been said to the server: each command's first and last word; and who has been told what.
 */
static char said[500], told[500];
static const struct redis_client_calls *calls;

static void
note(char *list, const char *first, const char *last)
{
	size_t len = strlen(list);

	snprintf(list + len, sizeof said - len, "%s %s;", first, last);
}

/* --- a client whose server is this test ------------------------------------------------------- */

static struct redis_client *
client_create(uv_loop_t *loop, const char *host, const char *port, const char *path,
    const struct redis_client_calls *client_calls, void *owner)
{
	(void)loop, (void)host, (void)port, (void)path, (void)owner;
	calls = client_calls;
	return (struct redis_client *)&calls;
}

static int
client_put(struct redis_client *client, int argc, const char **words, const size_t *lens)
{
	char first[20], last[11]; /* of a script as much as all of them begin with */

	(void)client;
	snprintf(last, sizeof last, "%.*s", (int)lens[argc - 1], words[argc - 1]);
	snprintf(first, sizeof first, "%.*s", (int)lens[0], words[0]);
	note(said, first, last);
	return 0;
}

static void
client_destroy(struct redis_client **client)
{
	*client = NULL;
}

static enum redis_type
reply_type(const struct redis_reply *reply)
{
	return reply->type;
}

static const char *
reply_text(const struct redis_reply *reply, size_t *len)
{
	*len = strlen(reply->text);
	return reply->text;
}

static size_t
reply_count(const struct redis_reply *reply)
{
	(void)reply;
	return 0;
}

static const struct redis_reply *
reply_at(const struct redis_reply *reply, size_t i)
{
	(void)reply, (void)i;
	return NULL;
}

static const struct redis_client_ops ops = {
    .abi = REDIS_CLIENT_ABI,
    .create = client_create,
    .put = client_put,
    .destroy = client_destroy,
    .type = reply_type,
    .text = reply_text,
    .count = reply_count,
    .at = reply_at,
};

/* --- a link ----------------------------------------------------------------------------------- */

static uint64_t
now(void *context)
{
	(void)context;
	return 0;
}

static void
ignore(void *owner)
{
	(void)owner;
}

static struct redis_link link_;
static struct timers timers;

static int
connect_link(void **state)
{
	static const struct redis_link_calls link_calls = {ignore, ignore, NULL};
	static const struct engine_address address = {.path = (char *)"/socket"};
	static const struct redis_reply ok = {REDIS_TEXT, "OK"};

	(void)state;
	timers_init(&timers);
	link_ = (struct redis_link){
	    .ops = &ops, .address = &address, .now = now, .calls = &link_calls, .what = "commands"};
	redis_link_init(&link_, &timers);
	calls->connected(&link_);
	calls->replied(&link_, &ok); /* to SELECT */
	redis_link_ready(&link_);
	said[0] = told[0] = '\0';
	return 0;
}

static int
clear_link(void **state)
{
	(void)state;
	redis_link_clear(&link_);
	return 0;
}

static void
tell(void *name, const struct redis_reply *reply)
{
	note(told, name, reply == NULL ? "away" : reply->text);
}

static void
run(const char *name)
{
	struct redis_words words = {.lens = NULL};

	redis_words_text(&words, "0");
	redis_words_text(&words, name);
	redis_link_run(&link_, REDIS_PUBLISH, &words, tell, (void *)name);
}

static void
call(const char *name)
{
	struct redis_words words = {.lens = NULL};

	redis_words_text(&words, "PUBLISH");
	redis_words_text(&words, name);
	redis_link_call(&link_, &words, tell, (void *)name);
}

static void
answer(const char *text)
{
	const struct redis_reply reply = {
	    strncmp(text, "NOSCRIPT", 8) == 0 ? REDIS_ERROR : REDIS_TEXT, text};

	calls->replied(&link_, &reply);
}

/* All scripts, whichever was not known: a call with another would overtake one that is repeated. */
#define LOADED "SCRIPT local call;SCRIPT local call;SCRIPT local call;"

static void
answer_loads(void)
{
	size_t i;

	for (i = 0; i < REDIS_SCRIPTS; i++)
		answer("its hash");
}

/* What was said or told since the last time. */
static void
expect(char *list, const char *expected)
{
	assert_string_equal(list, expected);
	list[0] = '\0';
}

static void
test_order(void **state)
{
	(void)state;
	run("a");
	run("b");
	expect(said, "EVALSHA a;EVALSHA b;");
	answer("1");
	expect(told, "a 1;");
	run("c");
	call("d");
	expect(said, "EVALSHA c;PUBLISH d;");
	answer("NOSCRIPT No matching script");
	run("e");
	answer("NOSCRIPT No matching script");
	call("f");
	expect(said, "");
	expect(told, "");
	answer("0");
	expect(told, "d 0;");
	expect(said, LOADED "EVAL b;EVAL c;EVAL e;PUBLISH f;");
	run("g");
	expect(said, "EVALSHA g;");
	answer_loads();
	answer("2");
	answer("3");
	answer("5");
	answer("0");
	answer("7");
	expect(told, "b 2;c 3;e 5;f 0;g 7;");
}

/* A script that cannot be made known is no reason to try for ever. */
static void
test_refused(void **state)
{
	(void)state;
	run("a");
	answer("NOSCRIPT No matching script");
	expect(said, "EVALSHA a;" LOADED "EVAL a;");
	answer_loads();
	answer("NOSCRIPT still");
	expect(told, "a NOSCRIPT still;");
	expect(said, "");
}

static void
test_lost(void **state)
{
	(void)state;
	run("a");
	run("b");
	answer("NOSCRIPT No matching script");
	run("c");
	calls->ended(&link_, "gone");
	expect(told, "a away;b away;c away;");
	run("d");
	expect(told, "d away;");
	expect(said, "EVALSHA a;EVALSHA b;");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_order, connect_link, clear_link),
	    cmocka_unit_test_setup_teardown(test_refused, connect_link, clear_link),
	    cmocka_unit_test_setup_teardown(test_lost, connect_link, clear_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
