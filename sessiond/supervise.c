/*
 * See supervise.h. One process without threads or a loop of libuv: signals come by a signalfd,
 * events of the daemon by a pipe, and poll(2) waits for both. The daemon is absent (child 0: the
 * pause before its start runs), starting, or ready.
 */
#include "sessiond/supervise.h"

#include "common/log.h"
#include "common/log_output.h"
#include "sessiond/start_report.h"
#include "sessiond/system/inherited_sockets.h"
#include "sessiond/system/listening_sockets.h"
#include "sessiond/system/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

/*
 * "PID DESCRIPTOR RESTARTS": of the supervisor, of the pipe to it, and how often it has restarted.
 */
#define VARIABLE "SOCKJS_SUPERVISOR"

enum {
	SHORT_LIFE_MS = 1000,
	FIRST_PAUSE_MS = 100,
	LONGEST_PAUSE_MS = 5000,
	STOP_LIMIT_MS = 30000, /* longer than a daemon lets its clients take */
	EVENTS_AT_ONCE = 256,
};

struct supervisor {
	struct listening_sockets sockets;
	char program[PATH_MAX];
	char **argv;
	pid_t pid;	      /* its own: a child that asks who its parent is may ask too late */
	sigset_t old_mask;    /* which the daemon gets */
	int signals;	      /* signalfd */
	int events;	      /* from the daemon, -1: it has closed it */
	pid_t child;	      /* 0: there is none */
	bool is_ready;	      /* the child */
	bool was_ready;	      /* a child, ever */
	bool is_told;	      /* the manager knows of a daemon that is ready */
	bool is_stopping;     /* not to be started again */
	bool is_asked;	      /* the child was told to end */
	int stop_signal;      /* the last one that it was told by */
	bool pass_hup;	      /* when the child is ready */
	bool pass_usr1;	      /* the same */
	unsigned short_lives; /* in a row */
	unsigned restarts;    /* daemons that were started after the first */
	uint64_t started;     /* ms of now_ms, as are these: */
	uint64_t start_due;   /* of the next child */
	uint64_t kill_due;    /* of a child that was told to end; 0: never */
	int status;	      /* -1: go on, else how this process exits */
};

static uint64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* --- the start of a daemon -------------------------------------------------------------------- */

/*
 * In the child: executes the program's file by its name, since another version may lie there by
 * now. If there is no such file, executes the program that runs.
 */
static void
become_daemon(const struct supervisor *supervisor, int events)
{
	char value[64];
	int own = fcntl(events, F_DUPFD, INHERITED_SOCKETS_FIRST + LISTENING_SOCKETS_MAX);

	snprintf(
	    value, sizeof value, "%ld %d %u", (long)supervisor->pid, own, supervisor->restarts);
	if (own == -1 || setenv(VARIABLE, value, 1) == -1 ||
	    inherited_sockets_pass(supervisor->sockets.sockets, supervisor->sockets.count) == -1) {
		log_error("supervisor: %s", strerror(errno));
		_exit(EX_OSERR);
	}
	unsetenv("NOTIFY_SOCKET"); /* the manager listens to its main process */
	setpgid(0, 0);
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &supervisor->old_mask, NULL);
	execv(supervisor->program, supervisor->argv);
	execv("/proc/self/exe", supervisor->argv);
	log_error("supervisor: %s: %s", supervisor->program, strerror(errno));
	_exit(EX_OSERR);
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
start_daemon(struct supervisor *supervisor)
{
	int ends[2] = {-1, -1};
	pid_t child = -1;

	supervisor->started = now_ms();
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0)
		child = fork();
	if (child == 0)
		become_daemon(supervisor, ends[1]);
	if (ends[1] != -1)
		close(ends[1]);
	if (child == -1) {
		log_error("supervisor: cannot start the daemon: %s", strerror(errno));
		if (ends[0] != -1)
			close(ends[0]);
		supervisor->start_due = supervisor->started + LONGEST_PAUSE_MS;
		return;
	}
	supervisor->events = ends[0];
	supervisor->child = child;
}

/* --- its life --------------------------------------------------------------------------------- */

static void
pass_on(struct supervisor *supervisor, bool *is_pending, int number)
{
	if (!*is_pending || !supervisor->is_ready)
		return;
	*is_pending = false;
	kill(supervisor->child, number);
}

/*
 * Passes on the signals that wait for the daemon to be ready. A daemon that does not catch them yet
 * would die of them.
 */
static void
pass_pending(struct supervisor *supervisor)
{
	pass_on(supervisor, &supervisor->pass_hup, SIGHUP);
	pass_on(supervisor, &supervisor->pass_usr1, SIGUSR1);
}

