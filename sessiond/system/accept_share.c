/*
 * See accept_share.h. The numbers are hints: nothing breaks if one is old.
 */
#include "sessiond/system/accept_share.h"

#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	SLACK = 4,	 /* connections more than another, */
	SLACK_PART = 16, /* and this part of what that has, are no reason to wait */
};

struct accept_share {
	/* Of each daemon, one more than it has; 0: it does not accept. */
	_Atomic uint32_t counts[DAEMONS_MAX];
};

int
accept_share_create(void)
{
	int fd = memfd_create("sockjs-accept-share", MFD_CLOEXEC);

	if (fd != -1 && ftruncate(fd, sizeof(struct accept_share)) == 0)
		return fd;
	if (fd != -1)
		close(fd);
	return -1;
}

struct accept_share *
accept_share_map(int fd)
{
	void *memory =
	    mmap(NULL, sizeof(struct accept_share), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void
accept_share_set(struct accept_share *share, unsigned index, size_t connections)
{
	atomic_store_explicit(
	    &share->counts[index], (uint32_t)connections + 1, memory_order_relaxed);
}

void
accept_share_leave(struct accept_share *share, unsigned index)
{
	atomic_store_explicit(&share->counts[index], 0, memory_order_relaxed);
}

bool
accept_share_is_over(const struct accept_share *share, const struct daemon_place *place)
{
	uint32_t own = atomic_load_explicit(&share->counts[place->index], memory_order_relaxed);
	unsigned i;

	for (i = 0; i < place->count; i++) {
		uint32_t other = atomic_load_explicit(&share->counts[i], memory_order_relaxed);

		if (other != 0 && own > other && own - other > SLACK + other / SLACK_PART)
			return true;
	}
	return false;
}
