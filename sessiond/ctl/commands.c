/*
 * See commands.h.
 */
#include "sessiond/ctl/commands.h"

#include "sessiond/ctl/control_client.h"
#include "sessiond/ctl/daemons.h"
#include "sessiond/ctl/metrics_read.h"
#include "sessiond/ctl/pages.h"
#include "sessiond/ctl/request_body.h"
#include "sessiond/ctl/status.h"
#include "sessiond/ctl/tail.h"
#include "sessiond/ctl/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* One thing, of the daemon at that socket. */
static int
ask_at(
    const struct command *command, const char *socket, const struct words *words, struct error *err)
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

/* Of one of them, whichever it is. */
static int
ask(const struct command *command, const struct daemons *daemons, const struct words *words,
    struct error *err)
{
	return ask_at(command, daemons->any, words, err);
}

/* --- what is printed -------------------------------------------------------------------------- */

static void
print_json(const json_t *value)
{
	json_dumpf(value, stdout, JSON_INDENT(2));
	printf("\n");
}

/* NULL and an error if it cannot be had. */
static json_t *
ask_metrics(const char *socket, struct error *err)
{
	struct buffer text = BUFFER_INIT;
	json_t *metrics = NULL;

	if (control_obtain(socket, "GET", "/metrics", NULL, &text, err) == 0) {
		metrics = metrics_read(text.data);
		if (metrics == NULL)
			error_set(err, EX_PROTOCOL, "the daemon's metrics cannot be read");
	}
	buffer_free(&text);
	return metrics;
}

static int
refuse_answer(struct error *err)
{
	return error_set(err, EX_PROTOCOL, "the daemon's answer cannot be read");
}

static int
show_status(const struct command *command, const struct daemons *daemons, const struct words *words,
    struct error *err)
{
	json_t *of_each[DAEMONS_MAX], *status;
	unsigned count = 0;
	bool is_ready;

	(void)command;
	while (count < daemons->count &&
	    (of_each[count] = ask_metrics(daemons->sockets[count], err)) != NULL)
		count++;
	if (count < daemons->count) {
		while (count > 0)
			json_decref(of_each[--count]);
		return -1;
	}
	status = status_of_all(of_each, count);
	is_ready = status_is_ready(status);
	if (words->as_json)
		print_json(status);
	else
		status_print(status, stdout);
	json_decref(status);
	while (count > 0)
		json_decref(of_each[--count]);
	return is_ready ? EX_OK : 1;
}

