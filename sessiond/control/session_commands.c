/*
 * See session_commands.h. No callback of a module is called here: a close is told when its frame
 * has left.
 */
#include "sessiond/control/session_commands.h"

#include "common/memory.h"
#include "sessiond/control/control_answer.h"
#include "sessiond/http/http_request.h"
#include "sessiond/session/session.h"
#include "sessiond/session/session_set.h"
#include "sessiond/session/session_write.h"

#include <stdlib.h>
#include <string.h>

enum { GO_AWAY = 3000 }; /* with its reason, as the SockJS protocol has it */

/* Whom a body means. */
struct whom {
	const char *id;	     /* NULL: all */
	const char *service; /* NULL: of any */
};

/* --- whom ------------------------------------------------------------------------------------- */

static int
read_whom(const json_t *body, const struct services *services, struct whom *whom, struct error *err)
{
	bool is_any = json_object_get(body, "service") == NULL;
	bool is_all = json_is_true(json_object_get(body, "all"));

	*whom = (struct whom){.id = NULL};
	if (is_all && json_object_get(body, "id") != NULL)
		return error_set(err, CONTROL_BAD_REQUEST, "\"id\" and \"all\" exclude each other");
	if (!is_all && control_read_string(body, "id", NULL, &whom->id, err) == -1)
		return -1;
	if (!is_any && control_read_string(body, "service", NULL, &whom->service, err) == -1)
		return -1;
	if (is_any || control_knows(services, whom->service))
		return 0;
	return error_set(err, CONTROL_NOT_FOUND, "there is no service %.100s", whom->service);
}

static bool
means(const struct whom *whom, const struct session *session)
{
	return session_ready_state(session) == SOCKJS_OPEN && !session_is_leg(session) &&
	    control_means(whom->service, session->service);
}

static int
check_store(const struct sessions *sessions, struct error *err)
{
	return sessions->journal.is_failing
	    ? error_set(err, CONTROL_UNAVAILABLE, "the store cannot be written")
	    : 0;
}

/* The one that has the id; NULL and an error. */
static struct session *
find(const struct sessions *sessions, const struct whom *whom, struct error *err)
{
	struct hash_entry *entry = sessions_find(sessions, whom->id);
	struct session *session =
	    entry == NULL ? NULL : container_of(entry, struct session, by_uuid);

	if (session != NULL && means(whom, session))
		return session;
	error_set(err, CONTROL_NOT_FOUND, "there is no open connection %.100s", whom->id);
	return NULL;
}

/* --- close ------------------------------------------------------------------------------------ */

struct closing {
	struct whom whom;
	int code;
	const char *reason;
	json_int_t after, limit, closed;
};

static int
read_integer(const json_t *body, const char *name, json_int_t least, json_int_t most,
    json_int_t *number, struct error *err)
{
	const json_t *value = json_object_get(body, name);

	if (value == NULL)
		return 0;
	*number = json_integer_value(value);
	return json_is_integer(value) && *number >= least && *number <= most
	    ? 0
	    : error_set(err, CONTROL_BAD_REQUEST, "\"%s\" is to be a number from %lld to %lld",
		  name, (long long)least, (long long)most);
}

static int
read_closing(
    const json_t *body, const struct services *services, struct closing *closing, struct error *err)
{
	json_int_t code = GO_AWAY;

	closing->limit = CONTROL_PAGE_MAX;
	if (read_whom(body, services, &closing->whom, err) == -1 ||
	    read_integer(body, "code", SESSION_CODE_NORMAL, 4999, &code, err) == -1 ||
	    read_integer(body, "after", 0, UINT32_MAX, &closing->after, err) == -1 ||
	    read_integer(body, "limit", 1, CONTROL_PAGE_MAX, &closing->limit, err) == -1 ||
	    control_read_string(body, "reason", "Go away!", &closing->reason, err) == -1)
		return -1;
	if (code != SESSION_CODE_NORMAL && code < 3000)
		return error_set(err, CONTROL_BAD_REQUEST,
		    "\"code\" is to be 1000, or a number from 3000 to 4999");
	if (strlen(closing->reason) > SESSION_REASON_MAX)
		return error_set(err, CONTROL_BAD_REQUEST, "\"reason\" is longer than %d bytes",
		    SESSION_REASON_MAX);
	closing->code = (int)code;
	return 0;
}

