/*
 * sessiond/store/store.h, the same for both backends.
 */
#include "sessiond/store/store_sqlite.h"
#include "tests/unit/store/store_fixture.h"

#include "tests/unit/store/store_memory.h"

/* What of the two differs for these tests. */
struct kind {
	struct store *(*create)(void);
	/* As after the process ended without store_close having said so. */
	void (*reopen)(struct store **store);
};

static struct store *
create_on_disk(void)
{
	folder_clear();
	return open_store(STORE_SYNC_NORMAL, 0);
}

static void
reopen_on_disk(struct store **store)
{
	store_close(store);
	assert_integrity();
	*store = open_store(STORE_SYNC_NORMAL, 0);
}

static void
reopen_in_memory(struct store **store)
{
	*store = store_memory_reopen(store);
}

static const struct kind on_disk = {create_on_disk, reopen_on_disk};
static const struct kind in_memory = {store_memory_create, reopen_in_memory};

static const struct kind *kind;
static struct store *store;

static int
setup_on_disk(void **state)
{
	(void)state;
	kind = &on_disk;
	store = kind->create();
	return 0;
}

static int
setup_in_memory(void **state)
{
	(void)state;
	kind = &in_memory;
	store = kind->create();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	store_close(&store);
	assert_null(store);
	store_close(&store);
	return 0;
}

#define BOTH(test)                                                                                 \
	cmocka_unit_test_setup_teardown(test, setup_on_disk, teardown),                            \
	    cmocka_unit_test_setup_teardown(test, setup_in_memory, teardown)

/* --- both */

static void
test_empty(void **state)
{
	(void)state;
	assert_stored(store, "");
	kind->reopen(&store);
	assert_stored(store, "");
	assert_non_null(store_error(store));
}

/* Each field comes back as it was put, with the values that are easily lost. */
static void
test_every_field(void **state)
{
	static const char zeros[] = {0, 1, 0, (char)0xff, 0};
	struct stored_session session = {STORE_NUMBER_MAX, "the service", zeros, sizeof zeros,
	    "the uuid", -7, 2, 4999, zeros, 2, zeros, 4};
	struct stored_delivery delivery = {zeros, 3, UINT64_MAX, UINT64_C(1) << 63, 12};
	static const char expected[] =
	    "session 9223372036854775807 the service the uuid transport -7 state 2 close 4999"
	    " id[5]=\\00\\01\\00\\ff\\00 reason[2]=\\00\\01 info[4]=\\00\\01\\00\\ff"
	    " sent[3]=\\00\\01\\00 flight ffffffffffffffff/8000000000000000/c\n"
	    "message 9223372036854775807.9223372036854775807 data[5]=\\00\\01\\00\\ff\\00\n";

	(void)state;
	assert_int_equal(store_begin(store), STORE_OK);
	assert_int_equal(store_put_session(store, &session), STORE_OK);
	assert_int_equal(store_put_delivery(store, session.key, &delivery), STORE_OK);
	assert_int_equal(
	    store_put_message(store, session.key, STORE_NUMBER_MAX, zeros, sizeof zeros), STORE_OK);
	assert_int_equal(store_commit(store), STORE_OK);
	assert_stored(store, expected);
	kind->reopen(&store);
	assert_stored(store, expected);
}

static void
test_nothing_in_blobs(void **state)
{
	struct stored_session session = {.key = 1, .service = "", .uuid = ""};
	struct stored_delivery delivery = {NULL, 0, 0, 0, 0};

	(void)state;
	assert_int_equal(store_begin(store), STORE_OK);
	assert_int_equal(store_put_session(store, &session), STORE_OK);
	assert_int_equal(store_put_delivery(store, 1, &delivery), STORE_OK);
	assert_int_equal(store_put_message(store, 1, 0, NULL, 0), STORE_OK);
	assert_int_equal(store_commit(store), STORE_OK);
	kind->reopen(&store);
	assert_stored(store,
	    "session 1   transport 0 state 0 close 0 id[0]= reason[0]= info[0]= sent[0]= flight 0/0/0\n"
	    "message 1.0 data[0]=\n");
}

