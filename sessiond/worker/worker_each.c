/*
 * See worker_each.h. A process is started when its client asks to be let in, so that one that
 * cannot be had is refused with 503; what it says waits until its connection is there.
 *
 * The two end independently. Who has ended is forgotten when the other has, too.
 */
#include "sessiond/worker/worker_each.h"

#include "common/buffer.h"
#include "common/log_limit.h"
#include "common/memory.h"
#include "conf/conf_read.h"
#include "sessiond/api/api.h"
#include "sessiond/service/service.h"
#include "sessiond/session/session.h"
#include "sessiond/worker/each_environment.h"
#include "sessiond/program/program.h"
#include "sockjs/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

enum { UNAVAILABLE = 503 };

struct each_process {
	LIST_ENTRY(each_process) entry;
	struct program *program; /* NULL: it has ended */
	bool has_client;	 /* which is connection */
	bool went_first;	 /* it closed its stdout before its client went */
	sockjs_connection connection;
	const sockjs_service *service; /* NULL: it has stopped */
	char *name;		       /* of the service, for the log */
};

static struct {
	uv_loop_t *loop;
	bool is_finishing; /* the daemon ends */
	LIST_HEAD(, each_process) processes;
} each;

static void
forget(struct each_process *process)
{
	LIST_REMOVE(process, entry);
	program_end(&process->program);
	free(process->name);
	free(process);
}

/* --- out: what a process says ----------------------------------------------------------------- */

static bool
is_open(const struct each_process *process)
{
	return process->has_client && sockjs_ready_state(process->connection) == SOCKJS_OPEN;
}

/* A line may hold NUL bytes. */
static void
make_valid(char *line, size_t len)
{
	char *at;

	if (utf8_is_valid_wtf8(line, len))
		return;
	for (at = line; at < line + len; at += strlen(at) + 1)
		utf8_mask_invalid(at);
}

/* A client that reads slowly has the process wait, as a pipe would. */
static void
on_line(void *owner, char *line, size_t len)
{
	struct each_process *process = owner;

	if (!is_open(process))
		return;
	make_valid(line, len);
	sockjs_write(process->connection, line, len);
	if (sockjs_queued_bytes(process->connection) >
	    process->service->protocol.options.drain_mark)
		program_pause(process->program, true);
}

static void
close_connection(struct each_process *process)
{
	if (is_open(process))
		sockjs_close(process->connection, 0, NULL);
}

static void
on_closed(void *owner)
{
	struct each_process *process = owner;

	process->went_first = process->has_client;
	close_connection(process);
}

/* Who was asked to end may do so as it likes. */
static void
log_failure(const struct each_process *process, const char *how)
{
	bool was_asked = each.is_finishing || (!process->has_client && !process->went_first);

	if (!program_has_succeeded(process->program))
		log_limited_for(process->name, was_asked ? SEVERITY_INFO : SEVERITY_ERROR,
		    "[%s]: process %ld %s", process->name, (long)program_pid(process->program),
		    how);
}

static void
on_ended(void *owner, const char *how)
{
	struct each_process *process = owner;

	log_failure(process, how);
	program_end(&process->program);
	if (process->has_client)
		close_connection(process);
	else
		forget(process);
}

/* --- in: what its client says ----------------------------------------------------------------- */

static struct each_process *
find_greediest(const sockjs_service *service, size_t *waiting)
{
	struct each_process *process, *most = NULL;
	size_t n, largest = 0;

	*waiting = 0;
	LIST_FOREACH(process, &each.processes, entry) {
		if (process->service != service || process->program == NULL)
			continue;
		n = program_waiting(process->program);
		*waiting += n;
		if (n <= largest)
			continue;
		largest = n;
		most = process;
	}
	return most;
}

/* What waits for it is freed at once. */
static void
give_up(struct each_process *process, size_t limit)
{
	log_limited_for(process->name, SEVERITY_ERROR,
	    "[%s]: worker_queue_limit (%zu) reached: process %ld does not read, and is killed",
	    process->name, limit, (long)program_pid(process->program));
	program_end(&process->program);
	if (process->has_client)
		sockjs_close(
		    process->connection, WORKER_EACH_CODE_DEAF, "The application does not read");
	else
		forget(process);
}

static void
keep_within_limit(const sockjs_service *service)
{
	size_t waiting, limit = service->worker_options.worker_queue_limit;
	struct each_process *most;

	while ((most = find_greediest(service, &waiting)) != NULL && waiting > limit)
		give_up(most, limit);
}

static void
on_data(sockjs_connection connection, const sockjs_message *message)
{
	struct each_process *process = sockjs_user_data(connection);
	struct buffer *out;

	if (process == NULL || process->program == NULL)
		return;
	out = program_output(process->program);
	buffer_append(out, message->data, message->len);
	buffer_append_char(out, '\n');
	program_flush(process->program);
	if (program_waiting(process->program) > 0)
		keep_within_limit(process->service);
}

