/*
 * sessiond/modules/services.h: configurations that follow each other, with the modules of
 * tests/modules.
 */
#include "sessiond/modules/services.h"

#include "common/buffer.h"
#include "conf/config_read.h"
#include "sessiond/modules/module.h"
#include "sessiond/session/admission.h"
#include "sessiond/session/delivery.h"
#include "sessiond/session/session.h"
#include "sessiond/session/session_set.h"
#include "sessiond/session/turn.h"
#include "tests/unit/conf/conf_folder.h"
#include "wire/wire_messages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <cmocka.h>
#include <uv.h>

#include "sessiond/api/api.h"
#include "sessiond/api/api_timer.h"

static struct services services;
static struct sessions sessions;
static uv_loop_t loop;
static struct buffer events; /* "first starts, " ... */

void generation_event(const char *generation, const char *event);

/* What the modules of tests/modules call. */
void __attribute__((visibility("default")))
generation_event(const char *generation, const char *event)
{
	buffer_append_str(&events, generation);
	buffer_append_str(&events, " ");
	buffer_append_str(&events, event);
	buffer_append_str(&events, ", ");
}

static void
assert_events(const char *expected)
{
	buffer_append_char(&events, '\0');
	assert_string_equal(events.data, expected);
	buffer_clear(&events);
}

static uint64_t
no_time(void *context)
{
	(void)context;
	return 0;
}

static void
write_file(const char *text)
{
	char *build =
	    realpath(getenv("SOCKJS_BUILDDIR") == NULL ? "." : getenv("SOCKJS_BUILDDIR"), NULL);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_non_null(build);
	assert_true(fprintf(file, "[server]\nmodule_path = %s/tests/modules\n%s", build, text) > 0);
	assert_int_equal(fclose(file), 0);
	free(build);
}

static struct config *
read_file(const char *text)
{
	struct error err = ERROR_INIT;
	struct config *read;

	write_file(text);
	read = config_read(path, &err);
	if (read == NULL)
		fail_msg("%s", err.text);
	return read;
}

static void
start(const char *text)
{
	struct error err = ERROR_INIT;
	struct config *config;

	config = read_file(text);
	if (services_load(&services, config, &err) == -1 ||
	    services_start(&services, &sessions, &err) == -1)
		fail_msg("%s", err.text);
	config_destroy(&config);
}

static int
set_up(void **state)
{
	static const struct session_fires fires = {
	    session_pong_fire, session_timeout_fire, delivery_grace_fire};

	(void)state;
	uv_loop_init(&loop);
	api_timer_bind(&loop);
	sessions_init(&sessions, no_time, NULL, &fires);
	api_bind(&sessions);
	return 0;
}

static void
abort_session(void *object, void *context)
{
	(void)context;
	session_abort(object);
}

static int
tear_down(void **state)
{
	(void)state;
	sessions_each(&sessions, abort_session, NULL);
	turn_flush(&sessions);
	services_end(&services);
	services_clear(&services);
	api_bind(NULL);
	sessions_clear(&sessions);
	buffer_free(&events);
	uv_run(&loop, UV_RUN_DEFAULT);
	return uv_loop_close(&loop);
}

/* Goes over to what text says; counts in the order of the struct. */
static void
change(const char *text, size_t count, size_t begun, size_t retired)
{
	struct config *config = read_file(text);
	struct services fresh = {.count = 0};
	struct error err = ERROR_INIT;
	struct services_counts counts;

	if (services_prepare(&services, &fresh, config, &sessions, &err) == -1)
		fail_msg("%s", err.text);
	counts = services_commit(&services, &fresh);
	services_clear(&fresh);
	config_destroy(&config);
	assert_int_equal(counts.services, count);
	assert_int_equal(counts.begun, begun);
	assert_int_equal(counts.retired, retired);
	assert_int_equal(services.count + (services.fallback != NULL), count);
}