/* Records are apart from sessions, and come by kind, number and part. */
static void
test_records(void **state)
{
	static const struct stored_record records[] = {
	    {STORE_PUBLICATION, 1, STORE_NUMBER_MAX, "last", 4},
	    {STORE_PUBLICATION, 1, 3, "three", 5},
	    {STORE_PUBLICATION, 1, 2, "two", 3},
	    {STORE_PUBLICATION, 2, 2, NULL, 0},
	    {STORE_CHANNEL, STORE_NUMBER_MAX, 0, "\0x", 2},
	    {STORE_PUBLICATION, 1, 2, "2", 1},
	};

	(void)state;
	assert_int_equal(store_begin(store), STORE_OK);
	for (size_t i = 0; i < sizeof records / sizeof records[0]; i++)
		assert_int_equal(store_put_record(store, &records[i]), STORE_OK);
	assert_int_equal(store_delete_session(store, 1), STORE_OK);
	assert_int_equal(store_commit(store), STORE_OK);
	kind->reopen(&store);
	assert_stored(store,
	    "record 1 9223372036854775807.0 data[2]=\\00x\n"
	    "record 2 1.2 data[1]=2\nrecord 2 1.3 data[5]=three\n"
	    "record 2 1.9223372036854775807 data[4]=last\nrecord 2 2.2 data[0]=\n");
	assert_int_equal(store_begin(store), STORE_OK);
	assert_int_equal(
	    store_delete_records(store, STORE_PUBLICATION, 1, 3, UINT64_MAX), STORE_OK);
	assert_int_equal(store_delete_records(store, STORE_CHANNEL, 1, 0, 9), STORE_OK);
	assert_int_equal(store_commit(store), STORE_OK);
	kind->reopen(&store);
	assert_stored(store,
	    "record 1 9223372036854775807.0 data[2]=\\00x\n"
	    "record 2 1.2 data[1]=2\nrecord 2 2.2 data[0]=\n");
}

static void
test_bad_records(void **state)
{
	const struct stored_record nowhere = {STORE_CHANNEL, 0, 0, "", 0};
	const struct stored_record far = {STORE_CHANNEL, 1, STORE_NUMBER_MAX + 1, "", 0};

	(void)state;
	assert_int_equal(store_put_record(store, &nowhere), STORE_FAILED);
	assert_int_equal(store_begin(store), STORE_OK);
	assert_int_equal(store_put_record(store, &nowhere), STORE_FAILED);
	assert_int_equal(store_begin(store), STORE_OK);
	assert_int_equal(store_put_record(store, &far), STORE_FAILED);
	assert_int_equal(store_begin(store), STORE_OK);
	assert_int_equal(
	    store_delete_records(store, STORE_CHANNEL, 1, UINT64_MAX, UINT64_MAX), STORE_FAILED);
	assert_stored(store, "");
}

/* Sessions come by key, messages by position, whatever the order they were put in. */
static void
test_order(void **state)
{
	static const uint64_t keys[] = {300, 2, 70000, 1}, positions[] = {9, 1000, 1, 0, 255};
	static const uint64_t in_order[] = {1, 2, 300, 70000}, in_row[] = {0, 1, 9, 255, 1000};
	char *text, *at, name[64];

	(void)state;
	for (size_t i = 0; i < 4; i++)
		put_session(store, keys[i]);
	for (size_t p = 0; p < 5; p++)
		for (size_t i = 0; i < 4; i++)
			put_message(store, keys[i], positions[p], "m");
	text = at = store_dump(store);
	assert_non_null(text);
	for (size_t i = 0; i < 4; i++) {
		snprintf(name, sizeof name, "session %u ", (unsigned)in_order[i]);
		at = strstr(at, name);
		assert_non_null(at);
		for (size_t p = 0; p < 5; p++) {
			at = strchr(at, '\n') + 1;
			snprintf(name, sizeof name, "message %u.%u ", (unsigned)in_order[i],
			    (unsigned)in_row[p]);
			assert_memory_equal(at, name, strlen(name));
		}
	}
	free(text);
}

