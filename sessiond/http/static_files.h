/*
 * Static files. They answer requests outside every service if sockjs.conf has `static = FOLDER`.
 */
#ifndef SESSIOND_STATIC_FILES_H
#define SESSIOND_STATIC_FILES_H

#include "common/error.h"
#include "sockjs/reply.h"

#include <microhttpd.h>

struct static_files;

/* Opens the folder. NULL and an error if that cannot be done. */
struct static_files *static_files_open(const char *folder, struct error *err);

/* Sets *files NULL; takes NULL. */
void static_files_close(struct static_files **files);

/*
 * The response for a request: the file (GET, HEAD), index.html for a folder, 304, 404, 405, or a
 * redirection to a folder's path with its slash. Never leaves the folder: not by `..`, not by a
 * symbolic link. What has a part that begins with a dot is not there, but .well-known. NULL without
 * memory.
 */
struct MHD_Response *
static_files_respond(struct static_files *files, const struct request_head *head, unsigned *status);

#endif
