/*
 * sockjsctl publish: the body of POST /publish.
 */
#ifndef SESSIOND_CTL_PUBLISH_H
#define SESSIOND_CTL_PUBLISH_H

#include "common/error.h"

/* What the command line says; NULL: it does not. */
struct publish_words {
	const char *channel, *data; /* data NULL or "-": standard input has it */
	const char *service, *event, *except;
};

/*
 * The JSON, to be freed; NULL and an error (EX_USAGE, EX_IOERR) if a word is missing, is not UTF-8,
 * or cannot be read.
 */
char *publish_body(const struct publish_words *words, struct error *err);

#endif
