/* sessiond/ctl/event.h: what people see of an event. */
#include "sessiond/ctl/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static void
expect(const char *line, int status, const char *text)
{
	char *printed;
	size_t len;
	FILE *to = open_memstream(&printed, &len);

	assert_int_equal(event_print(line, to), status);
	fclose(to);
	assert_string_equal(printed, text);
	free(printed);
}

static void
test_events(void **state)
{
	(void)state;
	expect("{\"time\":3723004,\"event\":\"opened\",\"service\":\"/a\",\"id\":\"i\","
	       "\"transport\":\"websocket\",\"address\":\"::1\"}",
	    0, "01:02:03.004  opened       /a i websocket ::1\n");
	expect("{\"time\":0,\"event\":\"closed\",\"service\":\"/a\",\"id\":\"i\",\"code\":3000,"
	       "\"reason\":\"Go \\u001baway!\"}",
	    0, "00:00:00.000  closed       /a i 3000 \"Go \\u001Baway!\"\n");
	expect("{\"time\":0,\"event\":\"closed\",\"service\":\"/a\",\"id\":\"i\",\"code\":0,"
	       "\"reason\":\"\"}",
	    0, "00:00:00.000  closed       /a i its client has gone\n");
	expect("{\"time\":0,\"event\":\"published\",\"service\":\"/a\",\"channel\":\"c\\u009b\","
	       "\"length\":200,\"data\":\"ab\\u0000\"}",
	    0, "00:00:00.000  published    /a c\\u009b 200 B \"ab\\u0000\"...\n");
	expect("{\"time\":0,\"event\":\"received\",\"service\":\"/a\",\"id\":\"i\",\"length\":2,"
	       "\"binary\":true}",
	    0, "00:00:00.000  received     /a i 2 B binary\n");
	expect("{\"event\":\"lost\",\"count\":7}", 0, "7 events were not shown\n");
	expect("{\"time\":0,\"event\":\"something new\",\"service\":\"/a\"}", 0,
	    "00:00:00.000  something new /a\n");
}

static void
test_no_events(void **state)
{
	(void)state;
	expect("", -1, "");
	expect("[]", -1, "");
	expect("{\"event\":1}", -1, "");
	expect("{\"event\":\"sent\"", -1, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_events),
	    cmocka_unit_test(test_no_events),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
