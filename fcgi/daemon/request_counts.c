/*
 * See request_counts.h. Few pairs of endpoint and status occur, and those of most requests are
 * among the first: a list is enough.
 */
#include "fcgi/daemon/request_counts.h"

#include "common/log_limit.h"
#include "common/log_output.h"

static void
start_timer(struct request_counts *counts)
{
	timer_start(&counts->delay, &counts->due, loop_now(counts->loop));
}

/* While sessiond is away, the next one is to be told. */
static void
fire(struct timer *timer, void *context)
{
	struct request_counts *counts = context;

	(void)timer;
	request_counts_tell(counts);
	if (counts->untold.count > 0)
		start_timer(counts);
}

void
request_counts_init(struct request_counts *counts, struct backends *backends,
    const struct loop *loop, struct timers *timers)
{
	*counts = (struct request_counts){.backends = backends, .loop = loop};
	timer_queue_add(timers, &counts->delay, REQUEST_COUNTS_DELAY_MS, fire, counts);
}

/* NULL: there is no room, which is for more than all pairs that occur. */
static struct wire_count *
find(struct wire_counts *counts, unsigned endpoint, int status)
{
	struct wire_count *count = counts->list, *end = count + counts->count;

	for (; count < end; count++)
		if (count->status == status && count->endpoint == endpoint)
			return count;
	if (counts->count == WIRE_COUNTS_MAX)
		return NULL;
	counts->count++;
	*count = (struct wire_count){(uint8_t)endpoint, (uint16_t)status, 0};
	return count;
}

void
request_counts_add(struct request_counts *counts, unsigned endpoint, int status)
{
	struct wire_count *count = find(&counts->untold, endpoint, status);

	if (count != NULL)
		count->requests++;
	if (!timer_is_running(&counts->due))
		start_timer(counts);
}

void
request_counts_tell(struct request_counts *counts)
{
	uint64_t lines = log_limits_withheld() + log_output_lost();

	counts->untold.lines_dropped = (uint32_t)(lines - counts->lines_told);
	if ((counts->untold.count == 0 && counts->untold.lines_dropped == 0) ||
	    !backends_tell_counts(counts->backends, &counts->untold))
		return;
	counts->untold.count = 0;
	counts->lines_told = lines;
	timer_stop(&counts->due);
}
