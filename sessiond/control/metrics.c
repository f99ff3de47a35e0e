/*
 * See metrics.h.
 */
#include "sessiond/control/metrics.h"

#include "common/log_limit.h"
#include "common/log_output.h"
#include "common/loop.h"
#include "common/memory.h"
#include "conf/daemon_place.h"
#include "sessiond/channels/channel_engine.h"
#include "sessiond/channels/channels.h"
#include "sessiond/control/metrics_text.h"
#include "sessiond/control/open_descriptors.h"
#include "sessiond/http/http_server.h"
#include "sessiond/modules/services.h"
#include "sessiond/persistence/persistence.h"
#include "sessiond/responder/local_socket.h"
#include "sessiond/session/message.h"
#include "sessiond/session/session.h"
#include "sessiond/session/session_set.h"
#include "sessiond/store/store.h"
#include "sessiond/store/store_backend.h"
#include "sessiond/websocket/websocket.h"
#include "sessiond/worker/worker_service.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* --- sessions --------------------------------------------------------------------------------- */

/* To that of its number: one that was replaced has sessions, too. */
static void
add_tally(struct service_tally *tallies, const struct sockjs_service *service)
{
	struct service_tally *sum = &tallies[service->number];
	int id;

	sum->sessions += service->tally.sessions;
	for (id = 0; id < TRANSPORT_COUNT; id++)
		sum->connections[id] += service->tally.connections[id];
}

/* The service of keys that no app has is in no sockjs.conf: without a client it is no matter. */
static bool
is_told(const struct services *services, const struct service_tally *tallies, size_t i)
{
	const struct sockjs_service *service = services->numbers[i].service;

	return tallies[i].sessions > 0 || (service != NULL && !service_is_of_unknown_apps(service));
}

static void
put_connections(const struct services *services, const struct service_tally *tallies, size_t i,
    struct buffer *out)
{
	int id;

	for (id = 0; id < TRANSPORT_COUNT; id++)
		metric_sample(out, "sockjs_connections", (double)tallies[i].connections[id],
		    "service", services->numbers[i].name, "transport", transport_names[id], NULL);
}

static void
write_sessions(const struct metrics_sources *sources, struct buffer *out)
{
	const struct services *services = sources->services;
	struct service_tally *tallies = xcalloc(services->number_count + 1, sizeof *tallies);
	size_t i;

	for (i = 0; i < services->count; i++)
		add_tally(tallies, services->items[i]);
	for (i = 0; i < services->retired_count; i++)
		if (!services->retired[i]->is_fallback)
			add_tally(tallies, services->retired[i]);
	metric_family(out, "sockjs_sessions", "gauge", "Sessions that live.");
	for (i = 0; i < services->number_count; i++)
		if (is_told(services, tallies, i))
			metric_sample(out, "sockjs_sessions", (double)tallies[i].sessions,
			    "service", services->numbers[i].name, NULL);
	metric_family(out, "sockjs_connections", "gauge",
	    "Sessions whose client is connected now, to receive: a poll, a stream or a websocket.");
	for (i = 0; i < services->number_count; i++)
		if (is_told(services, tallies, i))
			put_connections(services, tallies, i, out);
	free(tallies);
}

/* --- by transport ----------------------------------------------------------------------------- */

static const struct {
	const char *name, *help;
	size_t offset; /* of a uint64_t in struct transport_counts */
} by_transport[] = {
    {"sockjs_sessions_opened_total", "Sessions that were opened.",
	offsetof(struct transport_counts, opened)},
    {"sockjs_messages_received_total", "Messages that clients sent.",
	offsetof(struct transport_counts, received)},
    {"sockjs_messages_received_bytes_total", "Bytes of the messages that clients sent.",
	offsetof(struct transport_counts, received_bytes)},
    {"sockjs_messages_sent_total", "Messages that were queued for clients.",
	offsetof(struct transport_counts, sent)},
    {"sockjs_messages_sent_bytes_total", "Bytes of the messages that were queued for clients.",
	offsetof(struct transport_counts, sent_bytes)},
};

