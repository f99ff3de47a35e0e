/*
 * See autostart.h.
 */
#include "fcgi/daemon/autostart.h"

#include "common/log.h"
#include "common/log_limit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#ifndef SBIN_FOLDER
#define SBIN_FOLDER "/usr/local/sbin"
#endif

#define PROGRAM "sockjs-sessiond"

enum { LOCK_DESCRIPTOR = 64 }; /* at least */

/*
 * True if the file is a lock of ours. In a folder that others can write to it may be anything: a
 * lock that another user holds would be held for ever.
 */
static bool
is_own_lock(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    (st.st_uid == geteuid() || st.st_uid == 0))
		return true;
	errno = EPERM;
	return false;
}

/* The lock, as a descriptor that the daemon will inherit; -1 if somebody has it. */
static int
take_lock(const char *socket)
{
	static struct log_limit limit;
	char path[PATH_MAX];
	int fd;

	if (snprintf(path, sizeof path, "%s.lock", socket) >= (int)sizeof path)
		return -1;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd == -1 || !is_own_lock(fd)) {
		log_limited(&limit, SEVERITY_ERROR, "autostart: %s: %s", path, strerror(errno));
		if (fd != -1)
			close(fd);
		return -1;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	close(fd);
	return -1;
}

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
 * In the child: becomes the supervisor of a daemon, apart from the web server's process group, so
 * that it outlives this process.
 */
static void
become_daemon(const char *program, const char *conf_path, int lock)
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
	fcntl(lock, F_DUPFD, LOCK_DESCRIPTOR);
	execl(program, PROGRAM, "--supervise", "--config", conf_path, (char *)NULL);
	fprintf(stderr, "sockjs.fcgi: autostart: %s: %s\n", program, strerror(errno));
	_exit(127);
}

void
autostart(const struct responder_config *config)
{
	static struct log_limit limit, started_lines;
	char program[PATH_MAX], byte;
	int lock, started[2];
	pid_t child;

	if (!config->options.autostart)
		return;
	lock = take_lock(config->socket);
	if (lock == -1)
		return;
	find_program(&config->options, program);
	if (pipe2(started, O_CLOEXEC) == -1) {
		close(lock);
		return;
	}
	/* Twice, so that the daemon is nobody's child here and is not waited for. */
	child = fork();
	if (child == 0) {
		if (fork() == 0)
			become_daemon(program, config->conf_path, lock);
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
	close(lock);
}
