/*
 * probe: does what the first word of a message says, and answers with the result. So the end-to-end
 * tests can see the interface as a module sees it. Every service has its own `struct probe`; all
 * share `starts`.
 */
#include <sockjs.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct probe {
	const char *greeting;
	uint32_t number;
	uint64_t delay; /* ms */
	bool keeps_log;
	unsigned connections;
	char line[200]; /* the last line that the log callback got */
	sockjs_connection former;
};

static unsigned starts;

static struct probe *
probe_of(sockjs_connection connection)
{
	return sockjs_service_user_data(sockjs_service_of(connection));
}

static void __attribute__((format(printf, 2, 3)))
answer(sockjs_connection connection, const char *format, ...)
{
	char text[2000];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	sockjs_write(connection, text, strlen(text));
}

/* --- what is known ---------------------------------------------------------------------------- */

static const char *
shown(const char *text)
{
	return text == NULL ? "NULL" : text;
}

static void
do_who(sockjs_connection connection, const char *rest)
{
	const struct probe *probe = probe_of(connection);

	(void)rest;
	answer(connection, "%s %s %" PRIu32 " %" PRIu64 " starts %u connections %u",
	    sockjs_service_prefix(sockjs_service_of(connection)), shown(probe->greeting),
	    probe->number, probe->delay, starts, probe->connections);
}

static void
do_getters(sockjs_connection connection, const char *rest)
{
	(void)rest;
	answer(connection, "%s|%s|%s|%s|%s|%d|%s|%d|%d%d%d|%s|%s", sockjs_protocol(connection),
	    sockjs_prefix(connection), sockjs_url(connection), sockjs_pathname(connection),
	    sockjs_remote_address(connection), sockjs_remote_port(connection),
	    sockjs_address(connection), sockjs_port(connection), sockjs_ready_state(connection),
	    sockjs_readable(connection), sockjs_writable(connection),
	    shown(sockjs_header(connection, "user-agent")),
	    shown(sockjs_header(connection, "cookie")));
}

static void
do_header(sockjs_connection connection, const char *rest)
{
	answer(connection, "%s", shown(sockjs_header(connection, rest)));
}

static void
do_id(sockjs_connection connection, const char *rest)
{
	(void)rest;
	answer(connection, "%s", sockjs_id(connection));
}

/* --- writing ---------------------------------------------------------------------------------- */

/* Writes messages of 1000 bytes until so many bytes wait. The drain event reports the rest. */
static void
do_flood(sockjs_connection connection, const char *rest)
{
	char text[1000];
	size_t limit = strtoul(rest, NULL, 10);

	memset(text, 'x', sizeof text);
	while (sockjs_queued_bytes(connection) < limit &&
	    sockjs_write(connection, text, sizeof text) == SOCKJS_OK)
		continue;
}

static void
on_drain(sockjs_connection connection)
{
	uintptr_t drains = (uintptr_t)sockjs_user_data(connection) + 1;

	sockjs_set_user_data(connection, (void *)drains);
	answer(connection, "drain %u, %zu wait", (unsigned)drains, sockjs_queued_bytes(connection));
}

static void
do_end(sockjs_connection connection, const char *rest)
{
	sockjs_end(connection, rest, strlen(rest));
}

static void
do_close(sockjs_connection connection, const char *rest)
{
	char *reason;
	int code = (int)strtol(rest, &reason, 10);

	sockjs_close(connection, code, *reason == ' ' ? reason + 1 : NULL);
}

static void
do_log(sockjs_connection connection, const char *rest)
{
	sockjs_log(sockjs_service_of(connection), SOCKJS_LOG_INFO, "%s", rest);
	answer(connection, "logged");
}

/* The last line of this service's log. */
static void
do_line(sockjs_connection connection, const char *rest)
{
	(void)rest;
	answer(connection, "%s", probe_of(connection)->line);
}

/* --- threads ---------------------------------------------------------------------------------- */

struct crowd {
	sockjs_connection connection;
	sockjs_service *service;
	unsigned threads, each, ran, disorder;
	unsigned next[64];
};

struct worker {
	struct crowd *crowd;
	unsigned index;
};

struct job {
	struct worker *worker;
	unsigned number;
};

