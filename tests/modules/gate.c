/*
 * gate: lets nobody in whose URL asks to be refused (`?refuse=STATUS`), and counts its events, so
 * that the end-to-end tests see what is told of whom. With `later` in the URL it answers later:
 * after some ms (`?later=MS`), in another turn of the loop (`?later=run`), or when somebody else
 * says `go` (`?later=go`). An echo otherwise; `events` is answered with the counts, of those that
 * wait too.
 */
#include <sockjs.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WAITING_MAX = 100 };

static unsigned asked, opened, closed;

/* Who waits for a timer, a turn, or somebody to say `go`. */
struct candidate {
	sockjs_connection connection;
	sockjs_timer *timer;
	int status;
	bool waits_for_go;
};

static struct candidate candidates[WAITING_MAX];
static unsigned waiting;

static struct candidate *
find(sockjs_connection connection)
{
	for (unsigned i = 0; i < WAITING_MAX; i++)
		if (candidates[i].connection.handle == connection.handle)
			return &candidates[i];
	return NULL;
}

static void
forget(struct candidate *candidate)
{
	sockjs_timer_stop(&candidate->timer);
	*candidate = (struct candidate){SOCKJS_NOBODY};
	waiting--;
}

static void
decide(void *data)
{
	struct candidate *candidate = data;
	struct candidate decided = *candidate;

	if (decided.connection.handle == 0)
		return;
	forget(candidate);
	sockjs_admit(decided.connection, decided.status);
	sockjs_admit(decided.connection, 403); /* a mistake, without a consequence */
}

static int
answer_later(sockjs_connection connection, const char *when, int status)
{
	sockjs_service *service = sockjs_service_of(connection);
	struct candidate *candidate = find(SOCKJS_NOBODY);

	if (candidate == NULL)
		return 503;
	waiting++;
	*candidate = (struct candidate){connection, NULL, status, strncmp(when, "go", 2) == 0};
	if (strncmp(when, "run", 3) == 0)
		sockjs_run(service, decide, candidate);
	else if (!candidate->waits_for_go)
		candidate->timer =
		    sockjs_timer_start(service, (uint64_t)atoi(when), 0, decide, candidate);
	return SOCKJS_LATER;
}

static void
let_go(void)
{
	for (unsigned i = 0; i < WAITING_MAX; i++)
		if (candidates[i].waits_for_go)
			decide(&candidates[i]);
}

static int
on_authorize(sockjs_connection connection)
{
	const char *wish = strstr(sockjs_url(connection), "refuse=");
	const char *when = strstr(sockjs_url(connection), "later=");
	const char *header = sockjs_header(connection, "x-token");
	char who[200];

	asked++;
	if (wish != NULL && when == NULL) {
		sockjs_write(connection, "never", strlen("never"));
		return atoi(wish + strlen("refuse="));
	}
	snprintf(who, sizeof who, "%s %s %s", sockjs_remote_address(connection),
	    sockjs_protocol(connection), header == NULL ? "NULL" : header);
	sockjs_set_user_data(connection, strdup(who));
	if (when == NULL)
		return 0;
	return answer_later(
	    connection, when + strlen("later="), wish == NULL ? 0 : atoi(wish + strlen("refuse=")));
}

static void
on_connection(sockjs_connection connection)
{
	const char *who = sockjs_user_data(connection);

	opened++;
	sockjs_write(connection, who, strlen(who));
}

static void
on_data(sockjs_connection connection, const sockjs_message *message)
{
	char text[100];

	if (message->len == strlen("go") && memcmp(message->data, "go", message->len) == 0)
		let_go();
	if (message->len != strlen("events") ||
	    memcmp(message->data, "events", message->len) != 0) {
		sockjs_write(connection, message->data, message->len);
		return;
	}
	snprintf(text, sizeof text, "%u %u %u %u", asked, opened, closed, waiting);
	sockjs_write(connection, text, strlen(text));
}

static void
on_close(sockjs_connection connection)
{
	struct candidate *candidate = find(connection);

	closed++;
	if (candidate != NULL)
		forget(candidate);
	free(sockjs_user_data(connection));
}

SOCKJS_MODULE = {
    .abi = SOCKJS_ABI,
    .name = "gate",
    .authorize = on_authorize,
    .connection = on_connection,
    .data = on_data,
    .close = on_close,
};
