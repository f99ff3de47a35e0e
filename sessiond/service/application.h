/*
 * The events of sockjs.h as sessions cause them: each calls the callback of the session's module, if that has one.
 */
#ifndef SESSIOND_APPLICATION_H
#define SESSIOND_APPLICATION_H

#include "sessiond/session/session.h"

/* A new connection. */
void application_connection(struct session *session);

/* One that the daemon's last run had; a new one for a module that does not tell them apart. */
void application_resume(struct session *session);

/* The daemon stops, and the next one resumes the connection; its end for a module that does not tell them apart. */
void application_suspend(struct session *session);

/* A message of the client's; data is borrowed. */
void application_data(struct session *session, const char *data, size_t len, bool binary);

/* What waited has left. */
void application_drain(struct session *session);

/* The end. */
void application_close(struct session *session);

#endif
