/*
 * See tail.h. Each of several daemons is followed by a process of its own. A line is written at
 * once, so those of several processes do not mix.
 */
#include "sessiond/ctl/tail.h"

#include "sessiond/ctl/control_client.h"
#include "sessiond/ctl/daemons.h"
#include "sessiond/ctl/event.h"
#include "sessiond/ctl/words.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum { PAUSE_MS = 250 }; /* between two attempts to follow the next daemon */

struct following {
	const char *socket;
	bool as_json;
	bool is_begun; /* a daemon was followed */
	bool is_there; /* one is followed now */
};

static void
begin(void *context)
{
	struct following *following = context;

	if (following->is_begun)
		fprintf(stderr, "sockjsctl: %s: the daemon is there again\n", following->socket);
	following->is_begun = following->is_there = true;
}

static int
print_event(void *context, const char *line, struct error *err)
{
	const struct following *following = context;

	if (following->as_json)
		puts(line);
	else if (event_print(line, stdout) == -1)
		return error_set(err, EX_PROTOCOL, "the daemon's answer cannot be read");
	if (fflush(stdout) == EOF)
		return error_set(err, EX_IOERR, "standard output: %s", strerror(errno));
	return 0;
}

/* It is away, or has no room yet: the tails of before may still end. */
static bool
may_come_back(const struct following *following, const struct error *err)
{
	return following->is_begun && (err->code == EX_UNAVAILABLE || err->code == EX_TEMPFAIL);
}

static void
wait_for_next(struct following *following, struct error *err)
{
	const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};

	if (following->is_there)
		fprintf(stderr, "sockjsctl: %s; waiting for the next one\n", err->text);
	following->is_there = false;
	error_clear(err);
	nanosleep(&pause, NULL);
}

/* Returns -1 and an error. */
static int
tail_at(const char *socket, const struct words *words, struct error *err)
{
	static const struct control_follower follower = {begin, print_event};
	struct following following = {.socket = socket, .as_json = words->as_json};
	struct buffer target = BUFFER_INIT;

	buffer_append_str(&target, "/control/tail?");
	control_append_field(&target, "service", words->service);
	buffer_append_char(&target, '\0');
	if (buffer_failed(&target))
		error_set(err, EX_OSERR, "out of memory");
	else
		while (control_follow(socket, target.data, &follower, &following, err) == -1 &&
		    may_come_back(&following, err))
			wait_for_next(&following, err);
	buffer_free(&target);
	return -1;
}

/* The parent may have died before prctl was done: nobody would end us any more. */
static void
tail_in_child(const char *socket, const struct words *words, pid_t parent)
{
	struct error err = ERROR_INIT;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(EX_UNAVAILABLE);
	tail_at(socket, words, &err);
	fprintf(stderr, "sockjsctl: %s\n", err.text);
	_exit(err.code);
}

int
tail(const struct daemons *daemons, const struct words *words, struct error *err)
{
	pid_t parent = getpid();
	int status = 0;
	unsigned i;

	if (daemons->count == 1)
		return tail_at(daemons->any, words, err);
	for (i = 0; i < daemons->count; i++) {
		pid_t pid = fork();

		if (pid == 0)
			tail_in_child(daemons->sockets[i], words, parent);
		if (pid == -1)
			return error_set(err, EX_OSERR, "fork: %s", strerror(errno));
	}
	if (wait(&status) == -1 || !WIFEXITED(status))
		return EX_UNAVAILABLE;
	return WEXITSTATUS(status);
}
