/*
 * See autostart.h.
 */
#include "fcgi/daemon/autostart.h"

#include "common/log.h"
#include "common/log_limit.h"
#include "fcgi/daemon/start_record.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#ifndef SBIN_FOLDER
#define SBIN_FOLDER "/usr/local/sbin"
#endif

#define PROGRAM "sockjs-sessiond"

/* What the daemon's standard error is once it is ready: "DESCRIPTOR PATH-OF-THE-PRESENT-ONE". */
#define VARIABLE "SOCKJS_STDERR"

enum {
	LOCK_DESCRIPTOR = 64, /* at least */
	LONGEST_PAUSE = 60,   /* s, between two starts */
	TELLING_PAUSE = 60,   /* s, between two lines about failures */
};

/* Writes where the daemon's program is. */
static void
find_program(const struct fcgi_options *options, char path[PATH_MAX])
{
	static const char *const places[] = {
	    "%s/" PROGRAM, "%s/../sessiond/" PROGRAM, "%s/../sbin/" PROGRAM};
	char folder[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", folder, sizeof folder - 1);
	char *slash;
	size_t i;

	if (options->sessiond != NULL) {
		snprintf(path, PATH_MAX, "%s", options->sessiond);
		return;
	}
	folder[n < 0 ? 0 : n] = '\0';
	slash = strrchr(folder, '/');
	if (slash != NULL)
		*slash = '\0';
	for (i = 0; i < sizeof places / sizeof places[0]; i++) {
		const char *tail = strstr(places[i], "%s") + 2;

		if (snprintf(path, PATH_MAX, "%s%s", folder, tail) < PATH_MAX &&
		    access(path, X_OK) == 0)
			return;
	}
	snprintf(path, PATH_MAX, "%s", SBIN_FOLDER "/" PROGRAM);
}

int
autostart_check(const struct responder_config *config, struct error *err)
{
	char program[PATH_MAX];

	if (!config->options.autostart)
		return 0;
	find_program(&config->options, program);
	if (access(program, X_OK) == 0)
		return 0;
	return error_set(
	    err, EX_CONFIG, "sessiond: %s: %s (autostart starts it)", program, strerror(errno));
}

/*
 * What it says until it is ready goes to a file that a responder can read. Then it gets the
 * standard error of this process back.
 */
static void
redirect_stderr(const struct start_record *record)
{
	char value[PATH_MAX + 16];
	int file = start_record_open_stderr(record);
	int own = file == -1 ? -1 : fcntl(STDERR_FILENO, F_DUPFD, LOCK_DESCRIPTOR);

	if (own == -1)
		return;
	snprintf(value, sizeof value, "%d %s", own, record->stderr_path);
	setenv(VARIABLE, value, 1);
	dup2(file, STDERR_FILENO);
}

/*
 * In the child: becomes the supervisor of a daemon, apart from the web server's process group, so
 * that it outlives this process.
 */
static void
become_daemon(const char *program, const char *conf_path, const struct start_record *record)
{
	sigset_t none;
	int null = open("/dev/null", O_RDWR);

	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	/*
	 * Where it is out of the way of what the supervisor passes on: the daemon keeps it as well.
	 */
	fcntl(record->lock, F_DUPFD, LOCK_DESCRIPTOR);
	redirect_stderr(record);
	execl(program, PROGRAM, "--supervise", "--config", conf_path, (char *)NULL);
	fprintf(stderr, "sockjs.fcgi: autostart: %s: %s\n", program, strerror(errno));
	_exit(127);
}

static void
start(const struct responder_config *config, const struct start_record *record)
{
	static struct log_limit limit, started_lines;
	char program[PATH_MAX], byte;
	int started[2];
	pid_t child;

	find_program(&config->options, program);
	if (pipe2(started, O_CLOEXEC) == -1)
		return;
	/* Twice, so that the daemon is nobody's child here and is not waited for. */
	child = fork();
	if (child == 0) {
		if (fork() == 0)
			become_daemon(program, config->conf_path, record);
		_exit(0);
	}
	if (child == -1)
		log_limited(&limit, SEVERITY_ERROR, "autostart: %s", strerror(errno));
	else
		waitpid(child, NULL, 0);
	/*
	 * Until the new program runs it has copies of our connections: one that we closed meanwhile
	 * would stay in the epoll set, and with it a pointer to what was freed. The pipe ends when
	 * it runs.
	 */
	close(started[1]);
	while (read(started[0], &byte, 1) == -1 && errno == EINTR)
		;
	close(started[0]);
	log_limited(&started_lines, SEVERITY_INFO, "autostart: started %s", program);
}

/* --- failures --------------------------------------------------------------------------------- */

static time_t
pause_of(unsigned failures)
{
	time_t pause = 1;

	while (failures-- > 1 && pause < LONGEST_PAUSE)
		pause *= 2;
	return pause < LONGEST_PAUSE ? pause : LONGEST_PAUSE;
}

/* A clock that was set back makes nobody wait. */
static bool
is_within(time_t now, time_t since, time_t pause)
{
	return now >= since && now < since + pause;
}

static void
tell_failure(const struct responder_config *config, struct start_record *record, time_t now)
{
	char reason[AUTOSTART_REASON_SIZE];

	if (is_within(now, record->told, TELLING_PAUSE) || !autostart_reason(config, reason))
		return;
	log_error("autostart: %s (start %u, the next one is %lld s after it)", reason,
	    record->failures, (long long)pause_of(record->failures));
	record->told = now;
	start_record_save(record);
}

static bool
is_newer(const char *path, time_t than)
{
	struct stat st;

	return path != NULL && stat(path, &st) == 0 && st.st_mtime >= than;
}

/* True if the program was uploaded, or its permissions were changed, after that time. */
static bool
has_new_program(const struct responder_config *config, time_t than)
{
	char program[PATH_MAX];
	struct stat st;

	find_program(&config->options, program);
	return stat(program, &st) == 0 && st.st_ctime > than;
}

/* Who has changed something wants to see what becomes of it. */
static bool
is_to_wait(const struct responder_config *config, const struct start_record *record, time_t now)
{
	return is_within(now, record->started, pause_of(record->failures)) &&
	    !is_newer(config->conf_path, record->started) &&
	    !is_newer(config->command_folder, record->started) &&
	    !has_new_program(config, record->started);
}

static enum autostart_result
start_if_due(const struct responder_config *config, struct start_record *record)
{
	const time_t now = time(NULL);

	if (record->has_failed) {
		tell_failure(config, record, now);
		if (is_to_wait(config, record, now))
			return AUTOSTART_FAILED;
	} else {
		record->failures = 0;
	}
	record->failures++;
	record->started = now;
	start_record_save(record);
	start(config, record);
	return AUTOSTART_UNDERWAY;
}

/* Writes the path of the file that forbids a start. True if it is there. */
static bool
is_stopped(const struct responder_config *config, char path[PATH_MAX])
{
	return config->command_folder != NULL &&
	    snprintf(path, PATH_MAX, "%s/stop", config->command_folder) < PATH_MAX &&
	    access(path, F_OK) == 0;
}

enum autostart_result
autostart(const struct responder_config *config)
{
	static struct log_limit limit;
	struct error err = ERROR_INIT;
	struct start_record record;
	enum autostart_result result = AUTOSTART_UNDERWAY;
	char path[PATH_MAX];

	if (!config->options.autostart)
		return AUTOSTART_OFF;
	if (is_stopped(config, path))
		return AUTOSTART_FAILED;
	switch (start_record_open(&record, config->socket, &err)) {
	case START_RECORD_HELD:
		break;
	case START_RECORD_ERROR:
		log_limited(&limit, SEVERITY_ERROR, "autostart: %s", err.text);
		result = AUTOSTART_FAILED;
		break;
	case START_RECORD_OPEN:
		result = start_if_due(config, &record);
		start_record_close(&record);
		break;
	}
	return result;
}

static bool
lock_reason(const struct responder_config *config, char reason[AUTOSTART_REASON_SIZE])
{
	struct error err = ERROR_INIT;
	struct start_record record;

	if (start_record_open(&record, config->socket, &err) == START_RECORD_ERROR)
		snprintf(reason, AUTOSTART_REASON_SIZE, "%s", err.text);
	start_record_close(&record);
	return err.code != 0;
}

bool
autostart_reason(const struct responder_config *config, char reason[AUTOSTART_REASON_SIZE])
{
	char words[START_RECORD_WORDS_SIZE], path[PATH_MAX];

	if (!config->options.autostart)
		return false;
	if (is_stopped(config, path)) {
		snprintf(reason, AUTOSTART_REASON_SIZE, "it was stopped by the file %.500s", path);
		return true;
	}
	if (!start_record_last_words(config->socket, words))
		return lock_reason(config, reason);
	snprintf(reason, AUTOSTART_REASON_SIZE, "it was started, and has not become ready%s%s",
	    words[0] == '\0' ? "" : ": ", words);
	return true;
}
