/*
 * conf/conf.h: values.
 */
#include "tests/unit/conf/conf_fixture.h"

static void
test_defaults(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_true(settings.flag);
	assert_int_equal(settings.number, 5000);
	assert_int_equal(settings.bytes, 131072);
	assert_int_equal(settings.delay, 25000);
	assert_string_equal(settings.text, "none");
	assert_int_equal(settings.choice, 1);
	assert_int_equal(settings.set, 5);
	assert_null(settings.path);
	accept("path", "/x"); /* again, over other values */
	accept("title", "changed");
	accept("websocket", "off");
	assert_int_equal(conf_set_defaults(table, OPTIONS, &settings, &err), 0);
	assert_null(settings.path);
	assert_string_equal(settings.text, "none");
	assert_true(settings.flag);
}

static void
test_default_without_text_is_zero(void **state)
{
	static const struct conf_option zero = {
	    "n", CONF_U32, offsetof(struct settings, number), 0, 0, NULL, NULL, ""};
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(conf_set_defaults(&zero, 1, &settings, &err), 0);
	assert_int_equal(settings.number, 0);
	assert_int_equal(settings.delay, 25000);
}

static void
test_wrong_default(void **state)
{
	static const struct conf_option wrong = {
	    "n", CONF_U32, offsetof(struct settings, number), 5, 6, "7", NULL, ""};
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(conf_set_defaults(&wrong, 1, &settings, &err), -1);
	assert_string_equal(err.text, "n: \"7\" is out of range (5 to 6)");
}

static void
test_bool(void **state)
{
	static const char *const on[] = {"on", "yes", "true", "On", "YES"};
	static const char *const off[] = {"off", "no", "false", "OFF", "False"};

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		accept("websocket", off[i]);
		assert_false(settings.flag);
		accept("websocket", on[i]);
		assert_true(settings.flag);
	}
	refuse("websocket", "maybe", "websocket: \"maybe\" is neither \"on\" nor \"off\"");
	refuse("websocket", "", "websocket: \"\" is neither \"on\" nor \"off\"");
	refuse("websocket", "1", "websocket: \"1\" is neither \"on\" nor \"off\"");
}

static void
test_u32(void **state)
{
	static const char *const bad[] = {
	    "", "x", "-1", "+1", " 1", "1 ", "1k", "0x10", "1.5", "1,000", "1s"};
	char expected[200];

	(void)state;
	accept("max_sessions", "1");
	assert_int_equal(settings.number, 1);
	accept("max_sessions", "100000");
	accept("max_sessions", "000000000000000000000000000000042");
	assert_int_equal(settings.number, 42);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		snprintf(expected, sizeof expected,
		    "max_sessions: \"%s\" is not a number (1 to 100000)", bad[i]);
		refuse("max_sessions", bad[i], expected);
	}
	refuse("max_sessions", "0", "max_sessions: \"0\" is out of range (1 to 100000)");
	refuse("max_sessions", "100001", "max_sessions: \"100001\" is out of range (1 to 100000)");
	/* 2^64 + 1 must not become 1. */
	refuse("max_sessions", "18446744073709551617",
	    "max_sessions: \"18446744073709551617\" is out of range (1 to 100000)");
}

/* A max of 0, or one that the type can't hold, means the largest of the type. */
static void
test_largest_of_type(void **state)
{
	struct conf_option option = table[1];
	struct error err = ERROR_INIT;
	char most[24];

	(void)state;
	for (int i = 0; i < 2; i++) {
		option.max = i == 0 ? 0 : UINT64_MAX;
		assert_int_equal(conf_parse_value(&option, &settings, "4294967295", &err), 0);
		assert_true(settings.number == UINT32_MAX);
		error_clear(&err);
		assert_int_equal(conf_parse_value(&option, &settings, "4294967296", &err), -1);
		assert_string_equal(
		    err.text, "max_sessions: \"4294967296\" is out of range (1 to 4294967295)");
		error_clear(&err);
	}
	option = table[2];
	option.max = 0;
	assert_int_equal(conf_parse_value(&option, &settings, "0", &err), -1);
	assert_string_equal(err.text, "response_limit: \"0\" is out of range (1 or more)");
	error_clear(&err);
	assert_int_equal(conf_parse_value(&option, &settings, "x", &err), -1);
	assert_string_equal(err.text, "response_limit: \"x\" is not a number of bytes (1 or more)");
	error_clear(&err);
	snprintf(most, sizeof most, "%zuG", SIZE_MAX >> 30);
	assert_int_equal(conf_parse_value(&option, &settings, most, &err), 0);
	assert_true(settings.bytes == SIZE_MAX >> 30 << 30);
	snprintf(most, sizeof most, "%zu", SIZE_MAX);
	assert_int_equal(conf_parse_value(&option, &settings, most, &err), 0);
	assert_true(settings.bytes == SIZE_MAX);
	/* Too large for 64 bits: by the suffix, by the last digit, by the last but one. */
	assert_int_equal(conf_parse_value(&option, &settings, "17179869184G", NULL), -1);
	assert_int_equal(conf_parse_value(&option, &settings, "18446744073709551616", NULL), -1);
	assert_int_equal(conf_parse_value(&option, &settings, "18446744073709551620", NULL), -1);
	assert_int_equal(conf_parse_value(&option, &settings, "36893488147419103232", NULL), -1);
	option = table[3];
	option.max = 0;
	assert_int_equal(conf_parse_value(&option, &settings, "31536000000", &err), 0);
	assert_true(settings.delay == CONF_MS_MAX);
	assert_int_equal(conf_parse_value(&option, &settings, "31536000001", &err), -1);
	assert_string_equal(
	    err.text, "heartbeat_delay: \"31536000001\" is out of range (1 to 31536000000)");
	assert_int_equal(conf_parse_value(&option, &settings, "18446744073709552s", NULL), -1);
	assert_true(settings.delay == CONF_MS_MAX);
}