/* --- connections ------------------------------------------------------------------------------ */

size_t
worker_each_count(const sockjs_service *service)
{
	const struct each_process *process;
	size_t count = 0;

	LIST_FOREACH(process, &each.processes, entry)
		count += process->service == service && process->program != NULL;
	return count;
}

/* Returns -1 and an error as program_start. */
static int
start_program(struct each_process *process, struct error *err)
{
	static const struct program_calls calls = {on_line, on_closed, on_ended};
	const sockjs_service *service = process->service;
	const struct worker_options *options = &service->worker_options;
	char **environment =
	    each_environment(process->connection, service->protocol.options.headers);
	char *folder = worker_options_folder(service->conf_path);
	const struct program_options program = {
	    .command = options->program,
	    .folder = folder,
	    .name = service->section,
	    .environment = (const char *const *)environment,
	    .line_limit = options->worker_line_limit,
	    .memory = options->worker_memory,
	    .files = options->worker_files,
	};

	process->program = program_start(each.loop, &program, &calls, process, err);
	free(environment);
	free(folder);
	return process->program == NULL ? -1 : 0;
}

static int
admit(sockjs_connection connection, const sockjs_service *service)
{
	struct each_process *process = xcalloc(1, sizeof *process);
	struct error err = ERROR_INIT;

	process->service = service;
	process->name = xstrdup(service->section);
	process->connection = connection;
	process->has_client = true;
	LIST_INSERT_HEAD(&each.processes, process, entry);
	if (start_program(process, &err) == -1) {
		log_limited_for(
		    service->section, SEVERITY_ERROR, "[%s]: %s", service->section, err.text);
		forget(process);
		return UNAVAILABLE;
	}
	program_pause(process->program, true);
	sockjs_set_user_data(connection, process);
	return 0;
}

static int
on_authorize(sockjs_connection connection)
{
	const sockjs_service *service = sockjs_service_of(connection);
	size_t most = service->worker_options.max_processes;

	if (worker_each_count(service) < most)
		return admit(connection, service);
	log_limited_for(service->section, SEVERITY_ERROR,
	    "[%s]: max_processes (%zu) reached: clients get 503", service->section, most);
	return UNAVAILABLE;
}

/*
 * A session that an earlier daemon had, whose service was another one then, has no process. The
 * code is what it would have heard from that daemon.
 */
static void
turn_away(sockjs_connection connection)
{
	static const char reason[] = "The server was restarted";
	struct session *session;

	if (api_find(connection, __func__, &session) == SOCKJS_OK)
		session_close(session, SERVICE_CODE_GOING_AWAY, reason, strlen(reason));
}

static void
on_connection(sockjs_connection connection)
{
	struct each_process *process = sockjs_user_data(connection);

	if (process == NULL)
		turn_away(connection);
	else if (process->program != NULL)
		program_pause(process->program, false);
	else
		close_connection(process);
}

static void
on_drain(sockjs_connection connection)
{
	struct each_process *process = sockjs_user_data(connection);

	if (process != NULL && process->program != NULL)
		program_pause(process->program, false);
}

static void
on_close(sockjs_connection connection)
{
	struct each_process *process = sockjs_user_data(connection);

	if (process == NULL)
		return;
	process->has_client = false;
	if (process->program == NULL) {
		forget(process);
		return;
	}
	program_pause(process->program, false);
	program_stop(process->program);
}

/* --- services --------------------------------------------------------------------------------- */

static int
on_start(sockjs_service *service)
{
	struct error err = ERROR_INIT;

	if (service->worker_options.program == NULL)
		return sockjs_fail(service, "names no program");
	if (program_check(service->worker_options.program, &err) == -1)
		return sockjs_fail(service, "%s", err.text);
	service->is_passing = true;
	return 0;
}

/* Its connections are over. Processes that are ending have their time. */
static void
on_stop(sockjs_service *service)
{
	struct each_process *process;

	LIST_FOREACH(process, &each.processes, entry)
		if (process->service == service)
			process->service = NULL;
}

void
worker_each_bind(uv_loop_t *loop)
{
	each.loop = loop;
	each.is_finishing = false;
	while (loop == NULL && !LIST_EMPTY(&each.processes))
		forget(LIST_FIRST(&each.processes));
}

bool
worker_each_finish(void)
{
	const struct each_process *process;
	bool is_over = true;

	each.is_finishing = true;
	LIST_FOREACH(process, &each.processes, entry) {
		if (process->program == NULL)
			continue;
		is_over = false;
		program_hurry(process->program);
	}
	return is_over;
}

const struct sockjs_module worker_each_module = {
    .abi = SOCKJS_ABI,
    .name = WORKER_EACH_MODULE,
    .options = (const char *const[]){NULL},
    .start = on_start,
    .stop = on_stop,
    .authorize = on_authorize,
    .connection = on_connection,
    .data = on_data,
    .drain = on_drain,
    .close = on_close,
};
