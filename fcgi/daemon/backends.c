/*
 * See backends.h. A backend is made when it is needed first, and kept: what it knows of its last
 * connection its daemon wants to hear on the next one.
 */
#include "fcgi/daemon/backends.h"

#include "common/memory.h"
#include "common/random.h"
#include "fcgi/daemon/autostart.h"
#include "fcgi/daemon/confirmations.h"
#include "wire/wire_home.h"

#include <stdio.h>
#include <string.h>

static struct backends *
all_of(struct backend_share *share)
{
	return container_of(share, struct backends, share);
}

/* --- which there are -------------------------------------------------------------------------- */

/* The i-th of those that are in use. */
static struct backend *
used(const struct backends *all, unsigned i)
{
	return all->count == 1 ? all->one : all->several[i];
}

static bool
is_any_connected(const struct backends *all)
{
	for (unsigned i = 0; i < all->count; i++)
		if (backend_state(used(all, i)) >= BACKEND_GREETING)
			return true;
	return false;
}

/* The next in turn that is there; else the first. */
static struct backend *
any(struct backends *all)
{
	for (unsigned i = 0; i < all->count; i++) {
		struct backend *backend = used(all, all->turn++ % all->count);

		if (backend_state(backend) == BACKEND_THERE)
			return backend;
	}
	return used(all, 0);
}

static struct backend *
choose(struct backends *all, const struct call *call)
{
	if (all->count == 1)
		return all->one;
	return call->session == NULL
	    ? any(all)
	    : all->several[wire_home(call->session, call->session_len, all->count)];
}

static void
move_if_misplaced(struct call *call, void *context)
{
	struct backend *home = call->is_issued ? call->backend : choose(context, call);

	if (home != call->backend)
		backend_adopt(home, call);
}

/*
 * Calls that wait for a daemon, and are another's by now, or any's that is there. Some wait for one
 * that has just come: it has said how many there are, and they have not been issued yet.
 */
static void
move_calls(struct backends *all)
{
	backend_each_call(all->one, move_if_misplaced, all);
	for (unsigned i = 0; i < DAEMONS_MAX; i++)
		if (all->several[i] != NULL)
			backend_each_call(all->several[i], move_if_misplaced, all);
}

static void
use(struct backends *all, unsigned index)
{
	const struct daemon_place place = {index, all->count};

	if (all->several[index] == NULL)
		all->several[index] = backend_create(
		    &all->share, daemon_place_path(all->share.config->socket, &place));
}

/* There are so many daemons, from now on. */
static void
change_count(struct backends *all, unsigned count)
{
	unsigned i;

	all->count = count;
	for (i = 0; count > 1 && i < count; i++)
		use(all, i);
	for (i = count > 1 ? count : 0; i < DAEMONS_MAX; i++)
		if (all->several[i] != NULL)
			backend_retire(all->several[i]);
	if (count > 1)
		backend_retire(all->one);
	for (i = 0; i < count; i++)
		backend_resume(used(all, i));
}

static void
placed(struct backend_share *share, const struct wire_daemons *daemons)
{
	struct backends *all = all_of(share);
	unsigned count = daemons->count < DAEMONS_MAX ? daemons->count : DAEMONS_MAX;

	if (count != all->count)
		change_count(all, count);
	/* It was only asked. */
	if (count > 1)
		backend_retire(all->one);
	move_calls(all);
}

/* Where no daemon can be reached, there may be another number of them soon. */
static void
missed(struct backend_share *share)
{
	struct backends *all = all_of(share);

	if (all->count == 1 || share->loop->is_draining)
		return;
	move_calls(all);
	if (!is_any_connected(all))
		backend_resume(all->one);
}

/* --- life ------------------------------------------------------------------------------------- */

static void
patience_fire(struct timer *timer, void *context)
{
	const struct backends *all = context;
	struct call *call = container_of(timer, struct call, patience);

	calls_remove(call);
	all->share.owner->lost(call, BACKEND_AWAY, 0);
}

void
backends_start(struct backends *all, const struct responder_config *config, struct loop *loop,
    struct timers *timers, const struct backend_calls *owner)
{
	*all = (struct backends){
	    .share =
		{
		    .config = config,
		    .loop = loop,
		    .owner = owner,
		    .placed = placed,
		    .missed = missed,
		    .body_limit = BODY_LIMIT_UNKNOWN,
		},
	    .count = 1,
	};
	random_bytes(&all->share.instance, sizeof all->share.instance);
	timer_queue_add(
	    timers, &all->share.patience, config->options.backend_timeout, patience_fire, all);
	confirmations_add_delay(timers, &all->share.confirms);
	all->one = backend_create(&all->share, xstrdup(config->socket));
	backend_resume(all->one);
}

void
backends_stop(struct backends *all)
{
	backend_destroy(&all->one);
	for (unsigned i = 0; i < DAEMONS_MAX; i++)
		backend_destroy(&all->several[i]);
}

/* --- what is asked of them -------------------------------------------------------------------- */

bool
backends_are_several(const struct backends *all)
{
	return all->count > 1;
}

struct known_services *
backends_services(const struct backends *all, const char *session, size_t session_len)
{
	struct known_services *told = backend_services(all->one), *own;

	if (all->count == 1)
		return told;
	if (session != NULL) {
		own = backend_services(all->several[wire_home(session, session_len, all->count)]);
		if (own != NULL)
			return own;
	}
	for (unsigned i = 0; i < all->count; i++) {
		own = backend_services(used(all, i));
		if (own != NULL && (told == NULL || backend_state(used(all, i)) == BACKEND_THERE))
			return own;
	}
	return told;
}

const char *
backends_unready(const struct backends *all)
{
	const char *first = backend_unready(used(all, 0)), *text = first;

	for (unsigned i = 1; i < all->count && text != NULL; i++)
		text = backend_unready(used(all, i));
	return text == NULL ? NULL : first;
}

void
backends_away_reason(const struct backends *all, char reason[BACKENDS_REASON_SIZE])
{
	const struct responder_config *config = all->share.config;
	char known[AUTOSTART_REASON_SIZE];

	if (!config->options.show_reason)
		reason[0] = '\0';
	else if (autostart_reason(config, known))
		snprintf(reason, BACKENDS_REASON_SIZE, "%s", known);
	else if (!backend_failure(used(all, 0), reason, BACKENDS_REASON_SIZE))
		reason[0] = '\0';
}

void
backends_add(struct backends *all, struct call *call)
{
	backend_add(choose(all, call), call);
}

bool
backends_tell_counts(struct backends *all, const struct wire_counts *counts)
{
	return backend_tell_counts(any(all), counts);
}

void
backends_flush(struct backends *all)
{
	for (unsigned i = 0; i < all->count; i++)
		backend_flush(used(all, i));
}

bool
backends_are_flushed(const struct backends *all)
{
	for (unsigned i = 0; i < all->count; i++)
		if (!backend_is_flushed(used(all, i)))
			return false;
	return true;
}

void
backends_say_goodbye(struct backends *all)
{
	for (unsigned i = 0; i < all->count; i++)
		backend_say_goodbye(used(all, i));
}
