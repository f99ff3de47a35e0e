/*
 * See program_exec.h. Between fork and exec nothing is allocated, and no handler of the daemon's
 * can run: signals are blocked until they are as a program expects them.
 */
#include "sessiond/program/program_exec.h"

#include "common/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

/* Of kernel headers that may be older than the kernel. */
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
enum { CLOSE_ON_EXEC = 1 << 2 }; /* CLOSE_RANGE_CLOEXEC */

enum { OTHERS_FIRST = STDERR_FILENO + 1 };

/* --- words and environment -------------------------------------------------------------------- */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Copies the word at *from without its quotes. Returns false if a quote is not closed. */
static bool
copy_word(const char **from, char **to)
{
	bool is_quoted = false;

	for (; **from != '\0' && (is_quoted || !is_blank(**from)); ++*from) {
		if (**from == '"')
			is_quoted = !is_quoted;
		else
			*(*to)++ = **from;
	}
	*(*to)++ = '\0';
	return !is_quoted;
}

char **
program_words(const char *command, struct error *err)
{
	size_t len = strlen(command), most = len / 2 + 2, count = 0;
	char **words = xcalloc(1, most * sizeof *words + len + 1);
	char *to = (char *)&words[most];
	bool is_closed = true;

	for (;;) {
		while (is_blank(*command))
			command++;
		if (*command == '\0')
			break;
		words[count++] = to;
		is_closed &= copy_word(&command, &to);
	}
	if (count > 0 && words[0][0] != '\0' && is_closed)
		return words;
	free(words);
	error_set(err, EX_CONFIG,
	    is_closed ? "program: it names no command" : "program: a \" is not closed");
	return NULL;
}

static size_t
count_strings(const char *const *strings)
{
	size_t count = 0;

	while (strings != NULL && strings[count] != NULL)
		count++;
	return count;
}

static bool
has_name_of(const char *const *strings, size_t count, const char *variable)
{
	size_t len = strcspn(variable, "="), i;

	for (i = 0; i < count; i++)
		if (strncmp(strings[i], variable, len) == 0 && strings[i][len] == '=')
			return true;
	return false;
}

/* Those given, then the daemon's others. An array that the caller frees, of borrowed strings. */
static const char **
merge_environment(const char *const *given)
{
	const char *const *own = (const char *const *)environ;
	size_t count = count_strings(given), i, n = count;
	const char **merged = xcalloc(count + count_strings(own) + 1, sizeof *merged);

	for (i = 0; i < count; i++)
		merged[i] = given[i];
	for (; own != NULL && *own != NULL; own++)
		if (!has_name_of(given, count, *own))
			merged[n++] = *own;
	return merged;
}

/* --- in the child ----------------------------------------------------------------------------- */

enum step { STEP_FOLDER, STEP_LIMITS, STEP_EXEC };

struct failure {
	enum step step;
	int error;
};

struct launch {
	const struct program_command *command;
	char **words;
	const char **environment;
	int ends[3]; /* what becomes its stdin, stdout and stderr */
	int report;  /* a failure is written to it; closed by exec */
	pid_t parent;
};

static void __attribute__((noreturn)) fail(const struct launch *launch, enum step step)
{
	struct failure failure = {step, errno};
	ssize_t n = write(launch->report, &failure, sizeof failure);

	_exit(n == -1 ? EX_OSERR : EX_UNAVAILABLE);
}

/* The parent may have died before prctl was done: nobody would tell us any more. */
static void
tie(const struct launch *launch)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != launch->parent)
		_exit(EX_UNAVAILABLE);
}

/* Kernels before 5.11 cannot mark a range. */
static void
close_others_on_exec(void)
{
	struct rlimit limit;
	rlim_t fd;

	if (syscall(SYS_close_range, OTHERS_FIRST, UINT_MAX, CLOSE_ON_EXEC) == 0)
		return;
	getrlimit(RLIMIT_NOFILE, &limit);
	for (fd = OTHERS_FIRST; fd < limit.rlim_cur; fd++)
		fcntl((int)fd, F_SETFD, FD_CLOEXEC);
}

/* The ends may be where they are to be put, in another order: first all are out of the way. */
static void
take_ends(struct launch *launch)
{
	int i;

	launch->report = fcntl(launch->report, F_DUPFD_CLOEXEC, OTHERS_FIRST);
	for (i = 0; i < 3; i++)
		launch->ends[i] = fcntl(launch->ends[i], F_DUPFD_CLOEXEC, OTHERS_FIRST);
	for (i = 0; i < 3; i++)
		if (dup2(launch->ends[i], i) == -1)
			fail(launch, STEP_LIMITS);
	close_others_on_exec();
}

