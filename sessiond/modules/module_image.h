/*
 * The shared objects that modules are loaded from. A file that was replaced since it was loaded is
 * another image, which lives beside the first one. So a module can be upgraded while connections
 * still need its former version.
 */
#ifndef SESSIOND_MODULE_IMAGE_H
#define SESSIOND_MODULE_IMAGE_H

#include "common/error.h"

struct module_image;

/*
 * Loads the file at path. If that very file (device, inode, size and time of its last change) is
 * loaded, takes a reference to it: services of one module share its variables. NULL and an error
 * (EX_CONFIG) if it cannot be loaded.
 */
struct module_image *module_image_open(const char *path, struct error *err);

/* The address of a symbol, NULL if there is none of that name. Valid as long as the image. */
const void *module_image_symbol(const struct module_image *image, const char *name);

/* Drops a reference; without any the image is unloaded. Sets *image NULL; takes NULL. */
void module_image_close(struct module_image **image);

#endif
