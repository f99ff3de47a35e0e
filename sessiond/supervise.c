/*
 * See supervise.h. One process without threads or a loop of libuv: signals come by a signalfd,
 * events of each daemon by a pipe, and poll(2) waits for all.
 *
 * Of several daemons the first is started alone, and the others once it is ready. So a mistake is
 * told once, and the first can put the stores in order while nobody else has them.
 */
#include "sessiond/supervise.h"

#include "common/log.h"
#include "common/log_output.h"
#include "conf/config_read.h"
#include "sessiond/daemon_process.h"
#include "sessiond/start_report.h"
#include "sessiond/system/accept_share.h"
#include "sessiond/system/listening_sockets.h"
#include "sessiond/system/notify.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

enum { EVENTS_AT_ONCE = 256 };

struct supervisor {
	const struct config *config; /* as it was at the start */
	struct daemon_start start;
	int signals; /* signalfd */
	struct daemon_process daemons[DAEMONS_MAX];
	unsigned count;
	unsigned next_count; /* how many are started once all have ended; 0: it stays as it is */
	struct accept_share *shares; /* NULL: there is one daemon */
	bool is_begun;		     /* the first was ready, after none was there */
	bool was_ready;		     /* all of them, ever */
	bool is_printed;	     /* that all of them are ready */
	bool is_told;		     /* the manager knows of daemons that are ready */
	bool is_stopping;	     /* none is to be started again */
	bool pass_hup;		     /* to the first daemon that is settled */
	int exit_status;	     /* the first of those that ended last that is not 0 */
	int status;		     /* -1: go on, else how this process exits */
};

/* Behind the last daemon. */
static struct daemon_process *
end_of(struct supervisor *supervisor)
{
	return supervisor->daemons + supervisor->count;
}

static bool
is_any_alive(struct supervisor *supervisor)
{
	struct daemon_process *d;

	for (d = supervisor->daemons; d < end_of(supervisor); d++)
		if (d->pid != 0)
			return true;
	return false;
}

static bool
are_all_ready(struct supervisor *supervisor)
{
	struct daemon_process *d;

	for (d = supervisor->daemons; d < end_of(supervisor); d++)
		if (!daemon_process_is_settled(d))
			return false;
	return true;
}

static void
end_all(struct supervisor *supervisor, int number)
{
	struct daemon_process *d;

	for (d = supervisor->daemons; d < end_of(supervisor); d++)
		daemon_process_end(d, number);
}

/* --- their life ------------------------------------------------------------------------------- */

/* A daemon that is alone says so itself. */
static void
print_ready(struct supervisor *supervisor)
{
	if (supervisor->count > 1 && !supervisor->is_printed)
		listening_sockets_print(&supervisor->start.sockets);
	supervisor->is_printed = true;
}

/* One daemon after the other: the next is ended once all are there again. */
static void
restart_next(struct supervisor *supervisor)
{
	struct daemon_process *d;

	if (supervisor->is_stopping || !are_all_ready(supervisor))
		return;
	for (d = supervisor->daemons; d < end_of(supervisor); d++)
		if (d->restarts_later) {
			daemon_process_end(d, SIGTERM);
			return;
		}
}

static void
all_are_ready(struct supervisor *supervisor)
{
	supervisor->was_ready = true;
	start_report_end();
	if (!supervisor->is_told && !supervisor->is_stopping)
		notify(NOTIFY_READY);
	supervisor->is_told = true;
	print_ready(supervisor);
	restart_next(supervisor);
}

/* A daemon that does not catch signals yet would die of them. */
static void
pass_pending(struct supervisor *supervisor)
{
	struct daemon_process *d;

	for (d = supervisor->daemons; d < end_of(supervisor); d++) {
		if (supervisor->pass_hup && daemon_process_is_settled(d)) {
			supervisor->pass_hup = false;
			d->pass_hup = true;
		}
		daemon_process_pass(d);
	}
}

/* One of them has taken a configuration without being told here to: now the others get it. */
static void
spread_reload(struct supervisor *supervisor, const struct daemon_process *origin)
{
	struct daemon_process *d;

	for (d = supervisor->daemons; d < end_of(supervisor); d++)
		if (d != origin)
			daemon_process_tell(d);
}