static void
refuse(const char *text, const char *words)
{
	struct sockjs_service **items = services.items;
	size_t count = services.count;
	struct config *config = read_file(text);
	struct services fresh = {.count = 0};
	struct error err = ERROR_INIT;

	assert_int_equal(services_prepare(&services, &fresh, config, &sessions, &err), -1);
	services_clear(&fresh);
	config_destroy(&config);
	assert_int_equal(err.code, EX_CONFIG);
	assert_memory_equal(err.text, path, strlen(path));
	if (strstr(err.text, words) == NULL)
		fail_msg("no \"%s\" in: %s", words, err.text);
	assert_ptr_equal(services.items, items);
	assert_int_equal(services.count, count);
	assert_int_equal(services.retired_count, 0);
}

static const char *
no_header(const void *context, const char *name)
{
	(void)context;
	(void)name;
	return NULL;
}

/* A session as a client's first request makes it. */
static struct session *
open_session(struct sockjs_service *service, const char *id)
{
	static const struct connection_source source = {.path = "", .header = no_header};
	struct admission_refusal refusal;
	struct session *session = admission_obtain(
	    service, id, strlen(id), transport_get(TRANSPORT_XHR_POLLING), &source, &refusal);

	assert_non_null(session);
	return session;
}

static void
end_session(struct session *session)
{
	session_abort(session);
	turn_flush(&sessions);
}

static struct sockjs_service *
holder(const char *url)
{
	size_t len = 0;

	return service_find_holder(services.retired, services.retired_count, url, &len);
}

static struct sockjs_service *
by_number(unsigned number, const char *id)
{
	assert_true(services_has_number(&services, number));
	return services_find(&services, number, id, strlen(id));
}

#define A_FIRST	 "[service /a]\nmodule = first\n"
#define A_SECOND "[service /a]\nmodule = second\n"
#define B_SECOND "[service /b]\nmodule = second\n"

/* The same modules: the objects stay, in the file's order and with its options. */
static void
test_go_on(void **state)
{
	struct sockjs_service *a, *b;
	struct session *session;

	(void)state;
	start(A_FIRST "base_url = /one\n" B_SECOND);
	a = services.items[0];
	b = services.items[1];
	session = open_session(a, "s");
	change("heartbeat_delay = 7s\n\n" B_SECOND A_FIRST
	       "base_url = /two\ndisable_cors = on\ndisconnect_delay = 9s\n",
	    2, 0, 0);
	assert_ptr_equal(services.items[0], b);
	assert_ptr_equal(services.items[1], a);
	assert_string_equal(a->protocol.options.base_url, "/two");
	assert_true(a->protocol.options.disable_cors && !b->protocol.options.disable_cors);
	assert_int_equal(a->heartbeats.delay_ms, 7000);
	assert_int_equal(a->timeouts.delay_ms, 9000);
	assert_int_equal(b->timeouts.delay_ms, 5000);
	assert_int_equal(a->conf_line, 7);
	assert_ptr_equal(session->service, a);
	assert_int_equal(a->number, 0);
	assert_int_equal(b->number, 1);
	assert_events("first starts, second starts, ");
	end_session(session);
}

/* Pages are made of the options. */
static void
test_pages(void **state)
{
	char *page;

	(void)state;
	start(A_FIRST);
	change(A_FIRST "sockjs_url = /lib/other.js\n", 1, 0, 0);
	page = strndup(
	    services.items[0]->protocol.iframe.data, services.items[0]->protocol.iframe.len);
	assert_non_null(strstr(page, "/lib/other.js"));
	free(page);
}

/*
 * Another module: its service begins, the old one goes on for its sessions alone, and ends with
 * them.
 */
