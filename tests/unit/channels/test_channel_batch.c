/* sessiond/channels/channel_batch.h: publications that are answered together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sessiond/channels/channel_batch.h"

#include <stdlib.h>

static const struct channel_position seventh = {7, 1}, none = {0, 0};
static unsigned done;

static void
count(struct channel_batch *batch)
{
	assert_true(channel_batch_is_complete(batch));
	done++;
}

static struct channel_batch *
create(void)
{
	done = 0;
	return channel_batch_create(3, count, NULL);
}

static bool
add(struct channel_batch *batch, enum channel_result result)
{
	return channel_batch_note(channel_batch_next(batch), result);
}

static void
tell(struct channel_batch *batch, size_t i, enum channel_result result)
{
	struct channel_waiter *waiter = &batch->items[i].waiter;

	waiter->told(waiter, result, result == CHANNEL_OK ? &seventh : &none);
}

static void
test_at_once(void **state)
{
	struct channel_batch *batch = create();
	size_t published;

	(void)state;
	assert_true(add(batch, CHANNEL_OK));
	assert_true(add(batch, CHANNEL_OK));
	assert_true(channel_batch_is_complete(batch));
	assert_int_equal(channel_batch_result(batch, &published), CHANNEL_OK);
	assert_int_equal(published, 2);
	assert_int_equal(done, 0);
	free(batch);
}

/* In any order; done is called with the last. */
static void
test_later(void **state)
{
	struct channel_batch *batch = create();
	size_t published;

	(void)state;
	assert_true(add(batch, CHANNEL_LATER));
	assert_true(add(batch, CHANNEL_LATER));
	assert_false(channel_batch_is_complete(batch));
	tell(batch, 1, CHANNEL_OK);
	assert_int_equal(done, 0);
	tell(batch, 0, CHANNEL_OK);
	assert_int_equal(done, 1);
	assert_int_equal(channel_batch_result(batch, &published), CHANNEL_OK);
	assert_int_equal(published, 2);
	assert_int_equal(batch->items[0].position.offset, 7);
	free(batch);
}

/* The reason is that of the first that was not published, whenever it was known. */
static void
test_failures(void **state)
{
	struct channel_batch *batch = create();
	size_t published;

	(void)state;
	assert_true(add(batch, CHANNEL_LATER));
	assert_true(add(batch, CHANNEL_LATER));
	assert_false(add(batch, CHANNEL_NO_ROOM));
	tell(batch, 1, CHANNEL_OK);
	tell(batch, 0, CHANNEL_AWAY);
	assert_int_equal(done, 1);
	assert_int_equal(channel_batch_result(batch, &published), CHANNEL_AWAY);
	assert_int_equal(published, 1);
	free(batch);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_at_once),
	    cmocka_unit_test(test_later),
	    cmocka_unit_test(test_failures),
	};

	return cmocka_run_group_tests_name("channel_batch", tests, NULL, NULL);
}