static void
on_ready(struct supervisor *supervisor, struct daemon_process *daemon)
{
	supervisor->is_begun = true;
	if (daemon_process_became_ready(daemon))
		spread_reload(supervisor, daemon);
	if (are_all_ready(supervisor))
		all_are_ready(supervisor);
	pass_pending(supervisor);
}

static void
on_event(struct supervisor *supervisor, struct daemon_process *daemon, unsigned char event)
{
	if (event == NOTIFY_READY) {
		on_ready(supervisor, daemon);
	} else if (event == NOTIFY_RELOADING) {
		daemon->is_reloading = true;
		if (supervisor->is_told)
			notify(NOTIFY_RELOADING);
		supervisor->is_told = false;
	} else if (event == NOTIFY_ALONE) {
		daemon->is_alone = true;
	} else if (event == NOTIFY_STOPPING) {
		daemon->is_ending = true;
	}
}

static void
read_events(struct supervisor *supervisor, struct daemon_process *daemon)
{
	unsigned char bytes[EVENTS_AT_ONCE];
	ssize_t i, n = -1;

	/* Not until there are no more: a daemon that goes on writing must not keep signals out. */
	if (daemon->events != -1)
		n = read(daemon->events, bytes, sizeof bytes);
	for (i = 0; i < n; i++)
		on_event(supervisor, daemon, bytes[i]);
	if (n == 0)
		daemon_process_close_events(daemon);
}

/* --- where they listen, and how many they are ------------------------------------------------- */

/* Of so many daemons each listens on sockets of its own, too. */
static int
listen_each(struct supervisor *supervisor, unsigned count, const struct listening_wish *wish,
    struct error *err)
{
	unsigned i;

	for (i = 0; i < count; i++)
		if (daemon_process_listen(
			&supervisor->daemons[i], (struct daemon_place){i, count}, wish, err) == -1)
			return -1;
	snprintf(supervisor->start.socket, sizeof supervisor->start.socket, "%s",
	    count == 1 ? "" : wish->path);
	return 0;
}

/* Closes the sockets of those that are not there. */
static void
close_others(struct supervisor *supervisor)
{
	unsigned i;

	for (i = supervisor->count == 1 ? 0 : supervisor->count; i < DAEMONS_MAX; i++)
		listening_sockets_close(&supervisor->daemons[i].own);
}

/* Without, it is left to chance who accepts how much. */
static void
share_accepts(struct supervisor *supervisor)
{
	if (supervisor->count == 1 || supervisor->start.shares != -1)
		return;
	supervisor->start.shares = accept_share_create();
	if (supervisor->start.shares != -1)
		supervisor->shares = accept_share_map(supervisor->start.shares);
}

/* None of them is there now. */
static void
begin(struct supervisor *supervisor, unsigned count)
{
	unsigned i;

	supervisor->count = count;
	supervisor->next_count = 0;
	supervisor->is_begun = supervisor->is_printed = false;
	share_accepts(supervisor);
	close_others(supervisor);
	for (i = 0; i < count; i++)
		daemon_process_init(&supervisor->daemons[i], (struct daemon_place){i, count});
}

static int
listen_anew(struct supervisor *supervisor, const struct config *fresh, struct error *err)
{
	struct listening_sockets *sockets = &supervisor->start.sockets, added = {.count = 0};
	bool stays[LISTENING_SOCKETS_MAX];
	struct listening_wish wish;
	char *control;
	int status = listening_wish_init(&wish, &fresh->server, &control, err);

	if (status == 0)
		status = listening_sockets_change(sockets, &wish, &added, stays, err);
	if (status == 0)
		status = listen_each(supervisor, fresh->server.daemons, &wish, err);
	if (status == 0)
		listening_sockets_commit(sockets, &added, stays);
	else
		listening_sockets_close(&added);
	free(control);
	return status;
}

/*
 * Before a restart: what daemons that are several cannot change themselves. If the file is no good,
 * or of a version that this supervisor is too old for, all that stays as it is.
 */
