/*
 * Opening a file below a folder that nothing in the path leads out of.
 */
#ifndef SYSTEM_OPEN_BENEATH_H
#define SYSTEM_OPEN_BENEATH_H

/* The deepest that a file may lie below the folder. */
#define OPEN_BENEATH_DEPTH 64

/*
 * Opens path, relative to the folder, as openat does (close-on-exec; no controlling terminal; flags
 * may not create). `..` and relative links are followed as long as they stay inside; a link to an
 * absolute path is not. The promises hold while others rename, replace and link files there.
 *
 * Returns a descriptor, or -1 and errno: EXDEV if the path leads out, ELOOP for more links than the
 * kernel would follow, ENAMETOOLONG also for more than OPEN_BENEATH_DEPTH folders.
 */
int open_beneath(int folder, const char *path, int flags);

#endif
