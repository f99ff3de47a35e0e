/*
 * See services.h. A service that goes on is the same object with other options, so whatever points
 * to it stays good. What points to a retired one holds it (service_hold).
 *
 * A configuration that was read anew first becomes a second `struct services`. What is new in it
 * then changes places with what it replaces.
 */
#include "sessiond/modules/services.h"

#include "common/log.h"
#include "common/memory.h"
#include "sessiond/modules/module.h"
#include "sessiond/session/session.h"
#include "sessiond/session/session_set.h"
#include "wire/wire_messages.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* The services, then the fallback. */
static size_t
count_all(const struct services *services)
{
	return services->count + (services->fallback != NULL);
}

static struct sockjs_service **
place_of(struct services *services, size_t index)
{
	return index < services->count ? &services->items[index] : &services->fallback;
}

/* --- numbers ---------------------------------------------------------------------------------- */

static bool
find_number(const struct services *services, const char *name, unsigned *number)
{
	size_t i;

	for (i = 0; i < services->number_count; i++) {
		*number = (unsigned)i;
		if (strcmp(services->numbers[i].name, name) == 0)
			return true;
	}
	return false;
}

static unsigned
make_number(struct services *services, const char *name)
{
	services->numbers = xgrow(services->numbers, &services->number_room, services->number_count,
	    sizeof services->numbers[0]);
	services->numbers[services->number_count] = (struct service_number){xstrdup(name), NULL};
	return (unsigned)services->number_count++;
}

static void
number_services(struct services *services)
{
	size_t i;

	for (i = 0; i < services->number_count; i++)
		services->numbers[i].service = NULL;
	for (i = 0; i < services->count; i++) {
		struct sockjs_service *service = services->items[i];

		if (!find_number(services, service->name, &service->number))
			service->number = make_number(services, service->name);
		services->numbers[service->number].service = service;
	}
	if (services->fallback != NULL)
		services->fallback->number = SERVICE_NUMBERS_MAX;
}

static int
check_numbers(const struct services *services, const struct services *fresh, const char *path,
    struct error *err)
{
	size_t i, n = services->number_count;
	unsigned number;

	for (i = 0; i < fresh->count; i++)
		if (!find_number(services, fresh->items[i]->name, &number))
			n++;
	if (n <= SERVICE_NUMBERS_MAX)
		return 0;
	return error_set(err, EX_CONFIG,
	    "%s: more than %d names of services since the start; the daemon has to be started again",
	    path, SERVICE_NUMBERS_MAX);
}

bool
services_has_number(const struct services *services, unsigned number)
{
	return number < services->number_count;
}

struct sockjs_service *
services_find(const struct services *services, unsigned number, const char *id, size_t id_len)
{
	size_t i;

	for (i = 0; i < services->retired_count; i++) {
		struct sockjs_service *service = services->retired[i];

		if (service->number == number &&
		    hash_table_find(&service->table, id, id_len) != NULL)
			return service;
	}
	return services->numbers[number].service;
}

/* --- beginning -------------------------------------------------------------------------------- */

static void
destroy_service(struct sockjs_service **service)
{
	if (*service == NULL)
		return;
	conf_free_values(service_option_table, service_option_count, &(*service)->protocol.options);
	conf_free_values(app_option_table, app_option_count, &(*service)->app_options);
	conf_free_values(worker_option_table, worker_option_count, &(*service)->worker_options);
	service_destroy(service);
}

static void
set_up_service(
    struct sockjs_service *service, const char *path, const struct config_section *section)
{
	service->conf_path = xstrdup(path);
	service->conf_line = section->line;
	service->module_name = xstrdup(section->module);
	service->owner.module = service->module_name;
	conf_copy_values(service_option_table, service_option_count, &service->protocol.options,
	    &section->options);
	conf_copy_values(worker_option_table, worker_option_count, &service->worker_options,
	    &section->worker_options);
	if (service->worker_options.accept == WORKER_ACCEPT_APPLICATION)
		service->protocol.options.authorize_timeout =
		    service->worker_options.worker_timeout;
	module_options_copy(&service->module_options, &section->module_options);
}