static void
test_size(void **state)
{
	static const char *const bad[] = {"", "k", "-1", "1s", "1.5M", "1T"};
	static const char *const meant[][2] = {{"1kb", "1k"}, {"1 k", "1k"}, {"12 MiB", "12m"}};
	char expected[200];

	(void)state;
	accept("response_limit", "1");
	accept("response_limit", "3k");
	assert_int_equal(settings.bytes, 3072);
	accept("response_limit", "4K");
	assert_int_equal(settings.bytes, 4096);
	accept("response_limit", "1M");
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		snprintf(expected, sizeof expected,
		    "response_limit: \"%s\" is not a number of bytes (1 to 1048576)", bad[i]);
		refuse("response_limit", bad[i], expected);
	}
	for (size_t i = 0; i < sizeof meant / sizeof meant[0]; i++) {
		snprintf(expected, sizeof expected,
		    "response_limit: \"%s\" is not a number of bytes (1 to 1048576); say %s",
		    meant[i][0], meant[i][1]);
		refuse("response_limit", meant[i][0], expected);
	}
	refuse("response_limit", "2m", "response_limit: \"2m\" is out of range (1 to 1048576)");
	refuse("response_limit", "1g", "response_limit: \"1g\" is out of range (1 to 1048576)");
	refuse("response_limit", "0k", "response_limit: \"0k\" is out of range (1 to 1048576)");
}

static void
test_ms(void **state)
{
	static const char *const bad[] = {"25x", "", "s", "1h", "-5", "1.5s", "ms"};
	static const char *const meant[][2] = {{"1 s", "1s"}, {"25 sec", "25s"}, {"5min", "5m"},
	    {"5 minutes", "5m"}, {"7 msec", "7ms"}, {"7 Milliseconds", "7ms"}};
	char expected[200];

	(void)state;
	accept("heartbeat_delay", "1");
	accept("heartbeat_delay", "250ms");
	assert_int_equal(settings.delay, 250);
	accept("heartbeat_delay", "25s");
	assert_int_equal(settings.delay, 25000);
	accept("heartbeat_delay", "2m");
	assert_int_equal(settings.delay, 120000);
	accept("heartbeat_delay", "1440m");
	assert_int_equal(settings.delay, 86400000);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		snprintf(expected, sizeof expected,
		    "heartbeat_delay: \"%s\" is not a number of milliseconds (1 to 86400000)",
		    bad[i]);
		refuse("heartbeat_delay", bad[i], expected);
	}
	for (size_t i = 0; i < sizeof meant / sizeof meant[0]; i++) {
		snprintf(expected, sizeof expected,
		    "heartbeat_delay: \"%s\" is not a number of milliseconds (1 to 86400000); say %s",
		    meant[i][0], meant[i][1]);
		refuse("heartbeat_delay", meant[i][0], expected);
	}
	refuse("heartbeat_delay", "0", "heartbeat_delay: \"0\" is out of range (1 to 86400000)");
	refuse("heartbeat_delay", "1441m",
	    "heartbeat_delay: \"1441m\" is out of range (1 to 86400000)");
}

static void
test_string(void **state)
{
	(void)state;
	accept("title", "ab");
	accept("title", "0123456789");
	assert_string_equal(settings.text, "0123456789");
	refuse("title", "", "title: must not be empty");
	refuse("title", "x", "title: \"x\" is shorter than 2 bytes");
	refuse("title", "01234567890", "title: \"01234567890\" is longer than 10 bytes");
	assert_string_equal(settings.text, "0123456789");
	accept("path", "");
	assert_string_equal(settings.path, "");
	accept("path", "/run/x");
	accept("path", settings.path); /* its own value again */
	assert_string_equal(settings.path, "/run/x");
}

static void
test_enum(void **state)
{
	(void)state;
	accept("colour", "blue");
	assert_int_equal(settings.choice, 2);
	accept("colour", "red");
	assert_int_equal(settings.choice, 0);
	refuse("colour", "pink", "colour: \"pink\" is not one of: red, green, blue");
	refuse("colour", "", "colour: \"\" is not one of: red, green, blue");
	refuse("colour", "re", "colour: \"re\" is not one of: red, green, blue");
	refuse("colour", "redd", "colour: \"redd\" is not one of: red, green, blue");
}

