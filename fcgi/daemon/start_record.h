/*
 * What is known of the starts of sessiond that `autostart` has made, for all responders: two files
 * beside the socket.
 *
 * SOCKET.lock is locked by the daemon and its supervisor while one of them lives. It says how many
 * starts have failed in a row, when the last one was made, and when its failure was last told.
 *
 * SOCKET.stderr is the daemon's standard error until it is ready (sessiond/start_report.h), which
 * removes the file. So it is what a daemon has said that did not become ready.
 */
#ifndef FCGI_DAEMON_START_RECORD_H
#define FCGI_DAEMON_START_RECORD_H

#include "common/error.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#define START_RECORD_WORDS_SIZE 400

struct start_record {
	int lock;	   /* descriptor */
	bool has_failed;   /* the last start */
	unsigned failures; /* in a row */
	time_t started;	   /* s of the system's clock; 0: never */
	time_t told;	   /* the same */
	char stderr_path[PATH_MAX];
};

enum start_record_result {
	START_RECORD_OPEN,
	START_RECORD_HELD, /* a daemon, or its supervisor, lives; or another responder starts one */
	START_RECORD_ERROR,
};

/*
 * Takes the lock and reads what is recorded. A file of another user's is refused, who might hold
 * its lock for ever. An error (EX_CONFIG) names the remedy.
 */
enum start_record_result
start_record_open(struct start_record *record, const char *socket, struct error *err);

/* Writes failures, started and told. */
void start_record_save(const struct start_record *record);

/* Gives up the lock, unless a process that was started meanwhile has it. */
void start_record_close(struct start_record *record);

/* Makes an empty SOCKET.stderr, close-on-exec. -1: that cannot be. */
int start_record_open_stderr(const struct start_record *record);

/*
 * The last line that a daemon has said which is not ready, for a person to read; "" if there is
 * none. False if there is no such daemon. Needs no lock.
 */
bool start_record_last_words(const char *socket, char words[START_RECORD_WORDS_SIZE]);

#endif
