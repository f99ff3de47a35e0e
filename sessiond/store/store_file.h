/*
 * The files of a store, as files: the database, its log (PATH-wal), and what was set aside. No SQL and no lock here. For store_sqlite.c.
 */
#ifndef SESSIOND_STORE_FILE_H
#define SESSIOND_STORE_FILE_H

#include "common/error.h"

#include <stdint.h>

/*
 * Sees to it that path is a file that can be read and written, made with mode 0600 if there was none. Returns its absolute name without
 * symbolic links, which the caller frees, or NULL and an error: EX_CONFIG, EX_UNAVAILABLE if there is no room for it.
 */
char *store_file_make(const char *path, struct error *err);

/*
 * Keeps all others who call this out of the folder of path until the descriptor that it returns is closed: for the moment in which a name is
 * looked at and changed. -1 where that cannot be had, which is to be taken as well.
 */
int store_file_lock_folder(const char *path);

/*
 * Renames the files of the store at path to PATH.damaged-YYYYMMDDTHHMMSSZ, with a number behind if that is taken, and returns that name,
 * which the caller frees. NULL with errno: the database is where it was.
 */
char *store_file_set_aside(const char *path);

/* Reserves so many bytes on the disk for the log, where the file system can; its length stays as it is. */
void store_file_reserve_log(const char *path, uint64_t bytes);

/* Bytes of both files together; of the log alone. 0 for what is not there. */
uint64_t store_file_size(const char *path);
uint64_t store_file_log_size(const char *path);

#endif