static void
write_by_transport(const struct metrics_sources *sources, struct buffer *out)
{
	const struct session_counts *counts = &sources->sessions->counts;
	size_t i;
	int id;

	for (i = 0; i < sizeof by_transport / sizeof by_transport[0]; i++) {
		metric_family(out, by_transport[i].name, "counter", by_transport[i].help);
		for (id = 0; id < TRANSPORT_COUNT; id++) {
			const char *base = (const char *)&counts->of[id];
			const uint64_t *count = (const void *)(base + by_transport[i].offset);

			metric_sample(out, by_transport[i].name, (double)*count, "transport",
			    transport_names[id], NULL);
		}
	}
	metric_single(out, "sockjs_heartbeats_missed_total", "counter",
	    "Websockets that were closed since they answered no ping.",
	    (double)counts->heartbeats_missed);
}

/* --- requests --------------------------------------------------------------------------------- */

static const char *const endpoint_names[ENDPOINT_KINDS] = {
    [ENDPOINT_GREETING] = "greeting",
    [ENDPOINT_IFRAME] = "iframe",
    [ENDPOINT_INFO] = "info",
    [ENDPOINT_CHUNKING_TEST] = "chunking_test",
    [ENDPOINT_WEBSOCKET_RAW] = "websocket_raw",
    [ENDPOINT_WEBSOCKET] = "websocket",
    [ENDPOINT_RECEIVE] = "receive",
    [ENDPOINT_SEND] = "send",
    [ENDPOINT_UNKNOWN] = "unknown",
    [ENDPOINT_OUTSIDE] = "outside",
};

static void
put_requests(const char *name, const struct http_counts *counts, int endpoint, struct buffer *out)
{
	char status[8];
	int i;

	for (i = 100; i < HTTP_COUNTED_STATUSES; i++) {
		if (counts->answered[endpoint][i] == 0)
			continue;
		snprintf(status, sizeof status, "%d", i);
		metric_sample(out, name, (double)counts->answered[endpoint][i], "endpoint",
		    endpoint_names[endpoint], "status", status, NULL);
	}
}

static void
write_answered(
    const char *name, const char *help, const struct http_counts *counts, struct buffer *out)
{
	int i;

	metric_family(out, name, "counter", help);
	for (i = 0; i < ENDPOINT_KINDS; i++)
		put_requests(name, counts, i, out);
}

static void
write_responders(const struct local_socket *local, struct buffer *out)
{
	const struct peer_messages *messages = &local->messages;

	write_answered("sockjs_responder_http_requests_total",
	    "HTTP requests that responders have answered, those they passed on among them.",
	    &messages->counts.requests, out);
	metric_family(out, "sockjs_responder_requests_total", "counter",
	    "Requests that responders have passed on.");
	metric_sample(out, "sockjs_responder_requests_total", (double)messages->receives_taken,
	    "endpoint", "receive", NULL);
	metric_sample(out, "sockjs_responder_requests_total", (double)messages->sends_taken,
	    "endpoint", "send", NULL);
	metric_sample(out, "sockjs_responder_requests_total", (double)messages->asks_taken,
	    "endpoint", "api", NULL);
	metric_single(out, "sockjs_responder_log_lines_dropped_total", "counter",
	    "Lines that are not in the logs of responders.",
	    (double)messages->counts.lines_dropped);
	metric_single(out, "sockjs_responders", "gauge",
	    "Processes of sockjs.fcgi that are connected.", (double)local->peers.count);
}

static void
write_requests(const struct metrics_sources *sources, struct buffer *out)
{
	const struct http_server *http = sources->http;

	write_answered("sockjs_http_requests_total",
	    "HTTP requests that the daemon has answered itself.", http->requests.counts, out);
	write_responders(sources->local, out);
	metric_single(out, "sockjs_http_connections", "gauge",
	    "Connections of HTTP that are open, without websockets and the control socket.",
	    (double)(http->connections.count - http->connections.control_count));
	metric_single(out, "sockjs_websockets", "gauge", "Websockets that are open.",
	    (double)http->requests.websockets->count);
}

/* --- channels --------------------------------------------------------------------------------- */

static void
write_channels(const struct metrics_sources *sources, struct buffer *out)
{
	const struct channels *channels = sources->channels;

	metric_single(out, "sockjs_channels", "gauge",
	    "Channels that have subscribers, or keep messages.", (double)channels->count);
	metric_single(out, "sockjs_channel_history_bytes", "gauge",
	    "Bytes of the messages that channels keep.", (double)channels->history_bytes);
	metric_single(out, "sockjs_channel_messages_published_total", "counter",
	    "Messages that were published to channels.", (double)channels->published);
	metric_single(out, "sockjs_engine_up", "gauge",
	    "0 while the server that daemons share their channels by is away.",
	    channels->engine == NULL || channels->engine->calls->is_there(channels->engine));
}

