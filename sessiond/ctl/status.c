/*
 * See status.h.
 */
#include "sessiond/ctl/status.h"

#include "sessiond/ctl/metrics_read.h"

#include <string.h>

/* --- what is told ----------------------------------------------------------------------------- */

static json_t *
count(const json_t *metrics, const char *name)
{
	return json_integer((json_int_t)metrics_sum(metrics, name, NULL, NULL));
}

static const char *
label(const json_t *sample, const char *name)
{
	const char *value =
	    json_string_value(json_object_get(json_object_get(sample, "labels"), name));

	return value == NULL ? "" : value;
}

static json_t *
value(const json_t *sample)
{
	return json_integer((json_int_t)json_number_value(json_object_get(sample, "value")));
}

/* Those that are connected to one service, by transport. */
static json_t *
connections_of(const json_t *metrics, const char *service)
{
	const json_t *samples = json_object_get(metrics, "sockjs_connections"), *sample;
	json_t *connections = json_object();
	size_t i;

	json_array_foreach(samples, i, sample)
	{
		if (strcmp(label(sample, "service"), service) == 0)
			json_object_set_new(connections, label(sample, "transport"), value(sample));
	}
	return connections;
}

static json_t *
services_of(const json_t *metrics)
{
	const json_t *samples = json_object_get(metrics, "sockjs_sessions"), *sample;
	json_t *services = json_object();
	size_t i;

	json_array_foreach(samples, i, sample)
	{
		const char *name = label(sample, "service");
		json_t *service = json_object();

		json_object_set_new(service, "sessions", value(sample));
		json_object_set_new(service, "connections", connections_of(metrics, name));
		json_object_set_new(services, name, service);
	}
	return services;
}

static json_t *
limits_of(const json_t *metrics)
{
	const json_t *samples = json_object_get(metrics, "sockjs_limits_reached_total"), *sample;
	json_t *limits = json_object();
	size_t i;

	json_array_foreach(samples, i, sample)
	{
		if (json_number_value(json_object_get(sample, "value")) > 0)
			json_object_set_new(limits, label(sample, "limit"), value(sample));
	}
	return limits;
}

static json_t *
messages_of(const json_t *metrics)
{
	json_t *messages = json_object();

	json_object_set_new(messages, "received", count(metrics, "sockjs_messages_received_total"));
	json_object_set_new(
	    messages, "received_bytes", count(metrics, "sockjs_messages_received_bytes_total"));
	json_object_set_new(messages, "sent", count(metrics, "sockjs_messages_sent_total"));
	json_object_set_new(
	    messages, "sent_bytes", count(metrics, "sockjs_messages_sent_bytes_total"));
	return messages;
}

/* null: there is none. */
static json_t *
store_of(const json_t *metrics)
{
	static const char name[] = "sockjs_store_transactions_total";
	json_t *store;

	if (json_object_get(metrics, name) == NULL)
		return json_null();
	store = json_object();
	json_object_set_new(store, "committed",
	    json_integer((json_int_t)metrics_sum(metrics, name, "result", "committed")));
	json_object_set_new(store, "failed",
	    json_integer((json_int_t)metrics_sum(metrics, name, "result", "failed")));
	return store;
}

json_t *
status_of(const json_t *metrics)
{
	const json_t *build = json_array_get(json_object_get(metrics, "sockjs_build_info"), 0);
	json_t *status = json_object();

	json_object_set_new(status, "version", json_string(label(build, "version")));
	json_object_set_new(
	    status, "ready", json_boolean(metrics_sum(metrics, "sockjs_ready", NULL, NULL) > 0));
	json_object_set_new(status, "draining",
	    json_boolean(metrics_sum(metrics, "sockjs_draining", NULL, NULL) > 0));
	json_object_set_new(status, "uptime_seconds", count(metrics, "sockjs_uptime_seconds"));
	json_object_set_new(status, "restarts", count(metrics, "sockjs_restarts_total"));
	json_object_set_new(
	    status, "memory_bytes", count(metrics, "process_resident_memory_bytes"));
	json_object_set_new(status, "sessions", count(metrics, "sockjs_sessions"));
	json_object_set_new(status, "services", services_of(metrics));
	json_object_set_new(status, "responders", count(metrics, "sockjs_responders"));
	json_object_set_new(
	    status, "responder_requests", count(metrics, "sockjs_responder_http_requests_total"));
	json_object_set_new(status, "http_connections", count(metrics, "sockjs_http_connections"));
	json_object_set_new(status, "websockets", count(metrics, "sockjs_websockets"));
	json_object_set_new(status, "messages", messages_of(metrics));
	json_object_set_new(status, "queued_bytes", count(metrics, "sockjs_queue_bytes"));
	json_object_set_new(status, "store", store_of(metrics));
	json_object_set_new(status, "limits_reached", limits_of(metrics));
	return status;
}

/* What is no sum. */
static void
tell_of_all(json_t *status, json_t *daemons)
{
	json_int_t uptime = 0;
	bool is_ready = true;
	json_t *daemon;
	size_t i;

	json_array_foreach(daemons, i, daemon)
	{
		json_int_t up = json_integer_value(json_object_get(daemon, "uptime_seconds"));

		is_ready = is_ready && status_is_ready(daemon);
		uptime = up > uptime ? up : uptime;
	}
	json_object_set_new(status, "ready", json_boolean(is_ready));
	json_object_set_new(status, "uptime_seconds", json_integer(uptime));
	json_object_set_new(status, "daemons", daemons);
}

