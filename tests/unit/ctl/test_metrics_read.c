/* sessiond/ctl/metrics_read.h: reads what metrics_text.h writes. */
#include "sessiond/ctl/metrics_read.h"

#include "sessiond/control/metrics_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
expect(const char *text, const char *json)
{
	json_t *metrics = metrics_read(text);
	char *found;

	if (json == NULL) {
		assert_null(metrics);
		return;
	}
	assert_non_null(metrics);
	found = json_dumps(metrics, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(found, json);
	free(found);
	json_decref(metrics);
}

static void
test_reads(void **state)
{
	(void)state;
	expect("", "{}");
	expect("# HELP a b\n# TYPE a gauge\na 1\n", "{\"a\":[{\"labels\":{},\"value\":1}]}");
	expect("a{x=\"y\",z=\"\"} 2.5\na{x=\"\\\"\\\\\\nn\"} 3\n",
	    "{\"a\":[{\"labels\":{\"x\":\"y\",\"z\":\"\"},\"value\":2.5},"
	    "{\"labels\":{\"x\":\"\\\"\\\\\\nn\"},\"value\":3}]}");
}

static void
test_refuses(void **state)
{
	static const char *const texts[] = {"a", "a 1", "a \n", "a x\n", "a{ 1\n", "a{x} 1\n",
	    "a{x=\"y} 1\n", "a{x=\"y\" 1\n", "a{x=\"y\"}1\n", "# no end", " 1\n", "a 1 2\n"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof texts / sizeof texts[0]; i++)
		expect(texts[i], NULL);
}

/* What one program writes, the other one reads. */
static void
test_round(void **state)
{
	struct buffer out = BUFFER_INIT;
	json_t *metrics;

	(void)state;
	metric_family(&out, "a_total", "counter", "Help.");
	metric_sample(&out, "a_total", 1234567, "service", "~ /x\"\\n\n", "b", "c", NULL);
	metric_sample(&out, "a_total", 1, "service", "/y", "b", "c", NULL);
	metric_single(&out, "b", "gauge", "Help.", 0.5);
	buffer_append_char(&out, '\0');
	metrics = metrics_read(out.data);
	assert_non_null(metrics);
	assert_true(metrics_sum(metrics, "a_total", NULL, NULL) == 1234568);
	assert_true(metrics_sum(metrics, "a_total", "service", "~ /x\"\\n\n") == 1234567);
	assert_true(metrics_sum(metrics, "a_total", "b", "c") == 1234568);
	assert_true(metrics_sum(metrics, "a_total", "b", "d") == 0);
	assert_true(metrics_sum(metrics, "b", NULL, NULL) == 0.5);
	assert_true(metrics_sum(metrics, "nothing", NULL, NULL) == 0);
	json_decref(metrics);
	buffer_free(&out);
}

/* As several daemons have them. */
static void
test_add(void **state)
{
	json_t *sum = metrics_read(
	    "up{daemon=\"0\"} 1\nn{daemon=\"0\",a=\"x\"} 2\nn{daemon=\"0\",a=\"y\"} 3\n");
	json_t *other =
	    metrics_read("up{daemon=\"1\"} 1\nn{daemon=\"1\",a=\"x\"} 5\nm{daemon=\"1\"} 7\n");
	json_t *all = json_object();

	(void)state;
	metrics_add(all, sum);
	metrics_add(all, other);
	assert_int_equal(json_array_size(json_object_get(all, "up")), 1);
	assert_int_equal(json_array_size(json_object_get(all, "n")), 2);
	assert_true(metrics_sum(all, "up", NULL, NULL) == 2);
	assert_true(metrics_sum(all, "n", "a", "x") == 7);
	assert_true(metrics_sum(all, "n", "a", "y") == 3);
	assert_true(metrics_sum(all, "m", NULL, NULL) == 7);
	/* What was added is as it was. */
	assert_true(metrics_sum(other, "n", "daemon", "1") == 5);
	json_decref(all);
	json_decref(sum);
	json_decref(other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_reads),
	    cmocka_unit_test(test_refuses),
	    cmocka_unit_test(test_round),
	    cmocka_unit_test(test_add),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
