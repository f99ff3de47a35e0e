/*
 * Asks a FastCGI application, such as PHP-FPM, on the daemon's loop: a connection for each request.
 * (Kept ones would each occupy a process of PHP-FPM, which others' requests then wait for.)
 *
 * What the application writes to its standard error goes into the log, line by line.
 */
#ifndef SESSIOND_FASTCGI_CLIENT_H
#define SESSIOND_FASTCGI_CLIENT_H

#include "common/error.h"
#include "common/timer_queue.h"
#include "sessiond/fastcgi/fastcgi_record.h"

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct fastcgi_client;
struct fastcgi_call; /* a request that is under way */

struct fastcgi_options {
	const char *address; /* "/path/of/socket", "1.2.3.4:9000" or "[::1]:9000" */
	const char *name;    /* of whom it asks for, for the log: "service /chat" */
	uint64_t timeout_ms; /* from the connect to the answer's end */
	size_t limit;	     /* bytes of an answer, with all that is around its body */
};

enum fastcgi_result {
	FASTCGI_ANSWERED,
	FASTCGI_FAILED, /* the application may have run, and has given no answer */
	FASTCGI_AWAY,	/* nobody has taken the request */
};

struct fastcgi_outcome {
	enum fastcgi_result result;
	struct fastcgi_response response; /* of whatever status; if it was answered */
	const char *why;		  /* else, for people */
};

/*
 * What became of a request; the outcome is valid during the call. It is called from the loop, never
 * from within fastcgi_client_ask, and may destroy the client.
 */
typedef void fastcgi_done(void *owner, const struct fastcgi_outcome *outcome);

/* The loop and the timers are borrowed, the options copied. NULL and an error (EX_CONFIG). */
struct fastcgi_client *fastcgi_client_create(uv_loop_t *loop, struct timers *timers,
    const struct fastcgi_options *options, struct error *err);

/* Ends all requests, of which nothing is told. Sets *client NULL; takes NULL. */
void fastcgi_client_destroy(struct fastcgi_client **client);

/* Later requests have these. */
void fastcgi_client_set_limits(struct fastcgi_client *client, uint64_t timeout_ms, size_t limit);

/*
 * Begins a request of these parameters, with body[0..len) as its input; all is copied. NULL: there
 * is no memory for it; nothing is told then.
 */
struct fastcgi_call *
fastcgi_client_ask(struct fastcgi_client *client, const struct fastcgi_param *params, size_t count,
    const char *body, size_t len, fastcgi_done *done, void *owner);

/* Ends a request that was not told of yet: nothing is. Sets *call NULL; takes NULL. */
void fastcgi_call_end(struct fastcgi_call **call);

#endif
