/*
 * See reload.h. The running struct config stays where it is, as everything points to it. Values
 * move into it from the one that was read, and the former ones are freed with that.
 */
#include "sessiond/reload.h"

#include "common/descriptor_limit.h"
#include "common/log.h"
#include "conf/config_read.h"
#include "sessiond/channels/channels.h"
#include "sessiond/http/http_server.h"
#include "sessiond/system/acceptors.h"
#include "sessiond/system/notify.h"
#include "sessiond/pusher/pusher_app.h"
#include "sessiond/responder/local_socket.h"
#include "sessiond/session/admission.h"
#include "sessiond/session/session.h"
#include "sessiond/session/session_set.h"
#include "sessiond/http/static_files.h"
#include "sessiond/modules/services.h"
#include "sessiond/websocket/websocket.h"
#include "sessiond/worker/worker_service.h"
#include "system/privileges.h"

#include <string.h>

/* A configuration that was read and checked, and what had to be opened for it. */
struct reload_change {
	struct config *fresh;
	struct services services; /* of fresh */
	struct static_files *files;
	struct acceptors_change acceptors;
};

static int
open_files(struct reload_change *change, struct error *err)
{
	const char *folder = change->fresh->server.static_folder;
	struct error cause = ERROR_INIT;

	if (folder == NULL)
		return 0;
	change->files = static_files_open(folder, &cause);
	if (change->files != NULL)
		return 0;
	return error_set(err, cause.code, "%s: %s", change->fresh->path, cause.text);
}

static int
open_acceptors(const struct reload *reload, struct reload_change *change, struct error *err)
{
	const struct server_options *options = &change->fresh->server;
	struct error cause = ERROR_INIT;

	if (reload->config->place.count > 1) {
		acceptors_keep(reload->acceptors, &change->acceptors);
		return 0;
	}
	if (acceptors_prepare(reload->acceptors, options, &change->acceptors, &cause) == 0)
		return 0;
	return error_set(err, cause.code, "%s: %s", change->fresh->path, cause.text);
}

/* What can fail without a module. */
static int
read_and_open(const struct reload *reload, struct reload_change *change, struct error *err)
{
	const struct config *config = reload->config;

	change->fresh = config_read(config->path, err);
	if (change->fresh == NULL)
		return -1;
	config_override(change->fresh, &config->command_line);
	if (config->place.count > 1 && config_check_daemons(change->fresh, err) == -1)
		return -1;
	config_take_place(change->fresh, &config->place);
	return open_files(change, err) == -1 ? -1 : open_acceptors(reload, change, err);
}

/* The modules come last: nothing can fail once they have started. */
static int
prepare(const struct reload *reload, struct reload_change *change, struct error *err)
{
	if (read_and_open(reload, change, err) == -1)
		return -1;
	return services_prepare(
	    reload->services, &change->services, change->fresh, reload->sessions, err);
}

static void
abandon(struct reload_change *change)
{
	static_files_close(&change->files);
	acceptors_abandon(&change->acceptors);
	services_clear(&change->services);
	config_destroy(&change->fresh);
}

/* What several daemons have from their supervisor stays, too. */
static bool
stays(const struct config *config, const struct conf_option *option)
{
	static const char *const addresses[] = {"listen", "socket", "control"};
	size_t i;

	for (i = 0; config->place.count > 1 && i < sizeof addresses / sizeof addresses[0]; i++)
		if (strcmp(option->name, addresses[i]) == 0)
			return true;
	return option->at_start;
}

/*
 * Values that count from the start only stay. So each reload says again that the file differs in
 * them.
 */
static void
exchange_server_options(struct config *config, struct config *fresh)
{
	size_t i;

	for (i = 0; i < server_option_count; i++) {
		const struct conf_option *option = &server_option_table[i];

		if (!stays(config, option))
			conf_exchange(option, &config->server, &fresh->server);
		else if (!conf_is_same(option, &config->server, &fresh->server))
			log_info("%s takes effect after a restart", option->name);
	}
}

static void
exchange_sections(struct config *config, struct config *fresh)
{
	const struct config former = *config;

	config->defaults = fresh->defaults;
	config->sections = fresh->sections;
	config->section_count = fresh->section_count;
	config->section_room = fresh->section_room;
	fresh->defaults = former.defaults;
	fresh->sections = former.sections;
	fresh->section_count = former.section_count;
	fresh->section_room = former.section_room;
}

static void
apply_server_options(const struct reload *reload, struct reload_change *change)
{
	const struct server_options *options = &reload->config->server;

	reload->sessions->limit = options->session_limit;
	reload->sessions->limit_per_address = options->sessions_per_address;
	limits_set(&reload->sessions->limits, options, reload->config->place.count);
	channels_limit(reload->channels, options);
	websockets_set_message_timeout(reload->websockets, options->message_timeout);
	http_server_reconfigure(reload->http, options,
	    descriptor_limit_raise(options->connection_limit,
		reload->own_descriptors + config_worker_descriptors(reload->config)),
	    change->files);
	change->files = NULL;
	log_set_target(options->log, options->log_size, privileges_uid(options->user));
	log_set_minimum(config_log_level(reload->config));
}

static void
commit(const struct reload *reload, struct reload_change *change)
{
	struct config *config = reload->config;
	struct services_counts counts;

	exchange_server_options(config, change->fresh);
	exchange_sections(config, change->fresh);
	counts = services_commit(reload->services, &change->services);
	apply_server_options(reload, change);
	acceptors_commit(reload->acceptors, &change->acceptors);
	websockets_renew_limits(reload->websockets);
	local_socket_tell_services(reload->local);
	pusher_end_retired(reload->sessions);
	workers_changed(reload->workers);
	admission_end_retired(reload->sessions);
	log_info("reloaded: %zu services, %zu new, %zu retired", counts.services, counts.begun,
	    counts.retired);
}

int
reload_run(const struct reload *reload, struct error *err)
{
	struct reload_change change = {.fresh = NULL};
	struct error cause = ERROR_INIT;
	int status;

	notify(NOTIFY_RELOADING);
	status = prepare(reload, &change, &cause);
	if (status == 0)
		commit(reload, &change);
	else
		log_error("%s; the old configuration stays", cause.text);
	abandon(&change);
	if (status == -1)
		notify(NOTIFY_ALONE);
	notify(NOTIFY_READY);
	return status == 0 ? 0 : error_set(err, cause.code, "%s", cause.text);
}

int
reload_check(const struct reload *reload, struct error *err)
{
	struct reload_change change = {.fresh = NULL};
	int status = read_and_open(reload, &change, err);

	if (status == 0)
		status = services_load(&change.services, change.fresh, err);
	services_end(&change.services);
	abandon(&change);
	return status;
}

void
reload_reap(const struct reload *reload)
{
	if (reload->services->retired_count == 0 || !services_reap(reload->services))
		return;
	local_socket_tell_services(reload->local);
	local_socket_flush(reload->local);
}
