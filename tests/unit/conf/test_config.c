/*
 * conf/config.h: configurations that no file has made.
 */
#include "conf/config.h"

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

static struct config *config;

static int
set_up(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	config = config_create("x.conf", &err);
	return config == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
	(void)state;
	config_destroy(&config);
	config_destroy(&config);
	return 0;
}

static struct worker_options *
add_worker(const char *name)
{
	struct config_section *section = config_add_section(config, name, 1);

	assert_int_equal(config_section_make_service(section, NULL), 0);
	return &section->worker_options;
}

static void
test_places(void **state)
{
	struct daemon_place place = {2, 3};
	char *path;

	(void)state;
	assert_int_equal(config->place.count, 1);
	path = daemon_place_path("/run/s", &config->place);
	assert_string_equal(path, "/run/s");
	free(path);
	path = daemon_place_path("/run/s", &place);
	assert_string_equal(path, "/run/s.2");
	free(path);
	assert_null(daemon_place_path(NULL, &place));
}

static void
test_take_place(void **state)
{
	struct daemon_place place = {1, 3};
	struct worker_options *worker;
	struct config_section *app;
	struct error err = ERROR_INIT;

	(void)state;
	config->server.daemons = 5; /* what the file says counts no more */
	config->server.store_limit = 2 << 20;
	worker = add_worker("/worker");
	free(worker->processes);
	worker->processes = strdup("4");
	worker->callback_concurrency = 1;
	app = config_add_section(config, "app x", 3);
	assert_int_equal(config_section_make_app(app, "x", &err), 0);
	app->app_options.app_connection_limit = 100;
	config_take_place(config, &place);
	assert_int_equal(config->place.index, 1);
	assert_int_equal(config->place.count, 3);
	assert_int_equal(config->server.session_limit, 33334); /* rounded up */
	assert_int_equal(config->server.store_limit, 1 << 20); /* not below the least */
	assert_int_equal(config->server.memory_limit, 0);      /* 0 stays what it means */
	assert_int_equal(config->server.local_peers, 1024);    /* each has all responders */
	assert_int_equal(config->server.sessions_per_address, 0);
	assert_int_equal(app->app_options.app_connection_limit, 34);
	worker = &config->sections[0].worker_options;
	assert_string_equal(worker->processes, "2");
	assert_int_equal(worker->max_processes, 34);
	assert_int_equal(worker->callback_concurrency, 1);
}

static void
test_check_daemons(void **state)
{
	struct config_section *app;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(config_check_daemons(config, &err), 0);
	config->server.daemons = 2;
	assert_int_equal(config_check_daemons(config, &err), -1);
	assert_int_equal(err.code, EX_CONFIG);
	assert_non_null(strstr(err.text, "set `socket = PATH`"));
	config->server.socket = strdup("/run/s");
	assert_int_equal(config_check_daemons(config, &err), 0);
	app = config_add_section(config, "app x", 7);
	assert_int_equal(config_section_make_app(app, "x", &err), 0);
	err = (struct error)ERROR_INIT;
	assert_int_equal(config_check_daemons(config, &err), -1);
	assert_non_null(strstr(err.text, "x.conf:7: the clients of an [app] are in several"));
	free(config->server.engine);
	config->server.engine = strdup("redis://127.0.0.1");
	assert_int_equal(config_check_daemons(config, &err), 0);
	free(config->server.engine);
	config->server.engine = strdup("memory");
	assert_int_equal(config_check_daemons(config, &err), -1);
	config->server.daemons = 1;
	assert_int_equal(config_check_daemons(config, &err), 0);
}

static void
test_sections(void **state)
{
	struct config_section *section;
	char name[16];
	int i;

	(void)state;
	assert_string_equal(config->path, "x.conf");
	assert_int_equal(config->section_count, 0);
	assert_int_equal(config->defaults.body_limit, 4 << 20);
	config->defaults.body_limit = 7;
	section = config_add_section(config, NULL, 3);
	assert_true(section->is_fallback);
	assert_string_equal(section->name, "fallback");
	assert_int_equal(section->line, 3);
	assert_null(section->module);
	for (i = 0; i < 40; i++) {
		snprintf(name, sizeof name, "/%d", i);
		section = config_add_section(config, name, 4);
		section->options.response_limit = (size_t)i;
	}
	assert_int_equal(config->section_count, 41);
	for (i = 0; i < 40; i++) {
		section = &config->sections[i + 1];
		assert_false(section->is_fallback);
		assert_int_equal(atoi(section->name + 1), i);
		assert_int_equal(section->options.body_limit, 7);
		assert_int_equal(section->options.response_limit, i);
		assert_string_equal(section->options.sockjs_url, config->defaults.sockjs_url);
		assert_ptr_not_equal(section->options.sockjs_url, config->defaults.sockjs_url);
	}
}