static void
test_other_module(void **state)
{
	struct session *old, *new;
	struct sockjs_service *a;

	(void)state;
	start(A_FIRST);
	a = services.items[0];
	old = open_session(a, "old");
	change(A_SECOND, 1, 1, 1);
	assert_events("first starts, second starts, ");
	assert_true(a->is_retired);
	assert_ptr_equal(services.retired[0], a);
	assert_ptr_not_equal(services.items[0], a);
	assert_string_equal(services.items[0]->application->name, "second");
	assert_ptr_equal(holder("/a/000/old/xhr"), a);
	assert_ptr_equal(holder("/a/000/old/jsonp_send"), a);
	assert_null(holder("/a/000/old/websocket"));
	assert_null(holder("/a/000/new/xhr"));
	assert_null(holder("/a/info"));
	assert_null(holder("/b/000/old/xhr"));
	assert_ptr_equal(by_number(0, "old"), a);
	assert_ptr_equal(by_number(0, "new"), services.items[0]);
	assert_false(services_is_last(&services, a));
	new = open_session(services.items[0], "new");
	assert_false(services_reap(&services));
	assert_int_equal(services.retired_count, 1);
	end_session(old);
	assert_events("");
	assert_false(services_reap(&services)); /* the name is still there */
	assert_events("first stops, ");
	assert_int_equal(services.retired_count, 0);
	assert_ptr_equal(by_number(0, "old"), services.items[0]);
	end_session(new);
}

static void
test_removed(void **state)
{
	struct sockjs_service *b;
	struct session *session;

	(void)state;
	start(A_FIRST B_SECOND);
	b = services.items[1];
	session = open_session(b, "s");
	change(A_FIRST, 1, 0, 1);
	assert_true(services_is_last(&services, b));
	assert_ptr_equal(by_number(1, "s"), b);
	assert_null(by_number(1, "other"));
	assert_ptr_equal(holder("/b/000/s/xhr"), b);
	/* It comes back as another one, of the same number, while the first still is. */
	change(B_SECOND A_FIRST, 2, 1, 0);
	assert_events("first starts, second starts, second starts, ");
	assert_int_equal(services.items[0]->number, 1);
	assert_ptr_not_equal(services.items[0], b);
	assert_false(services_is_last(&services, b));
	change(A_FIRST, 1, 0, 1);
	assert_int_equal(services.retired_count, 2);
	assert_false(services_is_last(&services, b)); /* another was there after it */
	assert_true(services_reap(&services));
	assert_int_equal(services.retired_count, 1);
	assert_true(services_is_last(&services, b));
	end_session(session);
	assert_true(services_reap(&services));
	assert_events("second stops, second stops, ");
	assert_null(by_number(1, "s"));
	assert_true(services_has_number(&services, 1));
	assert_false(services_has_number(&services, 2));
}

/* Whoever holds a service keeps it, and two that are retired end in any order. */
static void
test_held(void **state)
{
	struct sockjs_service *first, *second;

	(void)state;
	start(A_FIRST);
	first = service_hold(services.items[0]);
	change(A_SECOND, 1, 1, 1);
	second = service_hold(services.items[0]);
	change(A_FIRST, 1, 1, 1);
	assert_int_equal(services.retired_count, 2);
	assert_events("first starts, second starts, first starts, ");
	services_reap(&services);
	service_drop(&second);
	assert_null(second);
	services_reap(&services);
	assert_events("second stops, ");
	assert_int_equal(services.retired_count, 1);
	service_drop(&first);
	service_drop(&first);
	services_reap(&services);
	assert_events("first stops, ");
}

/*
 * The daemon ends while services are retired; those sessions that both have by one id do not mix.
 */
static void
test_end_with_retired(void **state)
{
	(void)state;
	start(A_FIRST);
	open_session(services.items[0], "s");
	change(A_SECOND, 1, 1, 1);
	open_session(services.items[0], "s");
	sessions_each(&sessions, abort_session, NULL);
	turn_flush(&sessions);
	services_end(&services);
	assert_events("first starts, second starts, second stops, first stops, ");
	services_end(&services);
	assert_events("");
}