static void
read_again(struct supervisor *supervisor)
{
	struct error err = ERROR_INIT;
	struct config *fresh = config_read(supervisor->config->path, &err);
	bool is_alone = supervisor->count == 1 && (fresh == NULL || fresh->server.daemons == 1);

	if (fresh != NULL)
		config_override(fresh, &supervisor->config->command_line);
	if (!is_alone &&
	    (fresh == NULL || config_check_daemons(fresh, &err) == -1 ||
		listen_anew(supervisor, fresh, &err) == -1))
		log_error("supervisor: %s; the number of daemons and the addresses stay", err.text);
	else if (!is_alone && fresh->server.daemons != supervisor->count)
		supervisor->next_count = fresh->server.daemons;
	if (supervisor->next_count == 0)
		close_others(supervisor);
	config_destroy(&fresh);
}

/* --- their death ------------------------------------------------------------------------------ */

/* Something is to be done once none of them is there. */
static void
settle(struct supervisor *supervisor)
{
	if (is_any_alive(supervisor))
		return;
	if (supervisor->is_stopping)
		supervisor->status = supervisor->exit_status;
	else if (supervisor->next_count != 0)
		begin(supervisor, supervisor->next_count);
}

static void
on_death(struct supervisor *supervisor, struct daemon_process *daemon, int status)
{
	bool has_failed;

	read_events(supervisor, daemon); /* it may have been ready, for a moment */
	if (supervisor->shares != NULL)
		accept_share_leave(supervisor->shares, daemon->place.index);
	has_failed = !supervisor->was_ready && WIFEXITED(status) && WEXITSTATUS(status) != 0;
	if (supervisor->is_stopping || has_failed) {
		if (supervisor->exit_status == EX_OK)
			supervisor->exit_status = daemon_process_exit_status(daemon, status);
		daemon_process_forget(daemon);
		if (!supervisor->is_stopping)
			end_all(supervisor, SIGTERM);
		supervisor->is_stopping = true;
	} else if (supervisor->next_count != 0) {
		daemon_process_forget(daemon);
	} else {
		daemon_process_ended(daemon, status);
		supervisor->is_printed = false;
	}
	settle(supervisor);
}

/*
 * Waits for all children: as the first process of a container, this one gets those of others too.
 */
static void
reap(struct supervisor *supervisor)
{
	struct daemon_process *d;
	pid_t child;
	int status;

	while ((child = waitpid(-1, &status, WNOHANG)) > 0)
		for (d = supervisor->daemons; d < end_of(supervisor); d++)
			if (child == d->pid) {
				on_death(supervisor, d, status);
				break;
			}
}

/* --- signals ---------------------------------------------------------------------------------- */

static void
stop(struct supervisor *supervisor, int number)
{
	if (!supervisor->is_stopping)
		notify(NOTIFY_STOPPING);
	supervisor->is_stopping = true;
	end_all(supervisor, number);
	settle(supervisor);
}

static void
restart_each(struct supervisor *supervisor)
{
	struct daemon_process *d;

	for (d = supervisor->daemons; d < end_of(supervisor); d++) {
		d->short_lives = 0;
		d->start_due = 0;
		if (d->is_ready && supervisor->count > 1)
			d->restarts_later = true;
		else
			daemon_process_end(d, SIGTERM);
	}
	restart_next(supervisor);
}

static void
restart(struct supervisor *supervisor)
{
	if (supervisor->is_stopping || supervisor->next_count != 0 ||
	    (supervisor->count == 1 && supervisor->daemons[0].is_asked))
		return;
	read_again(supervisor);
	if (supervisor->next_count != 0) {
		log_info("supervisor: SIGUSR2: daemons: %u in the place of %u",
		    supervisor->next_count, supervisor->count);
		end_all(supervisor, SIGTERM);
		settle(supervisor);
		return;
	}
	log_info("supervisor: SIGUSR2: %s started anew",
	    supervisor->count == 1 ? "the daemon is" : "the daemons are, one after the other,");
	restart_each(supervisor);
}

static void
pass_usr1(struct supervisor *supervisor)
{
	struct daemon_process *d;

	for (d = supervisor->daemons; d < end_of(supervisor); d++)
		d->pass_usr1 = true;
	pass_pending(supervisor);
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
		pass_usr1(supervisor);
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
	sigprocmask(SIG_BLOCK, &mask, &supervisor->start.mask);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	supervisor->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (supervisor->signals == -1)
		return error_set(err, EX_OSERR, "signalfd: %s", strerror(errno));
	return 0;
}

