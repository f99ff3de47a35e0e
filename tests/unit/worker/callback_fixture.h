/*
 * A service with callbacks, and an application that notes what it is asked and answers as it is
 * told.
 */
#ifndef TESTS_UNIT_WORKER_CALLBACK_FIXTURE_H
#define TESTS_UNIT_WORKER_CALLBACK_FIXTURE_H

#include "sessiond/worker/worker_callback.h"

#include "common/buffer.h"
#include "common/log.h"
#include "conf/worker_options.h"
#include "sessiond/fastcgi/fastcgi_client.h"
#include "sessiond/service/service.h"
#include "sessiond/session/session_set.h"
#include "sessiond/worker/worker_connection.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/log_capture.h"

#define TARGET "fastcgi:/run/fpm.sock /srv/app/chat.php"

/* --- the application -------------------------------------------------------------------------- */

enum { CALLS_MAX = 32 };

/* A request that waits for its answer, in the order in which they came. */
struct fastcgi_call {
	fastcgi_done *done;
	void *owner;
	json_t *body;
	char params[2000]; /* "NAME=VALUE\n" */
};

static struct fastcgi_call calls[CALLS_MAX];
static unsigned asked, ended;
static struct fastcgi_options made; /* of the client that is there; address NULL: none */
static char made_address[200];

struct fastcgi_client *__wrap_fastcgi_client_create(uv_loop_t *loop, struct timers *timers,
    const struct fastcgi_options *options, struct error *err);
void __wrap_fastcgi_client_destroy(struct fastcgi_client **client);
void
__wrap_fastcgi_client_set_limits(struct fastcgi_client *client, uint64_t timeout_ms, size_t limit);
struct fastcgi_call *
__wrap_fastcgi_client_ask(struct fastcgi_client *client, const struct fastcgi_param *params,
    size_t count, const char *body, size_t len, fastcgi_done *done, void *owner);
void __wrap_fastcgi_call_end(struct fastcgi_call **call);

struct fastcgi_client *
__wrap_fastcgi_client_create(uv_loop_t *loop, struct timers *timers,
    const struct fastcgi_options *options, struct error *err)
{
	(void)loop;
	(void)timers;
	(void)err;
	assert_null(made.address);
	made = *options;
	snprintf(made_address, sizeof made_address, "%s", options->address);
	made.address = made_address;
	return (struct fastcgi_client *)&made;
}

void
__wrap_fastcgi_client_destroy(struct fastcgi_client **client)
{
	assert_ptr_equal(*client, &made);
	made.address = NULL;
	*client = NULL;
}

void
__wrap_fastcgi_client_set_limits(struct fastcgi_client *client, uint64_t timeout_ms, size_t limit)
{
	assert_ptr_equal(client, &made);
	made.timeout_ms = timeout_ms;
	made.limit = limit;
}

struct fastcgi_call *
__wrap_fastcgi_client_ask(struct fastcgi_client *client, const struct fastcgi_param *params,
    size_t count, const char *body, size_t len, fastcgi_done *done, void *owner)
{
	struct fastcgi_call *call = &calls[asked++];
	size_t i, at = 0;

	assert_ptr_equal(client, &made);
	assert_true(asked < CALLS_MAX);
	*call = (struct fastcgi_call){.done = done, .owner = owner};
	call->body = json_loadb(body, len, 0, NULL);
	assert_non_null(call->body);
	for (i = 0; i < count; i++)
		if (params[i].value != NULL)
			at += (size_t)snprintf(call->params + at, sizeof call->params - at,
			    "%s=%s\n", params[i].name, params[i].value);
	return call;
}

static void
drop_call(struct fastcgi_call *call)
{
	json_decref(call->body);
	*call = (struct fastcgi_call){.done = NULL};
}

void
__wrap_fastcgi_call_end(struct fastcgi_call **call)
{
	if (*call == NULL)
		return;
	assert_non_null((*call)->done);
	drop_call(*call);
	*call = NULL;
	ended++;
}

