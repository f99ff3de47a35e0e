/*
 * sessiond/pusher/pusher_message.h, pusher_channel.h: socket ids, and what names say.
 */
#include "sessiond/pusher/pusher_channel.h"
#include "sessiond/pusher/pusher_message.h"
#include "sessiond/session/uuid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
test_socket_ids(void **state)
{
	static const char *const wrong[] = {"", ".", "1", "1.", ".1", "1.2.3", "1.2 ", " 1.2",
	    "+1.2", "-1.2", "01.2", "1.02", "18446744073709551616.1", "1.18446744073709551616",
	    "x.y", "1.2x", "99999999999999999999999.1"};
	char uuid[UUID_SIZE], id[PUSHER_SOCKET_ID_SIZE], again[PUSHER_UUID_SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < 1000; i++) {
		uuid_make(uuid);
		pusher_socket_id(uuid, id);
		assert_true(pusher_socket_uuid(id, again));
		assert_string_equal(uuid, again);
	}
	pusher_socket_id("ffffffff-ffff-ffff-ffff-ffffffffffff", id);
	assert_string_equal(id, "18446744073709551615.18446744073709551615");
	assert_true(pusher_socket_uuid("1.2", again));
	assert_string_equal(again, "00000000-0000-0001-0000-000000000002");
	for (i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		assert_false(pusher_socket_uuid(wrong[i], again));
}

static void
expect_type(const char *name, struct pusher_channel_type expected)
{
	struct pusher_channel_type type = pusher_channel_type(name, strlen(name));

	assert_int_equal(type.is_private, expected.is_private);
	assert_int_equal(type.is_presence, expected.is_presence);
	assert_int_equal(type.is_encrypted, expected.is_encrypted);
	assert_int_equal(type.is_cache, expected.is_cache);
	assert_int_equal(type.is_user, expected.is_user);
}

static void
test_types(void **state)
{
	(void)state;
	expect_type("news", (struct pusher_channel_type){false});
	expect_type("cache-x", (struct pusher_channel_type){.is_cache = true});
	expect_type("private-x", (struct pusher_channel_type){.is_private = true});
	expect_type(
	    "private-cache-x", (struct pusher_channel_type){.is_private = true, .is_cache = true});
	expect_type("private-encrypted-x",
	    (struct pusher_channel_type){.is_private = true, .is_encrypted = true});
	expect_type("private-encrypted-cache-x",
	    (struct pusher_channel_type){
		.is_private = true, .is_encrypted = true, .is_cache = true});
	expect_type(
	    "presence-x", (struct pusher_channel_type){.is_private = true, .is_presence = true});
	expect_type("presence-cache-x",
	    (struct pusher_channel_type){
		.is_private = true, .is_presence = true, .is_cache = true});
	expect_type("presence-encrypted-x",
	    (struct pusher_channel_type){.is_private = true, .is_presence = true});
	expect_type("#server-to-user-private-x", (struct pusher_channel_type){.is_user = true});
	expect_type("Private-x", (struct pusher_channel_type){false});
	expect_type("private", (struct pusher_channel_type){false});
	expect_type("", (struct pusher_channel_type){false});
}

static void
test_names(void **state)
{
	static const char *const right[] = {
	    "a", "A-Z_=@,.;09", "private-", "#server-to-user-a b\xc3\xa4"};
	static const char *const wrong[] = {"", " ", "a b", "a/b", "\xc3\xa4", "#",
	    "#server-to-user-", "#server-to-users-x", "a#", "#server-to-user-\xff"};
	char longest[PUSHER_NAME_MAX + 1];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof right / sizeof right[0]; i++)
		assert_true(pusher_channel_name_is_valid(right[i], strlen(right[i])));
	for (i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		assert_false(pusher_channel_name_is_valid(wrong[i], strlen(wrong[i])));
	memset(longest, 'x', sizeof longest);
	assert_true(pusher_channel_name_is_valid(longest, PUSHER_NAME_MAX));
	assert_false(pusher_channel_name_is_valid(longest, PUSHER_NAME_MAX + 1));
	assert_false(pusher_channel_name_is_valid("a\0b", 3));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_socket_ids),
	    cmocka_unit_test(test_types),
	    cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