/* A module reads its options when it starts. */
static void
test_module_options(void **state)
{
	struct sockjs_service *a;

	(void)state;
	start(A_FIRST "module.one = 1\nmodule.two = 2\n");
	a = services.items[0];
	change(A_FIRST "module.two = 2\nheartbeat_delay = 1s\nmodule.one = 1\n", 1, 0, 0);
	assert_ptr_equal(services.items[0], a);
	change(A_FIRST "module.one = 1\nmodule.two = 3\n", 1, 1, 1);
	change(A_FIRST "module.one = 1\n", 1, 1, 1);
	change(A_FIRST "module.one = 1\nmodule.three = 3\n", 1, 1, 1);
	assert_ptr_not_equal(services.items[0], a);
	assert_false(services_reap(&services));
	assert_events("first starts, first starts, first starts, first starts, first stops, "
		      "first stops, first stops, ");
}

#define FALLBACK_FIRST	"[fallback]\nmodule = first\n"
#define FALLBACK_SECOND "[fallback]\nmodule = second\n"

/* It has no number and no path, but is kept, replaced and retired as a service is. */
static void
test_fallback(void **state)
{
	struct sockjs_service *first, *second;

	(void)state;
	start(A_FIRST FALLBACK_FIRST);
	first = service_hold(services.fallback);
	change(FALLBACK_FIRST "body_limit = 5\n" A_FIRST, 2, 0, 0);
	assert_ptr_equal(services.fallback, first);
	assert_int_equal(first->protocol.options.body_limit, 5);
	assert_int_equal(services.number_count, 1);
	change(A_FIRST FALLBACK_SECOND, 2, 1, 1);
	second = services.fallback;
	assert_ptr_not_equal(second, first);
	assert_true(first->is_retired && !second->is_retired);
	assert_null(holder("/a/000/s/xhr"));
	assert_false(services_is_last(&services, first));
	change(A_FIRST, 1, 0, 1);
	assert_null(services.fallback);
	assert_false(services_reap(&services));
	assert_events("first starts, first starts, second starts, second stops, ");
	assert_int_equal(services.retired_count, 1);
	service_drop(&first);
	assert_false(services_reap(&services));
	assert_events("first stops, ");
	change(FALLBACK_SECOND, 1, 1, 1);
	assert_events("second starts, ");
}

/* What has begun before the mistake ends again. */
static void
test_refused(void **state)
{
	(void)state;
	start(A_FIRST);
	refuse(A_FIRST B_SECOND "[service /c]\nmodule = frist\n", ":7: module \"frist\"");
	refuse(A_FIRST B_SECOND "[service /c]\nmodule = refusing\n",
	    ":7: module \"refusing\" of [service /c] refuses to start (7)");
	assert_events("first starts, second starts, second stops, ");
	uv_run(&loop, UV_RUN_NOWAIT); /* the timer that it has left */
	change(A_FIRST B_SECOND, 2, 1, 0);
	assert_int_equal(services.items[1]->number, 1);
	assert_events("second starts, ");
}

/* Neither the program nor its responders take more. */
static void
test_too_many(void **state)
{
	struct buffer text = BUFFER_INIT;
	struct error err = ERROR_INIT;
	struct services many = {.count = 0};
	struct config *config;
	int i;

	(void)state;
	for (i = 0; i <= WIRE_SERVICES_MAX; i++)
		buffer_printf(&text, "[service /%d]\nmodule = first\n", i);
	buffer_append_char(&text, '\0');
	config = read_file(text.data);
	buffer_free(&text);
	assert_int_equal(services_load(&many, config, &err), -1);
	assert_int_equal(err.code, EX_CONFIG);
	assert_non_null(strstr(err.text, ":8195: more than 4096 services"));
	config_destroy(&config);
	services_end(&many);
	services_clear(&many);
	services_end(&many);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_go_on, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_pages, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_other_module, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_removed, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_held, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_end_with_retired, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_module_options, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_fallback, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_too_many, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("services", tests, make_folder, remove_folder);
}
