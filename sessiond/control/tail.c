/*
 * See tail.h. There is a watcher exactly while there is a reader.
 */
#include "sessiond/control/tail.h"

#include "common/memory.h"
#include "sessiond/control/control_answer.h"
#include "sessiond/control/tail_event.h"
#include "sessiond/http/http_request.h"
#include "sessiond/session/session.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A reader. */
struct tail {
	LIST_ENTRY(tail) entry;
	struct tails *all;
	struct http_response *response;
	char *service; /* NULL: all */
	uint64_t lost; /* events that it has not heard of */
};

static uint64_t
wall_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* --- one reader ------------------------------------------------------------------------------- */

static void
put(struct tail *tail, const char *line)
{
	struct http_response *response = tail->response;
	size_t begin = http_response_begin_chunk(response);

	buffer_append_str(&response->out, line);
	http_response_end_chunk(response, begin);
	if (buffer_failed(&response->out))
		response->is_broken = true;
	http_response_flush(response);
}

static void
put_lost(struct tail *tail)
{
	char *line = tail->lost == 0 ? NULL : tail_lost_line(tail->lost);

	if (line == NULL)
		return;
	tail->lost = 0;
	put(tail, line);
	free(line);
}

static bool
is_full(const struct tail *tail)
{
	return tail->response->out.len > TAIL_BACKLOG;
}

/* line NULL: there was no memory for it. */
static void
show(struct tail *tail, const char *line)
{
	if (line == NULL || is_full(tail)) {
		tail->lost++;
		return;
	}
	put_lost(tail);
	put(tail, line);
}

static void
drained(struct http_response *response)
{
	put_lost(response->owner);
}

static void
ended(struct http_response *response)
{
	struct tail *tail = response->owner;

	response->calls = NULL;
	LIST_REMOVE(tail, entry);
	if (--tail->all->count == 0)
		watch_watcher = NULL;
	free(tail->service);
	free(tail);
}

/* --- all of them ------------------------------------------------------------------------------ */

static void
saw(struct watcher *watcher, const struct watch_event *event)
{
	struct tails *tails = container_of(watcher, struct tails, watcher);
	struct tail *tail;
	char *line = NULL;

	if (event->session != NULL && session_is_leg(event->session))
		return;
	LIST_FOREACH(tail, &tails->list, entry) {
		if (!control_means(tail->service, event->service))
			continue;
		if (line == NULL && !is_full(tail))
			line = tail_event_line(event, wall_clock());
		show(tail, line);
	}
	free(line);
}

static void
begin(struct tails *tails, struct http_response *response, char *service)
{
	static const struct http_stream_calls calls = {drained, ended};
	struct tail *tail = xcalloc(1, sizeof *tail);

	*tail = (struct tail){.all = tails, .response = response, .service = service};
	LIST_INSERT_HEAD(&tails->list, tail, entry);
	tails->count++;
	tails->watcher.saw = saw;
	watch_watcher = &tails->watcher;
	response->calls = &calls;
	response->owner = tail;
	response->reply.status = CONTROL_OK;
	response->reply.content_type = "application/x-ndjson";
	response->reply.cache = REPLY_NOT_CACHED;
	http_response_stream(response);
}

void
tails_answer(struct tails *tails, struct http_request *request, const struct services *services)
{
	struct control_page page;
	struct error err = ERROR_INIT;

	if (control_page_read(request->query, services, &page, &err) == 0 &&
	    tails->count >= TAIL_MAX)
		error_set(
		    &err, CONTROL_UNAVAILABLE, "there are %d already that read this", TAIL_MAX);
	if (err.code != 0) {
		control_refuse(request, &err);
		control_page_clear(&page);
		return;
	}
	begin(tails, &request->response, page.service);
}

void
tails_end(struct tails *tails)
{
	struct tail *tail;

	LIST_FOREACH(tail, &tails->list, entry) {
		/* Who does not read keeps nobody. */
		if (tail->response->out.len > 0) {
			http_response_break(tail->response);
		} else {
			tail->response->out_ended = true;
			http_response_flush(tail->response);
		}
	}
}