static void
tell(unsigned nth, const struct fastcgi_outcome *outcome)
{
	struct fastcgi_call call = calls[nth];

	assert_non_null(call.done);
	calls[nth] = (struct fastcgi_call){.done = NULL};
	json_decref(call.body);
	call.done(call.owner, outcome);
}

/* Answers the nth request, from 0. */
static void
answer(unsigned nth, unsigned status, const char *body)
{
	tell(nth,
	    &(struct fastcgi_outcome){
		.result = FASTCGI_ANSWERED, .response = {status, body, strlen(body)}});
}

static void
go_wrong(unsigned nth, enum fastcgi_result result)
{
	tell(nth, &(struct fastcgi_outcome){.result = result, .why = "it went wrong"});
}

/* The names of the events of the nth request, and what data has: "connection data=a ". */
static const char *
events_of(unsigned nth)
{
	static char text[500];
	const json_t *event;
	size_t i, at = 0;

	json_array_foreach(json_object_get(calls[nth].body, "events"), i, event)
	{
		const char *data = json_string_value(json_object_get(event, "data"));

		at += (size_t)snprintf(text + at, sizeof text - at, "%s%s%s ",
		    json_string_value(json_object_get(event, "event")), data == NULL ? "" : "=",
		    data == NULL ? "" : data);
	}
	return text;
}

static bool
has_param(unsigned nth, const char *line)
{
	return strstr(calls[nth].params, line) != NULL;
}

/* --- the service ------------------------------------------------------------------------------ */

static uv_loop_t loop;
static struct timers timers;
static struct workers workers;
static struct sessions sessions;
static struct sockjs_service *public_service;
static struct worker_service *service;
static uint64_t now;

static uint64_t
get_now(void *context)
{
	(void)context;
	return now;
}

/* What the daemon does at the end of a turn. */
static void
end_turn(void)
{
	while (workers_give(&workers))
		continue;
	workers_write(&workers);
}

static void
pass(uint64_t ms)
{
	now += ms;
	timers_run(&timers, now);
	end_turn();
}

static struct worker_options *
options(void)
{
	return &public_service->worker_options;
}

/* Its session is gone: it hears nothing, and may be ended. */
static struct worker_connection *
connect_client(const char *id)
{
	return worker_connection_restore(service, id, 0, strdup("\"url\":\"/chat\""), NULL);
}

static void
push(struct worker_connection *connection, const char *data)
{
	worker_connection_push(connection, WORKER_EVENT_DATA, data, strlen(data), false);
}

static void
close_client(struct worker_connection *connection)
{
	worker_connection_over(connection);
}

static int
set_up(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	log_open("test", SEVERITY_INFO);
	now = 1000;
	asked = ended = 0;
	timers_init(&timers);
	uv_loop_init(&loop);
	workers_init(&workers, &loop, &timers, get_now, NULL);
	workers_bind(&workers);
	public_service = service_create("/chat", &err);
	assert_non_null(public_service);
	public_service->sessions = &sessions;
	assert_int_equal(
	    conf_set_defaults(worker_option_table, worker_option_count, options(), &err), 0);
	options()->callback = strdup(TARGET);
	service = worker_service_create(public_service, &worker_callback_carrier);
	worker_callback_carrier.start(service);
	return 0;
}

static void
end_service(void)
{
	if (service == NULL)
		return;
	worker_callback_carrier.stop(service);
	worker_connections_leave(service);
	worker_service_destroy(&service);
}

static int
tear_down(void **state)
{
	unsigned i;

	(void)state;
	end_service();
	assert_null(made.address);
	for (i = 0; i < asked; i++)
		assert_null(calls[i].done);
	conf_free_values(worker_option_table, worker_option_count, options());
	service_destroy(&public_service);
	workers_bind(NULL);
	workers_clear(&workers);
	uv_loop_close(&loop);
	return 0;
}

#endif