/* A session that is put again keeps what belongs to it; a message and a delivery are replaced. */
static void
test_replace(void **state)
{
	struct stored_delivery delivery = {"ids", 3, 1, 2, 3};
	struct stored_session closed = {.key = 5,
	    .service = "echo",
	    .uuid = "u",
	    .state = 3,
	    .close_code = 3000,
	    .close_reason = "Go away!",
	    .close_reason_len = 8};

	(void)state;
	put_session(store, 5);
	assert_int_equal(store_begin(store), STORE_OK);
	assert_int_equal(store_put_delivery(store, 5, &delivery), STORE_OK);
	assert_int_equal(store_commit(store), STORE_OK);
	put_message(store, 5, 1, "first");
	put_message(store, 5, 2, "second");
	put_message(store, 5, 1, "other");
	assert_int_equal(store_begin(store), STORE_OK);
	assert_int_equal(store_put_session(store, &closed), STORE_OK);
	delivery.in_flight_last = 9;
	assert_int_equal(store_put_delivery(store, 5, &delivery), STORE_OK);
	assert_int_equal(store_commit(store), STORE_OK);
	assert_stored(store,
	    "session 5 echo u transport 0 state 3 close 3000 id[0]= reason[8]=Go\\20away! info[0]="
	    " sent[3]=ids flight 1/2/9\n"
	    "message 5.1 data[5]=other\nmessage 5.2 data[6]=second\n");
}

/* How many lines of what is stored contain that. */
static unsigned
count_stored(const char *part)
{
	char *text = store_dump(store);
	unsigned count = 0;

	assert_non_null(text);
	for (const char *at = text; (at = strstr(at, part)) != NULL; at++)
		count++;
	free(text);
	return count;
}

static void
test_delete_messages(void **state)
{
	(void)state;
	for (uint64_t key = 1; key <= 3; key++) {
		put_session(store, key);
		for (uint64_t i = 0; i < 10; i++)
			put_message(store, key, i * 10, "m");
	}
	assert_int_equal(store_begin(store), STORE_OK);
	assert_int_equal(store_delete_messages(store, 2, 35), STORE_OK);
	assert_int_equal(store_delete_messages(store, 4, 35), STORE_OK);
	assert_int_equal(store_commit(store), STORE_OK);
	assert_int_equal(count_stored("message 1."), 10);
	assert_int_equal(count_stored("message 2."), 6);
	assert_int_equal(count_stored("message 2.30 "), 0);
	assert_int_equal(count_stored("message 2.40 "), 1);
	assert_int_equal(store_begin(store), STORE_OK);
	assert_int_equal(store_delete_messages(store, 2, 40), STORE_OK);
	assert_int_equal(store_delete_messages(store, 3, UINT64_MAX), STORE_OK);
	assert_int_equal(store_commit(store), STORE_OK);
	kind->reopen(&store);
	assert_int_equal(count_stored("message 1."), 10);
	assert_int_equal(count_stored("message 2."), 5);
	assert_int_equal(count_stored("message 3."), 0);
	assert_int_equal(count_stored("session "), 3);
}

/* All of it goes: the same key, were it used again, would find nothing. */
static void
test_delete_session(void **state)
{
	struct stored_delivery delivery = {"ids", 3, 1, 2, 3};
	char *before;

	(void)state;
	for (uint64_t key = 1; key <= 3; key++) {
		put_session(store, key);
		put_message(store, key, 1, "m");
	}
	assert_int_equal(store_begin(store), STORE_OK);
	assert_int_equal(store_put_delivery(store, 2, &delivery), STORE_OK);
	assert_int_equal(store_delete_session(store, 2), STORE_OK);
	assert_int_equal(store_delete_session(store, 17), STORE_OK);
	assert_int_equal(store_commit(store), STORE_OK);
	assert_int_equal(count_stored("session "), 2);
	assert_int_equal(count_stored("message "), 2);
	put_session(store, 2);
	assert_int_equal(count_stored("flight 0/0/0"), 3);
	assert_int_equal(count_stored("message 2."), 0);
	before = store_dump(store);
	kind->reopen(&store);
	assert_stored(store, before);
	free(before);
}

