/*
 * sessiond/system/accept_share.h: who leaves a connection to another.
 */
#include "sessiond/system/accept_share.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

static void
test_share(void **state)
{
	const struct daemon_place first = {0, 3}, second = {1, 3};
	int fd = accept_share_create();
	struct accept_share *share = accept_share_map(fd), *other = accept_share_map(fd);

	(void)state;
	assert_non_null(share);
	assert_non_null(other);
	close(fd);
	/* Alone: nobody else accepts. */
	accept_share_set(share, 0, 1000);
	assert_false(accept_share_leaves(share, &first));
	/* Another does, as the first sees; and that one has fewer. */
	accept_share_set(other, 1, 10);
	assert_true(accept_share_leaves(share, &first));
	assert_false(accept_share_leaves(other, &second));
	/* A few more are no reason. */
	accept_share_set(share, 0, 12);
	assert_false(accept_share_leaves(share, &first));
	accept_share_set(share, 0, 15);
	accept_share_set(other, 1, 10);
	assert_true(accept_share_leaves(share, &first));
	/* A part of many is none. */
	accept_share_set(share, 0, 1060);
	accept_share_set(other, 1, 1000);
	assert_false(accept_share_leaves(share, &first));
	/* Who accepts no more is nobody to wait for. */
	accept_share_set(other, 1, 0);
	assert_true(accept_share_leaves(share, &first));
	accept_share_leave(other, 1);
	assert_false(accept_share_leaves(share, &first));
}

static void
test_one_that_hangs(void **state)
{
	const struct daemon_place first = {0, 3}, third = {2, 3};
	int fd = accept_share_create();
	struct accept_share *share = accept_share_map(fd);

	(void)state;
	assert_non_null(share);
	close(fd);
	accept_share_set(share, 0, 100);
	accept_share_set(share, 1, 0);
	accept_share_set(share, 2, 100);
	assert_true(accept_share_leaves(share, &first));
	/* It has not taken what was left: what comes is for those who do. */
	assert_false(accept_share_leaves(share, &first));
	accept_share_set(share, 0, 101);
	assert_false(accept_share_leaves(share, &first));
	/* Each finds that out by itself. */
	assert_true(accept_share_leaves(share, &third));
	assert_false(accept_share_leaves(share, &third));
	/* It is there again, with as few as before. */
	accept_share_set(share, 1, 0);
	assert_true(accept_share_leaves(share, &first));
	assert_false(accept_share_leaves(share, &first));
	/* While it says nothing, another one may be left something. */
	accept_share_set(share, 2, 50);
	assert_true(accept_share_leaves(share, &first));
	assert_false(accept_share_leaves(share, &first));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_share),
	    cmocka_unit_test(test_one_that_hangs),
	};

	return cmocka_run_group_tests_name("accept_share", tests, NULL, NULL);
}
