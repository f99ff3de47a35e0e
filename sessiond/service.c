/*
 * See service.h. Created by the configuration, found by each request.
 */
#include "sessiond/service.h"

#include "sessiond/session.h"

#include <stdlib.h>

struct sockjs_service *
service_create(const char *name, struct error *err)
{
	struct sockjs_service *service = calloc(1, sizeof *service);

	if (service == NULL)
		abort();
	session_table_init(&service->table);
	if (prefix_init(&service->prefix, name, err) == -1)
		service_destroy(&service);
	else
		service->name = service->prefix.name;
	return service;
}

void
service_release(struct sockjs_service *service)
{
	if (service->sessions == NULL)
		return;
	timer_queue_remove(&service->sessions->timers, &service->heartbeats);
	timer_queue_remove(&service->sessions->timers, &service->timeouts);
	protocol_service_clear(&service->protocol);
	service->sessions = NULL;
}

void
service_destroy(struct sockjs_service **service)
{
	struct sockjs_service *s = *service;

	*service = NULL;
	if (s == NULL)
		return;
	service_release(s);
	prefix_clear(&s->prefix);
	session_table_clear(&s->table);
	free(s->module_name);
	free(s);
}

static bool
ask_for_cookie(void *context, const char *cookie, char *value, size_t size)
{
	struct sockjs_service *service = context;

	return service->application->jsessionid != NULL &&
	    service->application->jsessionid(service, cookie, value, size);
}

void
service_prepare(struct sockjs_service *service, struct sessions *sessions)
{
	service->sessions = sessions;
	service->protocol.jsessionid = ask_for_cookie;
	service->protocol.jsessionid_context = service;
	protocol_service_prepare(&service->protocol);
	timer_queue_add(&sessions->timers, &service->heartbeats,
	    service->protocol.options.heartbeat_delay, session_heartbeat_fire, sessions);
	timer_queue_add(&sessions->timers, &service->timeouts,
	    service->protocol.options.disconnect_delay, session_timeout_fire, sessions);
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