static void
test_rollback(void **state)
{
	char *before;

	(void)state;
	store_rollback(store);
	put_session(store, 1);
	put_message(store, 1, 1, "kept");
	before = store_dump(store);
	assert_int_equal(store_begin(store), STORE_OK);
	assert_int_equal(store_put_message(store, 1, 2, "lost", 4), STORE_OK);
	assert_int_equal(store_delete_messages(store, 1, 1), STORE_OK);
	store_rollback(store);
	assert_stored(store, before);
	store_rollback(store);
	/* Nor does what is open at the end count. */
	assert_int_equal(store_begin(store), STORE_OK);
	assert_int_equal(store_delete_session(store, 1), STORE_OK);
	kind->reopen(&store);
	assert_stored(store, before);
	free(before);
}

static void
assert_fails(enum store_result result)
{
	assert_int_equal(result, STORE_FAILED);
	assert_true(store_error(store)[0] != '\0');
}

static void
test_without_transaction(void **state)
{
	struct stored_session session = {.key = 1, .service = "s", .uuid = "u"};
	struct stored_delivery delivery = {NULL, 0, 0, 0, 0};

	(void)state;
	assert_fails(store_put_session(store, &session));
	assert_fails(store_put_delivery(store, 1, &delivery));
	assert_fails(store_put_message(store, 1, 1, "m", 1));
	assert_fails(store_delete_messages(store, 1, 1));
	assert_fails(store_delete_session(store, 1));
	assert_fails(store_commit(store));
	assert_stored(store, "");
}

/* What may not be called ends the transaction that it was called in. */
static void
test_misuse(void **state)
{
	struct stored_session session = {.key = 0, .service = "s", .uuid = "u"};

	(void)state;
	put_session(store, 1);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(store_begin(store), STORE_OK);
		assert_int_equal(store_put_message(store, 1, 1, "lost", 4), STORE_OK);
		if (i == 0)
			assert_fails(store_begin(store));
		else if (i == 1)
			assert_fails(store_put_session(store, &session));
		else if (i == 2)
			assert_fails(store_put_message(store, 1, STORE_NUMBER_MAX + 1, "m", 1));
		else if (i == 3)
			assert_fails(store_delete_session(store, UINT64_MAX));
		else
			assert_fails(store_put_message(store, 0, 1, "m", 1));
		assert_fails(store_commit(store));
	}
	assert_int_equal(count_stored("message"), 0);
	/* An open transaction is no time for anything else. */
	assert_int_equal(store_begin(store), STORE_OK);
	assert_null(store_dump(store));
	assert_false(store_tidy(store));
	assert_int_equal(store_commit(store), STORE_OK);
}

static void
test_workload(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= WORKLOAD_COUNT; n++) {
		assert_int_equal(workload_step(store, n), STORE_OK);
		assert_stored(store, workload_expected(n));
		if (n % 3 == 0)
			kind->reopen(&store);
		while (store_tidy(store))
			;
		assert_stored(store, workload_expected(n));
	}
}

/* Damaged or not, it is empty then and works. */
static void
test_start_anew(void **state)
{
	(void)state;
	put_session(store, 1);
	put_message(store, 1, 1, "m");
	assert_int_equal(store_begin(store), STORE_OK);
	assert_int_equal(store_replace(store), STORE_OK);
	assert_stored(store, "");
	put_session(store, 2);
	kind->reopen(&store);
	assert_int_equal(count_stored("session 2 "), 1);
	assert_int_equal(count_stored("\n"), 1);
}

