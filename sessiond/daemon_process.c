/*
 * See daemon_process.h.
 */
#include "sessiond/daemon_process.h"

#include "common/log.h"
#include "sessiond/system/inherited_sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum {
	SHORT_LIFE_MS = 1000,
	FIRST_PAUSE_MS = 100,
	LONGEST_PAUSE_MS = 5000,
	STOP_LIMIT_MS = 30000, /* longer than a daemon lets its clients take */
	NAME_SIZE = 64,
};

uint64_t
daemon_process_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void
daemon_process_init(struct daemon_process *daemon, struct daemon_place place)
{
	const struct listening_sockets own = daemon->own;

	*daemon = (struct daemon_process){.place = place, .own = own, .events = -1};
}

/* For the log. */
static const char *
name_of(const struct daemon_process *daemon, char text[NAME_SIZE])
{
	if (daemon->place.count == 1)
		snprintf(text, NAME_SIZE, "the daemon (process %ld)", (long)daemon->pid);
	else
		snprintf(text, NAME_SIZE, "daemon %u (process %ld)", daemon->place.index,
		    (long)daemon->pid);
	return text;
}

int
daemon_process_listen(struct daemon_process *daemon, struct daemon_place place,
    const struct listening_wish *wish, struct error *err)
{
	char *path = daemon_place_path(wish->path, &place);
	char *control = daemon_place_path(wish->control, &place);
	struct listening_wish own = *wish;
	int status = 0;

	own.addresses = NULL;
	own.path = path;
	own.control = control;
	own.beside = 0;
	if (place.count > 1)
		status = listening_sockets_replace(&daemon->own, &own, err);
	free(path);
	free(control);
	return status;
}

/* --- the start -------------------------------------------------------------------------------- */

static int
pass_sockets(const struct daemon_process *daemon, const struct daemon_start *start)
{
	struct listening_socket all[2 * LISTENING_SOCKETS_MAX];
	size_t count = start->sockets.count, i;

	memcpy(all, start->sockets.sockets, count * sizeof all[0]);
	for (i = 0; i < count; i++)
		all[i].is_shared = daemon->place.count > 1;
	for (i = 0; i < daemon->own.count; i++)
		all[count++] = daemon->own.sockets[i];
	return inherited_sockets_pass(all, count);
}

/*
 * In the child: executes the program's file by its name, since another version may lie there by
 * now. If there is no such file, executes the program that runs.
 */
static void
become_daemon(const struct daemon_process *daemon, const struct daemon_start *start, int events,
    bool is_first)
{
	const int first = INHERITED_SOCKETS_FIRST + LISTENING_SOCKETS_MAX;
	struct supervision supervision = {start->pid, fcntl(events, F_DUPFD, first), -1,
	    daemon->restarts, daemon->place, is_first, ""};

	memcpy(supervision.socket, start->socket, sizeof supervision.socket);
	if (start->shares != -1)
		supervision.shares = fcntl(start->shares, F_DUPFD, first);
	if (supervision.events == -1 || supervised_pass(&supervision) == -1 ||
	    pass_sockets(daemon, start) == -1) {
		log_error("supervisor: %s", strerror(errno));
		_exit(EX_OSERR);
	}
	unsetenv("NOTIFY_SOCKET"); /* the manager listens to its main process */
	setpgid(0, 0);
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &start->mask, NULL);
	execv(start->program, start->argv);
	execv("/proc/self/exe", start->argv);
	log_error("supervisor: %s: %s", start->program, strerror(errno));
	_exit(EX_OSERR);
}

void
daemon_process_start(struct daemon_process *daemon, const struct daemon_start *start, bool is_first)
{
	int ends[2] = {-1, -1};
	pid_t child = -1;

	daemon->started = daemon_process_now();
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0)
		child = fork();
	if (child == 0)
		become_daemon(daemon, start, ends[1], is_first);
	if (ends[1] != -1)
		close(ends[1]);
	if (child == -1) {
		log_error("supervisor: cannot start the daemon: %s", strerror(errno));
		if (ends[0] != -1)
			close(ends[0]);
		daemon->start_due = daemon->started + LONGEST_PAUSE_MS;
		return;
	}
	daemon->events = ends[0];
	daemon->pid = child;
}

/* --- its life --------------------------------------------------------------------------------- */

bool
daemon_process_is_settled(const struct daemon_process *daemon)
{
	return daemon->is_ready && !daemon->is_asked && !daemon->is_ending &&
	    !daemon->is_reloading && !daemon->is_told;
}

