/*
 * A connection as its application knows it: its events in order, until they are handled, and what
 * the application keeps with it. It begins when its client asks to be let in, or is, and outlives
 * its session until the application has handled the end.
 */
#ifndef SESSIOND_WORKER_CONNECTION_H
#define SESSIOND_WORKER_CONNECTION_H

#include "sessiond/worker/worker_service.h"

enum worker_event_kind {
	WORKER_EVENT_CONNECT,	 /* somebody asks to be let in (accept = application) */
	WORKER_EVENT_CONNECTION, /* it is there */
	WORKER_EVENT_DATA,
	WORKER_EVENT_CLOSE, /* the last */
};

struct worker_event {
	STAILQ_ENTRY(worker_event) next;
	uint8_t kind;	/* enum worker_event_kind */
	uint8_t deaths; /* of an application, while it had this */
	bool is_binary;
	size_t len;  /* bytes */
	char data[]; /* of a message: WTF-8 unless it is binary */
};

STAILQ_HEAD(worker_event_list, worker_event);

struct worker_connection {
	struct worker_service *service;
	LIST_ENTRY(worker_connection) entry; /* of its service's */
	struct hash_entry by_id;
	sockjs_connection connection;	 /* SOCKJS_NOBODY: its session is gone */
	struct worker_event_list events; /* that are not handled; the first `given` were given */
	struct worker_event *waiting;	 /* the first that was not given; NULL: all were */
	struct worker_event *last;	 /* while there are some */
	size_t count, given;
	uint64_t first;	 /* the number of the first event, from 1 */
	char *info;	 /* members of a JSON object: what is known of its client */
	char *state;	 /* JSON; NULL: none */
	bool is_known;	 /* the application has handled its begin */
	bool is_waiting; /* its client waits to be let in */
	bool is_over;	 /* it gets no further events */
	struct worker_record record;
	void *carried; /* the carrier's; NULL at first */
	char id[37];   /* sockjs_id; NUL-terminated */
};

/* The connection of that id; NULL: there is none, or of another service. */
struct worker_connection *
worker_connection_find(const struct worker_service *service, const char *id, size_t len);

/*
 * A new one, for a session that its module knows by that handle. Takes info, which is to be freed.
 * waits: its client is not let in yet.
 */
struct worker_connection *worker_connection_create(
    struct worker_service *service, sockjs_connection connection, char *info, bool waits);

/* One that was read from the store, without events and session. Takes info and state. */
struct worker_connection *worker_connection_restore(
    struct worker_service *service, const char *id, uint64_t number, char *info, char *state);

/* An event more: data is copied, NULL without any. The carrier is woken. */
void worker_connection_push(struct worker_connection *connection, enum worker_event_kind kind,
    const char *data, size_t len, bool is_binary);

/* Its session is gone, and was not refused: the last event. */
void worker_connection_over(struct worker_connection *connection);

/* Its client is in. */
void worker_connection_opens(struct worker_connection *connection);

/*
 * Its client, which waits, gets a status of HTTP instead. The connection is freed, at once (false)
 * or with the last event that was given.
 */
bool worker_connection_refuse(struct worker_connection *connection, int status);

/* --- for carriers ----------------------------------------------------------------------------- */

/* The event that waits (connection->waiting) is given now. */
void worker_connection_give(struct worker_connection *connection);

/*
 * The application has handled the first n events, which were given. False: with the last of all,
 * and the connection is freed.
 */
bool worker_connection_handled(struct worker_connection *connection, size_t n);

/* What was given is to be given again. The carrier is not woken. */
void worker_connection_return(struct worker_connection *connection);

/*
 * The first event has ended its application WORKER_DEATHS_MAX times (how: "ended its process", for
 * the log). All events are dropped, the connection is closed with WORKER_CODE_DEADLY, and its end
 * is told; of an end that is itself deadly nothing remains, and the connection is freed: false.
 */
bool worker_connection_is_deadly(struct worker_connection *connection, const char *how);

/* The service ends with the daemon: its connections are left to the next one, or to nobody. */
void worker_connections_leave(struct worker_service *service);

/* Keeps a JSON text with it, a copy; NULL: none. */
void worker_connection_set_state(struct worker_connection *connection, const char *state);

/* "connect", "connection", "data" or "close". */
const char *worker_event_name(enum worker_event_kind kind);

#endif