/* --- applications in other processes ---------------------------------------------------------- */

static void
put_events(const struct worker_service *service, struct buffer *out)
{
	const struct {
		const char *result;
		uint64_t count;
	} counts[] = {{"given", service->given}, {"handled", service->handled},
	    {"repeated", service->repeated}};
	size_t i;

	for (i = 0; i < sizeof counts / sizeof counts[0]; i++)
		metric_sample(out, "sockjs_worker_events_total", (double)counts[i].count, "service",
		    service->service->name, "result", counts[i].result, NULL);
}

/* What is retired has a successor of the same name, or nobody asks for it. */
static bool
is_present(const struct worker_service *service)
{
	return !service->service->is_retired;
}

static void
write_workers(const struct metrics_sources *sources, struct buffer *out)
{
	const struct worker_service *service;

	metric_family(out, "sockjs_worker_here", "gauge",
	    "1 if the application of a service, in another process, is there, else 0.");
	LIST_FOREACH(service, &sources->workers->services, entry)
		if (is_present(service))
			metric_sample(out, "sockjs_worker_here", service->is_here, "service",
			    service->service->name, NULL);
	metric_family(out, "sockjs_worker_queue_bytes", "gauge",
	    "Bytes of events that an application has not handled.");
	LIST_FOREACH(service, &sources->workers->services, entry)
		if (is_present(service))
			metric_sample(out, "sockjs_worker_queue_bytes", (double)service->queued,
			    "service", service->service->name, NULL);
	metric_family(out, "sockjs_worker_events_total", "counter",
	    "Events that an application was given, has handled, or is given once more.");
	LIST_FOREACH(service, &sources->workers->services, entry)
		if (is_present(service))
			put_events(service, out);
}

/* --- queues and limits ------------------------------------------------------------------------ */

static void
write_queues(const struct metrics_sources *sources, struct buffer *out)
{
	const struct limits *limits = &sources->sessions->limits;

	metric_family(out, "sockjs_queue_bytes", "gauge",
	    "Bytes that wait: messages for clients, what was written and not taken by them, and "
	    "what of theirs is not complete or not handled yet.");
	metric_sample(
	    out, "sockjs_queue_bytes", (double)messages_bytes(), "queue", "messages", NULL);
	metric_sample(
	    out, "sockjs_queue_bytes", (double)limits->queued.taken, "queue", "output", NULL);
	metric_sample(
	    out, "sockjs_queue_bytes", (double)limits->input.taken, "queue", "input", NULL);
}

static void
put_limit(struct buffer *out, const char *option, uint64_t times)
{
	metric_sample(out, "sockjs_limits_reached_total", (double)times, "limit", option, NULL);
}

static void
write_limits(const struct metrics_sources *sources, struct buffer *out)
{
	const struct limits *limits = &sources->sessions->limits;
	const struct limit *const own[] = {
	    &limits->connections, &limits->deflate, &limits->input, &limits->memory};
	size_t i;

	metric_family(out, "sockjs_limits_reached_total", "counter",
	    "Times that something was refused because of an option.");
	for (i = 0; i < LIMIT_COUNT; i++)
		put_limit(out, limit_options[i], limits->reached[i]);
	for (i = 0; i < sizeof own / sizeof own[0]; i++)
		put_limit(out, own[i]->option, own[i]->refused);
	for (i = 0; i < RATE_KINDS; i++) {
		put_limit(out, limit_rate_options[0][i], limits->rates_reached[0][i]);
		put_limit(out, limit_rate_options[1][i], limits->rates_reached[1][i]);
	}
}

/* --- the store -------------------------------------------------------------------------------- */

static void
write_store(const struct metrics_sources *sources, struct buffer *out)
{
	const struct store *store = sources->persistence->store;
	const struct store_counts *counts = store == NULL ? NULL : store_counts(store);

	if (counts == NULL)
		return;
	metric_family(out, "sockjs_store_transactions_total", "counter",
	    "Transactions of the session store.");
	metric_sample(out, "sockjs_store_transactions_total", (double)counts->committed, "result",
	    "committed", NULL);
	metric_sample(out, "sockjs_store_transactions_total", (double)counts->failed, "result",
	    "failed", NULL);
	metric_single(out, "sockjs_store_transaction_seconds_total", "counter",
	    "Time that the transactions of the session store took.",
	    (double)counts->nanoseconds / 1e9);
}

