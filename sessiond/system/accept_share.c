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
	struct {
		_Atomic uint32_t count; /* one more than it has; 0: it does not accept */
		_Atomic uint32_t said;	/* how often it has said that */
		/* Its own notes: what another had said when something was left to that. */
		uint32_t heard[DAEMONS_MAX];
	} daemons[DAEMONS_MAX];
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
	    &share->daemons[index].count, (uint32_t)connections + 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&share->daemons[index].said, 1, memory_order_relaxed);
}

void
accept_share_leave(struct accept_share *share, unsigned index)
{
	atomic_store_explicit(&share->daemons[index].count, 0, memory_order_relaxed);
}

static uint32_t
count_of(const struct accept_share *share, unsigned index)
{
	return atomic_load_explicit(&share->daemons[index].count, memory_order_relaxed);
}

static bool
has_clearly_fewer(const struct accept_share *share, unsigned index, uint32_t own)
{
	uint32_t other = count_of(share, index);

	return other != 0 && own > other && own - other > SLACK + other / SLACK_PART;
}

bool
accept_share_leaves(struct accept_share *share, const struct daemon_place *place)
{
	uint32_t *heard = share->daemons[place->index].heard, own = count_of(share, place->index);
	bool leaves = false;
	unsigned i;

	for (i = 0; i < place->count; i++) {
		uint32_t said = atomic_load_explicit(&share->daemons[i].said, memory_order_relaxed);

		if (said == heard[i] || !has_clearly_fewer(share, i, own))
			continue;
		heard[i] = said;
		leaves = true;
	}
	return leaves;
}
