/*
 * See crash.h. What runs in the handler has to be safe there: the line is put together without
 * stdio, and bypasses the log's queue. It has a stack of its own, since a module may have used up
 * the loop's.
 */
#include "sessiond/crash.h"

#include "common/log_file.h"
#include "sessiond/service/callback.h"

#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

static const struct {
	int number;
	const char *name;
} faults[] = {
    {SIGSEGV, "SIGSEGV"},
    {SIGBUS, "SIGBUS"},
    {SIGFPE, "SIGFPE"},
    {SIGILL, "SIGILL"},
    {SIGABRT, "SIGABRT"},
};

enum {
	FAULTS = sizeof faults / sizeof faults[0],
	STACK = 64 << 10,
};

static struct sigaction former[FAULTS];
static char stack[STACK];

static int
find(int number)
{
	int i = 0;

	while (i < FAULTS - 1 && faults[i].number != number)
		i++;
	return i;
}

static void
write_line(const char *signal_name)
{
	static char line[1024];
	static const char begin[] = "sockjs-sessiond: ", middle[] = " in ";
	size_t n = sizeof begin - 1, len = strlen(signal_name), described;

	memcpy(line, begin, n);
	memcpy(line + n, signal_name, len);
	n += len;
	memcpy(line + n, middle, sizeof middle - 1);
	n += sizeof middle - 1;
	described = callback_describe(line + n, sizeof line - n - 1);
	if (described == 0)
		return;
	n += described;
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, n) == -1 || log_file_descriptor() == -1)
		return;
	if (write(log_file_descriptor(), line, n) == -1)
		return;
}

/* The fault comes again, to whoever was there before: to the system, which ends the process. */
static void
on_fault(int number, siginfo_t *info, void *context)
{
	int i = find(number);

	write_line(faults[i].name);
	sigaction(number, &former[i], NULL);
	if (former[i].sa_flags & SA_SIGINFO)
		former[i].sa_sigaction(number, info, context);
	else
		raise(number);
}

void
crash_report_modules(void)
{
	struct sigaction action = {
	    .sa_sigaction = on_fault,
	    .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER,
	};
	const stack_t own = {.ss_sp = stack, .ss_size = sizeof stack};
	stack_t there;
	int i;

	if (sigaltstack(NULL, &there) == 0 && there.ss_flags & SS_DISABLE)
		sigaltstack(&own, NULL);
	for (i = 0; i < FAULTS; i++)
		sigaction(faults[i].number, &action, &former[i]);
}
