/*
 * See succession.h. Called by server.c and reload.c; asked by peer.c.
 *
 * A service that goes on is the same object with other options, so whatever points to it stays good. What points to a retired one
 * holds it (service_hold).
 */
#include "sessiond/modules/services.h"

#include "conf/conf.h"
#include "common/log.h"
#include "sessiond/modules/module.h"
#include "sessiond/session/session.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* --- numbers ------------------------------------------------------------------------------------------------------ */

static bool
find_number(const struct config *config, const char *name, unsigned *number)
{
	size_t i;

	for (i = 0; i < config->number_count; i++) {
		*number = (unsigned)i;
		if (strcmp(config->numbers[i].name, name) == 0)
			return true;
	}
	return false;
}

static unsigned
make_number(struct config *config, const char *name)
{
	struct service_number *numbers =
	    realloc(config->numbers, (config->number_count + 1) * sizeof(struct service_number));
	char *copy = strdup(name);

	if (numbers == NULL || copy == NULL)
		abort();
	config->numbers = numbers;
	numbers[config->number_count] = (struct service_number){copy, NULL};
	return (unsigned)config->number_count++;
}

static void
number_services(struct config *config)
{
	size_t i;

	for (i = 0; i < config->number_count; i++)
		config->numbers[i].service = NULL;
	for (i = 0; i < config->service_count; i++) {
		struct sockjs_service *service = config->services[i];

		if (!find_number(config, service->name, &service->number))
			service->number = make_number(config, service->name);
		config->numbers[service->number].service = service;
	}
	if (config->fallback != NULL)
		config->fallback->number = SERVICE_NUMBERS_MAX;
}

static int
check_numbers(const struct config *config, const struct config *fresh, struct error *err)
{
	size_t i, n = config->number_count;
	unsigned number;

	for (i = 0; i < fresh->service_count; i++)
		if (!find_number(config, fresh->services[i]->name, &number))
			n++;
	if (n <= SERVICE_NUMBERS_MAX)
		return 0;
	return error_set(err, EX_CONFIG,
	    "%s: more than %d names of services since the start; the daemon has to be started again",
	    fresh->path, SERVICE_NUMBERS_MAX);
}

bool
succession_knows(const struct config *config, unsigned number)
{
	return number < config->number_count;
}

struct sockjs_service *
succession_find(const struct config *config, unsigned number, const char *id, size_t id_len)
{
	size_t i;

	for (i = 0; i < config->retired_count; i++) {
		struct sockjs_service *service = config->retired[i];

		if (service->number == number && id_table_find(&service->table, id, id_len) != NULL)
			return service;
	}
	return config->numbers[number].service;
}

/* --- beginning ---------------------------------------------------------------------------------------------------- */

int
succession_load(struct config *config, struct error *err)
{
	size_t i;

	for (i = 0; i < config_section_count(config); i++)
		if (module_load(config_section(config, i), config->server.module_path, err) == -1)
			return -1;
	return 0;
}

static int
start_service(struct sockjs_service *service, struct sessions *sessions, struct error *err)
{
	service_prepare(
	    service, &sessions->timers, session_heartbeat_fire, session_timeout_fire, sessions);
	return module_start(service, err);
}

int
succession_start(struct config *config, struct sessions *sessions, struct error *err)
{
	size_t i;

	number_services(config);
	for (i = 0; i < config_section_count(config); i++)
		if (start_service(config_section(config, i), sessions, err) == -1)
			return -1;
	return 0;
}

static void
end_service(struct sockjs_service *service)
{
	module_unload(service);
	service_release(service);
}

/* --- changing ----------------------------------------------------------------------------------------------------- */

static struct sockjs_service **
place_of(struct config *config, size_t index)
{
	return index < config->service_count ? &config->services[index] : &config->fallback;
}

/* The place of the service that goes on as `service`, which is loaded but not started; NULL: there is none. */
static struct sockjs_service **
predecessor(struct config *config, const struct sockjs_service *service)
{
	size_t i;

	for (i = 0; i < config_section_count(config); i++) {
		struct sockjs_service **place = place_of(config, i);

		if (strcmp((*place)->section, service->section) == 0)
			return module_is_same(*place, service) ? place : NULL;
	}
	return NULL;
}

