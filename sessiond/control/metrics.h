/*
 * What is told of the daemon: everything that it counts, as Prometheus reads it. Nothing here is
 * counted for its own sake alone: those who do something count it, in a struct that they have at
 * hand. What can be found by looking (sessions by service, memory) is looked up when it is asked.
 *
 * doc/monitoring.md says of each what it means.
 */
#ifndef SESSIOND_METRICS_H
#define SESSIOND_METRICS_H

#include "common/buffer.h"

#include <stdbool.h>

struct channels;
struct daemon_place;
struct http_server;
struct local_socket;
struct loop;
struct persistence;
struct services;
struct sessions;
struct workers;

/* Where it is looked up; all borrowed. */
struct metrics_sources {
	const struct loop *loop;
	struct sessions *sessions;
	const struct services *services;
	struct channels *channels;
	const struct workers *workers;
	const struct http_server *http;
	const struct local_socket *local;
	const struct persistence *persistence;
	const struct daemon_place *place;
	unsigned restarts; /* daemons before this one, under the same supervisor */
};

/* Appends all of it to out. is_ready: what /up says. */
void metrics_write(const struct metrics_sources *sources, bool is_ready, struct buffer *out);

#endif