static void
test_set(void **state)
{
	struct conf_option may_be_empty = table[6];
	struct error err = ERROR_INIT;

	(void)state;
	accept("colours", "green");
	assert_int_equal(settings.set, 2);
	accept("colours", "green,red");
	assert_int_equal(settings.set, 3);
	accept("colours", " ,blue\tred ,, ");
	assert_int_equal(settings.set, 5);
	accept("colours", "red red");
	assert_int_equal(settings.set, 1);
	accept("colours", "all");
	assert_int_equal(settings.set, 7);
	accept("colours", "green all");
	assert_int_equal(settings.set, 7);
	refuse(
	    "colours", "red pink green", "colours: \"pink\" is not one of: red, green, blue, all");
	refuse("colours", "re", "colours: \"re\" is not one of: red, green, blue, all");
	refuse("colours", "alls", "colours: \"alls\" is not one of: red, green, blue, all");
	refuse("colours", "", "colours: must not be empty");
	refuse("colours", " , ", "colours: must not be empty");
	may_be_empty.min = 0;
	assert_int_equal(conf_parse_value(&may_be_empty, &settings, "", &err), 0);
	assert_int_equal(settings.set, 0);
}

/* All 32 bits; and a list of names that is too long for an error is cut, not overrun. */
static void
test_large_set(void **state)
{
	static char storage[32][16];
	const char *names[33];
	struct conf_option option = {
	    "many", CONF_SET, offsetof(struct settings, set), 0, 0, NULL, names, ""};
	struct error err = ERROR_INIT;

	(void)state;
	for (int i = 0; i < 32; i++) {
		snprintf(storage[i], sizeof storage[i], "long_name_%02d", i);
		names[i] = storage[i];
	}
	names[32] = NULL;
	assert_int_equal(conf_parse_value(&option, &settings, "all", &err), 0);
	assert_true(settings.set == 0xffffffff);
	assert_int_equal(conf_parse_value(&option, &settings, "long_name_31", &err), 0);
	assert_true(settings.set == 0x80000000);
	assert_int_equal(conf_parse_value(&option, &settings, "x", &err), -1);
	assert_non_null(strstr(err.text, "many: \"x\" is not one of: long_name_00, long_name_01,"));
	assert_true(strlen(err.text) < 300);
}

/* What an error shows of a value is harmless and short. */
static void
test_quote(void **state)
{
	char out[CONF_QUOTED_SIZE], text[300];

	(void)state;
	assert_string_equal(conf_quote("a b", out), "\"a b\"");
	assert_string_equal(conf_quote("", out), "\"\"");
	assert_string_equal(conf_quote("\x1b[2J\n", out), "\"\\x1b[2J\\n\"");
	memset(text, 'x', sizeof text);
	text[299] = '\0';
	assert_ptr_equal(conf_quote(text, out), out);
	assert_int_equal(strlen(out), CONF_QUOTED_SIZE - 1);
	assert_string_equal(out + CONF_QUOTED_SIZE - 6, "x...\"");
	refuse("colour", "\xff\n", "colour: \"\\xff\\n\" is not one of: red, green, blue");
	refuse("colours", text + 100,
	    "colours: \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	    "xxxx...\" is not one of: red, green, blue, all");
}

static void
test_copy(void **state)
{
	struct settings copy = {.guard = 1};

	(void)state;
	accept("title", "mine");
	accept("colours", "blue");
	accept("websocket", "off");
	conf_copy_values(table, OPTIONS, &copy, &settings);
	assert_string_equal(copy.text, "mine");
	assert_ptr_not_equal(copy.text, settings.text);
	assert_null(copy.path);
	assert_int_equal(copy.set, 4);
	assert_false(copy.flag);
	assert_int_equal(copy.number, 5000);
	assert_int_equal(copy.bytes, 131072);
	assert_int_equal(copy.delay, 25000);
	assert_int_equal(copy.choice, 1);
	assert_int_equal(copy.guard, 1);
	/* Over values it has already; a string that is no more is freed. */
	accept("path", "/a");
	accept("title", "yours");
	conf_copy_values(table, OPTIONS, &copy, &settings);
	assert_string_equal(copy.path, "/a");
	assert_string_equal(copy.text, "yours");
	conf_free_values(table, OPTIONS, &settings);
	conf_copy_values(table, OPTIONS, &copy, &settings);
	assert_null(copy.path);
	assert_null(copy.text);
	accept("path", "/b");
	conf_copy_values(table, OPTIONS, &settings, &settings);
	assert_string_equal(settings.path, "/b");
	for (int i = 0; i < 2; i++)
		conf_free_values(table, OPTIONS, &copy);
	assert_int_equal(copy.number, 5000); /* only strings go */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_defaults, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_default_without_text_is_zero, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_wrong_default, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_bool, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_u32, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_largest_of_type, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_size, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_ms, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_string, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_enum, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_set, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_large_set, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_quote, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_copy, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
