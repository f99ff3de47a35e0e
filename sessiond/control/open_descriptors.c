/*
 * See open_descriptors.h. The process may be allowed a thousand million descriptors: what is done
 * is bounded by the size of the kernel's table of them, which has grown with those that were open.
 */
#include "sessiond/control/open_descriptors.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>

/* At once: poll refuses more than may be open, even of fewer. */
enum { BLOCK = 64 };

/* No descriptor is as high; 0: the system does not tell. */
static unsigned
table_size(void)
{
	FILE *file = fopen("/proc/self/status", "re");
	char line[256];
	unsigned size = 0;

	if (file == NULL)
		return 0;
	while (fgets(line, sizeof line, file) != NULL)
		if (sscanf(line, "FDSize: %u", &size) == 1)
			break;
	fclose(file);
	return size < INT_MAX ? size : 0;
}

/* Of the descriptors from `first` on, count (at most BLOCK) in all. -1 if poll fails. */
static int
count_block(unsigned first, unsigned count)
{
	struct pollfd block[BLOCK];
	int open = 0;
	unsigned i;

	for (i = 0; i < count; i++)
		block[i] = (struct pollfd){.fd = (int)(first + i)};
	if (poll(block, count, 0) == -1)
		return -1;
	for (i = 0; i < count; i++)
		/* To poll, one of O_PATH is none. */
		open += (block[i].revents & POLLNVAL) == 0 || fcntl(block[i].fd, F_GETFD) != -1;
	return open;
}

long
open_descriptors_by_poll(void)
{
	unsigned at, size = table_size();
	long open = 0;
	int more;

	for (at = 0; at < size; at += BLOCK) {
		more = count_block(at, size - at < BLOCK ? size - at : BLOCK);
		if (more == -1)
			return -1;
		open += more;
	}
	return open > 0 ? open : -1;
}

long
open_descriptors(void)
{
	struct stat folder;

	/* proc(5), /proc/pid/fd */
	if (stat("/proc/self/fd", &folder) == 0 && folder.st_size > 0)
		return (long)folder.st_size;
	return open_descriptors_by_poll();
}
