/*
 * See fault_vfs.h. Every file of SQLite's goes through here. What a power cut would leave is kept
 * only while one is planned: an image of each file as it was last synced, and what was done to it
 * since.
 */
#include "tests/unit/store/fault_vfs.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	SECTOR = 512,
	IMAGES_MAX = 8,
};

/* data NULL: a truncation to offset. */
struct change {
	struct change *next;
	char *data;
	size_t offset, len;
};

struct image {
	char *path; /* NULL: free */
	bool exists;
	char *data;
	size_t len;
	struct change *first, **last;
};

struct fault_file {
	sqlite3_file base;
	struct image *image;
	sqlite3_file real; /* with the rest of it behind */
};

static sqlite3_vfs vfs, *real_vfs;
static struct image images[IMAGES_MAX];
static enum fault planned;
static unsigned first_step, last_step, steps, syncs;
static uint64_t chance;

static sqlite3_file *
real_of(sqlite3_file *file)
{
	return &((struct fault_file *)file)->real;
}

/* 0..n-1, the same sequence for the same seed. */
static size_t
random_below(size_t n)
{
	chance = chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (size_t)(chance >> 33) % n;
}

static void *
sure(void *memory)
{
	if (memory == NULL)
		abort();
	return memory;
}

/* --- what a power cut leaves */

static void
add_change(struct image *image, const void *data, size_t offset, size_t len)
{
	struct change *change;

	if (image == NULL)
		return;
	change = sure(calloc(1, sizeof *change));
	change->offset = offset;
	change->len = len;
	if (data != NULL)
		change->data = memcpy(sure(malloc(len + 1)), data, len);
	*image->last = change;
	image->last = &change->next;
}

static void
image_resize(struct image *image, size_t len)
{
	if (len > image->len) {
		image->data = sure(realloc(image->data, len));
		memset(image->data + image->len, 0, len - image->len);
	}
	image->len = len;
}

/* keep: of 4, how likely a sector is there; 4: all are. */
static void
apply(struct image *image, const struct change *change, size_t keep)
{
	size_t end = change->offset + change->len, at, n;

	if (change->data == NULL) {
		if (random_below(4) < keep)
			image_resize(image, change->offset);
		return;
	}
	for (at = change->offset; at < end; at += n) {
		n = SECTOR - at % SECTOR;
		if (n > end - at)
			n = end - at;
		if (random_below(4) >= keep)
			continue;
		if (at + n > image->len)
			image_resize(image, at + n);
		memcpy(image->data + at, change->data + (at - change->offset), n);
	}
}

static void
apply_all(struct image *image, bool by_chance)
{
	struct change *change;

	while ((change = image->first) != NULL) {
		apply(image, change, by_chance ? random_below(3) * 2 : 4);
		image->first = change->next;
		free(change->data);
		free(change);
	}
	image->last = &image->first;
}

static void
image_clear(struct image *image)
{
	apply_all(image, false);
	free(image->path);
	free(image->data);
	*image = (struct image){NULL};
}

static void
read_image(struct image *image)
{
	int fd = open(image->path, O_RDONLY | O_CLOEXEC);
	off_t len;

	if (fd == -1)
		return;
	len = lseek(fd, 0, SEEK_END);
	image_resize(image, (size_t)len);
	image->exists = pread(fd, image->data, (size_t)len, 0) == len;
	close(fd);
}

/* Before the file is opened: what is there then has been synced long ago. */
static struct image *
image_of(const char *path)
{
	struct image *image = NULL;

	for (int i = 0; i < IMAGES_MAX; i++) {
		if (images[i].path != NULL && strcmp(images[i].path, path) == 0)
			return &images[i];
		if (images[i].path == NULL && image == NULL)
			image = &images[i];
	}
	sure(image);
	image->path = sure(strdup(path));
	image->last = &image->first;
	read_image(image);
	return image;
}

static void
cut_power(void)
{
	for (int i = 0; i < IMAGES_MAX; i++) {
		struct image *image = &images[i];
		int fd;

		if (image->path == NULL)
			continue;
		apply_all(image, true);
		if (!image->exists && random_below(2) == 0) {
			unlink(image->path);
			continue;
		}
		fd = open(image->path, O_WRONLY | O_TRUNC | O_CREAT | O_CLOEXEC, 0600);
		if (fd == -1 || write(fd, image->data, image->len) != (ssize_t)image->len)
			abort();
		close(fd);
	}
	_exit(FAULT_EXIT);
}

/* --- faults */

/* Counts a step, and says whether it has the fault. */
static bool
is_faulty(void)
{
	steps++;
	return planned != FAULT_NONE && steps >= first_step && steps <= last_step;
}

/* A step that is no write. Returns the code to fail with, or SQLITE_OK. */
static int
step(int error)
{
	if (!is_faulty() || planned == FAULT_FULL)
		return SQLITE_OK;
	if (planned == FAULT_KILL)
		_exit(FAULT_EXIT);
	if (planned == FAULT_POWER)
		cut_power();
	return error;
}

