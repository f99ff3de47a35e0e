/*
 * Which callback of a module runs, for the log: when the process dies of it, and when it keeps the
 * loop from everybody else.
 *
 * A call of a module costs no look at the clock: the loop knows how long its turns are. Of a long
 * one that had callbacks of one service alone the log names them at once. Otherwise each callback
 * is timed from then on, for CALLBACK_TIMED_MS.
 *
 * For the thread of the loop only, unless it says otherwise.
 */
#ifndef SESSIOND_CALLBACK_H
#define SESSIOND_CALLBACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CALLBACK_TIMED_MS = 60000 };

/* Those of sockjs.h, and functions that a module has handed over. */
enum callback {
	CALLBACK_START,
	CALLBACK_STOP,
	CALLBACK_AUTHORIZE,
	CALLBACK_CONNECTION,
	CALLBACK_RESUME,
	CALLBACK_SUSPEND,
	CALLBACK_DATA,
	CALLBACK_DRAIN,
	CALLBACK_CLOSE,
	CALLBACK_REQUEST,
	CALLBACK_JSESSIONID,
	CALLBACK_LOG,
	CALLBACK_TIMER,
	CALLBACK_RUN,
	CALLBACK_COUNT,
};

/* Whose callback it is: a service. */
struct callback_owner {
	const char *section; /* as errors show it */
	const char *module;  /* its name in sockjs.conf */
};

struct callback_call {
	const struct callback_owner *owner; /* NULL: none is called */
	enum callback callback;
};

/* --- private, for the two that follow --------------------------------------------------------- */

struct callback_turn {
	const struct callback_owner *owner; /* of the last callback; NULL: none so far */
	unsigned called;		    /* bit 1 << enum callback of each */
	bool has_others;		    /* and of other services */
	bool is_told;			    /* the log has one of its callbacks */
};

extern volatile struct callback_call callback_running;
extern struct callback_turn callback_turn;
extern bool callbacks_are_timed;

void callback_note_owner(const struct callback_owner *owner);
void callback_note_begin(void);
void callback_note_end(void);

/* --- calls ------------------------------------------------------------------------------------ */

/*
 * A callback is called (service_call), and has returned. callback_begin gives what callback_end
 * gets: a callback may be called within another. The owner is borrowed until callbacks_forget.
 */
static inline struct callback_call
callback_begin(const struct callback_owner *owner, enum callback callback)
{
	struct callback_call outer = {callback_running.owner, callback_running.callback};

	callback_running.callback = callback;
	callback_running.owner = owner;
	callback_turn.called |= 1u << callback;
	if (callback_turn.owner != owner)
		callback_note_owner(owner);
	if (callbacks_are_timed && outer.owner == NULL)
		callback_note_begin();
	return outer;
}

static inline void
callback_end(struct callback_call outer)
{
	if (callbacks_are_timed && outer.owner == NULL)
		callback_note_end();
	callback_running.owner = outer.owner;
	callback_running.callback = outer.callback;
}

/* --- the log ---------------------------------------------------------------------------------- */

/* The turn of the loop is over, but for callbacks_slow_turn. */
void callbacks_end_turn(void);

/*
 * That turn took ms, which is more than `limit` (ms, the option slow_callback): if modules were
 * called in it, the log says so.
 */
void callbacks_slow_turn(uint64_t ms, uint64_t limit);

/* An owner is about to be freed. */
void callbacks_forget(const struct callback_owner *owner);

/*
 * Writes "callback NAME of module M in [service /x]" to `to`, cut to size, for what this thread is
 * calling, and returns its length; 0 if it calls nothing. For handlers of signals, too.
 */
size_t callback_describe(char *to, size_t size);

#endif
