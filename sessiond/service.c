/*
 * See service.h. Created by the configuration, found by each request.
 */
#include "sessiond/service.h"

#include "sessiond/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static char *
copy_text(const char *text)
{
	char *copy = strdup(text);

	if (copy == NULL)
		abort();
	return copy;
}

/* `~ REGEX`: anchored, and what follows must be a segment of its own, which service_match checks. */
static int
compile_pattern(struct sockjs_service *service, const char *expression, struct error *err)
{
	char *anchored, reason[128];
	int status;

	expression += strspn(expression, " \t");
	if (*expression == '^')
		expression++;
	if (*expression == '\0')
		return error_set(err, EX_CONFIG, "[service ~]: a POSIX extended regular expression is expected after ~");
	anchored = malloc(strlen(expression) + sizeof "^()");
	if (anchored == NULL)
		abort();
	sprintf(anchored, "^(%s)", expression);
	status = regcomp(&service->pattern, anchored, REG_EXTENDED);
	free(anchored);
	if (status != 0) {
		regerror(status, &service->pattern, reason, sizeof reason);
		return error_set(err, EX_CONFIG, "[service %s]: %s", service->name, reason);
	}
	service->is_pattern = true;
	return 0;
}

static int
set_prefix(struct sockjs_service *service, struct error *err)
{
	const char *name = service->name;

	if (name[0] == '~')
		return compile_pattern(service, name + 1, err);
	if (name[0] != '/')
		return error_set(err, EX_CONFIG, "[service %s]: a service is named by its prefix, \"/path\", or by \"~ REGEX\"", name);
	service->prefix_len = strlen(name);
	while (service->prefix_len > 0 && name[service->prefix_len - 1] == '/')
		service->prefix_len--;
	return 0;
}

struct sockjs_service *
service_create(const char *name, struct error *err)
{
	struct sockjs_service *service = calloc(1, sizeof *service);

	if (service == NULL)
		abort();
	service->name = copy_text(name);
	session_table_init(&service->table);
	if (set_prefix(service, err) == -1)
		service_destroy(&service);
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
	if (s->is_pattern)
		regfree(&s->pattern);
	session_table_clear(&s->table);
	free(s->module_name);
	free(s->name);
	free(s);
}

static bool
ask_for_cookie(void *context, const char *cookie, char *value, size_t size)
{
	struct sockjs_service *service = context;

	return service->application->jsessionid != NULL
	    && service->application->jsessionid(service, cookie, value, size);
}

void
service_prepare(struct sockjs_service *service, struct sessions *sessions)
{
	service->sessions = sessions;
	service->protocol.jsessionid = ask_for_cookie;
	service->protocol.jsessionid_context = service;
	protocol_service_prepare(&service->protocol);
	timer_queue_add(&sessions->timers, &service->heartbeats, service->protocol.options.heartbeat_delay,
	    session_heartbeat_fire, sessions);
	timer_queue_add(&sessions->timers, &service->timeouts, service->protocol.options.disconnect_delay,
	    session_timeout_fire, sessions);
}

static bool
is_segment_end(char c)
{
	return c == '\0' || c == '/';
}

long
service_match(const struct sockjs_service *service, const char *path)
{
	regmatch_t match;

	if (!service->is_pattern) {
		if (strncmp(path, service->name, service->prefix_len) != 0 || !is_segment_end(path[service->prefix_len]))
			return -1;
		return (long)service->prefix_len;
	}
	if (regexec(&service->pattern, path, 1, &match, 0) != 0 || !is_segment_end(path[match.rm_eo]))
		return -1;
	return (long)match.rm_eo;
}

struct sockjs_service *
service_find(struct sockjs_service *const *services, size_t n, const char *path, size_t *prefix_len)
{
	struct sockjs_service *best = NULL;
	size_t i;

	for (i = 0; i < n; i++) {
		long len = service_match(services[i], path);

		if (len < 0 || (best != NULL && (services[i]->is_pattern || (!best->is_pattern && (size_t)len <= *prefix_len))))
			continue;
		best = services[i];
		*prefix_len = (size_t)len;
	}
	return best;
}
