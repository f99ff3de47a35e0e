/*
 * See supervised.h.
 */
#include "sessiond/supervised.h"

#include "sessiond/system/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <unistd.h>

/* What struct supervision has, in its order; the path is the rest. */
#define VARIABLE "SOCKJS_SUPERVISOR"

static struct supervision above = {.events = -1, .shares = -1, .place = {0, 1}, .is_first = true};

int
supervised_pass(const struct supervision *s)
{
	char value[96 + SUPERVISION_PATH_SIZE];

	snprintf(value, sizeof value, "%ld %d %d %u %u %u %d %s", (long)s->supervisor, s->events,
	    s->shares, s->restarts, s->place.index, s->place.count, s->is_first, s->socket);
	return setenv(VARIABLE, value, 1);
}

static bool
read_variable(const char *value, struct supervision *s)
{
	int first = 0, end = 0;
	long pid;

	if (value == NULL ||
	    sscanf(value, "%ld %d %d %u %u %u %d%n", &pid, &s->events, &s->shares, &s->restarts,
		&s->place.index, &s->place.count, &first, &end) != 7)
		return false;
	snprintf(s->socket, sizeof s->socket, "%s", value[end] == ' ' ? value + end + 1 : "");
	s->supervisor = (pid_t)pid;
	s->is_first = first != 0;
	return s->place.count <= DAEMONS_MAX && s->place.index < s->place.count;
}

/* The supervisor may die before prctl is done; then it is no longer our parent. */
static int
tie(pid_t supervisor, struct error *err)
{
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && getppid() == supervisor)
		return 0;
	return error_set(
	    err, EX_UNAVAILABLE, "the supervisor (process %ld) has ended", (long)supervisor);
}

int
supervised_begin(struct error *err)
{
	struct supervision found;

	if (!read_variable(getenv(VARIABLE), &found))
		return 0;
	above = found;
	unsetenv(VARIABLE);
	fcntl(above.events, F_SETFD, FD_CLOEXEC);
	if (above.shares != -1)
		fcntl(above.shares, F_SETFD, FD_CLOEXEC);
	notify_set_descriptor(above.events);
	return tie(above.supervisor, err);
}

const struct supervision *
supervised_by(void)
{
	return &above;
}

int
supervised_require(struct error *err)
{
	if (above.supervisor != 0)
		return 0;
	return error_set(err, EX_UNAVAILABLE,
	    "this daemon has no supervisor that would start it again: `systemctl restart "
	    "sockjs-sessiond` does, and so does one that is started with --supervise");
}

int
supervised_tell(int signal, struct error *err)
{
	if (kill(above.supervisor == 0 ? getpid() : above.supervisor, signal) == 0)
		return 0;
	return error_set(err, EX_OSERR, "the supervisor cannot be told: %s", strerror(errno));
}