/* --- room */

enum {
	LIMIT = STORE_LIMIT_MIN,
	LEN = 5000,
};

/* At the limit all that does not grow it goes on; what was deleted can be filled again. */
static void
test_limit(void **state)
{
	struct stored_delivery delivery = {"ids", 3, 1, 2, 3};
	static const char info[LEN];
	struct stored_session known = {.key = 1,
	    .service = "s",
	    .uuid = "u",
	    .close_code = 3000,
	    .info = info,
	    .info_len = LEN};
	struct stored_session new_one = {
	    .key = 9, .service = "s", .uuid = "u", .info = info, .info_len = LEN};
	unsigned n, again;

	(void)state;
	if (kind == &in_memory)
		store_memory_limit(store, LIMIT);
	put_session(store, 1);
	n = fill_store(store, 1, LIMIT, LEN);
	assert_true(n > LIMIT / LEN / 2);
	assert_int_equal(store_begin(store), STORE_OK);
	assert_int_equal(store_put_session(store, &new_one), STORE_FULL);
	assert_int_equal(store_begin(store), STORE_OK);
	assert_int_equal(store_put_session(store, &known), STORE_OK);
	assert_int_equal(store_put_delivery(store, 1, &delivery), STORE_OK);
	assert_int_equal(store_delete_messages(store, 1, n / 2), STORE_OK);
	assert_int_equal(store_commit(store), STORE_OK);
	assert_int_equal(count_stored("message"), n - n / 2 - 1);
	put_session(store, 9);
	again = fill_store(store, 9, LIMIT, LEN);
	assert_in_range(again, n / 2 - 5, n / 2 + 5);
	kind->reopen(&store);
	assert_int_equal(count_stored("message"), n - n / 2 - 1 + again);
	assert_int_equal(count_stored("close 3000"), 1);
}

/* --- in memory only */

static void
test_told_to_fail(void **state)
{
	static const enum store_result results[] = {STORE_FULL, STORE_FAILED};
	unsigned nth;

	(void)state;
	for (int i = 0; i < 2; i++) {
		for (nth = 1;; nth++) {
			enum store_result result;

			store_memory_fail(store, nth, results[i]);
			result = workload_step(store, 1);
			if (result == STORE_OK)
				break;
			assert_int_equal(result, results[i]);
			assert_stored(store, workload_expected(0));
		}
		/* begin, session, delivery, two messages, two records, commit. */
		assert_int_equal(nth, 9);
		assert_stored(store, workload_expected(1));
		assert_int_equal(store_replace(store), STORE_OK);
		store_memory_fail(store, 0, STORE_OK);
	}
	store_memory_fail(store, 2, STORE_DAMAGED);
	assert_int_equal(workload_step(store, 1), STORE_DAMAGED);
	assert_int_equal(workload_step(store, 1), STORE_DAMAGED);
	assert_null(store_dump(store));
	assert_int_equal(store_replace(store), STORE_OK);
	nth = store_memory_calls(store);
	assert_int_equal(workload_step(store, 1), STORE_OK);
	assert_int_equal(store_memory_calls(store), nth + 8);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    BOTH(test_empty),
	    BOTH(test_every_field),
	    BOTH(test_records),
	    BOTH(test_bad_records),
	    BOTH(test_nothing_in_blobs),
	    BOTH(test_order),
	    BOTH(test_replace),
	    BOTH(test_delete_messages),
	    BOTH(test_delete_session),
	    BOTH(test_rollback),
	    BOTH(test_without_transaction),
	    BOTH(test_misuse),
	    BOTH(test_workload),
	    BOTH(test_start_anew),
	    BOTH(test_limit),
	    cmocka_unit_test_setup_teardown(test_told_to_fail, setup_in_memory, teardown),
	};

	return cmocka_run_group_tests_name("store", tests, folder_setup, folder_teardown);
}