static void
test_override(void **state)
{
	char listen[] = "127.0.0.1:1";
	const struct config_override both = {listen, "/s"}, neither = {NULL, NULL};

	(void)state;
	config->server.socket = strdup("/of/the/file");
	config_override(config, &neither);
	assert_null(config->server.listen);
	assert_string_equal(config->server.socket, "/of/the/file");
	config_override(config, &both);
	assert_ptr_equal(config->command_line.listen, listen);
	listen[0] = '2';
	assert_string_equal(config->server.listen, "127.0.0.1:1");
	assert_string_equal(config->server.socket, "/s");
}

/* The log as a whole lets through what any section wants. */
static void
test_log_level(void **state)
{
	(void)state;
	config->defaults.log_level = SEVERITY_ERROR;
	config_add_section(config, "/a", 1);
	assert_int_equal(config_log_level(config), SEVERITY_ERROR);
	config_add_section(config, NULL, 2)->options.log_level = SEVERITY_DEBUG;
	config_add_section(config, "/b", 3)->options.log_level = SEVERITY_INFO;
	assert_int_equal(config_log_level(config), SEVERITY_DEBUG);
	config->sections[1].options.log_level = SEVERITY_ERROR;
	assert_int_equal(config_log_level(config), SEVERITY_INFO);
	config->defaults.log_level = SEVERITY_DEBUG;
	assert_int_equal(config_log_level(config), SEVERITY_DEBUG);
}

static void
set_users(const char *names)
{
	free(config->server.socket_users);
	config->server.socket_users = strdup(names);
}

static void
test_allows_user(void **state)
{
	const uid_t nobody = 65534, stranger = 3999999999u;

	(void)state;
	assert_true(config_allows_user(config, stranger)); /* who gets at the file may */
	set_users("no-such-user nobody");
	assert_true(config_allows_user(config, nobody));
	assert_true(config_allows_user(config, 0));
	assert_true(config_allows_user(config, geteuid()));
	assert_false(config_allows_user(config, stranger));
	set_users("no-such-user, root");
	assert_int_equal(config_allows_user(config, nobody), geteuid() == nobody);
	set_users("");
	assert_false(config_allows_user(config, stranger));
}

static void
test_allows_control(void **state)
{
	const uid_t nobody = 65534, stranger = 3999999999u;

	(void)state;
	assert_true(config_allows_control(config, 0));
	assert_true(config_allows_control(config, geteuid()));
	assert_int_equal(config_allows_control(config, nobody), geteuid() == nobody);
	config->server.control_users = strdup("no-such-user nobody");
	assert_true(config_allows_control(config, nobody));
	assert_false(config_allows_control(config, stranger));
}

static void
test_control_path(void **state)
{
	static const struct {
		const char *socket, *control, *path; /* NULL: none */
	} cases[] = {
	    {NULL, NULL, NULL},
	    {"/run/x/s.sock", NULL, "/run/x/control.sock"},
	    {"/s.sock", NULL, "/control.sock"},
	    {"s.sock", NULL, "control.sock"},
	    {"/run/x/s.sock", "none", NULL},
	    {"/run/x/s.sock", "/else/where", "/else/where"},
	    {NULL, "/else/where", "/else/where"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct server_options options = {
		    .socket = (char *)cases[i].socket, .control = (char *)cases[i].control};
		char *path = config_control_path(&options);

		if (cases[i].path == NULL)
			assert_null(path);
		else
			assert_string_equal(path, cases[i].path);
		free(path);
	}
}

/* A section of the service of that name, with options of workers. */
static void
test_worker_descriptors(void **state)
{
	struct worker_options *options;

	(void)state;
	add_worker("/module");
	assert_int_equal(config_worker_descriptors(config), 0);
	options = add_worker("/each");
	options->program = strdup("each");
	free(options->processes);
	options->processes = strdup("each");
	options->max_processes = 7;
	assert_int_equal(config_worker_descriptors(config), 21);
	add_worker("/one")->program = strdup("one");
	assert_int_equal(config_worker_descriptors(config), 24);
	options = add_worker("/callback");
	options->callback = strdup("fastcgi:/a /b");
	options->callback_concurrency = 5;
	assert_int_equal(config_worker_descriptors(config), 29);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(places),
	    TEST(take_place),
	    TEST(check_daemons),
	    TEST(sections),
	    TEST(override),
	    TEST(log_level),
	    TEST(allows_user),
	    TEST(allows_control),
	    TEST(control_path),
	    TEST(worker_descriptors),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
