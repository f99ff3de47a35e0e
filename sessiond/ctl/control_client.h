/*
 * Asks the daemon one thing, over HTTP/1.1 on its control socket, and waits for the answer.
 */
#ifndef SESSIOND_CONTROL_CLIENT_H
#define SESSIOND_CONTROL_CLIENT_H

#include "common/buffer.h"
#include "common/error.h"

enum { CONTROL_CLIENT_WAIT_S = 30 }; /* for an answer to go on */

/*
 * Sends METHOD PATH, with a body (NULL: none), to the Unix socket, and appends the body of the
 * answer to *body, NUL-terminated (the NUL is not counted). Returns its status, or -1 and an error
 * that says what to do: EX_UNAVAILABLE if nobody answers, EX_NOPERM if this user may not,
 * EX_PROTOCOL if it is no answer. 403 is such an error, too.
 */
int control_ask(const char *socket, const char *method, const char *path, const char *sent,
    struct buffer *body, struct error *err);

/*
 * The same, for those to whom every status but 200 is an error: EX_NOHOST (404), EX_TEMPFAIL (503)
 * or EX_CONFIG, with the first line of the answer. Returns 0, or -1 and the error.
 */
int control_obtain(const char *socket, const char *method, const char *path, const char *sent,
    struct buffer *body, struct error *err);

struct control_follower {
	void (*begin)(void *context); /* the daemon answers, and lines come from now on */
	/* Each line, without its end. Returns 0, or -1 and an error to go on no more. */
	int (*line)(void *context, const char *line, struct error *err);
};

/*
 * Follows an answer that does not end: GET path, and what it says, as it comes. Returns -1 and an
 * error, at last: as control_obtain, or EX_UNAVAILABLE when the daemon ends.
 */
int control_follow(const char *socket, const char *path, const struct control_follower *follower,
    void *context, struct error *err);

/*
 * Splits what came until the end of the connection: moves the body of the answer to the beginning
 * of *text. Returns its status, -1 if it is no whole answer.
 */
int control_take_answer(struct buffer *text);

/* Appends &name=value to a target, encoded; nothing if value is NULL. */
void control_append_field(struct buffer *target, const char *name, const char *value);

#endif
