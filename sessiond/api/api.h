/*
 * What the calls of sockjs.h share: they take no context, so this process's sessions are bound here, and the thread whose calls are
 * accepted; and how a module's mistakes are refused.
 */
#ifndef SESSIOND_API_H
#define SESSIOND_API_H

#include "sessiond/sockjs.h"

#include <stdbool.h>

struct session;
struct sessions;

/*
 * Borrows sessions until it is called again; NULL: every handle is then unknown. Calls are accepted from the calling thread alone
 * from now on.
 */
void api_bind(struct sessions *sessions);

/* False on another thread than api_bind's, with a line in the log: call must do nothing. */
bool api_is_loop(const char *call);

/*
 * The session of a connection, for `call` (__func__). SOCKJS_OK, SOCKJS_GONE (*session is NULL; nothing is logged) or
 * SOCKJS_WRONG_THREAD (NULL).
 */
int api_find(sockjs_connection connection, const char *call, struct session **session);

/*
 * What a call acts on is gone (session NULL), or closing: a line in the log, of SEVERITY_INFO, since a client may leave at any
 * moment. Returns SOCKJS_GONE.
 */
int api_refuse_gone(const struct session *session, const char *call);

/*
 * Writes into the log what is wrong with a call; session NULL: none is concerned. Of a module that goes on making mistakes, only
 * the first ones of each second are logged. Any thread, if session is NULL. Returns SOCKJS_INVALID.
 */
int api_refuse(const struct session *session, const char *call, const char *why);

/* True if service may be followed, on the loop's thread; else api_refuse has been called. */
bool api_is_service(const sockjs_service *service, const char *call);

#endif
