/*
 * See publish.h.
 */
#include "sessiond/ctl/publish.h"

#include "common/buffer.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

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

char *
publish_body(const struct publish_words *words, struct error *err)
{
	json_t *json = json_object();
	char *text = NULL;

	if (words->channel == NULL)
		error_set(err, EX_USAGE, "publish: CHANNEL is missing");
	else if (set_word(json, "channel", words->channel, err) == 0 &&
	    set_word(json, "service", words->service, err) == 0 &&
	    set_word(json, "event", words->event, err) == 0 &&
	    set_word(json, "except", words->except, err) == 0 &&
	    set_data(json, words->data, err) == 0)
		text = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	return text;
}
