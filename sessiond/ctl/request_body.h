/*
 * The bodies of what sockjsctl asks for: JSON made of the words of the command line.
 */
#ifndef SESSIOND_CTL_REQUEST_BODY_H
#define SESSIOND_CTL_REQUEST_BODY_H

#include "common/error.h"
#include "sessiond/ctl/words.h"

/*
 * Each returns the JSON, to be freed; NULL and an error (EX_USAGE, EX_IOERR, EX_OSERR) if a word is
 * not what it is to be, is not UTF-8, or cannot be read. Data that is missing, or "-", is what
 * standard input has.
 */

/* publish CHANNEL [DATA] */
char *request_body_publish(const struct words *words, struct error *err);

/* send ID [DATA] */
char *request_body_send(const struct words *words, struct error *err);

/* close ID|all: with all, the page that begins after `after`. */
char *request_body_close(const struct words *words, long long after, struct error *err);

#endif
