/*
 * The responder's connection to sessiond: one, for all requests. When it breaks, requests stay and are sent again once it is back.
 */
#ifndef FCGI_BACKEND_H
#define FCGI_BACKEND_H

#include "common/buffer.h"

#include <stdbool.h>
#include <stdint.h>

struct backend;
struct request;
struct responder;
struct known_services;
struct write_log;

/* Begins to connect. */
struct backend *backend_create(struct responder *responder);

/* Closes the connection. No request may be listed. Sets *backend NULL; takes NULL. */
void backend_destroy(struct backend **backend);

/* The services sessiond told last; NULL: never yet. Borrowed. */
struct known_services *backend_services(const struct backend *backend);

/* Random, for the life of this process; with a sequence number it names a send. */
uint64_t backend_instance(const struct backend *backend);

/*
 * Lists a request, which is issued (request_issue) as soon as sessiond is there; until then its patience runs, and at the end of that
 * request_give_up is called. backend_forget takes it off the list.
 */
void backend_add(struct backend *backend, struct request *request);
void backend_forget(struct backend *backend, struct request *request);

/* Calls fn with each listed request; fn may take that one off the list. */
void backend_each(
    struct backend *backend, void (*fn)(struct request *request, void *context), void *context);

/* True if requests can be issued now. */
bool backend_is_there(const struct backend *backend);

/* The request that sessiond knows by this id; NULL: none. */
struct request *backend_find(const struct backend *backend, uint64_t id);

/*
 * The id that sessiond gave to the present connection, never 0; 0 if requests cannot be issued now. What became of an answer is told
 * on the connection that it came by, or not at all.
 */
uint64_t backend_connection(const struct backend *backend);

/* What is to be sent; backend_flush sends it, at the end of the turn if not before. */
struct buffer *backend_output(struct backend *backend);
void backend_flush(struct backend *backend);

/* Tells sessiond that the whole answer to that request was written: at once, or with the few others that came together with it. */
void backend_confirm(struct backend *backend, uint64_t id);

/* What sessiond looks into when this process has died. */
struct write_log *backend_write_log(struct backend *backend);

/* The responder stops: sessiond is asked to end what it holds for us. */
void backend_say_goodbye(struct backend *backend);

#endif
