/*
 * See program.h. All programs that have not been waited for are in one list, which SIGCHLD has
 * looked through: also those that their owners have given up, which are killed and not dead yet.
 *
 * An exit is first noticed without waiting for it. Until it is waited for, its number, which is
 * that of its group, is nobody else's: so the group can be killed.
 */
#include "sessiond/program/program.h"

#include "common/buffer.h"
#include "common/loop.h"
#include "common/memory.h"
#include "sessiond/program/line_stream.h"
#include "sessiond/program/program_exec.h"
#include "sessiond/program/program_stderr.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WHY_SIZE = 160 };

/* What was done to end it; each after the one before. */
enum phase { PHASE_RUNS, PHASE_ASKED, PHASE_TERMINATED, PHASE_KILLED };

struct program {
	LIST_ENTRY(program) entry;
	pid_t process;
	bool is_waited_for; /* it is dead */
	int status;	    /* then, as of waitpid(2) */
	enum phase phase;
	bool is_hurried;
	bool is_closed;	    /* its stdout */
	bool is_silent;	    /* it went on then */
	bool is_given_up;   /* by its owner: no call is made any more */
	bool has_handle;    /* libuv has not closed the timer */
	uv_timer_t timer;   /* to the next phase */
	char why[WHY_SIZE]; /* it was killed for; "": nothing that it did */
	struct line_stream *stream;
	struct program_stderr *errors;
	const struct program_calls *calls;
	void *owner;
};

static LIST_HEAD(, program) programs = LIST_HEAD_INITIALIZER(programs);
static uv_signal_t *children; /* NULL: there are no programs */

/* --- its end ---------------------------------------------------------------------------------- */

static void
free_handle(uv_handle_t *handle)
{
	free(handle);
}

/* Once its owner has given it up, it is dead, and libuv has done with it. */
static void
free_if_over(struct program *program)
{
	if (!program->is_given_up || !program->is_waited_for || program->has_handle)
		return;
	LIST_REMOVE(program, entry);
	free(program);
	if (!LIST_EMPTY(&programs))
		return;
	uv_close((uv_handle_t *)children, free_handle);
	children = NULL;
}

