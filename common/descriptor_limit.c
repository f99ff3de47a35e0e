/*
 * See descriptor_limit.h. Called when either program starts.
 */
#include "common/descriptor_limit.h"

#include "common/log.h"

#include <sys/resource.h>

enum { SCARCE = 512 }; /* connections; with fewer, users will be turned away before long */

size_t
descriptor_limit_raise(size_t connections, size_t own)
{
	size_t wanted = connections + own;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1 || limit.rlim_cur >= wanted)
		return connections;
	limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
	if (setrlimit(RLIMIT_NOFILE, &limit) == -1)
		getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur >= wanted)
		return connections;
	connections = limit.rlim_cur > 2 * own ? limit.rlim_cur - own : limit.rlim_cur / 2;
	log_at(connections < SCARCE ? SEVERITY_ERROR : SEVERITY_DEBUG,
	    "connection_limit is lowered to %zu: the system allows %zu open files", connections,
	    (size_t)limit.rlim_cur);
	return connections;
}
