/*
 * See worker_programs.h. A slot is a place for one process after the other; the connections stay
 * with its struct worker_process. A slot whose program is replaced lives on, without a successor,
 * until its process has acknowledged what it has.
 */
#include "sessiond/worker/worker_programs.h"

#include "common/log.h"
#include "common/log_limit.h"
#include "common/memory.h"
#include "sessiond/service/service.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct worker_slot {
	struct worker_pool *pool;
	struct worker_process *process;
	struct worker_options options; /* a copy, of those that it is started with */
	char *files;		       /* program_files, when it was made */
	uint64_t pause;		       /* ms, before the next start */
	uv_timer_t *timer;	       /* of the next start */
};

static void begin(struct worker_slot *slot);

/* --- timers ----------------------------------------------------------------------------------- */

static void
on_closed(uv_handle_t *handle)
{
	free(handle);
}

static void
on_timer(uv_timer_t *timer)
{
	begin(timer->data);
}

static char *
files_of(const struct sockjs_service *service)
{
	char *folder = worker_options_folder(service->conf_path);
	char *files = program_files(service->worker_options.program, folder);

	free(folder);
	return files;
}

static struct worker_slot *
create_slot(struct worker_pool *pool)
{
	struct worker_slot *slot = xcalloc(1, sizeof *slot);

	slot->pool = pool;
	conf_copy_values(worker_option_table, worker_option_count, &slot->options,
	    &pool->service->service->worker_options);
	slot->files = files_of(pool->service->service);
	slot->timer = xmalloc(sizeof *slot->timer);
	uv_timer_init(pool->service->all->loop, slot->timer);
	slot->timer->data = slot;
	return slot;
}

static void
destroy_slot(struct worker_slot *slot)
{
	uv_close((uv_handle_t *)slot->timer, on_closed);
	conf_free_values(worker_option_table, worker_option_count, &slot->options);
	free(slot->files);
	free(slot);
}

/* --- a process -------------------------------------------------------------------------------- */

static void
on_line(void *owner, char *line, size_t len)
{
	worker_process_line(((struct worker_slot *)owner)->process, line, len);
}

static void
on_ended(void *owner, const char *how)
{
	struct worker_process *process = ((struct worker_slot *)owner)->process;

	worker_process_died(process, how, !process->is_stopped);
}

static void
start_later(struct worker_slot *slot)
{
	slot->pause = slot->pause == 0 ? WORKER_PAUSE_MIN : slot->pause * 2;
	if (slot->pause > WORKER_PAUSE_MAX)
		slot->pause = WORKER_PAUSE_MAX;
	uv_timer_start(slot->timer, on_timer, slot->pause, 0);
}

static void
on_gone(struct worker_process *process)
{
	struct worker_slot *slot = process->owner;
	const struct workers *all = slot->pool->service->all;

	if (process->is_leaving) {
		worker_pool_remove(&process);
		destroy_slot(slot);
		return;
	}
	if (all->is_ending)
		return;
	if (workers_now(all) - process->began >= WORKER_LASTING)
		slot->pause = 0;
	start_later(slot);
}

static void
begin(struct worker_slot *slot)
{
	static const struct program_calls calls = {on_line, NULL, on_ended};
	const struct worker_service *service = slot->pool->service;
	char *folder = worker_options_folder(service->service->conf_path);
	struct error err = ERROR_INIT;
	const struct program_options options = {
	    .command = slot->options.program,
	    .folder = folder,
	    .name = service->service->section,
	    .line_limit = slot->options.worker_line_limit,
	    .memory = slot->options.worker_memory,
	    .files = slot->options.worker_files,
	};
	struct program *program = program_start(service->all->loop, &options, &calls, slot, &err);

	free(folder);
	if (program == NULL) {
		worker_log(service, "%s", err.text);
		start_later(slot);
		return;
	}
	worker_process_begin(slot->process, program, NULL, program_pid(program));
}

/* --- all -------------------------------------------------------------------------------------- */

static void
start_programs(struct worker_pool *pool)
{
	static const struct worker_process_calls calls = {
	    worker_pool_changed, worker_pool_move, on_gone};
	const struct worker_options *options = &pool->service->service->worker_options;
	size_t i;

	if (options->program == NULL)
		return;
	pool->slot_count = worker_options_processes(options);
	pool->slots = xcalloc(pool->slot_count, sizeof *pool->slots);
	for (i = 0; i < pool->slot_count; i++) {
		pool->slots[i] = create_slot(pool);
		pool->slots[i]->process = worker_pool_add(pool, "program", &calls, pool->slots[i]);
	}
	for (i = 0; i < pool->slot_count; i++)
		begin(pool->slots[i]);
}

/* Who runs ends by itself; who does not is gone now. */
static void
replace(struct worker_slot *slot)
{
	struct worker_process *process = slot->process;

	process->is_leaving = true;
	uv_timer_stop(slot->timer);
	if (worker_process_runs(process)) {
		worker_pool_move(process);
	} else {
		worker_pool_remove(&process);
		destroy_slot(slot);
	}
}

static bool
has_same_files(const struct worker_slot *slot, const struct sockjs_service *service)
{
	char *files = files_of(service);
	bool is_same = strcmp(slot->files, files) == 0;

	free(files);
	return is_same;
}

/* What a process is started with. */
static bool
has_same_options(const struct worker_options *a, const struct worker_options *b)
{
	static const char *const names[] = {
	    "program", "processes", "worker_line_limit", "worker_memory", "worker_files"};
	size_t i;

	for (i = 0; i < sizeof names / sizeof names[0]; i++)
		if (!conf_is_same(
			conf_find(worker_option_table, worker_option_count, names[i]), a, b))
			return false;
	return true;
}

static void
change_programs(struct worker_pool *pool)
{
	const struct worker_options *options = &pool->service->service->worker_options;
	struct worker_slot **former = pool->slots;
	size_t i, count = pool->slot_count;

	if (count == 0 ? options->program == NULL
		       : has_same_options(&former[0]->options, options) &&
		    has_same_files(former[0], pool->service->service))
		return;
	pool->slots = NULL;
	pool->slot_count = 0;
	start_programs(pool);
	for (i = 0; i < count; i++)
		replace(former[i]);
	free(former);
	log_info("[%s]: its programs are replaced", pool->service->service->section);
}

/* --- the carrier ------------------------------------------------------------------------------ */

static void
start(struct worker_service *service)
{
	worker_pool_open(service);
	start_programs(worker_pool_of(service));
}

static void
change(struct worker_service *service)
{
	worker_pool_change(worker_pool_of(service));
	change_programs(worker_pool_of(service));
}

static void
stop(struct worker_service *service)
{
	struct worker_pool *pool = worker_pool_of(service);

	free(pool->slots);
	pool->slots = NULL;
	pool->slot_count = 0;
	worker_pool_close(pool);
}

const struct worker_carrier worker_programs_carrier = {
    .name = "processes",
    .start = start,
    .stop = stop,
    .change = change,
    .wake = worker_pool_wake,
    .restored = worker_pool_wake,
    .forget = worker_pool_forget,
    .drain = worker_pool_drain,
    .give = worker_pool_give,
    .write = worker_pool_write,
    .finish = worker_pool_finish,
};
