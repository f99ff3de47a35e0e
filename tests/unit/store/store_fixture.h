/*
 * For the tests of the store: a folder for its files, what is in a store as text, and a workload of
 * transactions with what is in a store after each, as the store in memory has it.
 */
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sessiond/store/store.h"

/* Setup and teardown of a group: a folder of its own, empty at first, gone at the end. */
int folder_setup(void **state);
int folder_teardown(void **state);

/* Empties the folder. */
void folder_clear(void);

/* The name of a file in the folder; valid for good. The store's is store_path. */
const char *in_folder(const char *name);
extern const char *store_path;

/*
 * Forks and files are dear, with sanitizers more so: all but one test look at only one of this many
 * steps. 1 in the long check.
 */
unsigned step_stride(void);

/* How many files in the folder begin so. */
unsigned count_files(const char *begin);

/* The one file in the folder that begins so and does not end with "-wal", valid for good. */
const char *only_file(const char *begin);

/* Opens the store at store_path; it must work. limit 0: the least. */
struct store *open_store(enum store_sync sync, uint64_t limit);

/* What is in a store, as text, which the caller frees; NULL if it cannot be read. */
char *store_dump(struct store *store);

/* Fails unless that is what is in it. */
void assert_stored(struct store *store, const char *expected);

/* SQLite's own word on the closed store at store_path, looking at everything. */
void assert_integrity(void);

/* One transaction with a session, a small one, or one with a message: they must work. */
void put_session(struct store *store, uint64_t key);
void put_message(struct store *store, uint64_t key, uint64_t position, const char *text);

/*
 * Puts messages of len zeros (10000 at most), each in a transaction, until the store is full, never
 * larger than limit; how many.
 */
unsigned fill_store(struct store *store, uint64_t key, uint64_t limit, size_t len);

/* A closed store at store_path with session 1 and so many messages of LONG_TEXT - 1 bytes. */
#define LONG_TEXT 3000
void make_store(unsigned messages);

/* Files, which must be there to be read; the caller frees what it reads. */
void write_file(const char *path, const void *data, size_t len);
char *read_file(const char *path, size_t *len);

/* SQL in the database at store_path, which nobody has open; the second yields a number. */
void run_sql(const char *sql);
long long number_in_file(const char *sql);

/*
 * The nth transaction of the workload (1 is the first), in a store that has had those before; all
 * of it, or the result that it failed with.
 */
#define WORKLOAD_COUNT 16
enum store_result workload_step(struct store *store, unsigned n);

/* What is in a store after n transactions of the workload. Not to be freed. */
const char *workload_expected(unsigned n);

#endif
