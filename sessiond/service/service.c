/*
 * See service.h.
 */
#include "sessiond/service/service.h"

#include "sessiond/service/live_set.h"
#include "common/memory.h"
#include "sockjs/route.h"

#include <assert.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* All services; threads of modules ask too. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct live_set live;

static struct sockjs_service *
create(const char *section)
{
	struct sockjs_service *service = xcalloc(1, sizeof *service);

	service->section = xstrdup(section);
	service->owner = (struct callback_owner){service->section, "?"};
	service->code_stopping = SERVICE_CODE_GOING_AWAY;
	service->code_no_pong = SERVICE_CODE_PROTOCOL;
	hash_table_init(&service->table);
	pthread_mutex_lock(&lock);
	live_set_add(&live, service);
	pthread_mutex_unlock(&lock);
	return service;
}

struct sockjs_service *
service_create(const char *name, struct error *err)
{
	struct buffer section = BUFFER_INIT;
	struct sockjs_service *service;

	buffer_printf(&section, "service %s", name);
	buffer_append_char(&section, '\0');
	if (buffer_failed(&section))
		abort();
	service = create(section.data);
	buffer_free(&section);
	if (prefix_init(&service->prefix, name, err) == -1)
		service_destroy(&service);
	else
		service->name = service->prefix.name;
	return service;
}

/* The keys of no app: as a pattern. */
static struct prefix
make_prefix(const char *app_path, const char *where, const char *key, struct error *err)
{
	struct prefix prefix = {NULL};
	struct buffer name = BUFFER_INIT;

	buffer_printf(&name, "%s%s%s%s", key == NULL ? "~ " : "", app_path == NULL ? "" : app_path,
	    where, key == NULL ? "[^/]+" : key);
	buffer_append_char(&name, '\0');
	if (buffer_failed(&name))
		abort();
	prefix_init(&prefix, name.data, err);
	buffer_free(&name);
	return prefix;
}

struct sockjs_service *
service_create_app(const char *app, const char *key, const char *app_path, struct error *err)
{
	struct buffer section = BUFFER_INIT;
	struct sockjs_service *service;

	buffer_printf(&section, "app%s%s", app == NULL ? "" : " ", app == NULL ? "" : app);
	buffer_append_char(&section, '\0');
	if (buffer_failed(&section))
		abort();
	service = create(section.data);
	buffer_free(&section);
	service->prefix = make_prefix(app_path, "/pusher/app/", key, err);
	service->socket_prefix = make_prefix(app_path, "/app/", key, err);
	service->name = service->prefix.name;
	service->app = app == NULL ? NULL : xstrdup(app);
	service->protocol.is_resumable = true;
	service->code_stopping = SERVICE_CODE_RECONNECT;
	service->code_no_pong = SERVICE_CODE_APP_NO_PONG;
	if (err->code != 0)
		service_destroy(&service);
	return service;
}

bool
service_is_of_unknown_apps(const struct sockjs_service *service)
{
	return service->app == NULL && service->socket_prefix.name != NULL;
}

struct sockjs_service *
service_create_fallback(void)
{
	struct sockjs_service *service = create("fallback");

	service->name = service->section;
	service->is_fallback = true;
	return service;
}

bool
service_is_live(const struct sockjs_service *service)
{
	bool is_live;

	pthread_mutex_lock(&lock);
	is_live = live_set_has(&live, service);
	pthread_mutex_unlock(&lock);
	return is_live;
}

bool
service_describe(const struct sockjs_service *service, char *name, size_t size, int *log_level)
{
	bool is_live;

	pthread_mutex_lock(&lock);
	is_live = live_set_has(&live, service);
	if (is_live) {
		snprintf(name, size, "%s", service->name);
		*log_level = service->protocol.options.log_level;
	}
	pthread_mutex_unlock(&lock);
	return is_live;
}

