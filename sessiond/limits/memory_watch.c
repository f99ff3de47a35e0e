/*
 * See memory_watch.h. Looking costs a read of /proc/self/statm, ten times a second at most. Giving
 * back (malloc_trim) walks the C library's lists, so it waits until memory has stopped growing.
 */
#include "sessiond/limits/memory_watch.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CALM_LOOKS = 10 }; /* after which free memory is given back */

/* The number after `pages` blanks of /proc/self/statm, in bytes. */
static size_t
read_resident(void)
{
	char text[128] = "";
	unsigned long size, resident = 0;
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);

	/* Without a descriptor, what was seen last stands. */
	if (fd == -1)
		return 0;
	if (read(fd, text, sizeof text - 1) > 0 && sscanf(text, "%lu %lu", &size, &resident) != 2)
		resident = 0;
	close(fd);
	return resident * (size_t)sysconf(_SC_PAGESIZE);
}

static void
look(struct memory_watch *watch)
{
	size_t resident = read_resident();

	if (resident == 0)
		return;
	watch->calm = resident > watch->resident ? 0 : watch->calm + 1;
	watch->resident = resident;
	if (resident < watch->floor)
		watch->floor = resident;
	if (resident <= watch->floor + MEMORY_WATCH_SLACK ||
	    (watch->calm < CALM_LOOKS && !memory_watch_is_short(watch)))
		return;
	malloc_trim(0);
	watch->calm = 0;
	watch->resident = watch->floor = read_resident();
}

static void
look_fire(struct timer *timer, void *context)
{
	struct memory_watch *watch = context;

	look(watch);
	/* Until everything is given back, or there is nothing to give. */
	if (watch->resident > watch->floor + MEMORY_WATCH_SLACK)
		timer_start(&watch->looks, timer, timer->deadline);
}

void
memory_watch_init(struct memory_watch *watch, struct timers *timers, size_t limit)
{
	*watch = (struct memory_watch){.timers = timers, .limit = limit};
	watch->resident = watch->floor = read_resident();
	timer_queue_add(timers, &watch->looks, MEMORY_WATCH_MS, look_fire, watch);
}

void
memory_watch_clear(struct memory_watch *watch)
{
	timer_queue_remove(watch->timers, &watch->looks);
}

void
memory_watch_freed(struct memory_watch *watch)
{
	watch->floor = 0;
	watch->is_wanted = true;
}

void
memory_watch_look(struct memory_watch *watch, uint64_t now)
{
	watch->is_wanted = false;
	if (!timer_is_running(&watch->timer))
		timer_start(&watch->looks, &watch->timer, now);
}

/* --- how much there is ------------------------------------------------------------------------ */

/* The number in the file, SIZE_MAX if it has none ("max"). */
static size_t
read_number(const char *path)
{
	unsigned long long number;
	FILE *file = fopen(path, "re");
	size_t found = SIZE_MAX;

	if (file == NULL)
		return SIZE_MAX;
	if (fscanf(file, "%llu", &number) == 1 && number < SIZE_MAX)
		found = (size_t)number;
	fclose(file);
	return found;
}

/* The group's path is the third field of a line `0::PATH` (cgroups(7)). */
static size_t
read_group_limit(void)
{
	char line[512], path[640];
	FILE *file = fopen("/proc/self/cgroup", "re");
	size_t limit = SIZE_MAX;

	if (file == NULL)
		return SIZE_MAX;
	while (limit == SIZE_MAX && fgets(line, sizeof line, file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "0::", 3) != 0)
			continue;
		snprintf(path, sizeof path, "/sys/fs/cgroup%s/memory.max", line + 3);
		limit = read_number(path);
	}
	fclose(file);
	return limit;
}

size_t
memory_watch_default_limit(void)
{
	size_t machine = (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE),
	       group = read_group_limit();
	size_t least = machine < group ? machine : group;

	return least - least / 4;
}
