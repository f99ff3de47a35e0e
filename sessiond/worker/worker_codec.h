/*
 * The events of an application, as JSON; doc/workers.md has them all. Lone surrogates, which
 * messages may hold, become U+FFFD: strict parsers refuse them.
 *
 * Everything is appended; buffer_failed(out) says whether memory was short.
 */
#ifndef SESSIOND_WORKER_CODEC_H
#define SESSIOND_WORKER_CODEC_H

#include "common/buffer.h"
#include "sessiond/worker/worker_connection.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

enum { WORKER_PROTOCOL_VERSION = 1 };

/* The members that tell what is known of a connection, for worker_connection.info. */
void worker_encode_info(struct buffer *out, sockjs_connection connection);

/* --- lines for processes ---------------------------------------------------------------------- */

void worker_encode_hello(struct buffer *out, const struct worker_service *service);

void worker_encode_event(struct buffer *out, const struct worker_connection *connection,
    const struct worker_event *event, uint64_t seq);

void
worker_encode_resume(struct buffer *out, const struct worker_connection *connection, uint64_t seq);

void worker_encode_drain(struct buffer *out, const struct worker_connection *connection);

/* ref: what the call had under that name; NULL: none. */
void
worker_encode_error(struct buffer *out, const json_t *ref, const char *code, const char *message);

/* --- a request -------------------------------------------------------------------------------- */

/* {"connection":{...},"state":...,"events":[...]}, of the first n events. */
void worker_encode_batch(struct buffer *out, const struct worker_connection *connection, size_t n);

#endif
