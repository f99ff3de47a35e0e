/*
 * See known_services.h.
 */
#include "fcgi/daemon/known_services.h"

#include "common/memory.h"

#include <stdlib.h>
#include <string.h>

struct known_services *
known_services_create(struct wire_services *wire, struct error *err)
{
	struct known_services *known =
	    xcalloc(1, sizeof *known + wire->count * sizeof known->services[0]);
	size_t i;

	known->refs = 1;
	known->wire = *wire;
	*wire = (struct wire_services){NULL};
	known->trusted = trusted_proxies_create(known->wire.trusted_proxies, err);
	if (known->trusted == NULL) {
		known_services_unref(&known);
		return NULL;
	}
	for (i = 0; i < known->wire.count; i++) {
		struct known_service *service = &known->services[i];

		if (prefix_init(&service->prefix, known->wire.list[i].name, err) == -1) {
			known_services_unref(&known);
			return NULL;
		}
		service->known = known;
		service->number = known->wire.list[i].number;
		service->retired = known->wire.list[i].retired;
		known->has_retired = known->has_retired || service->retired;
		service->protocol.options = known->wire.list[i].options;
		protocol_service_prepare(&service->protocol);
		if (service->protocol.options.body_limit > known->body_limit)
			known->body_limit = service->protocol.options.body_limit;
		known->count++;
	}
	return known;
}

size_t
known_services_body_limit(const struct known_services *known)
{
	return known->api.body_limit > known->body_limit ? known->api.body_limit
							 : known->body_limit;
}

struct known_services *
known_services_ref(struct known_services *known)
{
	known->refs++;
	return known;
}

void
known_services_unref(struct known_services **known)
{
	struct known_services *t = *known;
	size_t i;

	*known = NULL;
	if (t == NULL || --t->refs > 0)
		return;
	for (i = 0; i < t->count; i++) {
		prefix_clear(&t->services[i].prefix);
		protocol_service_clear(&t->services[i].protocol);
	}
	trusted_proxies_destroy(&t->trusted);
	wire_services_clear(&t->wire);
	free(t->api.path);
	free(t);
}

const struct known_service *
known_services_find(
    const struct known_services *known, bool retired, const char *path, size_t *prefix_len)
{
	const struct known_service *best = NULL;
	size_t i;

	for (i = 0; i < known->count; i++) {
		const struct known_service *service = &known->services[i];
		long len = service->retired == retired ? prefix_match(&service->prefix, path) : -1;

		if (len < 0 ||
		    (best != NULL &&
			!prefix_beats(&service->prefix, (size_t)len, &best->prefix, *prefix_len)))
			continue;
		best = service;
		*prefix_len = (size_t)len;
	}
	return best;
}

const struct known_service *
known_services_named(const struct known_services *known, const char *name)
{
	size_t i;

	for (i = 0; i < known->count; i++)
		if (strcmp(known->services[i].prefix.name, name) == 0)
			return &known->services[i];
	return NULL;
}
