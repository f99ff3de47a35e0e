/*
 * See service_table.h. Made by backend.c, used by request.c.
 */
#include "fcgi/daemon/known_services.h"

#include <stdlib.h>
#include <string.h>

struct service_table *
service_table_create(struct wire_services *wire, struct error *err)
{
	struct service_table *table =
	    calloc(1, sizeof *table + wire->count * sizeof table->services[0]);
	size_t i;

	if (table == NULL)
		abort();
	table->refs = 1;
	table->wire = *wire;
	*wire = (struct wire_services){NULL, 0};
	for (i = 0; i < table->wire.count; i++) {
		struct known_service *service = &table->services[i];

		if (prefix_init(&service->prefix, table->wire.list[i].name, err) == -1) {
			service_table_unref(&table);
			return NULL;
		}
		service->table = table;
		service->number = table->wire.list[i].number;
		service->retired = table->wire.list[i].retired;
		table->has_retired = table->has_retired || service->retired;
		service->protocol.options = table->wire.list[i].options;
		protocol_service_prepare(&service->protocol);
		if (service->protocol.options.body_limit > table->body_limit)
			table->body_limit = service->protocol.options.body_limit;
		table->count++;
	}
	return table;
}

struct service_table *
service_table_ref(struct service_table *table)
{
	table->refs++;
	return table;
}

void
service_table_unref(struct service_table **table)
{
	struct service_table *t = *table;
	size_t i;

	*table = NULL;
	if (t == NULL || --t->refs > 0)
		return;
	for (i = 0; i < t->count; i++) {
		prefix_clear(&t->services[i].prefix);
		protocol_service_clear(&t->services[i].protocol);
	}
	wire_services_clear(&t->wire);
	free(t);
}

const struct known_service *
service_table_find(
    const struct service_table *table, bool retired, const char *path, size_t *prefix_len)
{
	const struct known_service *best = NULL;
	size_t i;

	for (i = 0; i < table->count; i++) {
		const struct known_service *service = &table->services[i];
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
service_table_named(const struct service_table *table, const char *name)
{
	size_t i;

	for (i = 0; i < table->count; i++)
		if (strcmp(table->services[i].prefix.name, name) == 0)
			return &table->services[i];
	return NULL;
}