static void
on_job(void *data)
{
	struct job *job = data;
	struct worker *worker = job->worker;
	struct crowd *crowd = worker->crowd;

	crowd->disorder += job->number != crowd->next[worker->index]++;
	if (job->number == crowd->each - 1)
		free(worker);
	if (++crowd->ran == crowd->threads * crowd->each) {
		answer(crowd->connection, "%u ran, %u out of order", crowd->ran, crowd->disorder);
		free(crowd);
	}
	free(job);
}

static void *
work(void *data)
{
	struct worker *worker = data;
	sockjs_service *service = worker->crowd->service;
	unsigned i, each = worker->crowd->each;

	for (i = 0; i < each; i++) {
		struct job *job = malloc(sizeof *job);

		if (job == NULL)
			abort();
		*job = (struct job){worker, i};
		if (sockjs_run(service, on_job, job) != SOCKJS_OK)
			abort();
	}
	return NULL;
}

static void
start_thread(void *(*body)(void *), void *data)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, body, data) != 0)
		abort();
	pthread_detach(thread);
}

static void
do_threads(sockjs_connection connection, const char *rest)
{
	struct crowd *crowd = calloc(1, sizeof *crowd);
	unsigned i;

	if (crowd == NULL || sscanf(rest, "%u %u", &crowd->threads, &crowd->each) != 2)
		abort();
	crowd->connection = connection;
	crowd->service = sockjs_service_of(connection);
	for (i = 0; i < crowd->threads; i++) {
		struct worker *worker = malloc(sizeof *worker);

		if (worker == NULL)
			abort();
		*worker = (struct worker){crowd, i};
		start_thread(work, worker);
	}
}

struct report {
	sockjs_connection connection;
	sockjs_service *service;
	int results[4];
};

static void
on_report(void *data)
{
	struct report *report = data;

	answer(report->connection, "%d %d %d %d", report->results[0], report->results[1],
	    report->results[2], report->results[3]);
	free(report);
}

static void *
call_from_here(void *data)
{
	struct report *report = data;

	report->results[0] = sockjs_write(report->connection, "never", 5);
	report->results[1] = sockjs_close(report->connection, 0, NULL);
	report->results[2] = sockjs_id(report->connection) != NULL;
	report->results[3] = sockjs_service_set_user_data(report->service, NULL);
	sockjs_run(report->service, on_report, report);
	return NULL;
}

static void
do_wrong_thread(sockjs_connection connection, const char *rest)
{
	struct report *report = malloc(sizeof *report);

	(void)rest;
	if (report == NULL)
		abort();
	*report = (struct report){connection, sockjs_service_of(connection), {0}};
	start_thread(call_from_here, report);
}

/* --- mistakes --------------------------------------------------------------------------------- */

static void
never(void *data)
{
	(void)data;
	abort();
}

static int
misuse(sockjs_connection connection)
{
	sockjs_service *service = sockjs_service_of(connection);
	sockjs_connection stranger = {UINT64_C(0x1234567800000001)};
	sockjs_group *group = sockjs_group_create(service), *old_group = group;
	sockjs_timer *timer = sockjs_timer_start(service, 0, 0, never, NULL), *old_timer = timer;

	sockjs_group_destroy(&group);
	sockjs_timer_stop(&timer);
	return sockjs_write(connection, NULL, 1) != SOCKJS_INVALID	 ? 1
	    : sockjs_write(connection, "\xff", 1) != SOCKJS_INVALID	 ? 2
	    : sockjs_close(connection, 999, NULL) != SOCKJS_INVALID	 ? 3
	    : sockjs_close(connection, 3000, "\xff") != SOCKJS_INVALID	 ? 4
	    : sockjs_write(stranger, "x", 1) != SOCKJS_GONE		 ? 5
	    : sockjs_group_add(old_group, connection) != SOCKJS_GONE	 ? 6
	    : sockjs_group_write(old_group, "x", 1) != SOCKJS_GONE	 ? 7
	    : sockjs_group_write(NULL, "x", 1) != SOCKJS_INVALID	 ? 8
	    : sockjs_timer_stop(&old_timer) != SOCKJS_GONE		 ? 9
	    : sockjs_timer_stop(NULL) != SOCKJS_INVALID			 ? 10
	    : sockjs_timer_start(NULL, 0, 0, never, NULL) != NULL	 ? 11
	    : sockjs_group_create(NULL) != NULL				 ? 12
	    : sockjs_run(NULL, never, NULL) != SOCKJS_INVALID		 ? 13
	    : sockjs_option(service, NULL) != NULL			 ? 14
	    : sockjs_respond((sockjs_request){3}, NULL) != SOCKJS_GONE	 ? 15
	    : sockjs_service_set_user_data(NULL, NULL) != SOCKJS_INVALID ? 16
	    : sockjs_header(connection, NULL) != NULL			 ? 17
									 : 0;
}

