/*
 * Locks of files (flock, fcntl) where there may be none: on NFS without its lock daemon, and on
 * some other file systems.
 */
#ifndef COMMON_FILE_LOCK_H
#define COMMON_FILE_LOCK_H

#include <errno.h>
#include <stdbool.h>

/* True if the errno of a lock that failed says that there are none, and not that one is held. */
static inline bool
file_lock_is_unknown(int error)
{
	return error == ENOLCK || error == EOPNOTSUPP || error == ENOSYS;
}

#endif
