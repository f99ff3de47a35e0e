/*
 * The session store in an SQLite database. The SQL is in store_schema.c.
 */
#ifndef SESSIOND_STORE_SQLITE_H
#define SESSIOND_STORE_SQLITE_H

#include "common/error.h"
#include "sessiond/store/store_types.h"

#include <stdint.h>

/* Bytes, the least that store_open_sqlite takes for a limit. */
#define STORE_LIMIT_MIN (UINT64_C(1) << 20)

/*
 * Opens the store at path, and makes it (mode 0600) if it is not there. limit: bytes of the whole
 * store, its log included; the log of one large transaction may exceed it for a moment. At the
 * limit only new sessions and messages are STORE_FULL: a part is kept for store_put_delivery, for
 * sessions that are stored already, and for deleting.
 *
 * A damaged file is set aside as PATH.damaged-YYYYMMDDTHHMMSSZ with its companions, logged, and a
 * new one is begun. Another daemon that has the store gets two seconds to end. One process has a
 * store at a time: it must not open the files by other means, since closing them would give up the
 * lock.
 *
 * Returns NULL and an error. EX_CONFIG: path cannot be opened, is no file or is another program's
 * database, a newer version wrote it, or the limit is too small. EX_UNAVAILABLE: another daemon has
 * the store, or the disk refuses.
 */
struct store *
store_open_sqlite(const char *path, enum store_sync sync, uint64_t limit, struct error *err);

#endif