static int
start_new(struct config *config, struct config *fresh, struct sessions *sessions, struct error *err)
{
	size_t i;

	for (i = 0; i < config_section_count(fresh); i++) {
		struct sockjs_service *service = config_section(fresh, i);

		if (predecessor(config, service) == NULL &&
		    start_service(service, sessions, err) == -1)
			return -1;
	}
	return 0;
}

int
succession_prepare(
    struct config *config, struct config *fresh, struct sessions *sessions, struct error *err)
{
	if (check_numbers(config, fresh, err) == 0 && succession_load(fresh, err) == 0 &&
	    start_new(config, fresh, sessions, err) == 0)
		return 0;
	succession_end(fresh);
	return -1;
}

/* The service at *kept goes on with the options of the one at *read, and they change places. */
static void
go_on(struct sockjs_service **kept, struct sockjs_service **read)
{
	struct sockjs_service *service = *kept;

	service_reconfigure(service, &(*read)->protocol.options);
	service->conf_line = (*read)->conf_line;
	*kept = *read;
	*read = service;
}

static void
retire(struct config *config, struct sockjs_service *service)
{
	struct sockjs_service **retired =
	    realloc(config->retired, (config->retired_count + 1) * sizeof(struct sockjs_service *));

	if (retired == NULL)
		abort();
	config->retired = retired;
	service->is_retired = true;
	retired[config->retired_count++] = service;
	log_info("[%s] is retired: it ends with its last session", service->section);
}

static void
exchange_sections(struct config *config, struct config *fresh)
{
	struct config former = *config;

	config->services = fresh->services;
	config->service_count = fresh->service_count;
	config->fallback = fresh->fallback;
	fresh->services = former.services;
	fresh->service_count = former.service_count;
	fresh->fallback = former.fallback;
}

/* What was not exchanged is not in the file any more, or has a successor. True if it is retired. */
static bool
retire_or_unload(struct config *config, struct sockjs_service *service)
{
	if (service->started)
		retire(config, service);
	else
		module_unload(service);
	return service->is_retired;
}

static size_t
leave_behind(struct config *config, struct config *fresh)
{
	size_t i, left = 0, count = fresh->service_count, retired = 0;

	for (i = 0; i < count; i++) {
		if (retire_or_unload(config, fresh->services[i]))
			retired++;
		else
			fresh->services[left++] = fresh->services[i];
	}
	fresh->service_count = left;
	if (fresh->fallback != NULL && retire_or_unload(config, fresh->fallback)) {
		fresh->fallback = NULL;
		retired++;
	}
	return retired;
}

struct succession_counts
succession_commit(struct config *config, struct config *fresh)
{
	struct succession_counts counts = {config_section_count(fresh), 0, 0};
	size_t i;

	for (i = 0; i < counts.services; i++) {
		struct sockjs_service **place = place_of(fresh, i);

		if ((*place)->started)
			counts.begun++;
		else
			go_on(predecessor(config, *place), place);
	}
	exchange_sections(config, fresh);
	counts.retired = leave_behind(config, fresh);
	number_services(config);
	return counts;
}

/* --- ending ------------------------------------------------------------------------------------------------------- */

bool
succession_is_last(const struct config *config, const struct sockjs_service *retired)
{
	size_t i;

	if (!succession_knows(config, retired->number) ||
	    config->numbers[retired->number].service != NULL)
		return false;
	for (i = config->retired_count; i-- > 0 && config->retired[i] != retired;)
		if (config->retired[i]->number == retired->number)
			return false;
	return true;
}

bool
succession_bury(struct config *config)
{
	bool gone = false;
	size_t i, left = 0;

	for (i = 0; i < config->retired_count; i++) {
		struct sockjs_service *service = config->retired[i];

		if (service->users > 0) {
			config->retired[left++] = service;
			continue;
		}
		log_info("[%s], which was retired, has ended", service->section);
		gone = gone ||
		    (succession_knows(config, service->number) &&
			config->numbers[service->number].service == NULL);
		end_service(service);
		config_destroy_service(&service);
	}
	config->retired_count = left;
	return gone;
}

void
succession_end(struct config *config)
{
	size_t i;

	for (i = 0; i < config_section_count(config); i++)
		end_service(config_section(config, i));
	for (i = 0; i < config->retired_count; i++)
		end_service(config->retired[i]);
}
