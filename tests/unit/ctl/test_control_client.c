/* sessiond/ctl/control_client.h: answers, whole and not, and who cannot be asked. */
#include "sessiond/ctl/control_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sysexits.h>

#include <cmocka.h>

static void
test_answers(void **state)
{
	static const struct {
		const char *text;
		int status;
		const char *body;
	} cases[] = {
	    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nup\n", 200, "up\n"},
	    {"HTTP/1.1 422 Unprocessable\r\ncontent-length:0\r\nX: y\r\n\r\n", 422, ""},
	    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nup", -1, NULL},
	    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nup\n.", -1, NULL},
	    {"HTTP/1.1 200 OK\r\n\r\nContent-Length: 0\r\n\r\n", -1, NULL},
	    {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", -1, NULL},
	    {"HTTP/1.1 200 OK\r\n\r\nup\n", -1, NULL},
	    {"SSH-2.0-OpenSSH\r\n", -1, NULL},
	    {"", -1, NULL},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct buffer text = BUFFER_INIT;

		buffer_append_str(&text, cases[i].text);
		assert_int_equal(control_take_answer(&text), cases[i].status);
		if (cases[i].body != NULL) {
			assert_string_equal(text.data, cases[i].body);
			assert_int_equal(text.len, strlen(cases[i].body));
		}
		buffer_free(&text);
	}
}

static void
test_nobody(void **state)
{
	struct buffer body = BUFFER_INIT;
	struct error err = ERROR_INIT;
	char longer[200];

	(void)state;
	assert_int_equal(control_ask("/no/such/socket", "GET", "/up", NULL, &body, &err), -1);
	assert_int_equal(err.code, EX_UNAVAILABLE);
	assert_non_null(strstr(err.text, "the daemon is not running"));
	error_clear(&err);
	memset(longer, 'x', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	assert_int_equal(control_ask(longer, "GET", "/up", NULL, &body, &err), -1);
	assert_int_equal(err.code, EX_USAGE);
	buffer_free(&body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_answers),
	    cmocka_unit_test(test_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
