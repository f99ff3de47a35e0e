/* See daemon_place.h. */
#include "conf/daemon_place.h"

#include "common/memory.h"

#include <stdio.h>
#include <stdlib.h>

char *
daemon_place_path(const char *path, const struct daemon_place *place)
{
	char *own;

	if (path == NULL)
		return NULL;
	if (place->count == 1)
		return xstrdup(path);
	if (asprintf(&own, "%s.%u", path, place->index) == -1)
		abort();
	return own;
}
