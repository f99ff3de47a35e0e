/*
 * See write_log.h. The memory is a counter and a ring of ids after it.
 */
#include "wire/write_log.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	SIZE = (WRITE_LOG_ENTRIES + 1) * sizeof(uint64_t),
	SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL,
};

void
write_log_create(struct write_log *log)
{
	log->memory = NULL;
	log->fd = memfd_create("sockjs-write-log", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (log->fd == -1)
		return;
	if (ftruncate(log->fd, SIZE) == 0 && fcntl(log->fd, F_ADD_SEALS, SEALS) == 0)
		log->memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, log->fd, 0);
	if (log->memory == MAP_FAILED || log->memory == NULL) {
		log->memory = NULL;
		close(log->fd);
		log->fd = -1;
	}
}

void
write_log_destroy(struct write_log *log)
{
	if (log->fd == -1)
		return;
	munmap(log->memory, SIZE);
	close(log->fd);
	log->fd = -1;
}

static uint64_t *
entry(const struct write_log *log, uint64_t n)
{
	return &log->memory[1 + n % WRITE_LOG_ENTRIES];
}

void
write_log_put(struct write_log *log, uint64_t id)
{
	if (log->fd == -1)
		return;
	/* What a process has stored outlives it; the compiler must not keep it back. */
	__atomic_store_n(entry(log, log->memory[0]), id, __ATOMIC_SEQ_CST);
	log->memory[0]++;
}

void
write_log_take_back(struct write_log *log)
{
	if (log->fd != -1)
		__atomic_store_n(entry(log, log->memory[0] - 1), 0, __ATOMIC_SEQ_CST);
}

bool
write_log_is_log(int fd)
{
	struct stat status;
	int seals = fcntl(fd, F_GET_SEALS); /* only files in memory have any */

	return seals != -1 && (seals & F_SEAL_SHRINK) != 0 && fstat(fd, &status) == 0 &&
	    S_ISREG(status.st_mode) && status.st_size == SIZE;
}

bool
write_log_has(int fd, uint64_t id)
{
	uint64_t memory[WRITE_LOG_ENTRIES + 1];
	size_t i;

	if (fd == -1 || id == 0 || !write_log_is_log(fd) ||
	    pread(fd, memory, sizeof memory, 0) != (ssize_t)sizeof memory)
		return false;
	for (i = 1; i <= WRITE_LOG_ENTRIES; i++)
		if (memory[i] == id)
			return true;
	return false;
}
