/*
 * See remote_ask.h. An answer that is too long, or that its responder would leave unread with so
 * much else that local_backlog was reached, gives way to an error: all that the others wait for is
 * on the same connection.
 */
#include "sessiond/responder/remote_ask.h"

#include "common/memory.h"
#include "sessiond/session/session_set.h"

#include <stdlib.h>
#include <string.h>

/* A request that was carried out. */
struct remote_ask {
	struct peer *peer; /* NULL: gone */
	uint64_t request;
	struct api_answer answer;
};

enum { NOT_FOUND = 404, TOO_LARGE = 413, TOO_MANY = 429, UNAVAILABLE = 503 };

static const char *
folder_of(const struct remote_asks *asks)
{
	return asks->api == NULL ? NULL : asks->api->folder(asks->api->context);
}

void
remote_asks_tell(const struct remote_asks *asks, struct peer *peer)
{
	const char *folder = folder_of(asks);
	struct buffer path = BUFFER_INIT;

	if (folder == NULL || peer->minor < WIRE_MINOR_API)
		return;
	buffer_printf(&path, "%s" API_PATH, folder);
	buffer_append_char(&path, '\0');
	if (!buffer_failed(&path)) {
		const struct wire_api api = {path.data, remote_asks_body_limit(asks)};

		/* A path that is too long is in no request either. */
		wire_encode_api(peer_output(peer), &api);
	}
	buffer_free(&path);
}

size_t
remote_asks_body_limit(const struct remote_asks *asks)
{
	return folder_of(asks) == NULL ? 0 : asks->api->body_limit(asks->api->context);
}

/* --- requests --------------------------------------------------------------------------------- */

static void
set_text(struct api_answer *answer, unsigned status, const char *text)
{
	buffer_free(&answer->body);
	*answer = (struct api_answer){
	    .status = status,
	    .content_type = "text/plain; charset=UTF-8",
	    .came = answer->came,
	};
	buffer_append_str(&answer->body, text);
}

/* What follows the folder; NULL: it is not the API's, which may have been elsewhere before. */
static const char *
path_of(const struct remote_asks *asks, const struct wire_ask *ask)
{
	const char *folder = folder_of(asks);
	size_t len = folder == NULL ? 0 : strlen(folder);

	if (folder == NULL || strncmp(ask->path, folder, len) != 0 ||
	    strncmp(ask->path + len, API_PATH, strlen(API_PATH)) != 0)
		return NULL;
	return ask->path + len;
}

static void
carry_out(struct remote_asks *asks, struct sessions *sessions, const struct wire_ask *ask,
    struct api_answer *answer)
{
	const struct api_request request = {
	    .method = ask->method,
	    .path = path_of(asks, ask),
	    .query = ask->query,
	    .body = ask->body,
	    .body_len = ask->body_len,
	};

	if (request.path == NULL) {
		set_text(answer, NOT_FOUND, "404 Error: Page not found\n");
	} else if (ask->body_len > remote_asks_body_limit(asks)) {
		sessions->limits.reached[LIMIT_BODY]++;
		set_text(answer, TOO_LARGE, "Request body too large.\n");
	} else if (!limits_request(
		       &sessions->limits, &ask->client.any, false, sessions_now(sessions))) {
		set_text(answer, TOO_MANY, "Too many requests.\n");
	} else {
		asks->api->answer(asks->api->context, &request, answer);
	}
	if (answer->acknowledges)
		journal_note_send(&sessions->journal);
}

/* The turn's end looks for those that are there. */
static void
came(struct api_answer *answer)
{
	(void)answer;
}

void
remote_asks_take(
    struct remote_asks *asks, struct peer *peer, uint64_t request, const struct wire_ask *ask)
{
	struct remote_ask *taken = xcalloc(1, sizeof *taken);

	taken->peer = peer;
	taken->request = request;
	taken->answer.came = came;
	asks->list = xgrow(asks->list, &asks->room, asks->count, sizeof(struct remote_ask *));
	asks->list[asks->count++] = taken;
	carry_out(asks, peer->all->sessions, ask, &taken->answer);
}

/* --- answers ---------------------------------------------------------------------------------- */

static void
check_room(const struct remote_ask *ask, struct api_answer *answer)
{
	size_t most = *ask->peer->all->backlog_max / 2, waits = peer_output(ask->peer)->len;

	if (answer->body.len > WIRE_ANSWER_MAX)
		set_text(answer, UNAVAILABLE,
		    "The answer is too long for FastCGI: ask for a part, or ask sessiond itself.\n");
	else if (answer->body.len > most || waits > most - answer->body.len)
		set_text(
		    answer, UNAVAILABLE, "Too much waits for this web server (local_backlog).\n");
}

static void
put(const struct remote_ask *ask, const struct api_answer *answer)
{
	const struct wire_answer wire = {
	    .status = answer->status,
	    .content_type = answer->content_type,
	    .body = answer->body.len == 0 ? "" : answer->body.data,
	    .body_len = answer->body.len,
	};

	if (wire_encode_answer(peer_output(ask->peer), ask->request, &wire) == -1)
		wire_encode_refused(
		    peer_output(ask->peer), ask->request, UNAVAILABLE, "Out of memory.\n");
}

static void
answer(struct remote_ask *ask, enum commit_result committed)
{
	if (committed == COMMIT_FAILED && ask->answer.acknowledges)
		set_text(&ask->answer, UNAVAILABLE, "The store cannot be written.\n");
	if (buffer_failed(&ask->answer.body))
		set_text(&ask->answer, UNAVAILABLE, "Out of memory.\n");
	if (ask->peer == NULL)
		return;
	check_room(ask, &ask->answer);
	put(ask, &ask->answer);
}

static void
destroy(struct remote_ask *ask)
{
	buffer_free(&ask->answer.body);
	free(ask);
}

bool
remote_asks_answer(struct remote_asks *asks, enum commit_result committed)
{
	size_t i, left = 0;
	bool any;

	for (i = 0; i < asks->count; i++) {
		struct remote_ask *ask = asks->list[i];

		if (ask->answer.status == 0) {
			asks->list[left++] = ask;
			continue;
		}
		answer(ask, committed);
		destroy(ask);
	}
	any = left < asks->count;
	asks->count = left;
	return any;
}

void
remote_asks_give_up(struct remote_asks *asks, const struct peer *peer)
{
	size_t i;

	for (i = 0; i < asks->count; i++) {
		struct remote_ask *ask = asks->list[i];
		struct api_answer unknown = {.status = 0};

		if (ask->peer != peer || ask->answer.status != 0)
			continue;
		set_text(&unknown, UNAVAILABLE, "The server is stopping.\n");
		put(ask, &unknown);
		buffer_free(&unknown.body);
		ask->peer = NULL;
	}
}

void
remote_asks_forget(struct remote_asks *asks, const struct peer *peer)
{
	size_t i;

	for (i = 0; i < asks->count; i++)
		if (asks->list[i]->peer == peer)
			asks->list[i]->peer = NULL;
}

void
remote_asks_clear(struct remote_asks *asks)
{
	while (asks->count > 0)
		destroy(asks->list[--asks->count]);
	free(asks->list);
	*asks = (struct remote_asks){NULL};
}
