/*
 * A service: a prefix, its options, its application, and the sessions that live under it.
 */
#ifndef SESSIOND_SERVICE_H
#define SESSIOND_SERVICE_H

#include "common/error.h"
#include "common/timer_queue.h"
#include "conf/app_options.h"
#include "conf/module_options.h"
#include "conf/worker_options.h"
#include "common/hash_table.h"
#include "sessiond/service/callback.h"
#include "sessiond/sockjs.h"
#include "sockjs/prefix.h"
#include "sockjs/reply.h"
#include "sockjs/transport.h"

#include <stdbool.h>
#include <stddef.h>

#include <sys/queue.h>

struct channel_kind;
struct channel_space;
struct module_image;
struct sessions;

/* Close codes that depend on what is spoken. */
enum {
	SERVICE_CODE_GOING_AWAY = 1001, /* the daemon stops */
	SERVICE_CODE_PROTOCOL = 3000,	/* no answer to a heartbeat: as sockjs-node */
	SERVICE_CODE_RECONNECT = 4200,	/* of an app: the daemon stops */
	SERVICE_CODE_APP_NO_PONG = 4201,
};

/* How many sessions there are, and how many have a client that is connected now; without legs. */
struct service_tally {
	size_t sessions, connections[TRANSPORT_COUNT];
};

/* Public as sockjs_service, of which applications see only the name. */
struct sockjs_service {
	struct protocol_service protocol;
	struct prefix prefix;
	/* Of an app, where a WebSocket without SockJS's framing is served; else empty. */
	struct prefix socket_prefix;
	const char *name; /* the prefix's */
	char *section;	  /* as errors show it, "service /echo" */
	unsigned number;  /* what responders call services of that name */
	unsigned users;	  /* sessions and requests that keep it alive */
	struct service_tally tally;
	bool is_retired;   /* not of the configuration any more: only its sessions are left */
	char *module_name; /* of sockjs.conf */
	struct callback_owner owner;
	char *conf_path;    /* the file; NULL in tests */
	unsigned conf_line; /* where its section begins */
	struct module_options module_options;
	struct error start_error; /* what the module found wrong while it started */
	const struct sockjs_module *application;
	struct module_image *image;
	bool is_fallback;   /* of the [fallback] section */
	bool refuses_sends; /* service_refuse_sends */
	bool is_passing;    /* its sessions end with the daemon, and are not stored */
	int code_stopping;  /* what sessions are closed with when the daemon stops */
	int code_no_pong;   /* ... when nobody has answered a heartbeat */
	char *app;	    /* the name of the [app] that it is; NULL: it is none */
	struct app_options app_options;
	struct worker_options worker_options;
	bool starting; /* the application's start is being called */
	bool started;  /* it has returned, and stop was not called yet */
	void *user_data;
	struct sessions *sessions;
	struct hash_table table;  /* of sessions */
	struct timers *clockwork; /* of the queues; NULL: not prepared */
	struct timer_queue heartbeats, timeouts, resume_timeouts;
	/* Of authorize_timeout; its set is NULL before the first has waited. */
	struct timer_queue admissions;
	LIST_HEAD(, sockjs_timer) timers;
	LIST_HEAD(, sockjs_group) groups;
	struct channel_space *channels;		 /* NULL: it has had none */
	const struct channel_kind *channel_kind; /* NULL: as those of modules */
	/* The module's, for who comes and goes in its channels; NULL: it does not want to know. */
	sockjs_presence_callback *presence;
	sockjs_subscribed_callback *subscribed; /* the same, for who has entered one */
};

/*
 * An empty service with the section's name. NULL and an error if it is no prefix: "/path" or "~
 * REGEX".
 */
struct sockjs_service *service_create(const char *name, struct error *err);

/*
 * The service of an [app]: name is its prefix, below app_path (NULL: none). app and key NULL: that
 * of all keys that no app has.
 */
struct sockjs_service *
service_create_app(const char *app, const char *key, const char *app_path, struct error *err);

/* True if it is the one of all keys that no app has. */
bool service_is_of_unknown_apps(const struct sockjs_service *service);

/* An empty service of the [fallback] section: no path belongs to it. Its name is "fallback". */
struct sockjs_service *service_create_fallback(void);

/* True if the pointer is a service's. Any thread, but only on the loop's does it stay true. */
bool service_is_live(const struct sockjs_service *service);

/*
 * The name, cut if need be, and the log_level of a service; false if the pointer is no service's.
 * For other threads than the loop's.
 */
bool
service_describe(const struct sockjs_service *service, char *name, size_t size, int *log_level);

/* Sets an error whose text begins with the place in sockjs.conf. Returns -1. */
int service_error(const struct sockjs_service *service, unsigned line, struct error *err,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Frees a service without sessions. Sets *service NULL; takes NULL. */
void service_destroy(struct sockjs_service **service);

/*
 * Once its options are set: makes its pages, and timer queues in `timers`, which call the two
 * functions with `sessions`. Both are borrowed. From now on it can have sessions there.
 */
void service_prepare(struct sockjs_service *service, struct timers *timers,
    timer_fire *heartbeat_fire, timer_fire *timeout_fire, struct sessions *sessions);

/*
 * Exchanges the options of a prepared service, and of its app, with those of another one, whose
 * former values are then that one's to free. Pages are made anew. Timers that run keep their
 * deadline; those that are started later have the new delays.
 */
void service_reconfigure(struct sockjs_service *service, struct sockjs_service *other);

/*
 * Who keeps a pointer to a service beyond a turn of the loop holds it. A retired service is freed
 * at the end of the first turn in which nobody does. service_drop sets *service NULL; takes NULL.
 */
struct sockjs_service *service_hold(struct sockjs_service *service);
void service_drop(struct sockjs_service **service);

/*
 * Its application is overloaded, or away (refuses), or can go on: sends get 503, and what
 * websockets send stays unread until then. Those who come are the application's own matter
 * (authorize).
 */
void service_refuse_sends(struct sockjs_service *service, bool refuses);

/* Undoes service_prepare. The service must have no sessions. Safe if it was never prepared. */
void service_release(struct sockjs_service *service);

/*
 * The service of services[n] that path belongs to, and the length of its prefix: the longest plain
 * prefix, else the first pattern. NULL: none.
 */
struct sockjs_service *service_find(
    struct sockjs_service *const *services, size_t n, const char *path, size_t *prefix_len);

/* The app of services[n] whose WebSocket is at that path; NULL: none. */
struct sockjs_service *
service_find_socket(struct sockjs_service *const *services, size_t n, const char *path);

/*
 * The service of services[n] that has the session which path is a polling or streaming URL of, and
 * the length of its prefix. NULL: none.
 */
struct sockjs_service *service_find_holder(
    struct sockjs_service *const *services, size_t n, const char *path, size_t *prefix_len);

/* A callback of its module is called: callback_end gets what this gives. */
static inline struct callback_call
service_call(const struct sockjs_service *service, enum callback callback)
{
	return callback_begin(&service->owner, callback);
}

#endif
