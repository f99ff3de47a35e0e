/*
 * See start_record.h.
 */
#include "fcgi/daemon/start_record.h"

#include "common/file_lock.h"
#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

enum { TAIL = 4096 }; /* bytes of what the daemon said that are looked at */

/* Follows no link and takes nothing of another user's, who may put either into /tmp. */
static int
open_own(const char *path, int flags)
{
	struct stat st;
	int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600);

	if (fd == -1 ||
	    (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
		(st.st_uid == geteuid() || st.st_uid == 0)))
		return fd;
	close(fd);
	errno = EPERM;
	return -1;
}

static bool
name_of(char path[PATH_MAX], const char *socket, const char *ending)
{
	return snprintf(path, PATH_MAX, "%s.%s", socket, ending) < PATH_MAX;
}

static void
read_record(struct start_record *record)
{
	char text[100];
	ssize_t n = pread(record->lock, text, sizeof text - 1, 0);
	long long started, told;

	text[n < 0 ? 0 : n] = '\0';
	if (sscanf(text, "%u %lld %lld", &record->failures, &started, &told) != 3)
		return;
	record->started = (time_t)started;
	record->told = (time_t)told;
}

/*
 * That there are no locks must not be taken for one that is held: then no daemon would ever start,
 * and nobody would say why.
 */
static enum start_record_result
lock(int fd, const char *path, struct error *err)
{
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return START_RECORD_OPEN;
	if (errno == EWOULDBLOCK || errno == EACCES)
		return START_RECORD_HELD;
	if (file_lock_is_unknown(errno))
		error_set(err, EX_CONFIG,
		    "%s cannot be locked: %s; the file system, NFS perhaps, has no locks: name a "
		    "`socket` in a folder that lies on a disk of this machine, such as below /tmp",
		    path, strerror(errno));
	else
		error_set(err, EX_CONFIG, "%s cannot be locked: %s", path, strerror(errno));
	return START_RECORD_ERROR;
}

enum start_record_result
start_record_open(struct start_record *record, const char *socket, struct error *err)
{
	enum start_record_result result;
	char path[PATH_MAX];

	*record = (struct start_record){.lock = -1};
	if (!name_of(path, socket, "lock") || !name_of(record->stderr_path, socket, "stderr")) {
		error_set(err, EX_CONFIG, "socket: the path is too long");
		return START_RECORD_ERROR;
	}
	record->lock = open_own(path, O_RDWR | O_CREAT);
	if (record->lock == -1) {
		error_set(err, EX_CONFIG, "%s: %s; %s must be able to write to that folder", path,
		    strerror(errno), "whom the web server starts sockjs.fcgi as");
		return START_RECORD_ERROR;
	}
	result = lock(record->lock, path, err);
	if (result != START_RECORD_OPEN) {
		start_record_close(record);
		return result;
	}
	read_record(record);
	record->has_failed = access(record->stderr_path, F_OK) == 0;
	return result;
}

void
start_record_save(const struct start_record *record)
{
	char text[100];
	int n = snprintf(text, sizeof text, "%u %lld %lld\n", record->failures,
	    (long long)record->started, (long long)record->told);

	if (pwrite(record->lock, text, (size_t)n, 0) == n)
		(void)!ftruncate(record->lock, n);
}

void
start_record_close(struct start_record *record)
{
	if (record->lock != -1)
		close(record->lock);
	record->lock = -1;
}

int
start_record_open_stderr(const struct start_record *record)
{
	return open_own(record->stderr_path, O_WRONLY | O_APPEND | O_CREAT | O_TRUNC);
}

/* A line of our own log is shown without its time and process. */
static const char *
without_head(const char *line)
{
	const char *colon = strstr(line, "] error: ");

	return colon == NULL ? line : colon + strlen("] error: ");
}

static const char *
last_line(char *text)
{
	size_t len = strlen(text);
	char *end;

	while (len > 0 && text[len - 1] == '\n')
		text[--len] = '\0';
	end = strrchr(text, '\n');
	return without_head(end == NULL ? text : end + 1);
}

bool
start_record_last_words(const char *socket, char words[START_RECORD_WORDS_SIZE])
{
	char path[PATH_MAX], text[TAIL + 1];
	struct stat st;
	ssize_t n;
	int fd;

	words[0] = '\0';
	if (!name_of(path, socket, "stderr") || (fd = open_own(path, O_RDONLY)) == -1)
		return false;
	n = fstat(fd, &st) == -1 ? -1
				 : pread(fd, text, TAIL, st.st_size > TAIL ? st.st_size - TAIL : 0);
	close(fd);
	text[n < 0 ? 0 : n] = '\0';
	log_escape(words, START_RECORD_WORDS_SIZE, last_line(text));
	return true;
}
