/*
 * conf/config_read.h, with files in a temporary directory, and with the standard services of the
 * end-to-end tests.
 */
#include "conf/config_read.h"

#include "sockjs/transport.h"
#include "tests/unit/conf/conf_folder.h"

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
tear_down(void **state)
{
	(void)state;
	config_destroy(&config);
	return 0;
}

static void
write_file(const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static const struct service_options *
load(const char *text)
{
	struct error err = ERROR_INIT;

	config_destroy(&config);
	write_file(text);
	config = config_read(path, &err);
	if (config == NULL)
		fail_msg("%s", err.text);
	assert_int_equal(err.code, 0);
	return config->section_count == 0 ? NULL : &config->sections[0].options;
}

/* The error's text, after "PATH:" */
static void
assert_refused(const char *text, const char *expected)
{
	struct error err = ERROR_INIT;
	char whole[ERROR_TEXT_SIZE];

	write_file(text);
	assert_null(config_read(path, &err));
	assert_int_equal(err.code, EX_CONFIG);
	snprintf(whole, sizeof whole, "%s:%s", path, expected);
	assert_string_equal(err.text, whole);
}

/* --- what is accepted ------------------------------------------------------------------------- */

static void
test_standard_services(void **state)
{
	static const struct {
		const char *name, *module;
	} expected[] = {{"/echo", "echo"}, {"/disabled_websocket_echo", "echo"},
	    {"/cookie_needed_echo", "echo"}, {"/close", "close"}, {"/ticker", "ticker"},
	    {"/amplify", "amplify"}, {"/broadcast", "broadcast"}};
	const char *source = getenv("SOCKJS_SRCDIR");
	struct error err = ERROR_INIT;
	char file[400];
	size_t i;

	(void)state;
	snprintf(file, sizeof file, "%s/tests/services.conf", source == NULL ? "." : source);
	config = config_read(file, &err);
	assert_string_equal(err.text, "");
	assert_non_null(config);
	assert_string_equal(config->path, file);
	assert_int_equal(config->section_count, sizeof expected / sizeof expected[0]);
	for (i = 0; i < config->section_count; i++) {
		assert_string_equal(config->sections[i].name, expected[i].name);
		assert_string_equal(config->sections[i].module, expected[i].module);
		assert_int_equal(config->sections[i].options.websocket, i != 1);
		assert_int_equal(config->sections[i].options.jsessionid,
		    i == 2 ? JSESSIONID_ON : JSESSIONID_OFF);
		assert_int_equal(
		    config->sections[i].options.response_limit, i == 0 ? 4096 : 131072);
		assert_int_equal(config->sections[i].options.websocket_hixie76, i == 0);
	}
}

static void
test_defaults(void **state)
{
	const struct service_options *options = load("[service /a]\nmodule = m\n");

	(void)state;
	assert_int_equal(options->response_limit, 131072);
	assert_true(options->websocket);
	assert_false(options->disable_cors);
	assert_int_equal(options->jsessionid, JSESSIONID_OFF);
	assert_int_equal(options->heartbeat_delay, 25000);
	assert_int_equal(options->disconnect_delay, 5000);
	assert_int_equal(options->authorize_timeout, 10000);
	assert_null(options->base_url);
	assert_non_null(strstr(options->sockjs_url, "sockjs-client@1/"));
	assert_int_equal(options->transports, TRANSPORTS_ALL);
	assert_int_equal(options->websocket_heartbeat, WEBSOCKET_HEARTBEAT_PING);
	assert_false(options->websocket_hixie76);
	assert_false(options->websocket_deflate);
	assert_null(config->server.listen);
	assert_null(config->server.socket);
	assert_string_equal(config->server.log, "stderr");
	assert_int_equal(config->server.sessions_per_address, 0);
	assert_int_equal(config->sections[0].line, 1);
	load("");
	assert_int_equal(config->section_count, 0);
}

static void
test_inheritance(void **state)
{
	const struct service_options *first, *second;

	(void)state;
	first = load(
	    "[server]\nresponse_limit = 5k\nwebsocket = off\nbase_url = http://server\ntransports = xhr-polling\n"
	    "[service /a]\nmodule = m\nresponse_limit = 1\nbase_url = http://a\n"
	    "[service /b]\nmodule = m\nwebsocket = on\n");
	second = &config->sections[1].options;
	assert_int_equal(config->defaults.response_limit, 5120);
	assert_int_equal(first->response_limit, 1);
	assert_int_equal(second->response_limit, 5120);
	assert_false(first->websocket);
	assert_true(second->websocket);
	assert_string_equal(first->base_url, "http://a");
	assert_string_equal(second->base_url, "http://server");
	assert_int_equal(first->transports, 1u << TRANSPORT_XHR_POLLING);
	assert_int_equal(second->transports, 1u << TRANSPORT_XHR_POLLING);
	assert_int_equal(second->heartbeat_delay, 25000);
}

static void
test_every_option(void **state)
{
	const struct service_options *options;
	const struct server_options *server;

	(void)state;
	options = load(
	    "[server]\nlisten = 127.0.0.1:1 [::1]:2\nsocket = /s\nstatic = /w\nmodule_path = /m\nlog = syslog\n"
	    "connection_limit = 9\nsession_limit = 8\nsessions_per_address = 7\nrequest_timeout = 6s\n"
	    "keepalive_timeout = 1m\nconnection_memory = 8k\n"
	    "[service ~ /x[0-9]]\nmodule = m\nsockjs_url = /s.js\njsessionid = module\nlog_level = debug\n"
	    "heartbeat_delay = 10s\ndisconnect_delay = 20\ndisable_cors = yes\n"
	    "transports = websocket, websocket-raw\nwebsocket_heartbeat = frame\nwebsocket_deflate = on\n"
	    "body_limit = 2k\nmessage_limit = 3k\nmessages_limit = 4\nqueue_limit = 5M\n");
	server = &config->server;
	assert_string_equal(server->listen, "127.0.0.1:1 [::1]:2");
	assert_string_equal(server->socket, "/s");
	assert_string_equal(server->static_folder, "/w");
	assert_string_equal(server->module_path, "/m");
	assert_string_equal(server->log, "syslog");
	assert_int_equal(server->connection_limit, 9);
	assert_int_equal(server->session_limit, 8);
	assert_int_equal(server->sessions_per_address, 7);
	assert_int_equal(server->request_timeout, 6000);
	assert_int_equal(server->keepalive_timeout, 60000);
	assert_int_equal(server->connection_memory, 8192);
	assert_string_equal(config->sections[0].name, "~ /x[0-9]");
	assert_string_equal(options->sockjs_url, "/s.js");
	assert_int_equal(options->jsessionid, JSESSIONID_MODULE);
	assert_int_equal(options->log_level, SEVERITY_DEBUG);
	assert_int_equal(options->heartbeat_delay, 10000);
	assert_int_equal(options->disconnect_delay, 20);
	assert_true(options->disable_cors);
	assert_int_equal(
	    options->transports, 1u << TRANSPORT_WEBSOCKET | 1u << TRANSPORT_WEBSOCKET_RAW);
	assert_int_equal(options->websocket_heartbeat, WEBSOCKET_HEARTBEAT_FRAME);
	assert_true(options->websocket_deflate);
	assert_int_equal(options->body_limit, 2048);
	assert_int_equal(options->message_limit, 3072);
	assert_int_equal(options->messages_limit, 4);
	assert_int_equal(options->queue_limit, 5 << 20);
}

static void
assert_in_folder(const char *actual, const char *relative)
{
	char expected[120];

	snprintf(expected, sizeof expected, "%s/%s", folder, relative);
	assert_string_equal(actual, expected);
}

static void
test_relative_paths(void **state)
{
	(void)state;
	load(
	    "[server]\nsocket = run/s\nstatic = www\nmodule_path = ../modules\n"
	    "[service /a]\nmodule = ./echo.so\n[service /b]\nmodule = echo\n[service /c]\nmodule = /lib/echo.so\n");
	assert_in_folder(config->server.socket, "run/s");
	assert_in_folder(config->server.static_folder, "www");
	assert_in_folder(config->server.module_path, "../modules");
	assert_in_folder(config->sections[0].module, "./echo.so");
	assert_string_equal(config->sections[1].module, "echo"); /* a name, not a path */
	assert_string_equal(config->sections[2].module, "/lib/echo.so");
}

/* A file named without a folder is in the present one, and so is what it names. */
static void
test_relative_file(void **state)
{
	struct error err = ERROR_INIT;
	char *before = getcwd(NULL, 0);

	(void)state;
	assert_non_null(before);
	write_file("[server]\nsocket = run/s\n");
	assert_int_equal(chdir(folder), 0);
	config = config_read("sockjs.conf", &err);
	assert_int_equal(chdir(before), 0);
	free(before);
	assert_non_null(config);
	assert_string_equal(config->server.socket, "run/s");
}

/* --- what is refused -------------------------------------------------------------------------- */

static void
test_unknown_options(void **state)
{
	(void)state;
	assert_refused(
	    "[server]\nlisen = x\n", "2: unknown option \"lisen\", did you mean \"listen\"?");
	assert_refused("[server]\nrespnse_limit = 1\n",
	    "2: unknown option \"respnse_limit\", did you mean \"response_limit\"?");
	assert_refused("[server]\n\nzzz = 1\n", "3: unknown option \"zzz\"");
	assert_refused("[service /a]\nmodule = m\nwebsockets = on\n",
	    "3: unknown option \"websockets\", did you mean \"websocket\"?");
	assert_refused(
	    "[service /a]\nmodul = m\n", "2: unknown option \"modul\", did you mean \"module\"?");
	assert_refused("[service /a]\nqqqqqqqq = m\n",
	    "2: unknown option \"qqqqqqqq\"; those of a module are written module.NAME");
	assert_refused("[service /a]\na\x1b[1m = m\n",
	    "2: unknown option \"a\\x1b[1m\"; those of a module are written module.NAME");
	assert_refused("[app 1]\nqqqqqqqq = m\n", "2: unknown option \"qqqqqqqq\"");
	assert_refused("[server]\nssl_key = k\n",
	    "2: unknown option \"ssl_key\"; TLS is the web server's: it serves wss:// and "
	    "https:// in front of the daemon");
	/* The name ends at the colon. */
	assert_refused(
	    "[server]\nlisten 127.0.0.1:8080\n", "2: a = is missing: write listen = VALUE");
	assert_refused(
	    "[service /a]\nprogram php a.php:\n", "2: a = is missing: write program = VALUE");
}

static void
test_misplaced_options(void **state)
{
	(void)state;
	assert_refused("[service /a]\nmodule = m\nlisten = x\n",
	    "3: listen is an option of the [server] section");
	assert_refused("[server]\nmodule = m\n",
	    "2: module is an option of a [service ...] section, or of [fallback]");
	assert_refused("# begins\nlisten = x\n",
	    "2: an option before the first section; begin with [server] or [service /prefix]");
	assert_refused("module = m\n",
	    "1: an option before the first section; begin with [server] or [service /prefix]");
}

static void
test_repeated_options(void **state)
{
	(void)state;
	assert_refused("[server]\nwebsocket = on\nwebsocket = on\n",
	    "3: option \"websocket\" was already set on line 2");
	assert_refused("[server]\nlisten = a\n\nlisten = b\n",
	    "4: option \"listen\" was already set on line 2");
	assert_refused(
	    "[service /a]\nmodule = a\nmodule = b\n", "3: option \"module\" was already set");
	load(
	    "[server]\nwebsocket = on\n[service /a]\nwebsocket = on\nmodule = m\n[service /b]\nwebsocket = on\nmodule = m\n");
}

static void
test_bad_values(void **state)
{
	(void)state;
	assert_refused("[server]\nwebsocket = maybe\n",
	    "2: websocket: \"maybe\" is neither \"on\" nor \"off\"");
	assert_refused("[service /a]\nmodule = m\nheartbeat_delay = 25x\n",
	    "3: heartbeat_delay: \"25x\" is not a number of milliseconds (1 to 86400000)");
	assert_refused("[service /a]\nresponse_limit = 0\n",
	    "2: response_limit: \"0\" is out of range (1 or more)");
	assert_refused("[service /a]\njsessionid = perhaps\n",
	    "2: jsessionid: \"perhaps\" is not one of: off, on, module");
	assert_refused("[service /a]\ntransports = xhr-polling, websockets\n",
	    "2: transports: \"websockets\" is not one of: eventsource, htmlfile, jsonp-polling, websocket, websocket-raw, "
	    "xhr-polling, xhr-streaming, all");
	assert_refused("[service /a]\ntransports =\n", "2: transports: must not be empty");
	assert_refused("[service /a]\nsockjs_url =\n", "2: sockjs_url: must not be empty");
	assert_refused("[service /a]\nmodule =\n",
	    "2: module: a name is expected, as echo, or a path of a .so file");
}

static void
test_sections(void **state)
{
	(void)state;
	assert_refused(
	    "[service /a]\nmodule = m\n[service /b]\nmodule = m\n[service /a]\nmodule = m\n",
	    "5: [service /a] was begun on line 1 already");
	assert_refused("[service /a/]\nmodule = m\n[service /a]\nmodule = m\n",
	    "3: [service /a] was begun on line 1 already");
	assert_refused("[server]\n[server]\n", "2: there is a [server] section already");
	assert_refused("[service /a]\nmodule = m\n[server]\n",
	    "3: [server] comes before the services, whose defaults it sets");
	assert_refused("[sever]\n", "1: unknown section \"sever\", did you mean [server]?");
	assert_refused(
	    "[servic /a]\n", "1: unknown section \"servic /a\", did you mean [service]?");
	assert_refused(
	    "[Service /a]\n", "1: unknown section \"Service /a\", did you mean [service]?");
	assert_refused("[applications]\n",
	    "1: unknown section \"applications\", known are [server], [service /prefix], [app NAME], [fallback] and [fcgi]");
	assert_refused("[service]\n", "1: [service] needs a prefix, as in [service /echo]");
	assert_refused("\n[service echo]\n",
	    "2: [service echo]: a service is named by its prefix, \"/path\", or by \"~ REGEX\"");
}

static void
test_bad_pattern(void **state)
{
	struct error err = ERROR_INIT;
	char start[120];

	(void)state;
	assert_refused("[service ~]\n",
	    "1: [service ~]: a POSIX extended regular expression is expected after ~");
	write_file("[service /a]\nmodule = m\n[service ~ /(a]\nmodule = m\n");
	assert_null(config_read(path, &err));
	snprintf(start, sizeof start, "%s:3: [service ~ /(a]: ", path);
	assert_memory_equal(err.text, start, strlen(start)); /* the reason is libc's */
	assert_true(strlen(err.text) > strlen(start));
	assert_int_equal(err.code, EX_CONFIG);
}

/* The responder's section is read by the responder; its mistakes are found here too. */
static void
test_section_of_responder(void **state)
{
	(void)state;
	load("[fcgi]\nbackend_timeout = 3s\n[service /a]\nmodule = m\n[fcgi]\n");
	assert_int_equal(config->section_count, 1);
	load("[service /a]\nmodule = m\n[fcgi]\nbackend_timeout = 3s\nlisten = /s\n");
	assert_refused(
	    "[fcgi]\nlisten = /s\nlisten = /t\n", "3: option \"listen\" was already set on line 2");
	assert_refused("[fcgi]\nbackend_timeou = 3s\n",
	    "2: unknown option \"backend_timeou\", did you mean \"backend_timeout\"?");
	assert_refused(
	    "[service /a]\nmodule = m\n[fcgi]\nmodule = m\n", "4: unknown option \"module\"");
	assert_refused("[fgci]\n", "1: unknown section \"fgci\", did you mean [fcgi]?");
}

static void
test_no_module(void **state)
{
	(void)state;
	assert_refused("[service /a]\nmodule = m\n\n[service /b]\nwebsocket = off\n",
	    "4: [service /b] names no application; add a line such as: module = echo, or: "
	    "program = php chat.php");
}

/* Where the cookie is shown, only chosen pages may connect. */
static void
test_cookie_needs_origins(void **state)
{
	static const char refusal[] =
	    "has cookie in headers, but no allowed_origins: a page of any site could connect with the "
	    "cookies of its visitors (CSRF)";
	char expected[300];

	(void)state;
	snprintf(expected, sizeof expected, "3: [service /b] %s", refusal);
	assert_refused("[service /a]\nmodule = m\n[service /b]\nmodule = m\n"
		       "headers = x-a,Cookie\n",
	    expected);
	snprintf(expected, sizeof expected, "3: [service /a] %s", refusal);
	assert_refused("[server]\nheaders = cookie\n[service /a]\nmodule = m\n", expected);
	assert_refused("[server]\nheaders = cookie\n[service /a]\nmodule = m\n"
		       "allowed_origins = any\n",
	    expected);
	assert_refused("[server]\nheaders = cookie\n[service /a]\nmodule = m\n"
		       "allowed_origins = any,\n",
	    expected);
	assert_refused("[service /a]\nmodule = m\nheaders = cookie\nallowed_origins = same null\n",
	    "1: [service /a] has cookie in headers, but null in allowed_origins: a page of any site "
	    "could connect with the cookies of its visitors (CSRF)");
	load("[server]\nheaders = cookies xcookie\n[service /a]\nmodule = m\n"
	     "headers = cookie\nallowed_origins = same\n");
	load("[server]\nallowed_origins = same\n[service /a]\nmodule = m\nheaders = cookie\n");
}

static void
test_module_options(void **state)
{
	const struct config_section *first;

	(void)state;
	load("[service /a]\nmodule = m\nmodule.interval = 5s\nmodule.a.b = x y\n"
	     "[service /b]\nmodule.interval=7s\nmodule = m\n");
	first = &config->sections[0];
	assert_int_equal(first->module_options.count, 2);
	assert_string_equal(module_options_find(&first->module_options, "interval")->value, "5s");
	assert_int_equal(module_options_find(&first->module_options, "interval")->line, 3);
	assert_string_equal(module_options_find(&first->module_options, "a.b")->value, "x y");
	assert_string_equal(
	    module_options_find(&config->sections[1].module_options, "interval")->value, "7s");
	assert_refused("[service /a]\nmodule.a = 1\n[service /b]\n\nmodule.x = 1\nmodule.x = 2\n",
	    "6: option \"module.x\" was already set on line 5");
	assert_refused("[server]\nmodule.x = 1\n",
	    "2: module.x belongs into a section that names a module, [service ...] or [fallback]");
	assert_refused("[service /a]\nmodul.x = 1\n",
	    "2: unknown option \"modul.x\", did you mean \"module.x\"?");
	assert_refused("[service /a]\nechoes.x = 1\n",
	    "2: unknown option \"echoes.x\"; those of a module are written module.NAME");
	assert_refused("[service /a]\nmodule. = 1\n",
	    "2: \"module.\" needs a name of the module's own, as in module.interval = 5s");
}

static void
test_fallback(void **state)
{
	const struct config_section *fallback;

	(void)state;
	load("[service /a]\nmodule = m\n");
	assert_false(config->sections[0].is_fallback);
	load("[server]\nbody_limit = 10\nlog_level = error\n[fallback]\nmodule = ./pages.so\n"
	     "log_level = debug\nmodule.title = x\n[service /a]\nmodule = m\n");
	assert_int_equal(config->section_count, 2);
	fallback = &config->sections[0];
	assert_true(fallback->is_fallback && !config->sections[1].is_fallback);
	assert_string_equal(fallback->name, "fallback");
	assert_int_equal(fallback->options.body_limit, 10);
	assert_int_equal(fallback->options.log_level, SEVERITY_DEBUG);
	assert_int_equal(fallback->module_options.count, 1);
	assert_in_folder(fallback->module, "./pages.so");
	assert_refused("[fallback]\nmodule = m\n\n[fallback]\nmodule = m\n",
	    "4: [fallback] was begun on line 1 already");
	assert_refused("[fallback]\nbody_limit = 1\n",
	    "1: [fallback] names no module; add a line such as: module = echo");
	assert_refused("[fallback]\nmodule = m\nwebsocket = on\n",
	    "3: websocket has no meaning in [fallback], which has module, module.NAME, body_limit and log_level");
	assert_refused("[falback]\n", "1: unknown section \"falback\", did you mean [fallback]?");
}

static void
test_no_file(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_null(config_read("/nonexistent/sockjs.conf", &err));
	assert_int_equal(err.code, EX_CONFIG);
	assert_string_equal(err.text, "/nonexistent/sockjs.conf: No such file or directory");
	config_destroy(&config);
	assert_null(config);
}

#define TEST(name) cmocka_unit_test_teardown(test_##name, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(standard_services),
	    TEST(defaults),
	    TEST(inheritance),
	    TEST(every_option),
	    TEST(relative_paths),
	    TEST(relative_file),
	    TEST(unknown_options),
	    TEST(misplaced_options),
	    TEST(repeated_options),
	    TEST(bad_values),
	    TEST(sections),
	    TEST(bad_pattern),
	    TEST(section_of_responder),
	    TEST(no_module),
	    TEST(cookie_needs_origins),
	    TEST(module_options),
	    TEST(fallback),
	    TEST(no_file),
	};

	return cmocka_run_group_tests_name("config_read", tests, make_folder, remove_folder);
}