/* Of several, one text after the other: each sample says whose it is. */
static int
show_metrics(const struct command *command, const struct daemons *daemons,
    const struct words *words, struct error *err)
{
	json_t *all = json_array(), *metrics;
	unsigned i;
	int status = EX_OK;

	for (i = 0; i < daemons->count && status == EX_OK; i++) {
		struct buffer text = BUFFER_INIT;

		if (!words->as_json)
			status = control_obtain(
			    daemons->sockets[i], command->method, command->path, NULL, &text, err);
		else if ((metrics = ask_metrics(daemons->sockets[i], err)) == NULL)
			status = -1;
		else
			json_array_append_new(all, metrics);
		if (status == EX_OK && !words->as_json)
			fputs(text.data, stdout);
		buffer_free(&text);
	}
	if (status == EX_OK && words->as_json)
		print_json(daemons->count == 1 ? json_array_get(all, 0) : all);
	json_decref(all);
	return status;
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

/* The daemon that has the session is not known: a websocket's may be anywhere. */
static int
send_message(const struct command *command, const struct daemons *daemons,
    const struct words *words, struct error *err)
{
	char *body = request_body_send(words, err);
	struct buffer answer = BUFFER_INIT;
	int status = -1;
	unsigned i;

	for (i = 0; body != NULL && i < daemons->count && status == -1; i++) {
		struct error last = ERROR_INIT;

		buffer_clear(&answer);
		status = control_obtain(
		    daemons->sockets[i], command->method, command->path, body, &answer, &last);
		if (status == -1 && (last.code != EX_NOHOST || i + 1 == daemons->count)) {
			error_set(err, last.code, "%s", last.text);
			break;
		}
	}
	if (status == 0)
		status = print_sent(answer.data, words, err);
	free(body);
	buffer_free(&answer);
	return status;
}

/* --- what comes in pages ---------------------------------------------------------------------- */

/* The first column only where there are several daemons. */
static const struct text_column session_columns[] = {
    {"daemon", "daemon"},
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
    {"daemon", "daemon"},
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
    {"daemon", "daemon"},
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
print_rows(const struct daemons *daemons, json_t *rows, const struct text_column *columns,
    const struct words *words)
{
	if (words->as_json)
		print_json(rows);
	else
		text_print_table(columns + (daemons->count == 1), rows, stdout);
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
list_sessions(const struct command *command, const struct daemons *daemons,
    const struct words *words, struct error *err)
{
	json_t *sessions = pages_ask(daemons, command->path, command->name, words, err);

	if (sessions == NULL)
		return -1;
	if (!words->as_json)
		add_ages(sessions);
	return print_rows(daemons, sessions, session_columns, words);
}

static int
list_channels(const struct command *command, const struct daemons *daemons,
    const struct words *words, struct error *err)
{
	json_t *channels = pages_ask(daemons, command->path, command->name, words, err);

	return channels == NULL ? -1 : print_rows(daemons, channels, channel_columns, words);
}

static int
list_workers(const struct command *command, const struct daemons *daemons,
    const struct words *words, struct error *err)
{
	json_t *workers = pages_ask(daemons, command->path, command->name, words, err);

	if (workers == NULL)
		return -1;
	if (!words->as_json)
		add_ages(workers);
	return print_rows(daemons, workers, worker_columns, words);
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

/* Of one daemon, page by page. Returns how many, or -1 and an error. */
static json_int_t
close_at(
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
	return all;
}

/* One that some daemons do not have is no error, as long as one has it. */
static int
close_sessions(const struct command *command, const struct daemons *daemons,
    const struct words *words, struct error *err)
{
	json_int_t all = 0, closed;
	unsigned i, without = 0;

	for (i = 0; i < daemons->count; i++) {
		struct error last = ERROR_INIT;

		closed = close_at(command, daemons->sockets[i], words, &last);
		without += closed == -1 && last.code == EX_NOHOST;
		if (closed == -1 && (last.code != EX_NOHOST || without == daemons->count))
			return error_set(err, last.code, "%s", last.text);
		all += closed == -1 ? 0 : closed;
	}
	return print_closed(all, words);
}

/* --- others ----------------------------------------------------------------------------------- */

/* One after the other, until one refuses: then those before it have taken the file. */
static int
reload(const struct command *command, const struct daemons *daemons, const struct words *words,
    struct error *err)
{
	int status = EX_OK;
	unsigned i;

	if (daemons->count == 1)
		return ask(command, daemons, words, err);
	for (i = 0; i < daemons->count && status == EX_OK; i++) {
		struct buffer answer = BUFFER_INIT;

		status = control_obtain(daemons->sockets[i], command->method, "/control/reload-one",
		    NULL, &answer, err);
		if (status == EX_OK && i + 1 == daemons->count)
			print_done(answer.data, words, err);
		buffer_free(&answer);
	}
	return status;
}

/* All of them; what each says has its index before it where there are several. */
static int
drain(const struct command *command, const struct daemons *daemons, const struct words *words,
    struct error *err)
{
	const char *path = words->is_off ? "/control/undrain" : command->path;
	int status = EX_OK;
	unsigned i;

	for (i = 0; i < daemons->count && status == EX_OK; i++) {
		struct buffer answer = BUFFER_INIT;

		status =
		    control_obtain(daemons->sockets[i], command->method, path, NULL, &answer, err);
		if (status == EX_OK && !words->as_json && daemons->count > 1)
			printf("daemon %u: ", i);
		if (status == EX_OK && (!words->as_json || i + 1 == daemons->count))
			print_done(answer.data, words, err);
		buffer_free(&answer);
	}
	return status;
}

static int
follow(const struct command *command, const struct daemons *daemons, const struct words *words,
    struct error *err)
{
	(void)command;
	return tail(daemons, words, err);
}

/* --- all of them ------------------------------------------------------------------------------ */

static const struct command commands[] = {
    {"status", "", NULL, false, show_status, "GET", "/metrics", NULL, NULL},
    {"metrics", "", NULL, false, show_metrics, "GET", "/metrics", NULL, NULL},
    {"sessions", "Sa", NULL, false, list_sessions, "GET", "/control/sessions", NULL, NULL},
    {"channels", "Sa", NULL, false, list_channels, "GET", "/control/channels", NULL, NULL},
    {"workers", "S", NULL, false, list_workers, "GET", "/control/workers", NULL, NULL},
    {"publish", "Saex", "CHANNEL", true, ask, "POST", "/publish", request_body_publish,
	print_published},
    {"send", "Sa", "ID", true, send_message, "POST", "/control/send", NULL, NULL},
    {"close", "SaCr", "ID", false, close_sessions, "POST", "/control/close", NULL, NULL},
    {"tail", "Sa", NULL, false, follow, NULL, NULL, NULL, NULL},
    {"reload", "", NULL, false, reload, "POST", "/control/reload", NULL, print_done},
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
