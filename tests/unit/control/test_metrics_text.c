/* sessiond/control/metrics_text.h: the text format of Prometheus, version 0.0.4. */
#include "sessiond/control/metrics_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct buffer out = BUFFER_INIT;

static void
expect(const char *text)
{
	buffer_append_char(&out, '\0');
	assert_string_equal(out.data, text);
	buffer_free(&out);
}

static void
test_family(void **state)
{
	(void)state;
	metric_family(&out, "a_total", "counter", "What it is.");
	metric_sample(&out, "a_total", 1, "x", "y", "z", "", NULL);
	metric_sample(&out, "a_total", 2, NULL);
	expect("# HELP a_total What it is.\n# TYPE a_total counter\na_total{x=\"y\",z=\"\"} 1\n"
	       "a_total 2\n");
	metric_single(&out, "b", "gauge", "Help.", 0);
	expect("# HELP b Help.\n# TYPE b gauge\nb 0\n");
}

static void
test_label_values(void **state)
{
	(void)state;
	metric_sample(&out, "a", 1, "v", "q\"b\\n\nu\xc3\xa9", NULL);
	expect("a{v=\"q\\\"b\\\\n\\nu\xc3\xa9\"} 1\n");
	/* What is no UTF-8 must not make the whole text unreadable. */
	metric_sample(&out, "a", 1, "v", "\xff\"\xc3", NULL);
	expect("a{v=\"\xef\xbf\xbd\\\"\xef\xbf\xbd\"} 1\n");
}

static void
test_numbers(void **state)
{
	static const struct {
		double value;
		const char *text;
	} cases[] = {
	    {0, "a 0\n"},
	    {-3, "a -3\n"},
	    {1234567890123, "a 1234567890123\n"},
	    {9007199254740991, "a 9007199254740991\n"},
	    {1e300, "a 1e+300\n"},
	    {0.025, "a 0.025\n"},
	    {12345.678901, "a 12345.6789\n"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		metric_sample(&out, "a", cases[i].value, NULL);
		expect(cases[i].text);
	}
}

static void
test_daemon(void **state)
{
	(void)state;
	metrics_of_daemon(3);
	metric_sample(&out, "a", 1, NULL);
	metric_sample(&out, "a", 1, "v", "x", NULL);
	expect("a{daemon=\"3\"} 1\na{daemon=\"3\",v=\"x\"} 1\n");
	metrics_of_daemon(-1);
	metric_sample(&out, "a", 1, NULL);
	expect("a 1\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_family),
	    cmocka_unit_test(test_label_values),
	    cmocka_unit_test(test_numbers),
	    cmocka_unit_test(test_daemon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
