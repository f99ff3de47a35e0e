/*
 * See status_service.h. A service has a group of those who may see the metrics, so that these are
 * written once for all of them.
 */
#include "sessiond/control/status_service.h"

#include "common/memory.h"
#include "sessiond/session/session_set.h"
#include "sockjs/net_address.h"

#include <stdlib.h>
#include <string.h>

enum {
	SECOND = 1000,	/* ms */
	REFUSED = 4401, /* as HTTP's, behind the 4 of applications */
	TOO_MANY = 4429,
};

struct viewers {
	sockjs_group *group;
	char *token; /* that they have shown; NULL: nobody has */
};

static const char question[] = "token?";
static const struct control *bound;

void
status_service_bind(const struct control *control)
{
	bound = control;
}

static const char *
token(void)
{
	return bound->config->server.status_token;
}

static void
tell(sockjs_group *group, const sockjs_connection *connection)
{
	struct buffer text = BUFFER_INIT;

	metrics_write(&bound->sources, control_unready(&bound->sources) == NULL, &text);
	if (!buffer_failed(&text) && connection != NULL)
		sockjs_write(*connection, text.data, text.len);
	else if (!buffer_failed(&text))
		sockjs_group_write(group, text.data, text.len);
	buffer_free(&text);
}

/* --- who may see it --------------------------------------------------------------------------- */

/* After a reload with another token, those who knew the former one have to show this one. */
static void
follow_token(sockjs_service *service, struct viewers *viewers)
{
	const char *now = token();

	if (viewers->token == NULL || (now != NULL && strcmp(viewers->token, now) == 0))
		return;
	sockjs_group_write(viewers->group, question, strlen(question));
	sockjs_group_destroy(&viewers->group);
	viewers->group = sockjs_group_create(service);
	free(viewers->token);
	viewers->token = NULL;
}

/*
 * True if the address of a client may try tokens. Who has tried as many as may be is refused
 * before what it says is looked at, unlike with /metrics: a session can try without a request.
 */
static bool
may_guess(const union net_address *client)
{
	struct sessions *sessions = bound->sources.sessions;
	struct guesses *guesses = &sessions->limits.guesses;

	if (!guesses_are_used_up(guesses, &client->any, sessions_now(sessions)))
		return true;
	sessions->limits.reached[LIMIT_GUESSES]++;
	return false;
}

static void
refuse(sockjs_connection connection, const union net_address *client)
{
	struct sessions *sessions = bound->sources.sessions;

	guesses_note(&sessions->limits.guesses, &client->any, sessions_now(sessions));
	sockjs_close(connection, REFUSED, "The token is wrong.");
}

static void
find_address(sockjs_connection connection, union net_address *client)
{
	const char *text = sockjs_remote_address(connection);

	net_address_set(client, NULL);
	if (text != NULL)
		net_address_parse(client, text, strlen(text));
}

static bool
is_right(const sockjs_message *message)
{
	return token() != NULL && !message->binary &&
	    control_secret_is_right(message->data, message->len, token());
}

/* --- the module ------------------------------------------------------------------------------- */

static void
on_second(void *data)
{
	sockjs_service *service = data;
	struct viewers *viewers = sockjs_service_user_data(service);

	follow_token(service, viewers);
	if (sockjs_group_size(viewers->group) > 0)
		tell(viewers->group, NULL);
}

static int
on_start(sockjs_service *service)
{
	struct viewers *viewers = xcalloc(1, sizeof *viewers);

	viewers->group = sockjs_group_create(service);
	sockjs_service_set_user_data(service, viewers);
	sockjs_timer_start(service, SECOND, SECOND, on_second, service);
	return 0;
}

static void
on_stop(sockjs_service *service)
{
	struct viewers *viewers = sockjs_service_user_data(service);

	free(viewers->token);
	free(viewers);
}

static void
on_connection(sockjs_connection connection)
{
	sockjs_write(connection, question, strlen(question));
}

static void
on_data(sockjs_connection connection, const sockjs_message *message)
{
	sockjs_service *service = sockjs_service_of(connection);
	struct viewers *viewers = sockjs_service_user_data(service);
	union net_address client;

	find_address(connection, &client);
	if (!may_guess(&client)) {
		sockjs_close(connection, TOO_MANY, "Too many tokens were tried.");
		return;
	}
	if (!is_right(message)) {
		refuse(connection, &client);
		return;
	}
	follow_token(service, viewers);
	if (viewers->token == NULL)
		viewers->token = xstrdup(token());
	sockjs_group_add(viewers->group, connection);
	tell(NULL, &connection);
}

const struct sockjs_module status_module = {
    .abi = SOCKJS_ABI,
    .name = "status",
    .options = (const char *const[]){NULL},
    .start = on_start,
    .stop = on_stop,
    .connection = on_connection,
    .data = on_data,
};
