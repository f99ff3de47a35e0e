/*
 * Ties the public calls of sockjs.h, which take no context, to this process's sessions.
 */
#ifndef SESSIOND_API_H
#define SESSIOND_API_H

struct sessions;

/* Borrows sessions until it is called again; NULL: every handle is then unknown. */
void api_bind(struct sessions *sessions);

#endif