static void
on_event(struct supervisor *supervisor, unsigned char event)
{
	if (event == NOTIFY_READY) {
		supervisor->is_ready = supervisor->was_ready = true;
		start_report_end();
		if (!supervisor->is_told && !supervisor->is_stopping)
			notify(NOTIFY_READY);
		supervisor->is_told = true;
		pass_pending(supervisor);
	} else if (event == NOTIFY_RELOADING) {
		notify(NOTIFY_RELOADING);
		supervisor->is_told = false;
	}
}

static void
close_events(struct supervisor *supervisor)
{
	if (supervisor->events != -1)
		close(supervisor->events);
	supervisor->events = -1;
}

static void
read_events(struct supervisor *supervisor)
{
	unsigned char bytes[EVENTS_AT_ONCE];
	ssize_t i, n = -1;

	/* Not until there are no more: a daemon that goes on writing must not keep signals out. */
	if (supervisor->events != -1)
		n = read(supervisor->events, bytes, sizeof bytes);
	for (i = 0; i < n; i++)
		on_event(supervisor, bytes[i]);
	if (n == 0)
		close_events(supervisor);
}

static void
tell_to_end(struct supervisor *supervisor, int number)
{
	if (supervisor->child == 0)
		return;
	supervisor->is_asked = true;
	supervisor->stop_signal = number;
	supervisor->kill_due = now_ms() + STOP_LIMIT_MS;
	kill(supervisor->child, number);
}

static void
kill_daemon(struct supervisor *supervisor)
{
	log_error("supervisor: the daemon (process %ld) has not ended within %d s, it is killed",
	    (long)supervisor->child, STOP_LIMIT_MS / 1000);
	supervisor->kill_due = 0;
	kill(supervisor->child, SIGKILL);
}

/* --- its death -------------------------------------------------------------------------------- */

static int
exit_status(const struct supervisor *supervisor, int status)
{
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	if (supervisor->is_asked && WTERMSIG(status) == supervisor->stop_signal)
		return EX_OK;
	return 128 + WTERMSIG(status);
}

static void
log_death(pid_t child, int status, bool is_asked, unsigned pause)
{
	char cause[80], again[32] = "at once";

	if (WIFSIGNALED(status))
		snprintf(cause, sizeof cause, "was killed by signal %d (%s%s)", WTERMSIG(status),
		    strsignal(WTERMSIG(status)), WCOREDUMP(status) ? ", core dumped" : "");
	else
		snprintf(cause, sizeof cause, "ended with status %d", WEXITSTATUS(status));
	if (pause > 0)
		snprintf(again, sizeof again, "in %u ms", pause);
	log_at(is_asked ? SEVERITY_INFO : SEVERITY_ERROR,
	    "supervisor: the daemon (process %ld) %s, it is started again %s", (long)child, cause,
	    again);
}

static void
on_death(struct supervisor *supervisor, int status)
{
	const pid_t child = supervisor->child;
	unsigned pause = 0;

	read_events(supervisor); /* it may have been ready, for a moment */
	close_events(supervisor);
	supervisor->child = 0;
	supervisor->is_ready = false;
	supervisor->kill_due = 0;
	if (supervisor->is_stopping ||
	    (!supervisor->was_ready && WIFEXITED(status) && WEXITSTATUS(status) != 0)) {
		supervisor->status = exit_status(supervisor, status);
		return;
	}
	if (!supervisor->is_asked) {
		if (now_ms() - supervisor->started >= SHORT_LIFE_MS)
			supervisor->short_lives = 0;
		else
			pause = pause_of(supervisor->short_lives++);
	}
	supervisor->start_due = now_ms() + pause;
	supervisor->restarts++;
	log_death(child, status, supervisor->is_asked, pause);
	supervisor->is_asked = false;
}

/*
 * Waits for all children: as the first process of a container, this one gets those of others too.
 */
static void
reap(struct supervisor *supervisor)
{
	pid_t child;
	int status;

	while ((child = waitpid(-1, &status, WNOHANG)) > 0)
		if (child == supervisor->child)
			on_death(supervisor, status);
}

/* --- signals ---------------------------------------------------------------------------------- */

static void
stop(struct supervisor *supervisor, int number)
{
	if (!supervisor->is_stopping)
		notify(NOTIFY_STOPPING);
	supervisor->is_stopping = true;
	tell_to_end(supervisor, number);
	if (supervisor->child == 0)
		supervisor->status = EX_OK;
}

