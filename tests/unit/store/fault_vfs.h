/*
 * A file system for SQLite that can be told to fail, to end the process in the middle of a write,
 * or to lose what was not synced. It lies over the usual one, and counts as steps whatever changes
 * a file or makes one: opens, writes, truncations, syncs, deletions. Syncs do not reach the disk.
 * For the tests of the store.
 */
#ifndef TESTS_FAULT_VFS_H
#define TESTS_FAULT_VFS_H

#include <stdbool.h>
#include <stdint.h>

enum fault {
	FAULT_NONE,
	FAULT_ERROR, /* an error of input or output; a write has been done in part */
	FAULT_FULL,  /* the same, and the error is a full disk; only writes fail so */
	FAULT_KILL,  /* the process ends, a write has been done in part */
	/*
	 * The process ends; of what was written since the last sync each sector of 512 bytes may be
	 * there or not, and so may a file that was never synced.
	 */
	FAULT_POWER,
};

/* The status of a process that ended so. */
#define FAULT_EXIT 86

/* Makes it the file system of each database opened from now on. */
void fault_vfs_register(void);

/*
 * From now on the nth step (1: the next), and the count - 1 after it, have that fault. seed: what
 * chance decides depends on it.
 */
void fault_vfs_plan(enum fault fault, unsigned nth, unsigned count, unsigned seed);

/* Steps since then. */
unsigned fault_vfs_steps(void);

/* Syncs since then. */
unsigned fault_vfs_syncs(void);

#endif
