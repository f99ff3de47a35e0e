/*
 * See request_body.h.
 */
#include "sessiond/ctl/request_body.h"

#include "common/buffer.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { ARGUMENT = 1, DATA };

static int
read_input(struct buffer *data, struct error *err)
{
	char bytes[16384];
	size_t n;

	while ((n = fread(bytes, 1, sizeof bytes, stdin)) > 0)
		buffer_append(data, bytes, n);
	if (ferror(stdin))
		return error_set(err, EX_IOERR, "standard input: %s", strerror(errno));
	return buffer_failed(data) ? error_set(err, EX_OSERR, "out of memory") : 0;
}

static int
set_text(json_t *json, const char *key, const char *text, size_t len, struct error *err)
{
	if (text == NULL)
		return 0;
	if (json_object_set_new(json, key, json_stringn(text, len)) == 0)
		return 0;
	return error_set(err, EX_USAGE, "the %s is not UTF-8", key);
}

static int
set_word(json_t *json, const char *key, const char *word, struct error *err)
{
	return set_text(json, key, word, word == NULL ? 0 : strlen(word), err);
}

static int
set_data(json_t *json, const char *word, struct error *err)
{
	struct buffer data = BUFFER_INIT;
	int status;

	if (word != NULL && strcmp(word, "-") != 0)
		return set_word(json, "data", word, err);
	status = read_input(&data, err);
	if (status == 0)
		status = set_text(json, "data", data.len == 0 ? "" : data.data, data.len, err);
	buffer_free(&data);
	return status;
}

/* As text, unless something went wrong; frees it. */
static char *
dump(json_t *json, int status)
{
	char *text = status == 0 ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	return text;
}

char *
request_body_publish(const struct words *words, struct error *err)
{
	json_t *json = json_object();
	int status = 0;

	if (set_word(json, "channel", words->arguments[ARGUMENT], err) == -1 ||
	    set_word(json, "service", words->service, err) == -1 ||
	    set_word(json, "app", words->app, err) == -1 ||
	    set_word(json, "event", words->event, err) == -1 ||
	    set_word(json, "except", words->except, err) == -1 ||
	    set_data(json, words->arguments[DATA], err) == -1)
		status = -1;
	return dump(json, status);
}

char *
request_body_send(const struct words *words, struct error *err)
{
	json_t *json = json_object();
	int status = 0;

	if (set_word(json, "id", words->arguments[ARGUMENT], err) == -1 ||
	    set_word(json, "service", words->service, err) == -1 ||
	    set_data(json, words->arguments[DATA], err) == -1)
		status = -1;
	return dump(json, status);
}

static int
set_code(json_t *json, const char *word, struct error *err)
{
	char *end;
	long code;

	if (word == NULL)
		return 0;
	code = strtol(word, &end, 10);
	if (end == word || *end != '\0')
		return error_set(
		    err, EX_USAGE, "the code is to be a number: 1000, or 3000 to 4999");
	return json_object_set_new(json, "code", json_integer(code));
}

static int
set_whom(json_t *json, const char *word, long long after, struct error *err)
{
	if (strcmp(word, "all") != 0)
		return set_word(json, "id", word, err);
	json_object_set_new(json, "all", json_true());
	return json_object_set_new(json, "after", json_integer(after));
}

char *
request_body_close(const struct words *words, long long after, struct error *err)
{
	json_t *json = json_object();
	int status = 0;

	if (set_whom(json, words->arguments[ARGUMENT], after, err) == -1 ||
	    set_word(json, "service", words->service, err) == -1 ||
	    set_code(json, words->code, err) == -1 ||
	    set_word(json, "reason", words->reason, err) == -1)
		status = -1;
	return dump(json, status);
}
