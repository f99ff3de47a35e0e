/*
 * conf/conf.h: tables, and options of a section that are applied one by one.
 */
#include "tests/unit/conf/conf_fixture.h"

static int
apply(const struct conf_option *options, size_t n, struct conf_seen *seen, const char *name,
    const char *value, unsigned number, struct error *err)
{
	const struct conf_line line = {
	    .section = "s", .name = name, .value = value, .number = number, .seen = seen};

	return conf_apply(options, n, &settings, &line, err);
}

static void
refuse_apply(struct conf_seen *seen, const char *name, const char *value, const char *expected)
{
	struct error err = ERROR_INIT;

	assert_int_equal(apply(table, OPTIONS, seen, name, value, 9, &err), -1);
	assert_string_equal(err.text, expected);
	assert_int_equal(err.code, EX_CONFIG);
}

static void
test_apply(void **state)
{
	struct error err = ERROR_INIT;
	struct conf_seen seen = {0}, other = {0};

	(void)state;
	assert_int_equal(apply(table, OPTIONS, &seen, "max_sessions", "7", 3, &err), 0);
	assert_int_equal(settings.number, 7);
	refuse_apply(
	    &seen, "max_sessions", "8", "option \"max_sessions\" was already set on line 3");
	assert_int_equal(settings.number, 7);
	assert_int_equal(apply(table, OPTIONS, &other, "max_sessions", "9", 5, &err), 0);
	assert_int_equal(settings.number, 9);
	refuse_apply(&other, "colour", "pink", "colour: \"pink\" is not one of: red, green, blue");
	refuse_apply(&seen, "respnse_limit", "1",
	    "unknown option \"respnse_limit\", did you mean \"response_limit\"?");
	refuse_apply(&seen, "frobnicate", "1", "unknown option \"frobnicate\"");
	refuse_apply(&seen, "\x1b", "1", "unknown option \"\\x1b\"");
	assert_ptr_equal(conf_find(table, OPTIONS, "path"), &table[7]);
	assert_null(conf_find(table, OPTIONS, "Path"));
	assert_null(conf_find(table, 7, "path"));
}

static int
refuse_blue(const char *option, const char *value, struct error *err)
{
	return strstr(value, "blue") != NULL ? error_set(err, EX_CONFIG, "%s: not blue", option)
					     : 0;
}

static void
test_list(void **state)
{
	static const struct conf_option list = {.name = "path",
	    .type = CONF_STRING,
	    .offset = offsetof(struct settings, path),
	    .max = 12,
	    .check = refuse_blue,
	    .is_list = true};
	struct error err = ERROR_INIT;
	struct conf_seen seen = {0}, other = {0};

	(void)state;
	assert_int_equal(apply(&list, 1, &seen, "path", "red", 3, &err), 0);
	assert_int_equal(apply(&list, 1, &seen, "path", "green", 4, &err), 0);
	assert_string_equal(settings.path, "red green");
	/* Another section begins anew. */
	assert_int_equal(apply(&list, 1, &other, "path", "green", 9, &err), 0);
	assert_string_equal(settings.path, "green");
	assert_int_equal(apply(&list, 1, &other, "path", "blue", 10, &err), -1);
	assert_string_equal(err.text, "path: not blue");
	error_clear(&err);
	assert_int_equal(apply(&list, 1, &other, "path", "too long", 11, &err), -1);
}

static int
refuse_seven(const char *option, const char *value, struct error *err)
{
	return strcmp(value, "7") == 0 ? error_set(err, EX_CONFIG, "%s: not this one", option) : 0;
}

/* A check sees values that the type takes, and no others. */
static void
test_check(void **state)
{
	static struct conf_option checked[OPTIONS];
	struct conf_seen seen = {0};
	struct error err = ERROR_INIT;

	(void)state;
	memcpy(checked, table, sizeof checked);
	for (size_t i = 0; i < OPTIONS; i++)
		checked[i].check = refuse_seven;
	assert_int_equal(apply(checked, OPTIONS, &seen, "max_sessions", "8", 1, &err), 0);
	assert_int_equal(settings.number, 8);
	seen.n = 0;
	assert_int_equal(apply(checked, OPTIONS, &seen, "max_sessions", "7", 1, &err), -1);
	assert_string_equal(err.text, "max_sessions: not this one");
	error_clear(&err);
	assert_int_equal(apply(checked, OPTIONS, &seen, "colour", "7", 1, &err), -1);
	assert_string_equal(err.text, "colour: \"7\" is not one of: red, green, blue");
}

/* Runs statement in a child process, which must exit with the code and this line on stderr. */
#define ASSERT_FATAL(statement, exit_code, expected)                                               \
	do {                                                                                       \
		int out[2], status;                                                                \
		pid_t pid;                                                                         \
		assert_int_equal(pipe(out), 0);                                                    \
		pid = fork();                                                                      \
		assert_true(pid != -1);                                                            \
		if (pid == 0) {                                                                    \
			dup2(out[1], STDERR_FILENO);                                               \
			statement;                                                                 \
			_exit(0);                                                                  \
		}                                                                                  \
		close(out[1]);                                                                     \
		assert_line_of(out[0], expected);                                                  \
		assert_int_equal(waitpid(pid, &status, 0), pid);                                   \
		assert_true(WIFEXITED(status));                                                    \
		assert_int_equal(WEXITSTATUS(status), exit_code);                                  \
	} while (0)

static void
assert_line_of(int fd, const char *expected)
{
	char line[300];
	ssize_t n = read(fd, line, sizeof line - 1);

	close(fd);
	assert_true(n > 0);
	line[n] = '\0';
	assert_non_null(strstr(line, expected));
}

static void
apply_all(const struct conf_option *options, size_t n)
{
	struct conf_seen seen = {0};

	for (size_t i = 0; i < n; i++)
		apply(options, n, &seen, options[i].name, "1", 1, NULL);
}

/* The limits of this code itself: as large as allowed, and one more. */
static void
test_broken_tables(void **state)
{
	static char storage[CONF_OPTIONS_MAX + 1][8];
	static struct conf_option options[CONF_OPTIONS_MAX + 1];
	static const char *names[SETS_MAX + 2];
	struct conf_option set = {
	    "s", CONF_SET, offsetof(struct settings, set), 0, 0, NULL, names, ""};
	struct conf_seen seen = {0};
	struct error err = ERROR_INIT;

	(void)state;
	for (int i = 0; i <= CONF_OPTIONS_MAX; i++) {
		snprintf(storage[i], sizeof storage[i], "o%d", i);
		options[i] = table[1];
		options[i].name = storage[i];
	}
	for (int i = 0; i <= SETS_MAX; i++)
		names[i] = storage[i];
	ASSERT_FATAL(conf_parse_value(&set, &settings, "all", NULL), EX_SOFTWARE,
	    "error: a set of configuration names has more than 32 of them\n");
	apply_all(options, CONF_OPTIONS_MAX);
	ASSERT_FATAL(apply_all(options, CONF_OPTIONS_MAX + 1), EX_SOFTWARE,
	    "error: a section has more than 128 options\n");
	assert_int_equal(apply(options, CONF_OPTIONS_MAX, &seen, "xyz", "1", 1, &err), -1);
	ASSERT_FATAL(apply(options, CONF_OPTIONS_MAX + 1, &seen, "xyz", "1", 1, &err), EX_SOFTWARE,
	    "error: a table has more than 128 options\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_apply, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_list, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_check, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_broken_tables, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("conf_apply", tests, NULL, NULL);
}