int
service_error(
    const struct sockjs_service *service, unsigned line, struct error *err, const char *format, ...)
{
	char text[ERROR_TEXT_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	return error_set(err, EX_CONFIG, "%s:%u: %s",
	    service->conf_path == NULL ? "sockjs.conf" : service->conf_path, line, text);
}

void
service_release(struct sockjs_service *service)
{
	if (service->clockwork == NULL)
		return;
	timer_queue_remove(service->clockwork, &service->heartbeats);
	timer_queue_remove(service->clockwork, &service->timeouts);
	timer_queue_remove(service->clockwork, &service->resume_timeouts);
	if (service->admissions.set != NULL)
		timer_queue_remove(service->clockwork, &service->admissions);
	service->admissions.set = NULL;
	protocol_service_clear(&service->protocol);
	service->clockwork = NULL;
	service->sessions = NULL;
}

void
service_destroy(struct sockjs_service **service)
{
	struct sockjs_service *s = *service;

	*service = NULL;
	if (s == NULL)
		return;
	pthread_mutex_lock(&lock);
	live_set_remove(&live, s);
	pthread_mutex_unlock(&lock);
	callbacks_forget(&s->owner);
	service_release(s);
	prefix_clear(&s->prefix);
	prefix_clear(&s->socket_prefix);
	hash_table_clear(&s->table);
	module_options_clear(&s->module_options);
	free(s->app);
	free(s->section);
	free(s->conf_path);
	free(s->module_name);
	free(s);
}

static bool
ask_for_cookie(void *context, const char *cookie, char *value, size_t size)
{
	struct sockjs_service *service = context;

	struct callback_call outer;
	bool is_set;

	if (service->application->jsessionid == NULL)
		return false;
	outer = service_call(service, CALLBACK_JSESSIONID);
	is_set = service->application->jsessionid(service, cookie, value, size);
	callback_end(outer);
	return is_set;
}

void
service_prepare(struct sockjs_service *service, struct timers *timers, timer_fire *heartbeat_fire,
    timer_fire *timeout_fire, struct sessions *sessions)
{
	service->sessions = sessions;
	service->clockwork = timers;
	service->protocol.jsessionid = ask_for_cookie;
	service->protocol.jsessionid_context = service;
	protocol_service_prepare(&service->protocol);
	timer_queue_add(timers, &service->heartbeats, service->protocol.options.heartbeat_delay,
	    heartbeat_fire, sessions);
	timer_queue_add(timers, &service->timeouts, service->protocol.options.disconnect_delay,
	    timeout_fire, sessions);
	timer_queue_add(timers, &service->resume_timeouts, service->protocol.options.resume_timeout,
	    timeout_fire, sessions);
}

void
service_reconfigure(struct sockjs_service *service, struct sockjs_service *other)
{
	struct service_options former = service->protocol.options;
	struct app_options former_app = service->app_options;
	struct worker_options former_worker = service->worker_options;

	protocol_service_clear(&service->protocol);
	/* Threads of modules ask for log_level. */
	pthread_mutex_lock(&lock);
	service->protocol.options = other->protocol.options;
	pthread_mutex_unlock(&lock);
	other->protocol.options = former;
	service->app_options = other->app_options;
	other->app_options = former_app;
	service->worker_options = other->worker_options;
	other->worker_options = former_worker;
	protocol_service_prepare(&service->protocol);
	timer_queue_set_delay(&service->heartbeats, service->protocol.options.heartbeat_delay);
	timer_queue_set_delay(&service->timeouts, service->protocol.options.disconnect_delay);
	timer_queue_set_delay(&service->resume_timeouts, service->protocol.options.resume_timeout);
	if (service->admissions.set != NULL)
		timer_queue_set_delay(
		    &service->admissions, service->protocol.options.authorize_timeout);
}

void
service_refuse_sends(struct sockjs_service *service, bool refuses)
{
	service->refuses_sends = refuses;
}

struct sockjs_service *
service_hold(struct sockjs_service *service)
{
	service->users++;
	return service;
}

void
service_drop(struct sockjs_service **service)
{
	struct sockjs_service *s = *service;

	*service = NULL;
	if (s == NULL)
		return;
	assert(s->users > 0);
	s->users--;
}

struct sockjs_service *
service_find(struct sockjs_service *const *services, size_t n, const char *path, size_t *prefix_len)
{
	struct sockjs_service *best = NULL;
	size_t i;

	for (i = 0; i < n; i++) {
		long len = prefix_match(&services[i]->prefix, path);

		if (len < 0 ||
		    (best != NULL &&
			!prefix_beats(
			    &services[i]->prefix, (size_t)len, &best->prefix, *prefix_len)))
			continue;
		best = services[i];
		*prefix_len = (size_t)len;
	}
	return best;
}

struct sockjs_service *
service_find_socket(struct sockjs_service *const *services, size_t n, const char *path)
{
	size_t i, prefix_len = 0;
	struct sockjs_service *found = NULL;

	for (i = 0; i < n; i++) {
		const struct prefix *prefix = &services[i]->socket_prefix;
		long len = prefix->name == NULL ? -1 : prefix_match(prefix, path);

		if (len < 0 || (path[len] != '\0' && strcmp(path + len, "/") != 0) ||
		    (found != NULL &&
			!prefix_beats(prefix, (size_t)len, &found->socket_prefix, prefix_len)))
			continue;
		found = services[i];
		prefix_len = (size_t)len;
	}
	return found;
}

static bool
has_session(const struct sockjs_service *service, const char *rest)
{
	const char *id;
	size_t len;
	const struct endpoint *endpoint = route_find(rest, strlen(rest), &id, &len);

	return endpoint != NULL &&
	    (endpoint->id == ENDPOINT_RECEIVE || endpoint->id == ENDPOINT_SEND) &&
	    hash_table_find(&service->table, id, len) != NULL;
}

struct sockjs_service *
service_find_holder(
    struct sockjs_service *const *services, size_t n, const char *path, size_t *prefix_len)
{
	size_t i;

	for (i = 0; i < n; i++) {
		/* A fallback has no prefix. */
		long len = services[i]->prefix.name == NULL
		    ? -1
		    : prefix_match(&services[i]->prefix, path);

		if (len < 0 || !has_session(services[i], path + len))
			continue;
		*prefix_len = (size_t)len;
		return services[i];
	}
	return NULL;
}