static bool
reloads_first(const struct daemon_process *daemon)
{
	return daemon->died_reloading ||
	    (daemon->is_reloading && !daemon->is_alone && !daemon->is_told);
}

bool
daemon_process_became_ready(struct daemon_process *daemon)
{
	bool is_first = reloads_first(daemon);

	daemon->is_told = daemon->pass_hup = daemon->is_told_later;
	daemon->is_reloading = daemon->is_alone = daemon->is_told_later = daemon->died_reloading =
	    false;
	daemon->is_ready = true;
	return is_first;
}

void
daemon_process_tell(struct daemon_process *daemon)
{
	if (daemon_process_is_settled(daemon))
		daemon->is_told = daemon->pass_hup = true;
	else if (daemon->pid != 0 && !daemon->is_asked && !daemon->is_ending)
		daemon->is_told_later = true;
}

static bool
pass_on(const struct daemon_process *daemon, bool *is_pending, int number)
{
	if (!*is_pending || !daemon->is_ready)
		return false;
	*is_pending = false;
	kill(daemon->pid, number);
	return true;
}

void
daemon_process_pass(struct daemon_process *daemon)
{
	if (pass_on(daemon, &daemon->pass_hup, SIGHUP))
		daemon->is_reloading = true;
	pass_on(daemon, &daemon->pass_usr1, SIGUSR1);
}

void
daemon_process_close_events(struct daemon_process *daemon)
{
	if (daemon->events != -1)
		close(daemon->events);
	daemon->events = -1;
}

/* --- its end ---------------------------------------------------------------------------------- */

void
daemon_process_end(struct daemon_process *daemon, int number)
{
	bool is_known = daemon->is_ending && !daemon->is_asked;

	if (daemon->pid == 0)
		return;
	daemon->is_asked = true;
	daemon->stop_signal = number;
	daemon->kill_due = daemon_process_now() + STOP_LIMIT_MS;
	if (!is_known)
		kill(daemon->pid, number);
}

void
daemon_process_kill(struct daemon_process *daemon)
{
	char name[NAME_SIZE];

	log_error("supervisor: %s has not ended within %d s, it is killed", name_of(daemon, name),
	    STOP_LIMIT_MS / 1000);
	daemon->kill_due = 0;
	kill(daemon->pid, SIGKILL);
}

int
daemon_process_exit_status(const struct daemon_process *daemon, int status)
{
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	if (daemon->is_asked && WTERMSIG(status) == daemon->stop_signal)
		return EX_OK;
	return 128 + WTERMSIG(status);
}

static unsigned
pause_of(unsigned short_lives)
{
	unsigned pause = short_lives == 0 ? 0 : FIRST_PAUSE_MS;

	while (short_lives-- > 1 && pause < LONGEST_PAUSE_MS)
		pause *= 2;
	return pause < LONGEST_PAUSE_MS ? pause : LONGEST_PAUSE_MS;
}

static void
log_death(const struct daemon_process *daemon, int status, unsigned pause)
{
	char cause[80], again[32] = "at once", name[NAME_SIZE];

	if (WIFSIGNALED(status))
		snprintf(cause, sizeof cause, "was killed by signal %d (%s%s)", WTERMSIG(status),
		    strsignal(WTERMSIG(status)), WCOREDUMP(status) ? ", core dumped" : "");
	else
		snprintf(cause, sizeof cause, "ended with status %d", WEXITSTATUS(status));
	if (pause > 0)
		snprintf(again, sizeof again, "in %u ms", pause);
	log_at(daemon->is_asked ? SEVERITY_INFO : SEVERITY_ERROR,
	    "supervisor: %s %s, it is started again %s", name_of(daemon, name), cause, again);
}

void
daemon_process_forget(struct daemon_process *daemon)
{
	daemon_process_close_events(daemon);
	daemon->pid = 0;
	daemon->is_ready = daemon->is_asked = daemon->is_ending = daemon->restarts_later = false;
	daemon->is_reloading = daemon->is_alone = daemon->is_told = daemon->is_told_later = false;
	daemon->pass_hup = false;
	daemon->kill_due = 0;
}

void
daemon_process_ended(struct daemon_process *daemon, int status)
{
	const uint64_t now = daemon_process_now();
	unsigned pause = 0;

	if (!daemon->is_asked) {
		if (now - daemon->started >= SHORT_LIFE_MS)
			daemon->short_lives = 0;
		else
			pause = pause_of(daemon->short_lives++);
	}
	daemon->start_due = now + pause;
	daemon->restarts++;
	log_death(daemon, status, pause);
	daemon->died_reloading = reloads_first(daemon);
	daemon_process_forget(daemon);
}