static void
restart(struct supervisor *supervisor)
{
	if (supervisor->is_stopping || supervisor->is_asked)
		return;
	log_info("supervisor: SIGUSR2: the daemon is started anew");
	supervisor->short_lives = 0;
	supervisor->start_due = 0;
	tell_to_end(supervisor, SIGTERM);
}

static void
on_signal(struct supervisor *supervisor, int number)
{
	switch (number) {
	case SIGCHLD:
		reap(supervisor);
		break;
	case SIGTERM:
	case SIGINT:
		stop(supervisor, number);
		break;
	case SIGUSR2:
		restart(supervisor);
		break;
	case SIGHUP:
		supervisor->pass_hup = true;
		pass_pending(supervisor);
		break;
	case SIGUSR1:
		supervisor->pass_usr1 = true;
		pass_pending(supervisor);
		break;
	}
}

static void
read_signals(struct supervisor *supervisor)
{
	struct signalfd_siginfo info;

	while (supervisor->status == -1 &&
	    read(supervisor->signals, &info, sizeof info) == sizeof info)
		on_signal(supervisor, (int)info.ssi_signo);
}

/* Signals that were ignored when this process began are caught all the same, and so is SIGCHLD. */
static int
catch_signals(struct supervisor *supervisor, struct error *err)
{
	static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD};
	sigset_t mask;
	size_t i;

	sigemptyset(&mask);
	for (i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		sigaddset(&mask, numbers[i]);
	sigprocmask(SIG_BLOCK, &mask, &supervisor->old_mask);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	supervisor->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (supervisor->signals == -1)
		return error_set(err, EX_OSERR, "signalfd: %s", strerror(errno));
	return 0;
}

/* --- the supervisor --------------------------------------------------------------------------- */

/* Does what is due. Returns the ms until there is more, -1: nothing is. */
static int
run_timers(struct supervisor *supervisor)
{
	const uint64_t now = now_ms();
	uint64_t due;

	if (supervisor->child == 0 && supervisor->start_due <= now)
		start_daemon(supervisor);
	else if (supervisor->child != 0 && supervisor->kill_due != 0 && supervisor->kill_due <= now)
		kill_daemon(supervisor);
	due = supervisor->child == 0 ? supervisor->start_due : supervisor->kill_due;
	if (due == 0)
		return -1;
	return due > now ? (int)(due - now) : 0;
}

static void
run(struct supervisor *supervisor)
{
	while (supervisor->status == -1) {
		int timeout = run_timers(supervisor);
		struct pollfd polled[] = {
		    {.fd = supervisor->signals, .events = POLLIN},
		    {.fd = supervisor->events, .events = POLLIN}, /* -1 is skipped */
		};

		if (log_output_flush() && (timeout == -1 || timeout > LOG_FLUSH_MS))
			timeout = LOG_FLUSH_MS;
		if (poll(polled, 2, timeout) == -1)
			continue;
		if (polled[1].revents != 0)
			read_events(supervisor);
		if (polled[0].revents != 0)
			read_signals(supervisor);
	}
}

static void
find_program(struct supervisor *supervisor)
{
	ssize_t n = readlink("/proc/self/exe", supervisor->program, sizeof supervisor->program - 1);

	supervisor->program[n < 0 ? 0 : n] = '\0';
}

int
supervise_run(const struct config *config, char **argv, struct error *err)
{
	static struct supervisor supervisor;
	struct listening_wish wish;
	char *control;
	int status = -1;

	supervisor = (struct supervisor){
	    .argv = argv, .pid = getpid(), .events = -1, .signals = -1, .status = -1};
	find_program(&supervisor);
	if (listening_wish_init(&wish, &config->server, &control, err) == 0)
		status = listening_sockets_open(&supervisor.sockets, &wish, err);
	free(control);
	if (status == -1)
		return -1;
	if (catch_signals(&supervisor, err) == 0)
		run(&supervisor);
	listening_sockets_close(&supervisor.sockets);
	close(supervisor.signals);
	return supervisor.status;
}

/* --- in the daemon ---------------------------------------------------------------------------- */

static struct {
	pid_t pid; /* 0: none */
	unsigned restarts;
} above; /* the supervisor of this process */

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
	const char *value = getenv(VARIABLE);
	long pid;
	int events;

	if (value == NULL || sscanf(value, "%ld %d %u", &pid, &events, &above.restarts) != 3)
		return 0;
	above.pid = (pid_t)pid;
	unsetenv(VARIABLE);
	fcntl(events, F_SETFD, FD_CLOEXEC);
	notify_set_descriptor(events);
	return tie((pid_t)pid, err);
}

pid_t
supervised_by(void)
{
	return above.pid;
}

unsigned
supervised_restarts(void)
{
	return above.restarts;
}