static void
set_limit(const struct launch *launch, int resource, rlim_t value)
{
	struct rlimit limit = {value, value};

	if (value != 0 && setrlimit(resource, &limit) == -1)
		fail(launch, STEP_LIMITS);
}

/* A limit above what the daemon itself has is no limit, and cannot be set. */
static rlim_t
within(int resource, uint64_t value)
{
	struct rlimit limit;

	getrlimit(resource, &limit);
	return limit.rlim_max != RLIM_INFINITY && value > limit.rlim_max ? limit.rlim_max
									 : (rlim_t)value;
}

static void
reset_signals(void)
{
	sigset_t none;
	int number;

	for (number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void __attribute__((noreturn)) become_program(struct launch *launch)
{
	const struct program_command *command = launch->command;

	setsid();
	tie(launch);
	take_ends(launch);
	if (command->folder != NULL && chdir(command->folder) == -1)
		fail(launch, STEP_FOLDER);
	set_limit(launch, RLIMIT_NOFILE, within(RLIMIT_NOFILE, command->files));
	set_limit(launch, RLIMIT_AS, within(RLIMIT_AS, command->memory));
	reset_signals();
	execvpe(launch->words[0], launch->words, (char *const *)launch->environment);
	fail(launch, STEP_EXEC);
}

/* --- in the daemon ---------------------------------------------------------------------------- */

static int
say_failure(const struct launch *launch, const struct failure *failure, struct error *err)
{
	const char *word = launch->words[0], *text = strerror(failure->error);

	if (failure->step == STEP_FOLDER)
		return error_set(err, EX_UNAVAILABLE, "program: the folder %s: %s",
		    launch->command->folder, text);
	if (failure->step == STEP_LIMITS)
		return error_set(
		    err, EX_OSERR, "program: %s: its limits cannot be set: %s", word, text);
	/* EACCES: a folder of PATH is not for this user, or it has a file that nobody executes. */
	if ((failure->error == ENOENT || failure->error == EACCES) && strchr(word, '/') == NULL)
		return error_set(err, EX_UNAVAILABLE,
		    "program: %s: there is no such program in PATH that this user may execute; one "
		    "in the folder of sockjs.conf is ./%s",
		    word, word);
	if (failure->error == ENOENT)
		return error_set(err, EX_UNAVAILABLE,
		    "program: %s: it, or the interpreter that its first line names, is not there",
		    word);
	return error_set(err, EX_UNAVAILABLE, "program: %s: cannot be executed: %s%s", word, text,
	    failure->error == EACCES ? " (chmod +x makes a script executable)" : "");
}

/* 0, or why not. */
static int
look_for_file(int folder, const char *path)
{
	struct stat info;

	if (fstatat(folder, path, &info, 0) == -1 ||
	    faccessat(folder, path, X_OK, AT_EACCESS) == -1)
		return errno;
	return S_ISREG(info.st_mode) ? 0 : EACCES;
}

static int
look_in_path(int folder, const char *word)
{
	const char *list = getenv("PATH");
	char path[PATH_MAX];
	size_t len;

	if (list == NULL)
		list = "/bin:/usr/bin"; /* as execvpe */
	/* An empty part, also the last one, is the current folder. */
	for (;; list += len + 1) {
		len = strcspn(list, ":");
		snprintf(path, sizeof path, "%.*s/%s", len == 0 ? 1 : (int)len,
		    len == 0 ? "." : list, word);
		if (look_for_file(folder, path) == 0)
			return 0;
		if (list[len] == '\0')
			return ENOENT;
	}
}

/* By its name. What else a command's words mean is the program's matter. */
static bool
is_script(const char *word)
{
	static const char *const ends[] = {
	    ".php", ".py", ".pl", ".rb", ".js", ".mjs", ".sh", ".lua"};
	const char *dot = strrchr(word, '.');
	size_t i;

	for (i = 0; dot != NULL && i < sizeof ends / sizeof ends[0]; i++)
		if (strcmp(dot, ends[i]) == 0)
			return true;
	return false;
}

/* The interpreter is there: it would end at once without the script that it is to run. */
static int
look_for_script(int folder, char **words, struct error *err)
{
	size_t i = 1;

	while (words[i] != NULL && words[i][0] == '-')
		i++;
	if (words[i] == NULL || !is_script(words[i]) ||
	    faccessat(folder, words[i], R_OK, AT_EACCESS) == 0)
		return 0;
	return error_set(err, EX_UNAVAILABLE,
	    "program: %s: %s, seen from the folder of sockjs.conf", words[i], strerror(errno));
}

int
program_exec_look(const char *command, const char *folder, struct error *err)
{
	const struct program_command wanted = {.command = command, .folder = folder};
	struct launch launch = {.command = &wanted, .words = program_words(command, err)};
	struct failure failure = {.step = STEP_FOLDER};
	int fd = AT_FDCWD, result = 0;

	if (launch.words == NULL)
		return -1;
	if (folder != NULL)
		fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		failure.error = errno;
	else
		failure = (struct failure){STEP_EXEC,
		    strchr(launch.words[0], '/') == NULL ? look_in_path(fd, launch.words[0])
							 : look_for_file(fd, launch.words[0])};
	if (failure.error == 0) {
		result = look_for_script(fd, launch.words, err);
	} else {
		say_failure(&launch, &failure, err);
		result = -1;
	}
	if (fd >= 0)
		close(fd);
	free(launch.words);
	return result;
}

/*
 * Waits until the child has become the program, or cannot. 0; -1 and an error: it is no more.
 */
static int
await_exec(const struct launch *launch, pid_t child, int report, struct error *err)
{
	struct failure failure;
	ssize_t n;

	do
		n = read(report, &failure, sizeof failure);
	while (n == -1 && errno == EINTR);
	if (n != sizeof failure)
		return 0;
	waitpid(child, NULL, 0);
	return say_failure(launch, &failure, err);
}

static pid_t
fork_child(struct launch *launch)
{
	sigset_t all, former;
	pid_t child;

	launch->parent = getpid();
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &former);
	child = fork();
	if (child == 0)
		become_program(launch);
	sigprocmask(SIG_SETMASK, &former, NULL);
	return child;
}

/* Four pipes, the ends to be read first; -1 with errno. What was opened is in them. */
static int
open_pipes(int pipes[4][2])
{
	int i;

	memset(pipes, -1, 4 * sizeof *pipes);
	for (i = 0; i < 4; i++)
		if (pipe2(pipes[i], O_CLOEXEC) == -1)
			return -1;
	return 0;
}

static void
close_end(int fd)
{
	if (fd != -1)
		close(fd);
}

static pid_t
launch_child(struct launch *launch, struct program_pipes *ends, struct error *err)
{
	int pipes[4][2]; /* stdin, stdout, stderr, report */
	pid_t child = -1;
	int i;

	if (open_pipes(pipes) == 0) {
		launch->ends[0] = pipes[0][0];
		for (i = 1; i < 3; i++)
			launch->ends[i] = pipes[i][1];
		launch->report = pipes[3][1];
		child = fork_child(launch);
	}
	if (child == -1)
		error_set(err, EX_OSERR, "program: %s: cannot be started: %s", launch->words[0],
		    strerror(errno));
	close_end(pipes[0][0]);
	for (i = 1; i < 4; i++)
		close_end(pipes[i][1]);
	if (child != -1 && await_exec(launch, child, pipes[3][0], err) == -1)
		child = -1;
	close_end(pipes[3][0]);
	*ends = (struct program_pipes){pipes[0][1], pipes[1][0], pipes[2][0]};
	return child;
}

int
program_exec_check(struct error *err)
{
	if (geteuid() != 0)
		return 0;
	return error_set(err, EX_CONFIG,
	    "program: the daemon runs as root, and starts no programs then: set `user` in "
	    "[server]");
}

pid_t
program_exec(const struct program_command *command, struct program_pipes *pipes, struct error *err)
{
	struct launch launch = {.command = command};
	pid_t child;

	if (program_exec_check(err) == -1)
		return -1;
	launch.words = program_words(command->command, err);
	if (launch.words == NULL)
		return -1;
	launch.environment = merge_environment(command->environment);
	child = launch_child(&launch, pipes, err);
	if (child == -1) {
		close_end(pipes->input);
		close_end(pipes->output);
		close_end(pipes->errors);
	}
	free(launch.words);
	free(launch.environment);
	return child;
}
