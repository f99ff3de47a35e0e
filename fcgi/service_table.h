/*
 * The services as sessiond told them. A new table comes with each connection to sessiond; requests keep the one they began with.
 */
#ifndef FCGI_SERVICE_TABLE_H
#define FCGI_SERVICE_TABLE_H

#include "common/error.h"
#include "common/wire_messages.h"
#include "sockjs/prefix.h"
#include "sockjs/reply.h"

#include <stddef.h>

struct known_service {
	struct protocol_service protocol;
	struct prefix prefix;
	struct service_table *table;
};

struct service_table {
	unsigned refs;
	size_t count;
	size_t body_limit;	   /* the largest of all services */
	struct wire_services wire; /* owns the options' strings */
	struct known_service services[];
};

/* Takes the decoded services. One reference. NULL and an error if one of the names is no prefix; wire is then cleared. */
struct service_table *service_table_create(struct wire_services *wire, struct error *err);

struct service_table *service_table_ref(struct service_table *table);

/* Sets *table NULL; takes NULL. */
void service_table_unref(struct service_table **table);

/* The service of a path, and its prefix's length; NULL: none. */
const struct known_service *
service_table_find(const struct service_table *table, const char *path, size_t *prefix_len);

/* The service of that name; NULL: none. */
const struct known_service *
service_table_named(const struct service_table *table, const char *name);

/* Its number in the table, as sessiond counts. */
unsigned service_table_index(const struct known_service *service);

#endif
