/*
 * A service whose application is not in this process: what it shares, who carries its events, and
 * whether it can take any.
 *
 * The model is that of sockjs.h: connections have events, in order. They wait with their connection
 * (worker_connection.h) until the application has handled them; a carrier gives them to it, and
 * brings back what it calls (worker_calls.h). What is handled and what was called meanwhile change
 * in one turn of the loop, which is one transaction of the store.
 */
#ifndef SESSIOND_WORKER_SERVICE_H
#define SESSIOND_WORKER_SERVICE_H

#include "common/error.h"
#include "common/hash_table.h"
#include "common/timer_queue.h"
#include "sessiond/sockjs.h"
#include "sessiond/worker/worker_journal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <uv.h>

struct worker_connection;
struct worker_guest;
struct worker_service;

enum {
	WORKER_DEATHS_MAX = 3,	   /* of an application, by one event */
	WORKER_STATE_MAX = 16384,  /* bytes of what it keeps with a connection */
	WORKER_EVENT_COST = 96,	   /* bytes beside the message, in worker_queue_limit */
	WORKER_CODE_DEADLY = 4500, /* the close code of a connection whose event is deadly */
};

/* How events get to the application. Each gets the service or connection that it is about. */
struct worker_carrier {
	const char *name; /* for sockjsctl workers */
	void (*start)(struct worker_service *service);
	/* At once. forget follows, for each connection that is left. */
	void (*stop)(struct worker_service *service);
	/* The options of the service are others now. */
	void (*change)(struct worker_service *service);
	/*
	 * The connection has events that were not given. Called when it gets the first of them, and
	 * when one that was given is to be given again.
	 */
	void (*wake)(struct worker_connection *connection);
	/*
	 * The connection goes on with this daemon, and the application knows it; NULL: it is not
	 * told before there are events.
	 */
	void (*restored)(struct worker_connection *connection);
	/* The connection ends: it has no events any more, and is freed. */
	void (*forget)(struct worker_connection *connection);
	/* What was written to the connection has left, after too much waited; NULL: not told. */
	void (*drain)(struct worker_connection *connection);
	/*
	 * The turn ends. give: encodes what can be given now; true if it has given anything. write:
	 * after the commit, lets it leave.
	 */
	bool (*give)(struct worker_service *service);
	void (*write)(struct worker_service *service);
	/*
	 * The daemon ends: gives nothing more, and lets the application finish what it has and end.
	 * True if it has.
	 */
	bool (*finish)(struct worker_service *service);
};

/* A service of workers lives from its module's start to its stop. */
struct worker_service {
	struct workers *all;
	sockjs_service *service; /* its worker_options and name say the rest */
	const struct worker_carrier *carrier;
	void *carried; /* the carrier's, from malloc: freed with the service */
	LIST_ENTRY(worker_service) entry;
	LIST_HEAD(, worker_connection) connections;
	size_t count;  /* of connections */
	size_t queued; /* bytes of events that are not handled */
	bool acks;     /* events are handled when the application says so */
	bool is_here;  /* an application is there */
	bool is_full;  /* as many bytes wait as may; is_away, too, refuses sends and clients */
	struct timer_queue waits;	   /* worker_timeout */
	struct timer wait;		   /* runs while none is there */
	bool is_away;			   /* for longer than that */
	uint64_t given, handled, repeated; /* events, since the start */
};

/* All of them. One of them is bound, for the daemon's own modules. */
struct workers {
	uv_loop_t *loop;
	struct timers *timers;
	uint64_t (*clock)(void *context); /* ms, of the timers */
	void *clock_context;
	bool is_kept; /* there is a store */
	bool is_ending;
	LIST_HEAD(, worker_service) services;
	LIST_HEAD(, worker_guest) guests; /* worker_serve.h */
	size_t guest_count;
	struct hash_table by_id; /* connections, by their uuid */
	struct worker_journal journal;
};

/* Borrows all. From now on modules of workers can start there; workers_bind(NULL): no more. */
void workers_init(struct workers *all, uv_loop_t *loop, struct timers *timers,
    uint64_t (*clock)(void *context), void *context);
void workers_bind(struct workers *all);
void workers_clear(struct workers *all);
struct workers *workers_bound(void);

/* ms */
uint64_t workers_now(const struct workers *all);

/*
 * At the module's start; and at its stop, once its carrier has stopped and no connection is left.
 */
struct worker_service *
worker_service_create(sockjs_service *service, const struct worker_carrier *carrier);
void worker_service_destroy(struct worker_service **service);

/* The carrier has an application that can be given events, or has none any more. */
void worker_service_is_here(struct worker_service *service, bool is_here);

/* The bytes that wait have changed, or the options: refuses what would be too much. */
void worker_service_judge(struct worker_service *service);

/* The turn ends: before the commit, true if anything was given; and after it. */
bool workers_give(struct workers *all);
void workers_write(struct workers *all);

/* After a reload: services of workers have other options. */
void workers_changed(struct workers *all);

/* The daemon ends, and nobody else waits for anything. True once every application has ended. */
bool workers_finish(struct workers *all);

/* A line in the log of the service, which an application can cause at will. */
#define worker_log(worker_service, ...)                                                            \
	do {                                                                                       \
		static const char worker_log_place;                                                \
                                                                                                   \
		worker_log_write(&worker_log_place, worker_service, __VA_ARGS__);                  \
	} while (0)

void worker_log_write(const void *place, const struct worker_service *service, const char *format,
    ...) __attribute__((format(printf, 3, 4)));

#endif