json_t *
status_of_all(json_t *const *metrics, unsigned count)
{
	json_t *sum, *status, *daemons;
	unsigned i;

	if (count == 1)
		return status_of(metrics[0]);
	sum = json_object();
	daemons = json_array();
	for (i = 0; i < count; i++) {
		metrics_add(sum, metrics[i]);
		json_array_append_new(daemons, status_of(metrics[i]));
	}
	status = status_of(sum);
	tell_of_all(status, daemons);
	json_decref(sum);
	return status;
}

bool
status_is_ready(const json_t *status)
{
	return json_is_true(json_object_get(status, "ready"));
}

/* --- for people ------------------------------------------------------------------------------- */

void
status_format_time(double seconds, char *text, size_t size)
{
	long long s = (long long)seconds;

	if (s < 60)
		snprintf(text, size, "%lld s", s);
	else if (s < 3600)
		snprintf(text, size, "%lld min %lld s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(text, size, "%lld h %lld min", s / 3600, s % 3600 / 60);
	else
		snprintf(text, size, "%lld d %lld h", s / 86400, s % 86400 / 3600);
}

void
status_format_bytes(double bytes, char *text, size_t size)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	size_t i = 0;

	for (; bytes >= 1024 && i + 1 < sizeof units / sizeof units[0]; i++)
		bytes /= 1024;
	snprintf(text, size, i == 0 ? "%.0f %s" : "%.1f %s", bytes, units[i]);
}

static long long
integer(const json_t *object, const char *name)
{
	return (long long)json_integer_value(json_object_get(object, name));
}

static void
print_daemon(const json_t *status, FILE *to)
{
	const char *state = status_is_ready(status) ? "up"
	    : json_is_true(json_object_get(status, "draining"))
	    ? "draining: it takes no new sessions"
	    : "serves nobody: see the log";
	char up[32], memory[32];

	status_format_time((double)integer(status, "uptime_seconds"), up, sizeof up);
	status_format_bytes((double)integer(status, "memory_bytes"), memory, sizeof memory);
	fprintf(to, "sockjs-sessiond %s: %s\n",
	    json_string_value(json_object_get(status, "version")), state);
	fprintf(to, "  since             %s, restarts: %lld\n", up, integer(status, "restarts"));
	fprintf(to, "  memory            %s\n", memory);
}

static void
print_traffic(const json_t *status, FILE *to)
{
	const json_t *messages = json_object_get(status, "messages"),
		     *store = json_object_get(status, "store");
	char received[32], sent[32], queued[32];

	status_format_bytes((double)integer(messages, "received_bytes"), received, sizeof received);
	status_format_bytes((double)integer(messages, "sent_bytes"), sent, sizeof sent);
	status_format_bytes((double)integer(status, "queued_bytes"), queued, sizeof queued);
	fprintf(to, "  messages received %lld (%s)\n", integer(messages, "received"), received);
	fprintf(to, "  messages sent     %lld (%s), waiting: %s\n", integer(messages, "sent"), sent,
	    queued);
	fprintf(to, "  connections       %lld HTTP, %lld websockets\n",
	    integer(status, "http_connections"), integer(status, "websockets"));
	fprintf(to, "  responders        %lld, requests answered: %lld\n",
	    integer(status, "responders"), integer(status, "responder_requests"));
	if (json_is_null(store))
		fprintf(to, "  store             none\n");
	else
		fprintf(to, "  store             %lld transactions, %lld failed\n",
		    integer(store, "committed"), integer(store, "failed"));
}

static void
print_services(const json_t *status, FILE *to)
{
	json_t *services = json_object_get(status, "services"), *service, *connections, *number;
	const char *name, *transport;

	fprintf(to, "\n%-30s %10s  %s\n", "service", "sessions", "connected");
	json_object_foreach(services, name, service)
	{
		fprintf(to, "%-30s %10lld ", name, integer(service, "sessions"));
		connections = json_object_get(service, "connections");
		json_object_foreach(connections, transport, number)
		{
			if (json_integer_value(number) > 0)
				fprintf(to, " %s: %lld", transport,
				    (long long)json_integer_value(number));
		}
		fprintf(to, "\n");
	}
}

static const char *
state_of(const json_t *status)
{
	if (status_is_ready(status))
		return "up";
	return json_is_true(json_object_get(status, "draining")) ? "draining" : "serves nobody";
}

/* Nothing where there is one. */
static void
print_daemons(const json_t *status, FILE *to)
{
	json_t *daemons = json_object_get(status, "daemons"), *daemon;
	char up[32], memory[32];
	size_t i;

	if (daemons != NULL)
		fprintf(to, "\n%-7s %-14s %-14s %8s %10s %10s %10s\n", "daemon", "state", "since",
		    "restarts", "memory", "sessions", "websockets");
	json_array_foreach(daemons, i, daemon)
	{
		status_format_time((double)integer(daemon, "uptime_seconds"), up, sizeof up);
		status_format_bytes((double)integer(daemon, "memory_bytes"), memory, sizeof memory);
		fprintf(to, "%-7zu %-14s %-14s %8lld %10s %10lld %10lld\n", i, state_of(daemon), up,
		    integer(daemon, "restarts"), memory, integer(daemon, "sessions"),
		    integer(daemon, "websockets"));
	}
}

void
status_print(const json_t *status, FILE *to)
{
	json_t *limits = json_object_get(status, "limits_reached"), *times;
	const char *option;

	print_daemon(status, to);
	print_traffic(status, to);
	print_daemons(status, to);
	print_services(status, to);
	if (json_object_size(limits) > 0)
		fprintf(to, "\nlimits that were reached, see sockjs.conf(5):\n");
	json_object_foreach(limits, option, times)
	{
		fprintf(to, "  %-28s %10lld\n", option, (long long)json_integer_value(times));
	}
}
