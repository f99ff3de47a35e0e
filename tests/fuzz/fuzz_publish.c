/*
 * Fuzz target: bodies of POST /publish through publish_body.h. What was read is written as JSON,
 * and has to be read as the same again. Built with -fsanitize=fuzzer, or with replay.c for the
 * corpus.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sessiond/channels/channel.h"
#include "sessiond/control/publish_body.h"
#include "sockjs/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert(): it has to hold in a build with NDEBUG as well. */
#define REQUIRE(condition)                                                                         \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);    \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

enum { LIMIT = 64 }; /* bytes of data */

/* One that may be left out. */
static json_t *
optional(const char *text, size_t len)
{
	return text == NULL ? json_null() : json_stringn(text, len);
}

/* Of two targets, or of one that is no string, the name may not be known. */
static void
write_target(const struct publish_message *message, json_t *object)
{
	const char *name = message->name == NULL ? "" : message->name;

	if (message->target == PUBLISH_TO_SERVICE || message->target == PUBLISH_TO_UNCLEAR)
		json_object_set_new(object, "service", json_string(name));
	if (message->target == PUBLISH_TO_APP || message->target == PUBLISH_TO_UNCLEAR)
		json_object_set_new(object, "app", json_string(name));
}

static json_t *
write_message(const struct publish_message *message)
{
	const struct publishing *publishing = &message->publishing;
	const char *except = publishing->except;
	json_t *object = json_pack("{so so so so}", "channel",
	    json_stringn(publishing->name, publishing->name_len), "event",
	    optional(publishing->event, publishing->event_len), "except",
	    optional(except, except == NULL ? 0 : strlen(except)), "data",
	    json_stringn(publishing->data, publishing->len));

	REQUIRE(object != NULL);
	write_target(message, object);
	return object;
}

static void
check_text(const char *text, size_t len, const char *again, size_t again_len)
{
	REQUIRE((text == NULL) == (again == NULL));
	REQUIRE(text == NULL || (len == again_len && memcmp(text, again, len) == 0));
}

static void
check_same(const struct publish_message *a, const struct publish_message *b)
{
	const struct publishing *one = &a->publishing, *other = &b->publishing;

	REQUIRE(a->target == b->target);
	check_text(one->name, one->name_len, other->name, other->name_len);
	check_text(one->event, one->event_len, other->event, other->event_len);
	check_text(one->data, one->len, other->data, other->len);
	REQUIRE((one->except == NULL) == (other->except == NULL));
	REQUIRE(one->except == NULL || strcmp(one->except, other->except) == 0);
}

static void
check_message(const struct publish_message *message)
{
	const struct publishing *publishing = &message->publishing;

	REQUIRE(channel_name_is_valid(publishing->name, publishing->name_len));
	REQUIRE(publishing->data != NULL && publishing->len <= LIMIT);
	REQUIRE(utf8_is_valid(publishing->data, publishing->len));
	REQUIRE(message->target == PUBLISH_TO_ONLY || message->target == PUBLISH_TO_UNCLEAR ||
	    message->name != NULL);
}

static char *
write_body(const struct publish_body *body)
{
	json_t *array = json_array();
	char *text;
	size_t i;

	for (i = 0; i < body->count; i++)
		json_array_append_new(array, write_message(&body->messages[i]));
	text = json_dumps(body->is_array ? array : json_array_get(array, 0), JSON_COMPACT);
	REQUIRE(text != NULL);
	json_decref(array);
	return text;
}

static void
check_again(const struct publish_body *body)
{
	struct publish_body *again = calloc(1, sizeof *again);
	char *text = write_body(body);
	struct error err = ERROR_INIT;
	size_t i;

	REQUIRE(again != NULL);
	REQUIRE(publish_body_read(again, text, strlen(text), LIMIT, &err) == 0);
	REQUIRE(again->is_array == body->is_array && again->count == body->count);
	for (i = 0; i < body->count; i++) {
		check_message(&body->messages[i]);
		check_same(&body->messages[i], &again->messages[i]);
	}
	publish_body_clear(again);
	free(again);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct publish_body *body = calloc(1, sizeof *body);
	struct error err = ERROR_INIT;

	REQUIRE(body != NULL);
	if (publish_body_read(body, (const char *)data, size, LIMIT, &err) == 0)
		check_again(body);
	else
		REQUIRE((err.code == 400 || err.code == 413) && err.text[0] != '\0');
	publish_body_clear(body);
	free(body);
	return 0;
}
