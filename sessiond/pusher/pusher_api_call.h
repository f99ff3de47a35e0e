/*
 * A request of the API that is signed, and how it is answered.
 */
#ifndef SESSIOND_PUSHER_API_CALL_H
#define SESSIOND_PUSHER_API_CALL_H

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
 * It is not answered now. Its app is held until pusher_api_came, to be called when it was answered,
 * which frees it.
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

/* The attributes of a channel as an object, for nobody's if there is none of that name. */
json_t *pusher_api_describe(const struct pusher_api_call *call, const char *name, size_t len,
    const struct pusher_api_info *info);

#endif
