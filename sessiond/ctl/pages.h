/*
 * What the daemon tells in pages (sessiond/control/control_answer.h), put together.
 */
#ifndef SESSIOND_CTL_PAGES_H
#define SESSIOND_CTL_PAGES_H

#include "common/error.h"

#include <jansson.h>

struct daemons;
struct words;

/*
 * Takes a page. Returns its member `name`, a new reference, and *next: where the next begins, -1:
 * there is none. NULL and an error (EX_PROTOCOL) if it is none.
 */
json_t *pages_take(const char *text, const char *name, long long *next, struct error *err);

/*
 * All of an array that the pages at path have by that name, of the service that the words name: of
 * one daemon after the other. Where there are several, each row has its index as the member
 * "daemon". A new reference; NULL and an error as control_obtain has it.
 */
json_t *pages_ask(const struct daemons *daemons, const char *path, const char *name,
    const struct words *words, struct error *err);

#endif