/* --- the process ------------------------------------------------------------------------------ */

static void
write_loop(const struct metrics_sources *sources, struct buffer *out)
{
	const struct loop_counts *counts = &sources->loop->counts;
	uint64_t below = 0;
	char bound[24];
	int i;

	metric_family(out, "sockjs_loop_turn_seconds", "histogram",
	    "Turns of the loop by their length: nobody else is served while a module works.");
	for (i = 0; i < LOOP_BOUNDS; i++) {
		below += counts->turns[i];
		snprintf(
		    bound, sizeof bound, "%g", i < LOOP_BOUNDS - 1 ? loop_bounds[i] / 1000.0 : 0);
		metric_sample(out, "sockjs_loop_turn_seconds_bucket", (double)below, "le",
		    i < LOOP_BOUNDS - 1 ? bound : "+Inf", NULL);
	}
	metric_sample(out, "sockjs_loop_turn_seconds_sum", (double)counts->ms / 1000, NULL);
	metric_sample(out, "sockjs_loop_turn_seconds_count", (double)below, NULL);
}

static void
write_log(struct buffer *out)
{
	metric_family(out, "sockjs_log_lines_dropped_total", "counter",
	    "Lines that are not in the log: since there were many alike, or nobody read it.");
	metric_sample(out, "sockjs_log_lines_dropped_total", (double)log_limits_withheld(),
	    "reason", "alike", NULL);
	metric_sample(out, "sockjs_log_lines_dropped_total", (double)log_output_lost(), "reason",
	    "unread", NULL);
}

/* Pages of memory; 0 if the system does not tell. */
static unsigned long
resident_pages(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long all, resident = 0;

	if (file == NULL)
		return 0;
	if (fscanf(file, "%lu %lu", &all, &resident) != 2)
		resident = 0;
	fclose(file);
	return resident;
}

static double
seconds(const struct timeval *time)
{
	return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

static void
write_process(struct buffer *out)
{
	long descriptors = open_descriptors();
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	metric_single(out, "process_cpu_seconds_total", "counter", "Processor time, in all.",
	    seconds(&usage.ru_utime) + seconds(&usage.ru_stime));
	metric_single(out, "process_resident_memory_bytes", "gauge", "Memory that is in use.",
	    (double)resident_pages() * (double)sysconf(_SC_PAGESIZE));
	if (descriptors != -1)
		metric_single(out, "process_open_fds", "gauge", "Descriptors that are open.",
		    (double)descriptors);
}

static double
uptime(const struct loop *loop)
{
	return (double)(loop_now(loop) - loop->started) / 1000;
}

static void
write_daemon(const struct metrics_sources *sources, bool is_ready, struct buffer *out)
{
	double up = uptime(sources->loop);
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	metrics_of_daemon(sources->place->count == 1 ? -1 : (int)sources->place->index);
	metric_family(out, "sockjs_build_info", "gauge", "The version, as a label; always 1.");
	metric_sample(out, "sockjs_build_info", 1, "version", PACKAGE_VERSION, NULL);
	metric_single(out, "sockjs_ready", "gauge", "1 if /up says that it is, else 0.", is_ready);
	metric_single(out, "sockjs_draining", "gauge",
	    "1 while the daemon stops, or takes no new sessions (sockjsctl drain), else 0.",
	    sources->loop->is_draining || sources->sessions->is_draining);
	metric_single(out, "sockjs_uptime_seconds", "gauge", "Time since the start.", up);
	metric_single(out, "process_start_time_seconds", "gauge",
	    "When the daemon started, in seconds since 1970.",
	    (double)(int64_t)((double)now.tv_sec + (double)now.tv_nsec / 1e9 - up));
	metric_single(out, "sockjs_restarts_total", "counter",
	    "Daemons that the supervisor has started anew, this one included.", sources->restarts);
}

void
metrics_write(const struct metrics_sources *sources, bool is_ready, struct buffer *out)
{
	write_daemon(sources, is_ready, out);
	write_sessions(sources, out);
	write_by_transport(sources, out);
	write_requests(sources, out);
	write_channels(sources, out);
	write_workers(sources, out);
	write_queues(sources, out);
	write_limits(sources, out);
	write_store(sources, out);
	write_loop(sources, out);
	write_log(out);
	write_process(out);
}