static void
close_one(void *object, void *context)
{
	struct closing *closing = context;

	if (means(&closing->whom, object))
		closing->closed +=
		    session_close(object, closing->code, closing->reason, strlen(closing->reason));
}

static json_t *
close_page(struct sessions *sessions, struct closing *closing)
{
	uint32_t place = (uint32_t)closing->after;
	bool has_more =
	    sessions_some(sessions, &place, (uint32_t)closing->limit, close_one, closing);

	return json_pack("{sI so}", "closed", closing->closed, "next",
	    has_more ? json_integer(place) : json_null());
}

/* Returns the answer; NULL and an error. */
static json_t *
carry_out(struct sessions *sessions, struct closing *closing, struct error *err)
{
	struct session *session;

	if (check_store(sessions, err) == -1)
		return NULL;
	if (closing->whom.id == NULL)
		return close_page(sessions, closing);
	session = find(sessions, &closing->whom, err);
	if (session == NULL)
		return NULL;
	close_one(session, closing);
	return json_pack("{sI}", "closed", closing->closed);
}

void
session_close_answer(struct http_request *request, const struct services *services)
{
	struct error err = ERROR_INIT;
	json_t *body = control_read_body(request, &err), *answer = NULL;
	struct closing closing = {.closed = 0};

	if (body != NULL && read_closing(body, services, &closing, &err) == 0)
		answer = carry_out(request->all->sessions, &closing, &err);
	if (err.code != 0)
		control_refuse(request, &err);
	else
		control_acknowledge(request, answer);
	json_decref(body);
}

/* --- send ------------------------------------------------------------------------------------- */

/* The message that a body has; NULL and an error. */
static struct message *
make_message(const json_t *body, size_t limit, struct error *err)
{
	const json_t *data = json_object_get(body, "data");
	char *text = data == NULL || json_is_string(data)
	    ? NULL
	    : json_dumps(data, JSON_COMPACT | JSON_ENCODE_ANY);
	const char *bytes = text == NULL ? json_string_value(data) : text;
	size_t len = text == NULL ? json_string_length(data) : strlen(text);
	struct message *message = NULL;

	if (data == NULL)
		error_set(err, CONTROL_BAD_REQUEST, "there is no \"data\"");
	else if (len > limit)
		error_set(err, CONTROL_TOO_LARGE,
		    "\"data\" is longer than %zu bytes (publish_limit)", limit);
	else if (bytes == NULL || (message = message_create(bytes, len, false)) == NULL)
		error_set(err, CONTROL_UNAVAILABLE, "out of memory");
	free(text);
	return message;
}

static json_t *
deliver(struct session *session, struct message *message, struct error *err)
{
	if (session_write(session, message) == SOCKJS_OK)
		return json_pack("{sI}", "queued_bytes", (json_int_t)session_queued_bytes(session));
	error_set(err, CONTROL_UNAVAILABLE,
	    "the client does not read: its connection is closed (queue_limit, "
	    "store_session_limit)");
	return NULL;
}

static json_t *
send_message(struct http_request *request, const json_t *body, const struct services *services,
    size_t limit, struct error *err)
{
	struct sessions *sessions = request->all->sessions;
	struct session *session = NULL;
	struct message *message;
	json_t *answer = NULL;
	struct whom whom;

	if (read_whom(body, services, &whom, err) == -1)
		return NULL;
	if (whom.id == NULL) {
		error_set(err, CONTROL_BAD_REQUEST, "\"all\" is for close: publish to a channel");
		return NULL;
	}
	message = make_message(body, limit, err);
	if (err->code == CONTROL_TOO_LARGE)
		sessions->limits.reached[LIMIT_PUBLISH]++;
	if (message != NULL && check_store(sessions, err) == 0)
		session = find(sessions, &whom, err);
	if (session != NULL)
		answer = deliver(session, message, err);
	message_unref(&message);
	return answer;
}

void
session_send_answer(struct http_request *request, const struct services *services, size_t limit)
{
	struct error err = ERROR_INIT;
	json_t *body = control_read_body(request, &err), *answer = NULL;

	if (body != NULL)
		answer = send_message(request, body, services, limit, &err);
	if (err.code != 0)
		control_refuse(request, &err);
	else
		control_acknowledge(request, answer);
	json_decref(body);
}