static void
do_misuse(sockjs_connection connection, const char *rest)
{
	(void)rest;
	answer(connection, "misuse %d", misuse(connection));
}

/* Tries calls with the connection that ended last. */
static void
do_former(sockjs_connection connection, const char *rest)
{
	sockjs_connection former = probe_of(connection)->former;

	(void)rest;
	answer(connection, "%d %d %d %s", sockjs_write(former, "x", 1),
	    sockjs_close(former, 0, NULL), sockjs_ready_state(former), shown(sockjs_id(former)));
}

static void
do_write_after_close(sockjs_connection connection, const char *rest)
{
	(void)rest;
	sockjs_close(connection, 3001, "closed");
	sockjs_write(connection, "late", 4);
	sockjs_close(connection, 3002, "again");
}

/* --- events ----------------------------------------------------------------------------------- */

static const struct {
	const char *word;
	void (*act)(sockjs_connection connection, const char *rest);
} commands[] = {
    {"who", do_who},
    {"getters", do_getters},
    {"header", do_header},
    {"id", do_id},
    {"flood", do_flood},
    {"end", do_end},
    {"close", do_close},
    {"log", do_log},
    {"line", do_line},
    {"threads", do_threads},
    {"wrong-thread", do_wrong_thread},
    {"misuse", do_misuse},
    {"former", do_former},
    {"write-after-close", do_write_after_close},
};

static void
on_data(sockjs_connection connection, const sockjs_message *message)
{
	char text[200];
	char *rest;
	size_t i;

	if (message->binary) {
		sockjs_write_binary(connection, message->data, message->len);
		return;
	}
	snprintf(text, sizeof text, "%.*s", (int)message->len, message->data);
	rest = text + strcspn(text, " ");
	if (*rest != '\0')
		*rest++ = '\0';
	for (i = 0; i < sizeof commands / sizeof commands[0]; i++)
		if (strcmp(commands[i].word, text) == 0)
			commands[i].act(connection, rest);
}

static void
on_connection(sockjs_connection connection)
{
	probe_of(connection)->connections++;
}

static void
on_run_at_the_end(void *data)
{
	sockjs_log(data, SOCKJS_LOG_INFO, "what was put off has run");
}

static void
on_close(sockjs_connection connection)
{
	struct probe *probe = probe_of(connection);

	probe->connections--;
	probe->former = connection;
	sockjs_run(sockjs_service_of(connection), on_run_at_the_end, sockjs_service_of(connection));
}

static bool
on_log(sockjs_service *service, enum sockjs_severity severity, const char *line)
{
	struct probe *probe = sockjs_service_user_data(service);

	if (!probe->keeps_log)
		return false;
	snprintf(probe->line, sizeof probe->line, "%d %s", severity, line);
	return true;
}

static int
on_start(sockjs_service *service)
{
	struct probe *probe = calloc(1, sizeof *probe);

	if (probe == NULL)
		abort();
	starts++;
	sockjs_service_set_user_data(service, probe);
	probe->greeting = sockjs_option(service, "greeting");
	probe->number = 42;
	probe->delay = 1000;
	/* A wrong value refuses the start by itself. */
	sockjs_option_uint(service, "number", 1, 100, &probe->number);
	sockjs_option_ms(service, "delay", 0, 0, &probe->delay);
	sockjs_option_bool(service, "keep_log", &probe->keeps_log);
	if (sockjs_option(service, "refuse") == NULL)
		return 0;
	free(probe);
	return sockjs_fail(service, "not today: %s", sockjs_option(service, "refuse"));
}

static void
on_stop(sockjs_service *service)
{
	sockjs_log(service, SOCKJS_LOG_INFO, "stop: %d", sockjs_run(service, never, NULL));
	free(sockjs_service_user_data(service));
}

static const char *const options[] = {"greeting", "number", "delay", "keep_log", "refuse", NULL};

SOCKJS_MODULE = {
    .abi = SOCKJS_ABI,
    .name = "probe",
    .options = options,
    .start = on_start,
    .stop = on_stop,
    .connection = on_connection,
    .data = on_data,
    .drain = on_drain,
    .close = on_close,
    .log = on_log,
};
