/* See limit.h. */
#include "sessiond/limits/limit.h"

#include <assert.h>

void
limit_refuse(struct limit *limit)
{
	limit->refused++;
	log_limited(&limit->log, SEVERITY_ERROR, "%s (%zu) reached: %llu refused since the start",
	    limit->option, limit->most, (unsigned long long)limit->refused);
}

bool
limit_take(struct limit *limit, size_t n)
{
	if (limit->taken > limit->most || n > limit->most - limit->taken) {
		limit_refuse(limit);
		return false;
	}
	limit->taken += n;
	return true;
}

void
limit_give(struct limit *limit, size_t n)
{
	assert(n <= limit->taken);
	limit->taken -= n;
}

bool
limit_resize(struct limit *limit, size_t *own, size_t wanted)
{
	if (wanted > *own && !limit_take(limit, wanted - *own))
		return false;
	if (wanted < *own)
		limit_give(limit, *own - wanted);
	*own = wanted;
	return true;
}
