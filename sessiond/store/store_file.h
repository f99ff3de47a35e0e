/*
 * The files of a store: the database, its log (PATH-wal), and what was set aside. No SQL here.
 */
#ifndef SESSIOND_STORE_FILE_H
#define SESSIOND_STORE_FILE_H

#include "common/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Makes sure that path is a file that can be read and written; a new one has mode 0600. Returns its
 * absolute name without symbolic links, which the caller frees; or NULL and an error: EX_CONFIG, or
 * EX_UNAVAILABLE if there is no room for it. A file system without locks is an error. For root, a
 * path that another user can make lead elsewhere is such an error.
 */
char *store_file_make(const char *path, struct error *err);

/*
 * Looks whether store_file_make would succeed, and changes nothing. *holder: the process that has
 * the store now, 0: none has. Not in a process that has it.
 */
int store_file_check(const char *path, pid_t *holder, struct error *err);

/*
 * Locks the folder of path against other callers of this function, for the moment in which a name
 * is looked at and changed. The lock lasts until the descriptor that it returns is closed. Returns
 * -1 where there is no such lock; the caller then goes on without it.
 */
int store_file_lock_folder(const char *path);

/*
 * Renames the files of the store at path to PATH.damaged-YYYYMMDDTHHMMSSZ, with a number behind it
 * if that name is taken. Returns the new name, which the caller frees; or NULL with errno, and the
 * database is where it was.
 */
char *store_file_set_aside(const char *path);

/*
 * Reserves room for the log on the disk, if the file system can. The log's length stays the same.
 */
void store_file_reserve_log(const char *path, uint64_t bytes);

/* True if the log of the store at path is there. */
bool store_file_has_log(const char *path);

/* Bytes of database and log together, and of the log alone; 0 for a file that is not there. */
uint64_t store_file_size(const char *path);
uint64_t store_file_log_size(const char *path);

#endif