/* Takes the service, or destroys it. */
static int
add_service(struct services *services, struct sockjs_service *service, const char *path,
    const struct config_section *section, struct error *err)
{
	if (service == NULL)
		return -1;
	services->items =
	    xgrow(services->items, &services->room, services->count, sizeof services->items[0]);
	services->items[services->count++] = service;
	set_up_service(service, path, section);
	if (services->count > WIRE_SERVICES_MAX)
		return error_set(err, EX_CONFIG, "%s:%u: more than %d services", path,
		    section->line, WIRE_SERVICES_MAX);
	return 0;
}

/*
 * Its clients take the end of a stream for the end of the connection, and leave one that has become
 * too long for them by themselves.
 */
static int
add_app(struct services *services, const struct config *config,
    const struct config_section *section, struct error *err)
{
	struct sockjs_service *service = service_create_app(
	    section->app, section->app_options.key, config->server.app_path, err);

	if (add_service(services, service, config->path, section, err) == -1)
		return -1;
	service->protocol.options.response_limit = SIZE_MAX;
	conf_copy_values(
	    app_option_table, app_option_count, &service->app_options, &section->app_options);
	return 0;
}

/* With any app, all keys are answered: with the daemon's defaults, those that no app has. */
static int
add_unknown_app(struct services *services, const struct config *config, struct error *err)
{
	struct config_section section;
	int status;

	config_section_init(&section, "", 0, &config->defaults);
	section.module = xstrdup(CONFIG_APP_MODULE);
	status = add_service(services, service_create_app(NULL, NULL, config->server.app_path, err),
	    config->path, &section, err);
	config_section_clear(&section);
	return status;
}

static int
make(struct services *services, const struct config *config, struct error *err)
{
	bool has_apps = false;
	size_t i;

	for (i = 0; i < config->section_count; i++) {
		const struct config_section *section = &config->sections[i];
		int status = 0;

		if (section->is_fallback) {
			services->fallback = service_create_fallback();
			set_up_service(services->fallback, config->path, section);
		} else if (section->app != NULL) {
			has_apps = true;
			status = add_app(services, config, section, err);
		} else {
			status = add_service(services, service_create(section->name, err),
			    config->path, section, err);
		}
		if (status == -1)
			return -1;
	}
	return has_apps ? add_unknown_app(services, config, err) : 0;
}

static int
load(struct services *services, const char *module_path, struct error *err)
{
	size_t i;

	for (i = 0; i < count_all(services); i++)
		if (module_load(*place_of(services, i), module_path, err) == -1)
			return -1;
	return 0;
}

int
services_load(struct services *services, const struct config *config, struct error *err)
{
	if (make(services, config, err) == -1)
		return -1;
	return load(services, config->server.module_path, err);
}

static int
start_service(struct sockjs_service *service, struct sessions *sessions, struct error *err)
{
	service_prepare(
	    service, &sessions->timers, session_heartbeat_fire, session_timeout_fire, sessions);
	return module_start(service, err);
}

int
services_start(struct services *services, struct sessions *sessions, struct error *err)
{
	size_t i;

	number_services(services);
	for (i = 0; i < count_all(services); i++)
		if (start_service(*place_of(services, i), sessions, err) == -1)
			return -1;
	return 0;
}

static void
end_service(struct sockjs_service *service)
{
	module_unload(service);
	service_release(service);
}

/* --- changing --------------------------------------------------------------------------------- */

/*
 * The place of the service that goes on as `service`, which is loaded but not started; NULL: there
 * is none.
 */
static struct sockjs_service **
predecessor(struct services *services, const struct sockjs_service *service)
{
	size_t i;

	for (i = 0; i < count_all(services); i++) {
		struct sockjs_service **place = place_of(services, i);

		if (strcmp((*place)->section, service->section) == 0)
			return module_is_same(*place, service) ? place : NULL;
	}
	return NULL;
}

static int
start_new(
    struct services *services, struct services *fresh, struct sessions *sessions, struct error *err)
{
	size_t i;

	for (i = 0; i < count_all(fresh); i++) {
		struct sockjs_service *service = *place_of(fresh, i);

		if (predecessor(services, service) == NULL &&
		    start_service(service, sessions, err) == -1)
			return -1;
	}
	return 0;
}

int
services_prepare(struct services *services, struct services *fresh, const struct config *config,
    struct sessions *sessions, struct error *err)
{
	if (make(fresh, config, err) == 0 &&
	    check_numbers(services, fresh, config->path, err) == 0 &&
	    load(fresh, config->server.module_path, err) == 0 &&
	    start_new(services, fresh, sessions, err) == 0)
		return 0;
	services_end(fresh);
	return -1;
}

