/*
 * See log_output.h. A pipe has no way to be written to without waiting, short of a flag that all
 * who share it would get; but splice(2) has, from another pipe. So a line for a pipe is put into
 * one of our own, which is empty, and moved from there; a line is one piece there, so it is moved
 * as a whole or not at all.
 */
#include "common/log_output.h"

#include "common/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define SYSLOG_PATH "/dev/log"

enum { STEP_MS = 10 }; /* of the last wait */

/* Everything is under the lock, but for the two that are atomic. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pid_t owner; /* whose the rest is; a child of it begins anew */
static enum log_output target;
static bool is_file_missed; /* and stderr says so */
static int syslog_fd = -1;  /* connected; -1: not */
static int own_pipe[2] = {-1, -1};
atomic_bool log_output_waits;
static unsigned long lost;    /* lines without room, not told yet */
static atomic_ulong all_lost; /* told too */

/* Lines, each after its length. */
static struct {
	size_t begin, end; /* of what is kept */
	char bytes[LOG_QUEUE_BYTES];
} queue;

/* --- one line, without waiting ---------------------------------------------------------------- */

enum sent {
	SENT, /* or it never will be */
	SENT_NOT_YET,
};

static enum sent
result_of(ssize_t n)
{
	return n == -1 && (errno == EAGAIN || errno == ENOBUFS) ? SENT_NOT_YET : SENT;
}

static enum sent
send_to_socket(int fd, const char *line, size_t len)
{
	return result_of(send(fd, line, len, MSG_DONTWAIT | MSG_NOSIGNAL));
}

/* Nearly as good, where there is no splice: another process may fill the pipe in between. */
static enum sent
write_if_ready(const char *line, size_t len)
{
	struct pollfd polled = {.fd = STDERR_FILENO, .events = POLLOUT};

	if (poll(&polled, 1, 0) == 0)
		return SENT_NOT_YET;
	return result_of(write(STDERR_FILENO, line, len));
}

static void
empty_own_pipe(void)
{
	char rest[PIPE_BUF];
	int saved = errno;

	while (read(own_pipe[0], rest, sizeof rest) > 0)
		;
	errno = saved;
}

static enum sent
move_to_pipe(const char *line, size_t len)
{
	ssize_t n;

	if (own_pipe[0] == -1 && pipe2(own_pipe, O_CLOEXEC | O_NONBLOCK) == -1)
		return write_if_ready(line, len);
	if (write(own_pipe[1], line, len) != (ssize_t)len)
		return SENT_NOT_YET;
	n = splice(own_pipe[0], NULL, STDERR_FILENO, NULL, len, SPLICE_F_NONBLOCK);
	if (n == (ssize_t)len)
		return SENT;
	empty_own_pipe();
	if (n == -1 && (errno == EINVAL || errno == ENOSYS || errno == EPERM))
		return write_if_ready(line, len);
	return n == -1 ? result_of(n) : SENT;
}

static enum sent
send_to_stderr(const char *line, size_t len)
{
	struct stat st;
	ssize_t n;

	if (fstat(STDERR_FILENO, &st) == -1)
		return SENT;
	if (S_ISSOCK(st.st_mode))
		return send_to_socket(STDERR_FILENO, line, len);
	if (S_ISFIFO(st.st_mode))
		return move_to_pipe(line, len);
	do
		n = write(STDERR_FILENO, line, len);
	while (n == -1 && errno == EINTR);
	return result_of(n);
}

static void
connect_to_syslog(void)
{
	const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SYSLOG_PATH};

	if (syslog_fd != -1)
		close(syslog_fd);
	syslog_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (syslog_fd == -1 ||
	    connect(syslog_fd, (const struct sockaddr *)&address, sizeof address) == 0)
		return;
	close(syslog_fd);
	syslog_fd = -1;
}

/* A syslogd that was started again has another socket. */
static enum sent
send_to_syslog(const char *line, size_t len)
{
	enum sent sent = SENT;

	errno = ENOTCONN;
	if (syslog_fd != -1 && send(syslog_fd, line, len, MSG_DONTWAIT | MSG_NOSIGNAL) != -1)
		return SENT;
	if (errno == EAGAIN || errno == ENOBUFS)
		return SENT_NOT_YET;
	connect_to_syslog();
	if (syslog_fd != -1)
		sent = send_to_socket(syslog_fd, line, len);
	return sent;
}

static enum sent
send_to_file(const char *line, size_t len)
{
	char note[PIPE_BUF];
	bool was_missed = is_file_missed;

	is_file_missed = !log_file_write(line, len);
	if (!is_file_missed)
		return SENT;
	if (!was_missed) {
		int n = snprintf(note, sizeof note, "log: %.1000s: %s; the log goes here\n",
		    log_file_path(), strerror(errno));

		send_to_stderr(note, (size_t)n);
	}
	return send_to_stderr(line, len);
}

