/*
 * conf/module_options.h
 */
#include "conf/module_options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sysexits.h>

#include <cmocka.h>

static struct module_options options;

static void
add_to(struct module_options *to, const char *name, const char *value, unsigned line)
{
	struct error err = ERROR_INIT;

	assert_int_equal(module_options_add(to, name, value, line, &err), 0);
}

static void
add(const char *name, const char *value, unsigned line)
{
	add_to(&options, name, value, line);
}

static int
tear_down(void **state)
{
	(void)state;
	module_options_clear(&options);
	return options.count == 0 ? 0 : -1;
}

static void
test_add(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	add("module.a", "1", 3);
	add("module.b", "", 4);
	assert_string_equal(module_options_find(&options, "a")->value, "1");
	assert_int_equal(module_options_find(&options, "b")->line, 4);
	assert_null(module_options_find(&options, "module.a"));
	assert_null(module_options_find(&options, "c"));
	assert_null(module_options_find(&options, ""));
	assert_int_equal(module_options_add(&options, "module.a", "2", 5, &err), -1);
	assert_string_equal(err.text, "option \"module.a\" was already set on line 3");
	error_clear(&err);
	assert_int_equal(module_options_add(&options, "module.", "2", 5, &err), -1);
	assert_int_equal(err.code, EX_CONFIG);
	assert_int_equal(options.count, 2);
}

static void
test_unknown(void **state)
{
	static const char *const known[] = {"interval", "title", NULL};
	static const char *const none[] = {NULL};
	struct error err = ERROR_INIT;

	(void)state;
	assert_null(module_options_find_unknown(&options, none, &err));
	add("module.title", "x", 1);
	assert_null(module_options_find_unknown(&options, known, &err));
	assert_int_equal(err.code, 0);
	add("module.intreval", "x", 2);
	assert_int_equal(module_options_find_unknown(&options, known, &err)->line, 2);
	assert_string_equal(err.text,
	    "the module has no option \"module.intreval\", did you mean \"module.interval\"?");
	error_clear(&err);
	assert_int_equal(module_options_find_unknown(&options, none, &err)->line, 1);
	assert_string_equal(err.text, "the module has no option \"module.title\"");
}

static void
test_copy(void **state)
{
	struct module_options copy = {.count = 0};

	(void)state;
	add("module.a", "1", 3);
	add("module.b", "2", 4);
	module_options_copy(&copy, &options);
	module_options_clear(&options);
	assert_int_equal(copy.count, 2);
	assert_string_equal(module_options_find(&copy, "b")->value, "2");
	assert_int_equal(module_options_find(&copy, "b")->line, 4);
	module_options_clear(&copy);
}

static void
test_same(void **state)
{
	struct module_options other = {.count = 0};

	(void)state;
	assert_true(module_options_are_same(&options, &other));
	add("module.a", "1", 3);
	assert_false(module_options_are_same(&options, &other));
	add("module.b", "2", 4);
	add_to(&other, "module.b", "2", 7);
	assert_false(module_options_are_same(&other, &options));
	add_to(&other, "module.a", "1", 8);
	assert_true(module_options_are_same(&options, &other));
	module_options_clear(&other);
	add_to(&other, "module.b", "2", 7);
	add_to(&other, "module.a", "one", 8);
	assert_false(module_options_are_same(&options, &other));
	module_options_clear(&other);
}

#define TEST(name) cmocka_unit_test_teardown(test_##name, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(add),
	    TEST(unknown),
	    TEST(copy),
	    TEST(same),
	};

	return cmocka_run_group_tests_name("module_options", tests, NULL, NULL);
}
