/*
 * See worker_serve.h.
 */
#include "sessiond/worker/worker_serve.h"

#include "common/buffer.h"
#include "common/log_limit.h"
#include "common/memory.h"
#include "sessiond/service/service.h"
#include "sessiond/worker/worker_codec.h"
#include "sessiond/worker/worker_pool.h"
#include "sessiond/worker/worker_programs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FIRST_LINE_MAX = 4096 };

struct worker_guest {
	struct workers *all;
	LIST_ENTRY(worker_guest) entry;
	struct line_stream *stream;	/* until it serves */
	struct worker_process *process; /* NULL: it does not serve yet */
	pid_t pid;
	bool is_refused; /* and is to close */
};

static void
destroy(struct worker_guest *guest)
{
	line_stream_close(&guest->stream);
	LIST_REMOVE(guest, entry);
	guest->all->guest_count--;
	free(guest);
}

/* --- its first line --------------------------------------------------------------------------- */

static struct worker_service *
find_service(const struct workers *all, const char *name)
{
	struct worker_service *service;

	LIST_FOREACH(service, &all->services, entry)
		if (service->carrier == &worker_programs_carrier && !service->service->is_retired &&
		    strcmp(service->service->name, name) == 0)
			return service;
	return NULL;
}

/* It is told why, and closed when it has read that. */
static void
refuse(struct worker_guest *guest, const char *code, const char *message)
{
	static struct log_limit limit;

	guest->is_refused = true;
	log_limited(&limit, SEVERITY_ERROR, "process %d on the control socket: %s", (int)guest->pid,
	    message);
	worker_encode_error(line_stream_output(guest->stream), NULL, code, message);
	line_stream_flush(guest->stream);
	line_stream_end_output(guest->stream);
}

static void
on_gone(struct worker_process *process)
{
	struct worker_guest *guest = process->owner;

	worker_pool_remove(&process);
	destroy(guest);
}

static void
serve(struct worker_guest *guest, struct worker_service *service)
{
	static const struct worker_process_calls calls = {
	    worker_pool_changed, worker_pool_move, on_gone};
	struct worker_pool *pool = worker_pool_of(service);
	struct line_stream *stream = guest->stream;

	guest->stream = NULL;
	guest->process = worker_pool_add(pool, "connected", &calls, guest);
	line_stream_set_limit(stream, service->service->worker_options.worker_line_limit);
	worker_process_begin(guest->process, NULL, stream, guest->pid);
	guest->process->is_settled = true;
	worker_pool_changed(guest->process);
}

static void
take_first(struct worker_guest *guest, const char *line, size_t len)
{
	json_t *call = json_loadb(line, len, 0, NULL);
	const char *name = json_string_value(json_object_get(call, "call")),
		   *service_name = json_string_value(json_object_get(call, "service"));
	struct worker_service *service =
	    service_name == NULL ? NULL : find_service(guest->all, service_name);
	char message[160];

	if (name == NULL || service_name == NULL || strcmp(name, "serve") != 0) {
		refuse(guest, "invalid",
		    "the first line is to be {\"call\":\"serve\",\"service\":\"/prefix\"}");
	} else if (service == NULL) {
		snprintf(message, sizeof message,
		    "there is no [service %.80s] with `module = worker` or `program`",
		    service_name);
		refuse(guest, "unknown", message);
	} else {
		serve(guest, service);
	}
	json_decref(call);
}

static void
on_line(void *owner, char *line, size_t len)
{
	struct worker_guest *guest = owner;

	if (guest->process != NULL)
		worker_process_line(guest->process, line, len);
	else if (!guest->is_refused)
		take_first(guest, line, len);
}

static void
on_ended(void *owner, const char *why)
{
	struct worker_guest *guest = owner;

	if (guest->process == NULL)
		destroy(guest);
	else
		worker_process_died(guest->process, why == NULL ? "has closed its connection" : why,
		    !guest->process->is_stopped);
}

/* --- all -------------------------------------------------------------------------------------- */

static pid_t
pid_of(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof peer;

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == -1 ? 0 : peer.pid;
}

void
worker_serve_accept(struct workers *all, int fd)
{
	static const struct line_stream_calls calls = {on_line, on_ended};
	static struct log_limit limit;
	struct worker_guest *guest;

	if (all->guest_count >= WORKER_GUESTS_MAX) {
		log_limited(&limit, SEVERITY_ERROR,
		    "%d processes serve over the control socket: a further one is refused",
		    WORKER_GUESTS_MAX);
		close(fd);
		return;
	}
	guest = xcalloc(1, sizeof *guest);
	guest->all = all;
	guest->pid = pid_of(fd);
	guest->stream = line_stream_create(all->loop, fd, fd, FIRST_LINE_MAX, &calls, guest);
	LIST_INSERT_HEAD(&all->guests, guest, entry);
	all->guest_count++;
}

void
worker_serve_clear(struct workers *all)
{
	while (!LIST_EMPTY(&all->guests))
		destroy(LIST_FIRST(&all->guests));
}
