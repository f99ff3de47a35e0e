/*
 * A service: a prefix, its options, its application, and the sessions that live under it.
 */
#ifndef SESSIOND_SERVICE_H
#define SESSIOND_SERVICE_H

#include "common/error.h"
#include "common/timer_queue.h"
#include "sessiond/session_table.h"
#include "sessiond/sockjs.h"
#include "sockjs/prefix.h"
#include "sockjs/reply.h"

#include <stdbool.h>
#include <stddef.h>

struct sessions;

/* Public as sockjs_service, of which applications see only the name. */
struct sockjs_service {
	struct protocol_service protocol;
	struct prefix prefix;
	const char *name;   /* the prefix's */
	char *module_name;  /* of sockjs.conf */
	unsigned conf_line; /* where its section begins */
	const struct sockjs_module *application;
	void *module_handle; /* of dlopen */
	bool started;	     /* the application's start was called */
	void *user_data;
	struct sessions *sessions;
	struct session_table table;
	struct timer_queue heartbeats, timeouts;
	struct sockjs_timer *timers;
};

/* An empty service with the section's name. NULL and an error if it is no prefix: "/path" or "~ REGEX". */
struct sockjs_service *service_create(const char *name, struct error *err);

/* Frees a service without sessions. Sets *service NULL; takes NULL. */
void service_destroy(struct sockjs_service **service);

/* Once its options are set: prepares pages and timers, so that it can have sessions in `sessions` (borrowed). */
void service_prepare(struct sockjs_service *service, struct sessions *sessions);

/* Undoes service_prepare. The service must have no sessions. Safe if it was never prepared. */
void service_release(struct sockjs_service *service);

/* The service of services[n] that path belongs to and its prefix's length; the longest plain prefix, else the first pattern. NULL: none. */
struct sockjs_service *service_find(
    struct sockjs_service *const *services, size_t n, const char *path, size_t *prefix_len);

#endif
