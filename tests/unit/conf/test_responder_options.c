/*
 * conf/responder_options.h: what the responder takes from sockjs.conf, with files in a temporary
 * directory.
 */
#include "conf/responder_options.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/log.h"

#define SOCKET "[server]\nsocket = /run/s\n"

static char directory[] = "/tmp/test_fcgi_options.XXXXXX";
static char path[64];

static void
write_file(const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int
make_directory(void **state)
{
	(void)state;
	if (mkdtemp(directory) == NULL)
		return -1;
	snprintf(path, sizeof path, "%s/sockjs.conf", directory);
	return 0;
}

static int
remove_directory(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(directory);
}

static struct responder_config
read_text(const char *text)
{
	struct responder_config config;
	struct error err = ERROR_INIT;

	write_file(text);
	if (responder_config_read(path, &config, NULL, &err) == -1)
		fail_msg("%s", err.text);
	return config;
}

static void
assert_refused(const char *text, const char *words)
{
	struct responder_config config;
	struct error err = ERROR_INIT;

	write_file(text);
	assert_int_equal(responder_config_read(path, &config, NULL, &err), -1);
	assert_int_equal(err.code, EX_CONFIG);
	assert_non_null(strstr(err.text, path));
	if (strstr(err.text, words) == NULL)
		fail_msg("\"%s\" says nothing of \"%s\"", err.text, words);
	/* Nothing is left to free. */
	assert_null(config.socket);
	assert_null(config.conf_path);
	assert_null(config.options.socket_mode);
}

static void
test_defaults(void **state)
{
	struct responder_config config = read_text(SOCKET);

	(void)state;
	assert_string_equal(config.socket, "/run/s");
	assert_string_equal(config.conf_path, path);
	assert_null(config.options.listen);
	assert_null(config.options.sessiond);
	assert_string_equal(config.options.socket_mode, "0660");
	assert_false(config.options.streaming);
	assert_false(config.options.autostart);
	assert_false(config.options.show_reason);
	assert_string_equal(config.options.log, "stderr");
	assert_null(config.command_folder);
	assert_int_equal(config.options.backend_timeout, 15000);
	assert_int_equal(config.options.request_timeout, 20000);
	assert_int_equal(config.options.log_level, SEVERITY_ERROR);
	responder_config_clear(&config);
	responder_config_clear(&config);
}

static void
test_all_options(void **state)
{
	struct responder_config config = read_text(SOCKET
	    "[fcgi]\nlisten = /run/f\nsocket_mode = 600\nsocket_group = daemon\nuser = daemon\n"
	    "group = daemon\nfcgi_streaming = on\nautostart = on\n"
	    "sessiond = /bin/d\nbackend_timeout = 3s\nrequest_timeout = 500\n"
	    "connection_limit = 10\nlog_level = debug\nshow_reason = on\nlog = /l\nlog_size = 1M\n");

	(void)state;
	assert_string_equal(config.options.listen, "/run/f");
	assert_string_equal(config.options.socket_mode, "600");
	assert_string_equal(config.options.socket_group, "daemon");
	assert_string_equal(config.options.user, "daemon");
	assert_string_equal(config.options.group, "daemon");
	assert_true(config.options.streaming);
	assert_true(config.options.autostart);
	assert_string_equal(config.options.sessiond, "/bin/d");
	assert_int_equal(config.options.backend_timeout, 3000);
	assert_int_equal(config.options.request_timeout, 500);
	assert_int_equal(config.options.connection_limit, 10);
	assert_true(config.options.show_reason);
	assert_string_equal(config.options.log, "/l");
	assert_int_equal(config.options.log_size, 1 << 20);
	assert_int_equal(config.options.log_level, SEVERITY_DEBUG);
	responder_config_clear(&config);
}

/* What is sessiond's is passed over, even an option that nobody knows: sessiond says so. */
static void
test_other_sections(void **state)
{
	struct responder_config config =
	    read_text("[server]\nlisten = 127.0.0.1:1\nnonsense = 1\nsocket = /run/s\n"
		      "[service /echo]\nmodule = echo\nsocket = /run/other\n"
		      "[fcgi]\nautostart = on\n[service /b]\nautostart = off\n");

	(void)state;
	assert_string_equal(config.socket, "/run/s");
	assert_null(config.options.listen);
	assert_true(config.options.autostart);
	responder_config_clear(&config);
}

static void
test_relative_paths(void **state)
{
	struct responder_config config =
	    read_text("[server]\nsocket = run/s\n[fcgi]\nlisten = ./f\nsessiond = bin/d\n");
	char expected[128];

	(void)state;
	snprintf(expected, sizeof expected, "%s/run/s", directory);
	assert_string_equal(config.socket, expected);
	snprintf(expected, sizeof expected, "%s/./f", directory);
	assert_string_equal(config.options.listen, expected);
	snprintf(expected, sizeof expected, "%s/bin/d", directory);
	assert_string_equal(config.options.sessiond, expected);
	responder_config_clear(&config);
}

/* An address is no path. */
static void
test_listen_address(void **state)
{
	struct responder_config config = read_text(SOCKET "[fcgi]\nlisten = 127.0.0.1:9000\n");

	(void)state;
	assert_string_equal(config.options.listen, "127.0.0.1:9000");
	responder_config_clear(&config);
}

static void
test_socket_given(void **state)
{
	struct responder_config config;
	struct error err = ERROR_INIT;

	(void)state;
	write_file("[fcgi]\nlisten = /run/f\n");
	assert_int_equal(responder_config_read(path, &config, "given/s", &err), 0);
	assert_string_equal(config.socket, "given/s");
	responder_config_clear(&config);
	write_file(SOCKET);
	assert_int_equal(responder_config_read(path, &config, "/given", &err), 0);
	assert_string_equal(config.socket, "/given");
	responder_config_clear(&config);
}

/* A daemon that autostart starts may have another working folder. */
static void
test_relative_file(void **state)
{
	struct responder_config config;
	struct error err = ERROR_INIT;
	char before[PATH_MAX], expected[128];

	(void)state;
	write_file("[server]\nsocket = s\n");
	assert_non_null(getcwd(before, sizeof before));
	assert_int_equal(chdir(directory), 0);
	assert_int_equal(responder_config_read("sockjs.conf", &config, NULL, &err), 0);
	assert_int_equal(chdir(before), 0);
	assert_string_equal(config.conf_path, path);
	snprintf(expected, sizeof expected, "%s/s", directory);
	assert_string_equal(config.socket, expected);
	responder_config_clear(&config);
}

/* sessiond does not follow it either, so that both have one idea of where the socket is. */
static void
test_symbolic_link(void **state)
{
	struct responder_config config;
	struct error err = ERROR_INIT;
	char folder[64], link[96], expected[128];

	(void)state;
	write_file("[server]\nsocket = s\n");
	snprintf(folder, sizeof folder, "%s/etc", directory);
	snprintf(link, sizeof link, "%s/link.conf", folder);
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_int_equal(symlink(path, link), 0);
	assert_int_equal(responder_config_read(link, &config, NULL, &err), 0);
	snprintf(expected, sizeof expected, "%s/s", folder);
	unlink(link);
	rmdir(folder);
	assert_string_equal(config.conf_path, link);
	assert_string_equal(config.socket, expected);
	responder_config_clear(&config);
}

static void
test_mistakes(void **state)
{
	char text[512];

	(void)state;
	assert_refused("[server]\n", "socket = PATH");
	assert_refused(SOCKET "[fcgi]\nlisen = /x\n", ":4: unknown option \"lisen\"");
	assert_refused(SOCKET "[fcgi]\nautostart = maybe\n", "autostart");
	assert_refused(SOCKET "[fcgi]\nautostart = on\nautostart = on\n", "already set on line 4");
	assert_refused(SOCKET "[fcgi]\nbackend_timeout = 99\n", "backend_timeout");
	assert_refused(SOCKET "[fcgi]\nrequest_timeout = 25h\n", "request_timeout");
	assert_refused(SOCKET "[fcgi]\nconnection_limit = 0\n", "connection_limit");
	assert_refused(SOCKET "[fcgi]\nsocket_mode = 888\n", "socket_mode: \"888\"");
	assert_refused(SOCKET "[fcgi]\nsocket_mode = 66\n", "socket_mode: \"66\"");
	assert_refused(SOCKET "[fcgi]\nsocket_mode = 00660\n", "socket_mode: \"00660\"");
	assert_refused(SOCKET "[fcgi]\nsocket_mode = rw\n", "socket_mode: \"rw\"");
	snprintf(text, sizeof text, "[server]\nsocket = /%0107d\n", 0);
	assert_refused(text, "too long");
}

static void
test_longest_socket(void **state)
{
	struct responder_config config;
	char text[512];

	(void)state;
	snprintf(text, sizeof text, "[server]\nsocket = /%0106d\n", 0);
	config = read_text(text);
	assert_int_equal(strlen(config.socket), 107);
	responder_config_clear(&config);
}

static void
test_no_file(void **state)
{
	struct responder_config config;
	struct error err = ERROR_INIT;

	(void)state;
	unlink(path);
	assert_int_equal(responder_config_read(path, &config, NULL, &err), -1);
	assert_int_equal(err.code, EX_CONFIG);
	assert_non_null(strstr(err.text, "No such file"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_defaults),
	    cmocka_unit_test(test_all_options),
	    cmocka_unit_test(test_other_sections),
	    cmocka_unit_test(test_relative_paths),
	    cmocka_unit_test(test_listen_address),
	    cmocka_unit_test(test_socket_given),
	    cmocka_unit_test(test_relative_file),
	    cmocka_unit_test(test_symbolic_link),
	    cmocka_unit_test(test_mistakes),
	    cmocka_unit_test(test_longest_socket),
	    cmocka_unit_test(test_no_file),
	};

	return cmocka_run_group_tests_name("fcgi_options", tests, make_directory, remove_directory);
}
