/*
 * See session_list.h. A page is so many places of the handle table, whoever is in them.
 */
#include "sessiond/control/session_list.h"

#include "sessiond/control/control_answer.h"
#include "sessiond/http/http_request.h"
#include "sessiond/session/session.h"
#include "sessiond/session/session_set.h"

struct page {
	const char *service; /* NULL: all */
	uint64_t now;	     /* s */
	json_t *list;
};

static json_t *
describe(const struct session *session, uint64_t now)
{
	return json_pack("{ss ss ss ss ss sI sI}", "id", session->uuid, "service",
	    session->service->name, "transport",
	    session->transport == NULL ? "" : session->transport->name, "address",
	    session->info == NULL ? "" : connection_info_remote_address(session->info), "state",
	    session_state_name(session->state), "queued_bytes",
	    (json_int_t)session_queued_bytes(session), "age_seconds",
	    (json_int_t)(now - session->began));
}

static void
add(void *object, void *context)
{
	const struct session *session = object;
	struct page *page = context;

	if (!session_is_leg(session) && control_means(page->service, session->service))
		json_array_append_new(page->list, describe(session, page->now));
}

static json_t *
make(struct sessions *sessions, const struct control_page *asked)
{
	struct page page = {asked->service, sessions_now(sessions) / 1000, json_array()};
	uint32_t place = asked->after < UINT32_MAX ? (uint32_t)asked->after : UINT32_MAX;
	bool has_more = sessions_some(sessions, &place, asked->limit, add, &page);

	return json_pack(
	    "{so so}", "sessions", page.list, "next", has_more ? json_integer(place) : json_null());
}

void
session_list_answer(struct http_request *request, const struct services *services)
{
	struct control_page page;
	struct error err = ERROR_INIT;

	if (control_page_read(request->query, services, &page, &err) == -1)
		control_refuse(request, &err);
	else
		control_answer(request, make(request->all->sessions, &page));
	control_page_clear(&page);
}
