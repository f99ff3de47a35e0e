/*
 * A request of the API that is signed, and how it is answered.
 */
#ifndef SESSIOND_PUSHER_API_CALL_H
#define SESSIOND_PUSHER_API_CALL_H

#include "sessiond/channels/channel_engine.h"
#include "sessiond/http/api_request.h"
#include "sessiond/pusher/pusher_app.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct pusher_api_call {
	const struct pusher_app *app;
	const struct api_request *request; /* NULL once it is answered later */
	struct api_answer *answer;
	char *name; /* the channel or user of the path, decoded; "" where it has none */
	size_t name_len;
	size_t publish_limit; /* bytes of data */
	bool is_later;
};

/* What is asked for of channels. */
struct pusher_api_info {
	bool user_count, subscription_count, cache;
};

/*
 * It is not answered before its operation returns. Its app is held until pusher_api_came, to be
 * called when it was answered, which frees it. Of a call that does not wait, that does nothing.
 */
void pusher_api_wait(struct pusher_api_call *call);
void pusher_api_came(struct pusher_api_call *call);

/* Answers with an error; the text is ended by a line's end. */
void pusher_api_fail(struct pusher_api_call *call, unsigned status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Answers with that object, which it takes (NULL: there was no memory for it). */
void pusher_api_answer(struct pusher_api_call *call, json_t *object);

/*
 * Reads a list of attributes; NULL: none. Returns -1 after an error was answered.
 */
int pusher_api_read_info(
    struct pusher_api_call *call, const char *text, size_t len, struct pusher_api_info *info);

/* What is told of a channel. */
json_t *pusher_api_describe(const struct pusher_api_call *call, const struct channel_facts *facts,
    const struct pusher_api_info *info);

/* Channels that are asked for by their names, all at once. */
struct pusher_api_survey {
	struct pusher_api_call *call;
	/* All was answered, or something not: maybe before pusher_api_ask returns. */
	void (*done)(struct pusher_api_survey *survey);
	void *context; /* the owner's */
	size_t count, waits;
	bool has_failed; /* it cannot be answered now */
	struct pusher_api_item {
		struct channel_question question;
		struct pusher_api_survey *survey;
		struct pusher_api_info info;
		json_t *object; /* of the channel's attributes: of nobody's, if there is none */
		bool is_occupied;
	} items[];
};

/* With room for n. Freed by pusher_api_survey_free. */
struct pusher_api_survey *pusher_api_survey_create(struct pusher_api_call *call, size_t n,
    void (*done)(struct pusher_api_survey *survey), void *context);
void pusher_api_survey_free(struct pusher_api_survey *survey);

/* One more channel is asked for. Borrows the name. */
void pusher_api_survey_add(struct pusher_api_survey *survey, const char *name, size_t len,
    const struct pusher_api_info *info);

/* Asks. */
void pusher_api_ask(struct pusher_api_survey *survey);

/* Answers that the engine is away. */
void pusher_api_fail_away(struct pusher_api_call *call);

#endif
