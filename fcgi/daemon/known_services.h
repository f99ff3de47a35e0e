/*
 * The services as sessiond told them. It tells them at the beginning of each connection, and again
 * whenever its configuration has changed; a request keeps those that it began with.
 */
#ifndef FCGI_DAEMON_KNOWN_SERVICES_H
#define FCGI_DAEMON_KNOWN_SERVICES_H

#include "common/error.h"
#include "sockjs/prefix.h"
#include "sockjs/reply.h"
#include "sockjs/trusted_proxies.h"
#include "wire/wire_messages.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct known_service {
	struct protocol_service protocol;
	struct prefix prefix;
	uint16_t number; /* what sessiond calls it */
	bool retired;	 /* only its sessions are left */
	struct known_services *known;
};

/* Which requests are passed on whole. */
struct known_api {
	char *path; /* those below it; owned; NULL: none */
	size_t body_limit;
};

struct known_services {
	unsigned refs;
	size_t count;
	size_t body_limit; /* bytes: the largest of all services */
	bool has_retired;
	struct trusted_proxies *trusted;
	struct known_api api;
	struct wire_services wire; /* owns the options' strings */
	struct known_service services[];
};

/*
 * Takes the decoded services, with one reference. Returns NULL and an error if a name is no prefix,
 * or trusted_proxies is no such list; *wire is empty in both cases.
 */
struct known_services *known_services_create(struct wire_services *wire, struct error *err);

/* Bytes of the largest body that a service or the API takes; 0: there are none. */
size_t known_services_body_limit(const struct known_services *known);

/* One reference more; returns known. */
struct known_services *known_services_ref(struct known_services *known);

/* One reference less; the last one frees it. Sets *known NULL; takes NULL. */
void known_services_unref(struct known_services **known);

/*
 * The service of a path, among those that are retired or among the others, and the length of its
 * prefix; NULL: none.
 */
const struct known_service *known_services_find(
    const struct known_services *known, bool retired, const char *path, size_t *prefix_len);

/* The service of that name; NULL: none. */
const struct known_service *
known_services_named(const struct known_services *known, const char *name);

#endif
