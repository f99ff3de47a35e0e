/*
 * What becomes of answers: sessiond is to hear which of them were written to the web server.
 *
 * A wake-up of sessiond for each would be a third of what a poll costs that comes alone. Nearly
 * always there is more to say soon: the client's next poll, at the latest. So confirmations wait
 * for that, for CONFIRMATIONS_DELAY_MS at most, and for CONFIRMATIONS_AT_ONCE of them at most. If
 * this process is killed meanwhile, sessiond finds them in the write log.
 */
#ifndef FCGI_DAEMON_CONFIRMATIONS_H
#define FCGI_DAEMON_CONFIRMATIONS_H

#include "common/buffer.h"
#include "common/timer_queue.h"
#include "wire/write_log.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	CONFIRMATIONS_DELAY_MS = 50, /* most clients poll again before that */
	CONFIRMATIONS_AT_ONCE = 64,  /* the write log has room for many more */
};

/* Those of one backend. The members are private, but log.fd, which sessiond is given. */
struct confirmations {
	struct timer_queue *delay;
	struct write_log log;
	unsigned waiting;   /* in the output */
	bool is_urgent;	    /* they do not wait: more than confirmations is to be sent */
	struct timer timer; /* runs while that is all that is to be sent */
};

/* Makes the queue that the timers of all backends are in. */
void confirmations_add_delay(struct timers *timers, struct timer_queue *delay);

/* delay: see above; borrowed. */
void confirmations_init(struct confirmations *confirmations, struct timer_queue *delay);
void confirmations_clear(struct confirmations *confirmations);

/* The write that follows completes the answer to that call. */
void confirmations_note(struct confirmations *confirmations, uint64_t call);

/* The write did not take all. */
void confirmations_unnote(struct confirmations *confirmations);

/*
 * The answer to that call was written: this is put into the output. Returns true if so many wait
 * now that the output has to be sent at once.
 */
bool confirmations_put(
    struct confirmations *confirmations, uint64_t call, bool is_urgent, struct buffer *output);

/* The output is lost, with its link. */
void confirmations_forget(struct confirmations *confirmations);

/* What is put into the output does not wait, nor do the confirmations before it. */
void confirmations_hurry(struct confirmations *confirmations);

/*
 * Returns true if what is in the output is to be sent now; it counts as sent then. Returns false if
 * that is nothing but confirmations, and sees to it that they are urgent soon. now: ms.
 */
bool confirmations_may_leave(struct confirmations *confirmations, uint64_t now);

#endif
