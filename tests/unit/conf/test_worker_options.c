/*
 * conf/worker_options.h: values that have a form of their own, and which module a section has.
 */
#include "conf/worker_options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
assert_split(const char *value, const char *address, const char *script)
{
	char is[WORKER_ADDRESS_SIZE];
	const char *rest;

	assert_true(worker_options_split_callback(value, is, &rest));
	assert_string_equal(is, address);
	assert_string_equal(rest, script);
}

static void
callback_is_an_address_and_a_script(void **state)
{
	static const char *const bad[] = {"", "fastcgi:", "fastcgi: /a.php", "fastcgi:/run/x",
	    "fastcgi:/run/x ", "fastcgi:/run/x a.php", "fastcgi:run/x /a.php",
	    "fastcgi:localhost:9000 /a.php", "fastcgi:127.0.0.1 /a.php", "/run/x /a.php",
	    "http:/run/x /a.php", "fast /a.php"};
	char path[8 + WORKER_ADDRESS_SIZE + 20], address[WORKER_ADDRESS_SIZE];
	const char *script;
	size_t i;

	(void)state;
	assert_split("fastcgi:/run/x.sock /a b.php", "/run/x.sock", "/a b.php");
	assert_split("fastcgi:127.0.0.1:9000\t /a.php", "127.0.0.1:9000", "/a.php");
	assert_split("fastcgi:[::1]:9000 /", "[::1]:9000", "/");
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(worker_options_split_callback(bad[i], address, &script));
	/* The longest path that a Unix socket may have, and one byte more. */
	memset(path, '/', sizeof path);
	memcpy(path, "fastcgi:", 8);
	strcpy(path + 8 + WORKER_ADDRESS_SIZE - 1, " /a.php");
	assert_true(worker_options_split_callback(path, address, &script));
	assert_int_equal(strlen(address), WORKER_ADDRESS_SIZE - 1);
	strcpy(path + 8 + WORKER_ADDRESS_SIZE - 1, "/ /a.php");
	assert_false(worker_options_split_callback(path, address, &script));
}

static void
a_section_has_one_application(void **state)
{
	static char command[] = "php a.php", url[] = "fastcgi:/run/x /a.php", one[] = "1",
		    each[] = "each";
	static const struct {
		char *program, *callback, *processes;
		const char *module, *is; /* NULL: an error */
	} cases[] = {
	    {NULL, NULL, one, "echo", "echo"},
	    {NULL, NULL, one, WORKER_MODULE, WORKER_MODULE},
	    {command, NULL, one, NULL, WORKER_MODULE},
	    {command, NULL, one, WORKER_MODULE, WORKER_MODULE},
	    {command, NULL, each, NULL, WORKER_EACH_MODULE},
	    {NULL, url, one, NULL, WORKER_CALLBACK_MODULE},
	    {NULL, NULL, one, NULL, NULL},
	    {command, url, one, NULL, NULL},
	    {command, NULL, one, "echo", NULL},
	    {NULL, url, one, "echo", NULL},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct worker_options options = {.program = cases[i].program,
		    .callback = cases[i].callback,
		    .processes = cases[i].processes};
		struct error err = ERROR_INIT;
		const char *is = worker_options_module(&options, cases[i].module, &err);

		assert_int_equal(is == NULL, cases[i].is == NULL);
		assert_int_equal(is == NULL, err.code != 0);
		if (is != NULL)
			assert_string_equal(is, cases[i].is);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(callback_is_an_address_and_a_script),
	    cmocka_unit_test(a_section_has_one_application),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
