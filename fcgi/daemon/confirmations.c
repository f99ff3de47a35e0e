/*
 * See confirmations.h. The timer runs only while confirmations wait that are not urgent.
 */
#include "fcgi/daemon/confirmations.h"

#include "common/memory.h"
#include "wire/wire_messages.h"

static void
on_delay_over(struct timer *timer, void *context)
{
	(void)context;
	confirmations_hurry(container_of(timer, struct confirmations, timer));
}

void
confirmations_add_delay(struct timers *timers, struct timer_queue *delay)
{
	timer_queue_add(timers, delay, CONFIRMATIONS_DELAY_MS, on_delay_over, NULL);
}

void
confirmations_init(struct confirmations *confirmations, struct timer_queue *delay)
{
	*confirmations = (struct confirmations){.delay = delay};
	write_log_create(&confirmations->log);
}

void
confirmations_clear(struct confirmations *confirmations)
{
	timer_stop(&confirmations->timer);
	write_log_destroy(&confirmations->log);
}

void
confirmations_note(struct confirmations *confirmations, uint64_t call)
{
	write_log_put(&confirmations->log, call);
}

void
confirmations_unnote(struct confirmations *confirmations)
{
	write_log_take_back(&confirmations->log);
}

/* Many come with one read, so that the end of the turn may be too late. */
bool
confirmations_put(
    struct confirmations *confirmations, uint64_t call, bool is_urgent, struct buffer *output)
{
	bool are_many = ++confirmations->waiting >= CONFIRMATIONS_AT_ONCE;

	wire_encode_written(output, call);
	if (is_urgent || are_many || confirmations->log.fd == -1)
		confirmations_hurry(confirmations);
	return are_many;
}

void
confirmations_forget(struct confirmations *confirmations)
{
	timer_stop(&confirmations->timer);
	confirmations->waiting = 0;
}

void
confirmations_hurry(struct confirmations *confirmations)
{
	confirmations->is_urgent = true;
}

bool
confirmations_may_leave(struct confirmations *confirmations, uint64_t now)
{
	if (!confirmations->is_urgent && confirmations->waiting > 0) {
		if (!timer_is_running(&confirmations->timer))
			timer_start(confirmations->delay, &confirmations->timer, now);
		return false;
	}
	timer_stop(&confirmations->timer);
	confirmations->is_urgent = false;
	confirmations->waiting = 0;
	return true;
}
