/* See redis_rounds.h. */
#include "sessiond/redis/redis_rounds.h"

/* After a whole round it is everybody's turn, once. */
size_t
redis_rounds_next(struct redis_rounds *rounds, size_t count, uint64_t elapsed)
{
	uint64_t owed = rounds->owed + count * (elapsed < REDIS_ROUND ? elapsed : REDIS_ROUND);

	rounds->owed = owed % REDIS_ROUND;
	return (size_t)(owed / REDIS_ROUND);
}
