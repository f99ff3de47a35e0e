/*
 * The services as sessiond told them. A new table comes with each connection to sessiond, and whenever its configuration has
 * changed; requests keep the one they began with.
 */
#ifndef FCGI_SERVICE_TABLE_H
#define FCGI_SERVICE_TABLE_H

#include "common/error.h"
#include "wire/wire_messages.h"
#include "sockjs/prefix.h"
#include "sockjs/reply.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct known_service {
	struct protocol_service protocol;
	struct prefix prefix;
	uint16_t number; /* what sessiond calls it */
	bool retired;	 /* only its sessions are left */
	struct service_table *table;
};

struct service_table {
	unsigned refs;
	size_t count;
	size_t body_limit; /* the largest of all services */
	bool has_retired;
	struct wire_services wire; /* owns the options' strings */
	struct known_service services[];
};

/* Takes the decoded services. One reference. NULL and an error if one of the names is no prefix; wire is then cleared. */
struct service_table *service_table_create(struct wire_services *wire, struct error *err);

struct service_table *service_table_ref(struct service_table *table);

/* Sets *table NULL; takes NULL. */
void service_table_unref(struct service_table **table);

/* The service of a path, among those that are retired or among the others, and its prefix's length; NULL: none. */
const struct known_service *service_table_find(
    const struct service_table *table, bool retired, const char *path, size_t *prefix_len);

/* The service of that name; NULL: none. */
const struct known_service *
service_table_named(const struct service_table *table, const char *name);

#endif
