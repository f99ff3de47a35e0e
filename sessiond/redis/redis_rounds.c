/* See redis_rounds.h. */
#include "sessiond/redis/redis_rounds.h"

size_t
redis_rounds_next(struct redis_rounds *rounds, size_t count)
{
	size_t owed = rounds->owed + count;

	rounds->owed = owed % REDIS_ROUND;
	return owed / REDIS_ROUND;
}
