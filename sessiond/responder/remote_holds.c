/*
 * See remote_holds.h.
 */
#include "sessiond/responder/remote_holds.h"

#include "common/log_limit.h"
#include "sessiond/responder/peer.h"
#include "sessiond/session/admission.h"
#include "sessiond/session/session_set.h"

enum {
	WINDOW_MS = 10000,
	STARVING = 100,	     /* turned away in a window */
	STARVING_MS = 60000, /* until it is tried again whether there are more processes */
	STARVING_FREE = 4,   /* one of so many processes, and one, is kept free then */
};

static void make_room(struct remote_holds *holds, uint64_t now);

static void
look_again(struct timer *timer, void *context)
{
	struct remote_holds *holds = context;

	(void)timer;
	make_room(holds, sessions_now(holds->sessions));
}

void
remote_holds_init(struct remote_holds *holds, struct sessions *sessions, unsigned daemons)
{
	*holds = (struct remote_holds){.sessions = sessions, .daemons = daemons};
	TAILQ_INIT(&holds->held.list);
	timer_queue_add(&sessions->timers, &holds->looks, REMOTE_HOLDS_LEAST_MS, look_again, holds);
}

void
remote_holds_clear(struct remote_holds *holds)
{
	timer_queue_remove(&holds->sessions->timers, &holds->looks);
}

void
remote_holds_see(struct remote_holds *holds, struct peer *peer, bool is_alone)
{
	holds->processes += (size_t)is_alone - (size_t)peer->is_alone;
	peer->is_alone = is_alone;
}

void
remote_holds_forget(struct remote_holds *holds, struct peer *peer)
{
	remote_holds_see(holds, peer, false);
}

/* How many may wait. */
static size_t
most_of(const struct remote_holds *holds, uint64_t now)
{
	size_t processes = holds->processes;
	size_t kept_free = now < holds->starving_until ? processes / STARVING_FREE + 1 : 1;
	size_t most =
	    processes < REMOTE_HOLDS_LEAST + kept_free ? REMOTE_HOLDS_LEAST : processes - kept_free;

	if (holds->most != 0)
		return holds->most;
	return most < holds->daemons ? 1 : most / holds->daemons;
}

static void
tell_starving(const struct remote_holds *holds, uint64_t now)
{
	static struct log_limit limit;

	log_limited(&limit, SEVERITY_ERROR,
	    "%zu polls in %llu s had to come again: of the %zu processes of sockjs.fcgi each "
	    "serves one request at a time, and %zu polls may wait at once; %s",
	    holds->turned_away, (unsigned long long)(now - holds->since) / 1000, holds->processes,
	    most_of(holds, now),
	    holds->most == 0
		? "raise FcgidMaxProcessesPerClass and FcgidMaxProcesses, if Apache is at "
		  "its limit"
		: "raise fcgid_max_held, or leave it out");
}

/* Polls that come again and again, for a whole window, in which no process was started. */
static void
count_turned_away(struct remote_holds *holds, uint64_t now)
{
	uint64_t ms = now - holds->since;

	holds->sessions->limits.reached[LIMIT_FCGID_MAX_HELD]++;
	holds->turned_away++;
	if (ms < WINDOW_MS)
		return;
	if (holds->processes > holds->processes_before) {
		holds->starving_until = 0;
	} else if (holds->turned_away >= STARVING && ms < 2 * WINDOW_MS) {
		tell_starving(holds, now);
		holds->starving_until = now + STARVING_MS;
	}
	holds->since = now;
	holds->turned_away = 0;
	holds->processes_before = holds->processes;
}

/* Turns away those that are too many, as far as they have waited long enough. */
static void
make_room(struct remote_holds *holds, uint64_t now)
{
	size_t may_wait = most_of(holds, now);

	while (holds->held.count > may_wait) {
		struct remote_request *oldest = TAILQ_FIRST(&holds->held.list);

		if (oldest->receiver.session == NULL) {
			remote_request_unhold(oldest);
			continue;
		}
		if (now - oldest->held_since < REMOTE_HOLDS_LEAST_MS) {
			if (!timer_is_running(&holds->look))
				timer_start(&holds->looks, &holds->look, now);
			return;
		}
		count_turned_away(holds, now);
		if (!admission_end(oldest->receiver.session, "Too many clients wait.\n"))
			session_turn_away(oldest->receiver.session);
	}
}

void
remote_holds_add(
    struct remote_holds *holds, struct remote_request *request, size_t most, uint64_t now)
{
	holds->most = most;
	request->held_since = now;
	remote_request_hold(request, &holds->held);
	make_room(holds, now);
}
