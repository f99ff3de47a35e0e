/*
 * conf/conf_suggest.h
 */
#include "conf/conf_suggest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void
test_suggest(void **state)
{
	static const char *const names[] = {"response_limit", "heartbeat_delay", "disconnect_delay",
	    "websocket", "on", "no", "log"};
	static const struct {
		const char *word, *expected;
	} cases[] = {
	    {"respnse_limit", "response_limit"},    /* one missing */
	    {"responsee_limit", "response_limit"},  /* one too many */
	    {"resqonse_limit", "response_limit"},   /* another */
	    {"reponsse_limit", "response_limit"},   /* two */
	    {"hearbtaet_delay", "heartbeat_delay"}, /* two neighbours exchanged, twice */
	    {"heartbeatDelay", "heartbeat_delay"},  /* sockjs-node's way */
	    {"HEARTBEAT_DELAY", "heartbeat_delay"},
	    {"hart_delay", "heartbeat_delay"}, /* 5 of 15 */
	    {"har_delay", NULL},	       /* 6 of 15 */
	    {"websockets", "websocket"},
	    {"wbesocket", "websocket"},
	    {"web_scket", "websocket"},
	    {"web_scet", "websocket"}, /* 3 of 9 */
	    {"wb_scet", NULL},	       /* 4 of 9 */
	    {"on", "on"},
	    {"no", "no"},
	    {"onn", "on"},
	    {"nop", "no"},
	    {"lgo", "log"},
	    {"lo", "no"}, /* as near as "log", and before it */
	    {"xy", NULL},
	    {"x", NULL},
	    {"", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *got =
		    conf_suggest(cases[i].word, names, sizeof names / sizeof names[0]);

		if (cases[i].expected == NULL)
			assert_null(got);
		else
			assert_string_equal(got == NULL ? "(none)" : got, cases[i].expected);
	}
	assert_null(conf_suggest("on", names, 0));
}

static void
test_suggest_long_words(void **state)
{
	char word[65], longer[65];
	const char *candidate = longer;

	(void)state;
	memset(word, 'x', sizeof word);
	memset(longer, 'x', sizeof longer);
	word[63] = longer[62] = '\0';
	assert_ptr_equal(conf_suggest(word, &candidate, 1), longer);
	word[63] = 'x';
	word[64] = '\0';
	assert_null(conf_suggest(word, &candidate, 1));
	word[62] = '\0';
	longer[62] = 'x';
	longer[64] = '\0';
	assert_null(conf_suggest(word, &candidate, 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_suggest),
	    cmocka_unit_test(test_suggest_long_words),
	};

	return cmocka_run_group_tests_name("conf_suggest", tests, NULL, NULL);
}
