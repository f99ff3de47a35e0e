/*
 * What the command line of sockjsctl says.
 */
#ifndef SESSIOND_CTL_WORDS_H
#define SESSIOND_CTL_WORDS_H

#include <stdbool.h>

enum { WORDS_MAX = 3 }; /* the command and two more */

/* NULL: not said. */
struct words {
	const char *arguments[WORDS_MAX]; /* the command first */
	const char *config, *socket;
	const char *service, *app, *event, *except, *code, *reason;
	bool is_off, as_json;
};

#endif
