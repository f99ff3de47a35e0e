/*
 * See callback.h. A turn's time is known when it is over; what was called in it is kept until then.
 */
#include "sessiond/service/callback.h"

#include "common/log_limit.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

static const char *const names[CALLBACK_COUNT] = {
    [CALLBACK_START] = "start",
    [CALLBACK_STOP] = "stop",
    [CALLBACK_AUTHORIZE] = "authorize",
    [CALLBACK_CONNECTION] = "connection",
    [CALLBACK_RESUME] = "resume",
    [CALLBACK_SUSPEND] = "suspend",
    [CALLBACK_DATA] = "data",
    [CALLBACK_DRAIN] = "drain",
    [CALLBACK_CLOSE] = "close",
    [CALLBACK_REQUEST] = "request",
    [CALLBACK_JSESSIONID] = "jsessionid",
    [CALLBACK_LOG] = "log",
    [CALLBACK_TIMER] = "a timer's",
    [CALLBACK_RUN] = "sockjs_run's",
};

volatile struct callback_call callback_running;
struct callback_turn callback_turn;
bool callbacks_are_timed;

static struct callback_turn last_turn;
static uint64_t begun, timed_until; /* ms */
static uint64_t slow;		    /* ms */
static pthread_t thread;	    /* of the loop: it has called something */
static bool has_thread;

static uint64_t
now_ms(void)
{
	return uv_hrtime() / 1000000;
}

/* --- calls ------------------------------------------------------------------------------------ */

void
callback_note_owner(const struct callback_owner *owner)
{
	if (callback_turn.owner != NULL)
		callback_turn.has_others = true;
	callback_turn.owner = owner;
	if (has_thread)
		return;
	thread = pthread_self();
	has_thread = true;
}

void
callback_note_begin(void)
{
	begun = now_ms();
}

static void
tell(const struct callback_owner *owner, const char *callbacks, uint64_t ms)
{
	static struct log_limit limit;

	log_limited(&limit, SEVERITY_ERROR,
	    "module %s of [%s] blocked the loop for %llu.%03llu s, in %s (slow_callback is "
	    "%llu ms): nobody else was served meanwhile",
	    owner->module, owner->section, (unsigned long long)ms / 1000,
	    (unsigned long long)ms % 1000, callbacks, (unsigned long long)slow);
}

void
callback_note_end(void)
{
	uint64_t now = now_ms();

	/* It was begun before callbacks were timed. */
	if (begun == 0)
		return;
	if (now - begun >= slow) {
		tell(callback_running.owner, names[callback_running.callback], now - begun);
		callback_turn.is_told = true;
	}
	begun = 0;
	callbacks_are_timed = now < timed_until;
}

/* --- turns ------------------------------------------------------------------------------------ */

void
callbacks_end_turn(void)
{
	/* Nothing is to be done in most turns. */
	if (last_turn.owner == NULL && callback_turn.owner == NULL)
		return;
	last_turn = callback_turn;
	callback_turn = (struct callback_turn){NULL};
}

/* "authorize or connection" */
static void
join_names(unsigned called, char *to, size_t size)
{
	size_t n = 0;
	int i;

	to[0] = '\0';
	for (i = 0; i < CALLBACK_COUNT; i++)
		if (called & 1u << i && n < size)
			n += (size_t)snprintf(
			    to + n, size - n, "%s%s", n == 0 ? "" : " or ", names[i]);
}

static void
tell_of_several(uint64_t ms)
{
	static struct log_limit limit;

	log_limited(&limit, SEVERITY_ERROR,
	    "callbacks of [%s] and of other services blocked the loop for %llu.%03llu s "
	    "(slow_callback is %llu ms): each is timed for a minute, to find which",
	    last_turn.owner->section, (unsigned long long)ms / 1000, (unsigned long long)ms % 1000,
	    (unsigned long long)slow);
}

static bool
is_one(unsigned called)
{
	return (called & (called - 1)) == 0;
}

void
callbacks_slow_turn(uint64_t ms, uint64_t limit)
{
	char text[160];

	slow = limit;
	if (last_turn.owner == NULL || last_turn.is_told)
		return;
	if (last_turn.has_others || !is_one(last_turn.called)) {
		callbacks_are_timed = true;
		timed_until = now_ms() + CALLBACK_TIMED_MS;
	}
	if (last_turn.has_others) {
		tell_of_several(ms);
		return;
	}
	join_names(last_turn.called, text, sizeof text);
	tell(last_turn.owner, text, ms);
}

void
callbacks_forget(const struct callback_owner *owner)
{
	if (callback_turn.owner == owner)
		callback_turn = (struct callback_turn){NULL};
	if (last_turn.owner == owner)
		last_turn = (struct callback_turn){NULL};
}

/* --- the end of the process ------------------------------------------------------------------- */

static size_t
put(char *to, size_t size, size_t n, const char *text)
{
	size_t len = strlen(text);

	if (len > size - n)
		len = size - n;
	memcpy(to + n, text, len);
	return n + len;
}

size_t
callback_describe(char *to, size_t size)
{
	const struct callback_owner *owner = callback_running.owner;
	size_t n = 0;

	if (owner == NULL || !has_thread || !pthread_equal(thread, pthread_self()))
		return 0;
	n = put(to, size, n, "callback ");
	n = put(to, size, n, names[callback_running.callback]);
	n = put(to, size, n, " of module ");
	n = put(to, size, n, owner->module);
	n = put(to, size, n, " in [");
	n = put(to, size, n, owner->section);
	return put(to, size, n, "]");
}
