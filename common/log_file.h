/*
 * The log in a file, which is named anew while it is written: by logrotate(8), by its reader, or by
 * this process itself once it has a certain size. For log_output.h, under whose lock it is.
 *
 * Before each line it is looked whether the path still leads to the open file; if not, it is opened
 * again, so nobody has to send a signal. Several processes may write to one file: each line is
 * appended as a whole, and only one of them names the file anew.
 */
#ifndef COMMON_LOG_FILE_H
#define COMMON_LOG_FILE_H

#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Lines go to the file at that path (copied) from now on. A line with which the file would have
 * more than `size` bytes comes first in a new file, and the former one is PATH.1 then, in place of
 * an older one; 0: never. owner: with whose rights root opens, makes and renames it; (uid_t)-1:
 * with its own.
 */
void log_file_use(const char *path, size_t size, uid_t owner);

/*
 * Appends a line. False if it is not there, or only its beginning: there is no such file and none
 * can be made, or the disk is full. errno says why.
 */
bool log_file_write(const char *line, size_t len);

/* The descriptor of the file as it is now; -1: none is open. For handlers of signals, too. */
int log_file_descriptor(void);

/* The path; borrowed. */
const char *log_file_path(void);

/* Whether a line could be written there. Makes nothing. -1 and an error (EX_CONFIG) if not. */
int log_file_check(const char *path, struct error *err);

#endif
