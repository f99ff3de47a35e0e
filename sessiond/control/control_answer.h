/*
 * What those who answer on the control socket have in common: JSON in and out, refusals as texts,
 * and answers that come in pages.
 *
 * A page bounds what one turn does and what an answer takes: ?after=NUMBER&limit=NUMBER, of which
 * both may be left out. The answer's "next" is what `after` of the next page is; null: there is
 * none. The number means nothing to anybody else. A page may be empty and have a next one.
 */
#ifndef SESSIOND_CONTROL_ANSWER_H
#define SESSIOND_CONTROL_ANSWER_H

#include "common/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct http_request;
struct services;
struct sockjs_service;

/* Statuses of HTTP, which are the codes of errors here. */
enum {
	CONTROL_OK = 200,
	CONTROL_BAD_REQUEST = 400,
	CONTROL_NOT_FOUND = 404,
	CONTROL_TOO_LARGE = 413,
	CONTROL_UNAVAILABLE = 503,
};

enum { CONTROL_PAGE_MAX = 1000 }; /* places that a page looks at */

struct control_page {
	char *service; /* owned; ?service=PREFIX: of that alone; NULL: all */
	uint64_t after;
	uint32_t limit; /* 1..CONTROL_PAGE_MAX */
};

/* Reads a query (NULL: none). -1 and an error if a number is none, or there is no such service. */
int control_page_read(const char *query, const struct services *services, struct control_page *page,
    struct error *err);

void control_page_clear(struct control_page *page);

/* True if name (NULL: all) is that of the service; that of an app may also be "app NAME". */
bool control_means(const char *name, const struct sockjs_service *service);

/* True if a service of that name is or was there. */
bool control_knows(const struct services *services, const char *name);

/* The body as a JSON object; a new reference. NULL and an error if it is none. */
json_t *control_read_body(const struct http_request *request, struct error *err);

/*
 * A string of a JSON object. -1 and an error if it is no string, has a NUL in it, or is not there
 * and no fallback (NULL: none) is given.
 */
int control_read_string(const json_t *object, const char *name, const char *fallback,
    const char **text, struct error *err);

/* Answers 200 with the JSON, which it takes; 503 if it is NULL. */
void control_answer(struct http_request *request, json_t *json);

/* The same, once what the turn changed is stored; 503 if it cannot be. */
void control_acknowledge(struct http_request *request, json_t *json);

/* Answers with an error: its code is the status. */
void control_refuse(struct http_request *request, const struct error *err);

#endif