static void
format_exit(int status, char *text, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(text, size, "was killed by signal %d (%s)", WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	else
		snprintf(text, size, "exited with status %d", WEXITSTATUS(status));
}

static void
tell_end(struct program *program)
{
	char exited[80], how[2 * WHY_SIZE];
	bool is_within = line_stream_unfinished(program->stream) > 0;
	bool went_on = program->is_silent && program->phase >= PHASE_TERMINATED;

	format_exit(program->status, exited, sizeof exited);
	if (program->why[0] != '\0')
		snprintf(how, sizeof how, "%s", program->why);
	else
		snprintf(how, sizeof how, "%s%s%s", went_on ? "closed its stdout and " : "", exited,
		    is_within ? ", and its last line has no newline" : "");
	program->calls->ended(program->owner, how);
}

/*
 * It is dead. What it has written is read before its end is told; those whom it has forked, and who
 * are in a session of their own, may still write.
 */
static void
on_death(struct program *program)
{
	program->is_waited_for = true;
	if (program->is_given_up) {
		free_if_over(program);
		return;
	}
	uv_timer_stop(&program->timer);
	program_stderr_end(&program->errors);
	if (program->is_closed)
		tell_end(program);
	else
		line_stream_end_input(program->stream);
}

/*
 * Kills what is left of its group, and waits for it. Returns false if it lives. If a module has
 * waited for all children of the process, nobody knows how it ended: it counts as success.
 */
static bool
wait_for(struct program *program)
{
	siginfo_t info = {.si_pid = 0};

	if (waitid(P_PID, (id_t)program->process, &info, WEXITED | WNOHANG | WNOWAIT) == 0) {
		if (info.si_pid == 0)
			return false;
		kill(-program->process, SIGKILL);
		waitpid(program->process, &program->status, 0);
	}
	on_death(program);
	return true;
}

/* A call may give up any program, and start some: what is given up is freed later. */
static void
on_sigchld(uv_signal_t *signal, int number)
{
	struct program *program, *next;

	(void)number;
	loop_note_wake(signal->loop);
	for (program = LIST_FIRST(&programs); program != NULL; program = next) {
		next = LIST_NEXT(program, entry);
		if (!program->is_waited_for)
			wait_for(program);
	}
}

/* --- what it is asked for --------------------------------------------------------------------- */

static void
signal_group(struct program *program, int number)
{
	if (!program->is_waited_for)
		kill(-program->process, number);
}

static void
on_timer(uv_timer_t *timer)
{
	struct program *program = timer->data;

	if (program->phase == PHASE_ASKED) {
		program->phase = PHASE_TERMINATED;
		signal_group(program, SIGTERM);
		uv_timer_start(timer, on_timer, PROGRAM_KILL_MS, 0);
	} else {
		program->phase = PHASE_KILLED;
		signal_group(program, SIGKILL);
	}
}

void
program_stop(struct program *program)
{
	if (program->phase != PHASE_RUNS)
		return;
	program->phase = PHASE_ASKED;
	if (program->is_waited_for)
		return;
	uv_timer_start(&program->timer, on_timer, PROGRAM_TERM_MS, 0);
	line_stream_end_output(program->stream);
}

void
program_hurry(struct program *program)
{
	program_stop(program);
	if (program->is_hurried || program->phase != PHASE_ASKED || program->is_waited_for)
		return;
	program->is_hurried = true;
	uv_timer_start(&program->timer, on_timer, PROGRAM_HURRY_MS, 0);
}

/* --- what it says ----------------------------------------------------------------------------- */

static void
on_line(void *owner, char *line, size_t len)
{
	struct program *program = owner;

	program->calls->line(program->owner, line, len);
}

/* Most close their stdout by exiting, which is a matter of microseconds then. */
static void
on_closed(struct program *program)
{
	if (wait_for(program))
		return;
	program->is_silent = program->phase < PHASE_TERMINATED;
	program_stop(program);
	if (program->calls->closed != NULL)
		program->calls->closed(program->owner);
}

static void
on_output_ended(void *owner, const char *why)
{
	struct program *program = owner;

	program->is_closed = true;
	if (why != NULL) {
		snprintf(program->why, sizeof program->why, "%s", why);
		program->phase = PHASE_KILLED;
		signal_group(program, SIGKILL);
	}
	if (program->is_waited_for)
		tell_end(program);
	else if (why == NULL)
		on_closed(program);
}

static void
on_deaf(void *owner)
{
	program_stop(owner);
}

/* --- the rest --------------------------------------------------------------------------------- */

struct buffer *
program_output(struct program *program)
{
	return line_stream_output(program->stream);
}

void
program_flush(struct program *program)
{
	line_stream_flush(program->stream);
}

size_t
program_waiting(const struct program *program)
{
	return line_stream_waiting(program->stream);
}

void
program_pause(struct program *program, bool is_paused)
{
	line_stream_pause(program->stream, is_paused);
}

/* A word that is no file has its place, too: one may be made. */
static void
append_file(struct buffer *text, int folder, const char *word)
{
	struct stat file = {.st_ino = 0};

	if (fstatat(folder, word, &file, 0) == 0 && S_ISREG(file.st_mode))
		buffer_printf(text, "%ju:%jd:%jd.%09ld ", (uintmax_t)file.st_ino,
		    (intmax_t)file.st_size, (intmax_t)file.st_mtim.tv_sec, file.st_mtim.tv_nsec);
	else
		buffer_append_str(text, "- ");
}

char *
program_files(const char *command, const char *folder)
{
	struct error err = ERROR_INIT;
	struct buffer text = BUFFER_INIT;
	char **words = program_words(command, &err);
	int at = folder == NULL ? AT_FDCWD : open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	size_t i;

	for (i = 0; words != NULL && words[i] != NULL; i++)
		append_file(&text, at, words[i]);
	buffer_append_char(&text, '\0');
	if (buffer_failed(&text))
		abort();
	if (folder != NULL && at != -1)
		close(at);
	free(words);
	return text.data;
}

pid_t
program_pid(const struct program *program)
{
	return program->process;
}

bool
program_has_succeeded(const struct program *program)
{
	return program->is_waited_for && program->why[0] == '\0' && WIFEXITED(program->status) &&
	    WEXITSTATUS(program->status) == 0;
}

/* --- life ------------------------------------------------------------------------------------- */

/* Before it is started, so that no death is missed. */
static void
watch_children(uv_loop_t *loop)
{
	if (children != NULL)
		return;
	children = xcalloc(1, sizeof *children);
	uv_signal_init(loop, children);
	uv_signal_start(children, on_sigchld, SIGCHLD);
}

int
program_check(const char *command, struct error *err)
{
	char **words = program_words(command, err);

	free(words);
	return words == NULL || program_exec_check(err) == -1 ? -1 : 0;
}

struct program *
program_start(uv_loop_t *loop, const struct program_options *options,
    const struct program_calls *calls, void *owner, struct error *err)
{
	static const struct line_stream_calls stream_calls = {on_line, on_output_ended, on_deaf};
	const struct program_command command = {options->command, options->folder,
	    options->environment, options->memory, options->files};
	struct program *program = xcalloc(1, sizeof *program);
	struct program_pipes pipes;

	watch_children(loop);
	program->calls = calls;
	program->owner = owner;
	program->has_handle = true;
	uv_timer_init(loop, &program->timer);
	program->timer.data = program;
	LIST_INSERT_HEAD(&programs, program, entry);
	program->process = program_exec(&command, &pipes, err);
	if (program->process == -1) {
		program->is_waited_for = true;
		program_end(&program);
		return NULL;
	}
	program->stream = line_stream_create(
	    loop, pipes.output, pipes.input, options->line_limit, &stream_calls, program);
	program->errors =
	    program_stderr_create(loop, pipes.errors, options->name, program->process);
	return program;
}

static void
on_timer_closed(uv_handle_t *handle)
{
	struct program *program = handle->data;

	program->has_handle = false;
	free_if_over(program);
}

void
program_end(struct program **program)
{
	struct program *p = *program;

	*program = NULL;
	if (p == NULL)
		return;
	p->is_given_up = true;
	line_stream_close(&p->stream);
	program_stderr_end(&p->errors);
	uv_close((uv_handle_t *)&p->timer, on_timer_closed);
	signal_group(p, SIGKILL);
	if (!p->is_waited_for)
		wait_for(p);
}
