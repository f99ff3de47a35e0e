/*
 * The signatures are node's (crypto.createHmac); the first two are also examples of the protocol's
 * documentation.
 */
#include "sessiond/pusher/pusher_auth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define KEY    "278d425bdf160c739803"
#define SECRET "7ad3773142a6692b25b8"
#define PLAIN  "58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4"
#define DATA   "{\"user_id\":10,\"user_info\":{\"name\":\"Mr. Channels\"}}"
#define MEMBER "31935e7d86dba64c2a90aed31fdc61869f9b22ba9d8863bba239c03ca481bc80"
#define USER   "4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba"

static bool
channel(const char *id, const char *name, const char *data, const char *auth)
{
	return pusher_auth_channel_is_right(KEY, SECRET, id, name, data, auth);
}

static void
test_channel(void **state)
{
	(void)state;
	assert_true(channel("1234.1234", "private-foobar", NULL, KEY ":" PLAIN));
	assert_true(channel("1234.1234", "presence-foobar", DATA, KEY ":" MEMBER));
	assert_false(channel("1234.1235", "private-foobar", NULL, KEY ":" PLAIN));
	assert_false(channel("1234.1234", "private-foobaz", NULL, KEY ":" PLAIN));
	assert_false(channel("1234.1234", "private-foobar", "", KEY ":" PLAIN));
	assert_false(channel("1234.1234", "presence-foobar", NULL, KEY ":" MEMBER));
	assert_false(channel("1234.1234", "presence-foobar", "{}", KEY ":" MEMBER));
	assert_false(pusher_auth_channel_is_right(
	    KEY, "other", "1234.1234", "private-foobar", NULL, KEY ":" PLAIN));
}

static void
test_form(void **state)
{
	static const char *const wrong[] = {
	    NULL,
	    "",
	    ":",
	    PLAIN,
	    ":" PLAIN,
	    KEY PLAIN,
	    KEY,
	    KEY ":",
	    KEY ":" PLAIN "0",
	    KEY "0:" PLAIN,
	    "0" KEY ":" PLAIN,
	    KEY ":58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a",
	    KEY ":58DF8B0C36D6982B82C3ECF6B4662E34FE8C25BBA48F5369F135BF843651C3A4",
	    KEY ":58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a5",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		assert_false(channel("1234.1234", "private-foobar", NULL, wrong[i]));
}

static void
test_user(void **state)
{
	static const char data[] = "{\"id\":\"12345\"}";

	(void)state;
	assert_true(pusher_auth_user_is_right(KEY, SECRET, "1234.1234", data, KEY ":" USER));
	assert_false(pusher_auth_user_is_right(KEY, SECRET, "1234.1235", data, KEY ":" USER));
	assert_false(pusher_auth_user_is_right(KEY, SECRET, "1234.1234", "{}", KEY ":" USER));
	assert_false(pusher_auth_user_is_right(KEY, SECRET, "1234.1234", data, NULL));
	assert_false(pusher_auth_user_is_right(KEY, "", "1234.1234", data, KEY ":" USER));
}

/* In pieces it is the same. */
static void
test_signing(void **state)
{
	char signature[PUSHER_SIGNATURE_SIZE];
	struct pusher_signing signing;

	(void)state;
	pusher_signing_begin(&signing, SECRET);
	pusher_signing_add(&signing, "1234.", 5);
	pusher_signing_add(&signing, "", 0);
	pusher_signing_add(&signing, "1234:private-foobar", 19);
	pusher_signing_end(&signing, signature);
	assert_string_equal(signature, PLAIN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_channel),
	    cmocka_unit_test(test_form),
	    cmocka_unit_test(test_user),
	    cmocka_unit_test(test_signing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
