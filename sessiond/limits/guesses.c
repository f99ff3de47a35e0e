/* See guesses.h. The time that is kept of an address is never more than a minute ahead. */
#include "sessiond/limits/guesses.h"

#include "sessiond/limits/address_count.h"

#include <stddef.h>

enum { US_A_MS = 1000, US_A_MINUTE = 60000000 };

void
guesses_init(struct guesses *guesses)
{
	guesses->a_minute = 0;
	rate_table_init(&guesses->addresses);
}

void
guesses_clear(struct guesses *guesses)
{
	rate_table_clear(&guesses->addresses);
}

bool
guesses_are_used_up(const struct guesses *guesses, const struct sockaddr *address, uint64_t now)
{
	const struct rate_points *points;

	if (guesses->a_minute == 0 || guesses->addresses.count == 0)
		return false;
	points = rate_table_peek(&guesses->addresses, address_count_number(address));
	return points != NULL &&
	    points->at[0] + US_A_MINUTE / guesses->a_minute > now * US_A_MS + US_A_MINUTE;
}

void
guesses_note(struct guesses *guesses, const struct sockaddr *address, uint64_t now)
{
	struct rate_points *points;

	if (guesses->a_minute == 0 || guesses_are_used_up(guesses, address, now))
		return;
	points = rate_table_find(&guesses->addresses, address_count_number(address));
	if (points->at[0] < now * US_A_MS)
		points->at[0] = now * US_A_MS;
	points->at[0] += US_A_MINUTE / guesses->a_minute;
}
