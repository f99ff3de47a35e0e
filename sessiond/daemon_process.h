/*
 * A daemon as its supervisor (supervise.h) sees it: a child process, which is absent (the pause
 * before its start runs), starting, or ready. What becomes of it is for the supervisor to say.
 */
#ifndef SESSIOND_DAEMON_PROCESS_H
#define SESSIOND_DAEMON_PROCESS_H

#include "common/error.h"
#include "sessiond/system/listening_sockets.h"
#include "sessiond/supervised.h"

#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What all daemons of a supervisor are started with. */
struct daemon_start {
	char program[PATH_MAX];
	char **argv; /* borrowed */
	pid_t pid;   /* the supervisor: a child that asks who its parent is may ask too late */
	sigset_t mask;
	struct listening_sockets sockets;   /* that all of them share */
	int shares;			    /* accept_share_create's; -1: none */
	char socket[SUPERVISION_PATH_SIZE]; /* they have theirs beside it; "": none */
};

struct daemon_process {
	struct daemon_place place;
	struct listening_sockets own; /* that no other daemon has; empty where there is one */
	pid_t pid;		      /* 0: there is none */
	int events;		      /* from the daemon, -1: it has closed it */
	bool is_ready;
	bool is_asked;	      /* it was told to end */
	bool is_ending;	      /* it has said so itself */
	int stop_signal;      /* the last one that it was told by */
	bool is_reloading;    /* or has been told to, by a signal */
	bool is_alone;	      /* in what it reloads: the others are not told */
	bool is_told;	      /* to reload, by its supervisor: another one has done so */
	bool is_told_later;   /* the same, once it is ready again */
	bool died_reloading;  /* a file that the others do not know yet */
	bool pass_hup;	      /* the signal, once it is ready */
	bool pass_usr1;	      /* the same */
	bool restarts_later;  /* in good order, when it is its turn */
	unsigned short_lives; /* in a row */
	unsigned restarts;
	uint64_t started;   /* ms of daemon_process_now, as are these: */
	uint64_t start_due; /* of the next child; UINT64_MAX: never */
	uint64_t kill_due;  /* of a child that was told to end; 0: never */
};

/* ms of the monotonic clock */
uint64_t daemon_process_now(void);

/* Absent, and due at once. Its own sockets stay as they are; all zero bytes: it has none. */
void daemon_process_init(struct daemon_process *daemon, struct daemon_place place);

/*
 * Opens what a daemon of that place has of its own: beside each Unix socket of the wish, another.
 * They stay open from one child to the next; what a former wish named, and this one does not, is
 * closed. Does nothing if the place is the only one. -1 and an error if one cannot be had.
 */
int daemon_process_listen(struct daemon_process *daemon, struct daemon_place place,
    const struct listening_wish *wish, struct error *err);

/* Starts a child. If that fails, it is due again later. is_first: see struct supervision. */
void daemon_process_start(
    struct daemon_process *daemon, const struct daemon_start *start, bool is_first);

/* Serves, and nothing is under way that its supervisor waits for. */
bool daemon_process_is_settled(const struct daemon_process *daemon);

/*
 * The child has said that it is ready, or again. True if it has taken a configuration that the
 * others do not know of.
 */
bool daemon_process_became_ready(struct daemon_process *daemon);

/*
 * Another daemon has taken a configuration. Has this one told, or told again when it is ready: it
 * is never told twice at a time. One that ends needs nothing, the next reads the file.
 */
void daemon_process_tell(struct daemon_process *daemon);

/*
 * Tells the child to end, by a signal; it has 30 s. Does nothing without one. A child that ends
 * already is not sent the first signal, since it would hurry.
 */
void daemon_process_end(struct daemon_process *daemon, int number);

/* It has not ended in time. */
void daemon_process_kill(struct daemon_process *daemon);

void daemon_process_close_events(struct daemon_process *daemon);

/*
 * The child has ended, with that status of waitpid, and another is to be started after the pause
 * that its life asks for. Logs it.
 */
void daemon_process_ended(struct daemon_process *daemon, int status);

/* The child has ended, and no other is to be started. */
void daemon_process_forget(struct daemon_process *daemon);

/* What the supervisor exits with, if it does because this child has ended. */
int daemon_process_exit_status(const struct daemon_process *daemon, int status);

/* Passes on the signals that wait for the daemon to be ready: before, it would die of them. */
void daemon_process_pass(struct daemon_process *daemon);

#endif