/* The service at *kept goes on with the options of the one at *read, and they change places. */
static void
go_on(struct sockjs_service **kept, struct sockjs_service **read)
{
	struct sockjs_service *service = *kept;

	service_reconfigure(service, *read);
	service->conf_line = (*read)->conf_line;
	*kept = *read;
	*read = service;
}

static void
retire(struct services *services, struct sockjs_service *service)
{
	services->retired = xgrow(services->retired, &services->retired_room,
	    services->retired_count, sizeof services->retired[0]);
	services->retired[services->retired_count++] = service;
	service->is_retired = true;
	log_info("[%s] is retired: it ends with its last session", service->section);
}

static void
exchange_current(struct services *services, struct services *fresh)
{
	struct services former = *services;

	services->items = fresh->items;
	services->count = fresh->count;
	services->room = fresh->room;
	services->fallback = fresh->fallback;
	fresh->items = former.items;
	fresh->count = former.count;
	fresh->room = former.room;
	fresh->fallback = former.fallback;
}

/* A service that is in the file no more, or that a new one replaces. True if it is retired. */
static bool
retire_or_unload(struct services *services, struct sockjs_service *service)
{
	if (service->started)
		retire(services, service);
	else
		module_unload(service);
	return service->is_retired;
}

/* Keeps in `fresh` what is not retired. Returns how many are. */
static size_t
leave_behind(struct services *services, struct services *fresh)
{
	size_t i, left = 0, count = fresh->count, retired = 0;

	for (i = 0; i < count; i++) {
		if (retire_or_unload(services, fresh->items[i]))
			retired++;
		else
			fresh->items[left++] = fresh->items[i];
	}
	fresh->count = left;
	if (fresh->fallback != NULL && retire_or_unload(services, fresh->fallback)) {
		fresh->fallback = NULL;
		retired++;
	}
	return retired;
}

struct services_counts
services_commit(struct services *services, struct services *fresh)
{
	struct services_counts counts = {count_all(fresh), 0, 0};
	size_t i;

	for (i = 0; i < counts.services; i++) {
		struct sockjs_service **place = place_of(fresh, i);

		if ((*place)->started)
			counts.begun++;
		else
			go_on(predecessor(services, *place), place);
	}
	exchange_current(services, fresh);
	counts.retired = leave_behind(services, fresh);
	number_services(services);
	return counts;
}

/* --- ending ----------------------------------------------------------------------------------- */

static bool
has_successor(const struct services *services, const struct sockjs_service *retired)
{
	return services_has_number(services, retired->number) &&
	    services->numbers[retired->number].service != NULL;
}

bool
services_is_last(const struct services *services, const struct sockjs_service *retired)
{
	size_t i;

	if (retired->is_fallback || has_successor(services, retired))
		return false;
	for (i = services->retired_count; i-- > 0 && services->retired[i] != retired;)
		if (services->retired[i]->number == retired->number)
			return false;
	return true;
}

bool
services_reap(struct services *services)
{
	bool gone = false;
	size_t i, left = 0;

	for (i = 0; i < services->retired_count; i++) {
		struct sockjs_service *service = services->retired[i];

		if (service->users > 0) {
			services->retired[left++] = service;
			continue;
		}
		log_info("[%s], which was retired, has ended", service->section);
		gone = gone || (!service->is_fallback && !has_successor(services, service));
		end_service(service);
		destroy_service(&service);
	}
	services->retired_count = left;
	return gone;
}

void
services_end(struct services *services)
{
	size_t i;

	for (i = 0; i < count_all(services); i++)
		end_service(*place_of(services, i));
	for (i = 0; i < services->retired_count; i++)
		end_service(services->retired[i]);
}

void
services_clear(struct services *services)
{
	size_t i;

	for (i = 0; i < services->count; i++)
		destroy_service(&services->items[i]);
	for (i = 0; i < services->retired_count; i++)
		destroy_service(&services->retired[i]);
	for (i = 0; i < services->number_count; i++)
		free(services->numbers[i].name);
	destroy_service(&services->fallback);
	free(services->items);
	free(services->retired);
	free(services->numbers);
	*services = (struct services){.count = 0};
}
