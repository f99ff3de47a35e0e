/*
 * See commands.h.
 */
#include "sessiond/ctl/commands.h"

#include "sessiond/ctl/control_client.h"
#include "sessiond/ctl/event.h"
#include "sessiond/ctl/metrics_read.h"
#include "sessiond/ctl/pages.h"
#include "sessiond/ctl/request_body.h"
#include "sessiond/ctl/status.h"
#include "sessiond/ctl/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* One thing. */
static int
ask(const struct command *command, const char *socket, const struct words *words, struct error *err)
{
	struct buffer answer = BUFFER_INIT;
	char *body = command->body == NULL ? NULL : command->body(words, err);
	int status = -1;

	if ((command->body == NULL || body != NULL) &&
	    control_obtain(socket, command->method, command->path, body, &answer, err) == 0)
		status = command->print(answer.data, words, err);
	free(body);
	buffer_free(&answer);
	return status;
}

/* --- what is printed -------------------------------------------------------------------------- */

static void
print_json(const json_t *value)
{
	json_dumpf(value, stdout, JSON_INDENT(2));
	printf("\n");
}

static int
refuse_answer(struct error *err)
{
	return error_set(err, EX_PROTOCOL, "the daemon's answer cannot be read");
}

static int
print_status(const char *answer, const struct words *words, struct error *err)
{
	json_t *metrics = metrics_read(answer), *status;
	bool is_ready;

	if (metrics == NULL)
		return error_set(err, EX_PROTOCOL, "the daemon's metrics cannot be read");
	status = status_of(metrics);
	is_ready = status_is_ready(status);
	if (words->as_json)
		print_json(status);
	else
		status_print(status, stdout);
	json_decref(status);
	json_decref(metrics);
	return is_ready ? EX_OK : 1;
}

static int
print_metrics(const char *answer, const struct words *words, struct error *err)
{
	json_t *metrics;

	if (!words->as_json) {
		fputs(answer, stdout);
		return EX_OK;
	}
	metrics = metrics_read(answer);
	if (metrics == NULL)
		return error_set(err, EX_PROTOCOL, "the daemon's metrics cannot be read");
	print_json(metrics);
	json_decref(metrics);
	return EX_OK;
}

static int
print_done(const char *answer, const struct words *words, struct error *err)
{
	(void)err;
	if (words->as_json)
		printf("{\n  \"ok\": true\n}\n");
	else
		fputs(answer, stdout);
	return EX_OK;
}

static int
print_published(const char *answer, const struct words *words, struct error *err)
{
	json_t *position = json_loads(answer, 0, NULL);
	json_int_t offset;
	const char *epoch;

	if (json_unpack(position, "{sI ss}", "offset", &offset, "epoch", &epoch) == -1) {
		json_decref(position);
		return refuse_answer(err);
	}
	if (words->as_json)
		print_json(position);
	else if (offset == 0)
		printf("published; nobody has subscribed\n");
	else
		printf("published, offset %lld of epoch %s\n", (long long)offset, epoch);
	json_decref(position);
	return EX_OK;
}

static int
print_sent(const char *answer, const struct words *words, struct error *err)
{
	json_t *sent = json_loads(answer, 0, NULL);
	json_int_t queued;

	if (json_unpack(sent, "{sI}", "queued_bytes", &queued) == -1) {
		json_decref(sent);
		return refuse_answer(err);
	}
	if (words->as_json)
		print_json(sent);
	else
		printf("sent; bytes that wait for the client: %lld\n", (long long)queued);
	json_decref(sent);
	return EX_OK;
}

static int
print_closed(json_int_t closed, const struct words *words)
{
	json_t *count = json_pack("{sI}", "closed", closed);

	if (words->as_json)
		print_json(count);
	else
		printf("closed: %lld\n", (long long)closed);
	json_decref(count);
	return EX_OK;
}

/* --- what comes in pages ---------------------------------------------------------------------- */

static const struct text_column session_columns[] = {
    {"id", "id"},
    {"service", "service"},
    {"transport", "transport"},
    {"state", "state"},
    {"queued", "queued_bytes"},
    {"age", "age"},
    {"address", "address"},
    {NULL},
};

static const struct text_column channel_columns[] = {
    {"channel", "name"},
    {"service", "service"},
    {"subscribers", "subscribers"},
    {"members", "members"},
    {"offset", "offset"},
    {"kept", "messages"},
    {"bytes", "bytes"},
    {NULL},
};

static const struct text_column worker_columns[] = {
    {"service", "service"},
    {"kind", "kind"},
    {"pid", "pid"},
    {"state", "state"},
    {"connections", "connections"},
    {"in flight", "in_flight"},
    {"unread", "unread_bytes"},
    {"begun", "begun"},
    {"age", "age"},
    {NULL},
};

static int
print_rows(json_t *rows, const struct text_column *columns, const struct words *words)
{
	if (words->as_json)
		print_json(rows);
	else
		text_print_table(columns, rows, stdout);
	json_decref(rows);
	return EX_OK;
}