static enum sent
send_line(const char *line, size_t len)
{
	switch (target) {
	case LOG_OUTPUT_SYSLOG:
		return send_to_syslog(line, len);
	case LOG_OUTPUT_FILE:
		return send_to_file(line, len);
	case LOG_OUTPUT_STDERR:
		break;
	}
	return send_to_stderr(line, len);
}

/* --- what waits ------------------------------------------------------------------------------- */

static void
keep(const char *line, size_t len)
{
	uint16_t size = (uint16_t)len;
	size_t kept = queue.end - queue.begin;

	if (lost > 0 || len > LOG_LINE_MAX || kept + sizeof size + len > sizeof queue.bytes) {
		lost++;
		atomic_fetch_add(&all_lost, 1);
		return;
	}
	if (queue.end + sizeof size + len > sizeof queue.bytes) {
		memmove(queue.bytes, queue.bytes + queue.begin, kept);
		queue.begin = 0;
		queue.end = kept;
	}
	memcpy(queue.bytes + queue.end, &size, sizeof size);
	memcpy(queue.bytes + queue.end + sizeof size, line, len);
	queue.end += sizeof size + len;
}

/*
 * Copies the lines that are the next, as many as a pipe takes as one piece (PIPE_BUF), or one
 * datagram. Returns where the others begin.
 */
static size_t
gather(char batch[PIPE_BUF], size_t *len)
{
	size_t at = queue.begin;
	uint16_t size;

	*len = 0;
	while (at < queue.end && (*len == 0 || target != LOG_OUTPUT_SYSLOG)) {
		memcpy(&size, queue.bytes + at, sizeof size);
		if (*len + size > PIPE_BUF)
			break;
		memcpy(batch + *len, queue.bytes + at + sizeof size, size);
		*len += size;
		at += sizeof size + size;
	}
	return at;
}

static enum sent
send_kept(void)
{
	char batch[PIPE_BUF];
	size_t len, next;

	while (queue.begin < queue.end) {
		next = gather(batch, &len);
		if (send_line(batch, len) == SENT_NOT_YET)
			return SENT_NOT_YET;
		queue.begin = next;
	}
	queue.begin = queue.end = 0;
	return SENT;
}

static enum sent
tell_lost(void)
{
	char line[100];
	int n = snprintf(line, sizeof line, "%s%lu lines are missing here: nobody read the log%s",
	    target == LOG_OUTPUT_SYSLOG ? "<27>" : "", lost,
	    target == LOG_OUTPUT_SYSLOG ? "" : "\n");

	if (lost > 0 && send_line(line, (size_t)n) == SENT_NOT_YET)
		return SENT_NOT_YET;
	lost = 0;
	return SENT;
}

static void
flush_kept(void)
{
	atomic_store(&log_output_waits, send_kept() == SENT_NOT_YET || tell_lost() == SENT_NOT_YET);
}

/* --- all of it -------------------------------------------------------------------------------- */

/*
 * What its parent has kept, the parent writes; and a thread that is not in the child may have had
 * the lock.
 */
static void
begin_anew(pid_t pid)
{
	owner = pid;
	pthread_mutex_init(&lock, NULL);
	queue.begin = queue.end = 0;
	lost = 0;
	own_pipe[0] = own_pipe[1] = syslog_fd = -1;
	atomic_store(&log_output_waits, false);
}

static void
take_lock(void)
{
	pid_t pid = getpid();

	if (owner != pid)
		begin_anew(pid);
	pthread_mutex_lock(&lock);
}

void
log_output_to(enum log_output where)
{
	take_lock();
	target = where;
	pthread_mutex_unlock(&lock);
}

void
log_output_file(const char *path, size_t size, uid_t whose)
{
	take_lock();
	log_file_use(path, size, whose);
	is_file_missed = false;
	pthread_mutex_unlock(&lock);
}

void
log_output_put(const char *line, size_t len)
{
	int saved = errno;

	take_lock();
	if (atomic_load(&log_output_waits))
		flush_kept();
	if (atomic_load(&log_output_waits) || send_line(line, len) == SENT_NOT_YET) {
		keep(line, len);
		atomic_store(&log_output_waits, true);
	}
	pthread_mutex_unlock(&lock);
	errno = saved;
}

bool
log_output_flush_kept(void)
{
	int saved = errno;

	take_lock();
	flush_kept();
	pthread_mutex_unlock(&lock);
	errno = saved;
	return atomic_load(&log_output_waits);
}

void
log_output_finish(void)
{
	int i;

	for (i = 0; log_output_flush() && i < LOG_LAST_WAIT_MS / STEP_MS; i++)
		nanosleep(&(struct timespec){.tv_nsec = STEP_MS * 1000000L}, NULL);
}

unsigned long
log_output_lost(void)
{
	return atomic_load(&all_lost);
}
