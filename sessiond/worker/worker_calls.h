/*
 * What an application calls: write, close, subscribe, unsubscribe, publish, state, accept, refuse;
 * doc/workers.md has them all.
 */
#ifndef SESSIOND_WORKER_CALLS_H
#define SESSIOND_WORKER_CALLS_H

#include "sessiond/worker/worker_connection.h"

#include <jansson.h>

/* Why a call is not done. */
struct worker_call_error {
	const char *code;  /* "gone", "invalid", "full", "too_large" or "unknown" */
	char message[200]; /* for people */
};

/*
 * Carries a call out, now. 0; or -1 and an error, and nothing is done. Whether its id is that of a
 * connection of this service is looked at; a connection may be freed by it only if its client was
 * refused and has no event that is given.
 */
int
worker_call_do(struct worker_service *service, const json_t *call, struct worker_call_error *error);

/* The name of a call, as {"call":"write",...} has it; NULL and an error: it is none. */
const char *worker_call_name(const json_t *call, struct worker_call_error *error);

#endif