static int
fault_write(sqlite3_file *file, const void *data, int len, sqlite3_int64 offset)
{
	struct fault_file *f = (struct fault_file *)file;
	int part = (int)random_below((size_t)len + 1);

	if (!is_faulty()) {
		add_change(f->image, data, (size_t)offset, (size_t)len);
		return f->real.pMethods->xWrite(&f->real, data, len, offset);
	}
	if (planned == FAULT_POWER) {
		add_change(f->image, data, (size_t)offset, (size_t)len);
		cut_power();
	}
	if (part > 0)
		f->real.pMethods->xWrite(&f->real, data, part, offset);
	if (planned == FAULT_KILL)
		_exit(FAULT_EXIT);
	return planned == FAULT_FULL ? SQLITE_FULL : SQLITE_IOERR_WRITE;
}

static int
fault_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	struct fault_file *f = (struct fault_file *)file;
	int rc = step(SQLITE_IOERR_TRUNCATE);

	if (rc != SQLITE_OK)
		return rc;
	add_change(f->image, NULL, (size_t)size, 0);
	return f->real.pMethods->xTruncate(&f->real, size);
}

static int
fault_sync(sqlite3_file *file, int flags)
{
	struct fault_file *f = (struct fault_file *)file;
	int rc = step(SQLITE_IOERR_FSYNC);

	(void)flags;
	syncs++;
	if (rc == SQLITE_OK && f->image != NULL) {
		apply_all(f->image, false);
		f->image->exists = true;
	}
	return rc;
}

static int
fault_delete(sqlite3_vfs *v, const char *path, int sync_folder)
{
	int rc = step(SQLITE_IOERR_DELETE);

	(void)v;
	(void)sync_folder;
	if (rc != SQLITE_OK)
		return rc;
	if (planned == FAULT_POWER)
		image_clear(image_of(path));
	return real_vfs->xDelete(real_vfs, path, 0);
}

/* --- what passes through */

static int
fault_close(sqlite3_file *file)
{
	return real_of(file)->pMethods->xClose(real_of(file));
}

static int
fault_read(sqlite3_file *file, void *to, int len, sqlite3_int64 offset)
{
	return real_of(file)->pMethods->xRead(real_of(file), to, len, offset);
}

static int
fault_size(sqlite3_file *file, sqlite3_int64 *size)
{
	return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int
fault_lock(sqlite3_file *file, int level)
{
	return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int
fault_unlock(sqlite3_file *file, int level)
{
	return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int
fault_check_lock(sqlite3_file *file, int *taken)
{
	return real_of(file)->pMethods->xCheckReservedLock(real_of(file), taken);
}

static int
fault_control(sqlite3_file *file, int op, void *argument)
{
	return real_of(file)->pMethods->xFileControl(real_of(file), op, argument);
}

static int
fault_sector_size(sqlite3_file *file)
{
	return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int
fault_characteristics(sqlite3_file *file)
{
	return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

/* Version 1: without shared memory, which a store that nobody shares must not want. */
static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = fault_close,
    .xRead = fault_read,
    .xWrite = fault_write,
    .xTruncate = fault_truncate,
    .xSync = fault_sync,
    .xFileSize = fault_size,
    .xLock = fault_lock,
    .xUnlock = fault_unlock,
    .xCheckReservedLock = fault_check_lock,
    .xFileControl = fault_control,
    .xSectorSize = fault_sector_size,
    .xDeviceCharacteristics = fault_characteristics,
};

static int
fault_open(sqlite3_vfs *v, const char *path, sqlite3_file *file, int flags, int *out_flags)
{
	struct fault_file *f = (struct fault_file *)file;
	int rc = step(SQLITE_CANTOPEN);

	(void)v;
	f->base.pMethods = NULL;
	f->image = NULL;
	if (rc != SQLITE_OK)
		return rc;
	if (planned == FAULT_POWER && path != NULL)
		f->image = image_of(path);
	rc = real_vfs->xOpen(real_vfs, path, &f->real, flags, out_flags);
	if (f->real.pMethods != NULL)
		f->base.pMethods = &methods;
	return rc;
}

void
fault_vfs_register(void)
{
	real_vfs = sqlite3_vfs_find(NULL);
	vfs = *real_vfs;
	vfs.zName = "fault";
	vfs.szOsFile = (int)sizeof(struct fault_file) + real_vfs->szOsFile;
	vfs.pNext = NULL;
	vfs.xOpen = fault_open;
	vfs.xDelete = fault_delete;
	sqlite3_vfs_register(&vfs, 1);
}

void
fault_vfs_plan(enum fault fault, unsigned nth, unsigned count, unsigned seed)
{
	planned = fault;
	first_step = nth;
	last_step = nth + count - 1;
	steps = syncs = 0;
	chance = seed;
}

unsigned
fault_vfs_steps(void)
{
	return steps;
}

unsigned
fault_vfs_syncs(void)
{
	return syncs;
}
