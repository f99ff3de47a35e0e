/*
 * See module_image.h. The dynamic linker does not load a path again whose name or inode it has
 * loaded, whatever is in the file by now. So a second image is loaded from a copy in memory. The
 * copy's descriptor stays open as long as the image is loaded, since its number is part of the name
 * that the linker knows the image by.
 */
#include "sessiond/modules/module_image.h"

#include "common/memory.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/queue.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

struct module_image {
	LIST_ENTRY(module_image) entry;
	unsigned refs;
	void *handle;	  /* of dlopen */
	int copy;	  /* -1: loaded from the file itself */
	struct stat file; /* when it was loaded */
};

static LIST_HEAD(, module_image) images = LIST_HEAD_INITIALIZER(images);

static bool
is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	    a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* A descriptor of a copy in memory; -1 and errno. */
static int
copy_file(int from, size_t size)
{
	int to = memfd_create("sockjs-module", MFD_CLOEXEC);

	while (to != -1 && size > 0) {
		ssize_t n = sendfile(to, from, NULL, size);

		if (n > 0) {
			size -= (size_t)n;
			continue;
		}
		/* Shorter than a moment ago: it is being written, and no module yet. */
		errno = n == 0 ? EBUSY : errno;
		n = errno;
		close(to);
		errno = (int)n;
		return -1;
	}
	return to;
}

static int
load_copy(struct module_image *image, const char *path, int fd, struct error *err)
{
	char name[64];

	image->copy = copy_file(fd, (size_t)image->file.st_size);
	if (image->copy == -1)
		return error_set(
		    err, EX_CONFIG, "module %s: cannot be copied: %s", path, strerror(errno));
	snprintf(name, sizeof name, "/proc/self/fd/%d", image->copy);
	image->handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
	if (image->handle != NULL)
		return 0;
	close(image->copy);
	return error_set(err, EX_CONFIG, "module %s: %s", path, dlerror());
}

/* What the loader says of other files tells nobody what to do. */
static bool
is_shared_object(int fd)
{
	Elf32_Ehdr head; /* as Elf64_Ehdr, as far as it is looked at */

	return pread(fd, &head, sizeof head, 0) == sizeof head &&
	    memcmp(head.e_ident, ELFMAG, SELFMAG) == 0 && head.e_type == ET_DYN;
}

static int
load(struct module_image *image, const char *path, int fd, struct error *err)
{
	void *former;

	if (!is_shared_object(fd))
		return error_set(err, EX_CONFIG,
		    "module %s: it is no shared object, as cc -shared -fPIC makes them; a script is "
		    "named by `program`",
		    path);
	former = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
	if (former != NULL) {
		dlclose(former);
		return load_copy(image, path, fd, err);
	}
	image->copy = -1;
	image->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	return image->handle != NULL ? 0 : error_set(err, EX_CONFIG, "module %s", dlerror());
}

static struct module_image *
image_of(const struct stat *file)
{
	struct module_image *image;

	LIST_FOREACH(image, &images, entry)
		if (is_same_file(&image->file, file))
			return image;
	return NULL;
}

static struct module_image *
open_file(const char *path, int fd, const struct stat *file, struct error *err)
{
	struct module_image *image = image_of(file);

	if (image != NULL) {
		image->refs++;
		return image;
	}
	image = xcalloc(1, sizeof *image);
	image->refs = 1;
	image->file = *file;
	if (load(image, path, fd, err) == -1) {
		free(image);
		return NULL;
	}
	LIST_INSERT_HEAD(&images, image, entry);
	return image;
}

struct module_image *
module_image_open(const char *path, struct error *err)
{
	struct module_image *image = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat file;

	if (fd == -1 || fstat(fd, &file) == -1)
		error_set(err, EX_CONFIG, "module %s: %s", path, strerror(errno));
	else if (!S_ISREG(file.st_mode))
		error_set(err, EX_CONFIG, "module %s: not a file", path);
	else
		image = open_file(path, fd, &file, err);
	if (fd != -1)
		close(fd);
	return image;
}

const void *
module_image_symbol(const struct module_image *image, const char *name)
{
	return dlsym(image->handle, name);
}

void
module_image_close(struct module_image **image)
{
	struct module_image *i = *image;

	*image = NULL;
	if (i == NULL || --i->refs > 0)
		return;
	LIST_REMOVE(i, entry);
	dlclose(i->handle);
	if (i->copy != -1)
		close(i->copy);
	free(i);
}