static void
add_ages(json_t *rows)
{
	json_t *row;
	char age[32];
	size_t i;

	json_array_foreach(rows, i, row)
	{
		status_format_time((double)json_integer_value(json_object_get(row, "age_seconds")),
		    age, sizeof age);
		json_object_set_new(row, "age", json_string(age));
	}
}

static int
list_sessions(
    const struct command *command, const char *socket, const struct words *words, struct error *err)
{
	json_t *sessions = pages_ask(socket, command->path, command->name, words, err);

	if (sessions == NULL)
		return -1;
	if (!words->as_json)
		add_ages(sessions);
	return print_rows(sessions, session_columns, words);
}

static int
list_channels(
    const struct command *command, const char *socket, const struct words *words, struct error *err)
{
	json_t *channels = pages_ask(socket, command->path, command->name, words, err);

	return channels == NULL ? -1 : print_rows(channels, channel_columns, words);
}

static int
list_workers(
    const struct command *command, const char *socket, const struct words *words, struct error *err)
{
	json_t *workers = pages_ask(socket, command->path, command->name, words, err);

	if (workers == NULL)
		return -1;
	if (!words->as_json)
		add_ages(workers);
	return print_rows(workers, worker_columns, words);
}

/* One page of them, from *next on, which it moves. Returns how many, or -1 and an error. */
static json_int_t
close_page(const struct command *command, const char *socket, const struct words *words,
    long long *next, struct error *err)
{
	char *body = request_body_close(words, *next, err);
	struct buffer answer = BUFFER_INIT;
	json_t *closed = NULL;
	json_int_t count = -1;

	if (body != NULL &&
	    control_obtain(socket, command->method, command->path, body, &answer, err) == 0)
		closed = pages_take(answer.data, "closed", next, err);
	if (closed != NULL)
		count = json_integer_value(closed);
	json_decref(closed);
	buffer_free(&answer);
	free(body);
	return count;
}

static int
close_sessions(
    const struct command *command, const char *socket, const struct words *words, struct error *err)
{
	json_int_t all = 0, closed;
	long long next = 0;

	while (next >= 0) {
		closed = close_page(command, socket, words, &next, err);
		if (closed == -1)
			return -1;
		all += closed;
	}
	return print_closed(all, words);
}

/* --- others ----------------------------------------------------------------------------------- */

static int
drain(
    const struct command *command, const char *socket, const struct words *words, struct error *err)
{
	struct command actual = *command;

	if (words->is_off)
		actual.path = "/control/undrain";
	return ask(&actual, socket, words, err);
}

static int
print_event(void *context, const char *line, struct error *err)
{
	const struct words *words = context;

	if (words->as_json)
		puts(line);
	else if (event_print(line, stdout) == -1)
		return refuse_answer(err);
	if (fflush(stdout) == EOF)
		return error_set(err, EX_IOERR, "standard output: %s", strerror(errno));
	return 0;
}

/* Without end, unless the daemon ends. */
static int
tail(
    const struct command *command, const char *socket, const struct words *words, struct error *err)
{
	struct buffer target = BUFFER_INIT;
	struct words shown = *words;
	int status;

	buffer_printf(&target, "%s?", command->path);
	control_append_field(&target, "service", words->service);
	buffer_append_char(&target, '\0');
	status = buffer_failed(&target)
	    ? error_set(err, EX_OSERR, "out of memory")
	    : control_follow(socket, target.data, print_event, &shown, err);
	buffer_free(&target);
	return status;
}

/* --- all of them ------------------------------------------------------------------------------ */

static const struct command commands[] = {
    {"status", "", NULL, false, ask, "GET", "/metrics", NULL, print_status},
    {"metrics", "", NULL, false, ask, "GET", "/metrics", NULL, print_metrics},
    {"sessions", "Sa", NULL, false, list_sessions, "GET", "/control/sessions", NULL, NULL},
    {"channels", "Sa", NULL, false, list_channels, "GET", "/control/channels", NULL, NULL},
    {"workers", "S", NULL, false, list_workers, "GET", "/control/workers", NULL, NULL},
    {"publish", "Saex", "CHANNEL", true, ask, "POST", "/publish", request_body_publish,
	print_published},
    {"send", "Sa", "ID", true, ask, "POST", "/control/send", request_body_send, print_sent},
    {"close", "SaCr", "ID", false, close_sessions, "POST", "/control/close", NULL, NULL},
    {"tail", "Sa", NULL, false, tail, "GET", "/control/tail", NULL, NULL},
    {"reload", "", NULL, false, ask, "POST", "/control/reload", NULL, print_done},
    {"restart", "", NULL, false, ask, "POST", "/control/restart", NULL, print_done},
    {"drain", "o", NULL, false, drain, "POST", "/control/drain", NULL, print_done},
};

const struct command *
commands_find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof commands / sizeof commands[0]; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}
