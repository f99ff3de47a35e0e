/*
 * trouble: what a module should not do, when a client says so: `block` keeps the loop for a while,
 * `crash` follows a pointer to nowhere, `recurse` uses up the stack, `abort` gives up. An echo
 * otherwise.
 */
#include <sockjs.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK_US = 300000 };

static int *volatile nowhere = (int *)4096; /* not NULL, which a sanitizer looks for */
static volatile int depth;

static int use_stack(volatile char *above);
static int (*volatile next)(volatile char *above) = use_stack;

static int
use_stack(volatile char *above)
{
	volatile char room[4096];

	room[0] = above[0];
	depth++;
	return next(room) + room[0];
}

static void
on_block(sockjs_connection connection)
{
	usleep(BLOCK_US);
	sockjs_write(connection, "blocked", strlen("blocked"));
}

static void
on_crash(sockjs_connection connection)
{
	(void)connection;
	*nowhere = 1;
}

static void
on_recurse(sockjs_connection connection)
{
	(void)connection;
	next(&(volatile char){0});
}

static void
on_abort(sockjs_connection connection)
{
	(void)connection;
	abort();
}

static void
on_data(sockjs_connection connection, const sockjs_message *message)
{
	static const struct {
		const char *name;
		void (*act)(sockjs_connection connection);
	} acts[] = {
	    {"block", on_block},
	    {"crash", on_crash},
	    {"recurse", on_recurse},
	    {"abort", on_abort},
	};

	for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++)
		if (message->len == strlen(acts[i].name) &&
		    memcmp(message->data, acts[i].name, message->len) == 0) {
			acts[i].act(connection);
			return;
		}
	sockjs_write(connection, message->data, message->len);
}

SOCKJS_MODULE = {
    .abi = SOCKJS_ABI,
    .name = "trouble",
    .data = on_data,
};