/* --- the supervisor --------------------------------------------------------------------------- */

static bool
may_start(const struct supervisor *supervisor, const struct daemon_process *daemon)
{
	return !supervisor->is_stopping && supervisor->next_count == 0 &&
	    (supervisor->is_begun || daemon->place.index == 0);
}

/* Does what is due of a daemon. Returns when there is more to do, UINT64_MAX: never. */
static uint64_t
run_daemon(struct supervisor *supervisor, struct daemon_process *daemon, uint64_t now)
{
	if (daemon->pid == 0 && !may_start(supervisor, daemon))
		return UINT64_MAX;
	if (daemon->pid == 0 && daemon->start_due <= now)
		daemon_process_start(daemon, &supervisor->start, !supervisor->is_begun);
	else if (daemon->pid != 0 && daemon->kill_due != 0 && daemon->kill_due <= now)
		daemon_process_kill(daemon);
	if (daemon->pid == 0)
		return daemon->start_due;
	return daemon->kill_due == 0 ? UINT64_MAX : daemon->kill_due;
}

/* Does what is due. Returns the ms until there is more, -1: nothing is. */
static int
run_timers(struct supervisor *supervisor)
{
	const uint64_t now = daemon_process_now();
	uint64_t due = UINT64_MAX;
	struct daemon_process *d;

	for (d = supervisor->daemons; d < end_of(supervisor); d++) {
		uint64_t of_daemon = run_daemon(supervisor, d, now);

		if (of_daemon < due)
			due = of_daemon;
	}
	if (due == UINT64_MAX)
		return -1;
	return due > now ? (int)(due - now) : 0;
}

/* -1 as a descriptor is skipped. */
static int
wait_for_events(struct supervisor *supervisor, int timeout)
{
	struct pollfd polled[DAEMONS_MAX + 1];
	unsigned i;

	for (i = 0; i < supervisor->count; i++)
		polled[i] = (struct pollfd){supervisor->daemons[i].events, POLLIN, 0};
	polled[i] = (struct pollfd){supervisor->signals, POLLIN, 0};
	if (poll(polled, supervisor->count + 1, timeout) == -1)
		return -1;
	for (i = 0; i < supervisor->count; i++)
		if (polled[i].revents != 0)
			read_events(supervisor, &supervisor->daemons[i]);
	return polled[i].revents;
}

static void
run(struct supervisor *supervisor)
{
	while (supervisor->status == -1) {
		int timeout = run_timers(supervisor);

		if (log_output_flush() && (timeout == -1 || timeout > LOG_FLUSH_MS))
			timeout = LOG_FLUSH_MS;
		if (wait_for_events(supervisor, timeout) > 0)
			read_signals(supervisor);
	}
}

static void
find_program(struct daemon_start *start)
{
	ssize_t n = readlink("/proc/self/exe", start->program, sizeof start->program - 1);

	start->program[n < 0 ? 0 : n] = '\0';
}

static int
listen_first(struct supervisor *supervisor, struct error *err)
{
	struct listening_wish wish;
	char *control;
	int status = listening_wish_init(&wish, &supervisor->config->server, &control, err);

	if (status == 0)
		status = listening_sockets_open(&supervisor->start.sockets, &wish, err);
	if (status == 0)
		status = listen_each(supervisor, supervisor->count, &wish, err);
	free(control);
	return status;
}

static void
close_sockets(struct supervisor *supervisor)
{
	listening_sockets_close(&supervisor->start.sockets);
	supervisor->count = 0;
	close_others(supervisor);
}

int
supervise_run(const struct config *config, char **argv, struct error *err)
{
	static struct supervisor supervisor;

	supervisor = (struct supervisor){
	    .config = config,
	    .start = {.argv = argv, .pid = getpid(), .shares = -1},
	    .signals = -1,
	    .status = -1,
	};
	if (config_check_daemons(config, err) == -1)
		return -1;
	find_program(&supervisor.start);
	begin(&supervisor, config->server.daemons);
	if (listen_first(&supervisor, err) == -1) {
		close_sockets(&supervisor);
		return -1;
	}
	if (catch_signals(&supervisor, err) == 0)
		run(&supervisor);
	close_sockets(&supervisor);
	close(supervisor.signals);
	return supervisor.status;
}
