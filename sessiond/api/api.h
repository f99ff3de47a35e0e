/*
 * What the calls of sockjs.h share. They take no context: the sessions of this process are bound
 * here, and so is the thread whose calls are accepted. A module's mistakes are refused here too.
 */
#ifndef SESSIOND_API_H
#define SESSIOND_API_H

#include "sessiond/sockjs.h"

#include <stdbool.h>

struct session;
struct sessions;

/*
 * Borrows sessions until it is called again; NULL: every handle is unknown then. From now on only
 * the calling thread's calls are accepted.
 */
void api_bind(struct sessions *sessions);

/*
 * There are so many daemons, and their channels are one another's or not: until it is called, there
 * is one. Borrows nothing.
 */
void api_set_daemons(unsigned daemons, bool shares_channels);

/* What connections of several daemons do not share, but a module may think that they do. */
enum api_apart {
	API_GROUPS,
	API_CHANNELS,
	API_APART_KINDS,
};

/* A service uses it. The first time, a line in the log says what that means, if it does. */
void api_use(const sockjs_service *service, enum api_apart what);

/* False on another thread than api_bind's, with a line in the log: call must do nothing. */
bool api_is_loop(const char *call);

/*
 * The session of a connection, for `call` (__func__). Returns SOCKJS_OK, or SOCKJS_GONE without a
 * line in the log, or SOCKJS_WRONG_THREAD; *session is NULL then.
 */
int api_find(sockjs_connection connection, const char *call, struct session **session);

/*
 * What a call acts on is closing, or gone (session NULL). That is no mistake, a client may leave at
 * any moment: the line in the log is of SEVERITY_INFO. Returns SOCKJS_GONE.
 */
int api_refuse_gone(const struct session *session, const char *call);

/*
 * Logs what is wrong with a call; session NULL: it concerns none. Of a module that goes on making
 * mistakes, only the first of each second are logged. Any thread, if session is NULL. Returns
 * SOCKJS_INVALID.
 */
int api_refuse(const struct session *session, const char *call, const char *why);

/* True if service may be followed, on the loop's thread; else api_refuse has been called. */
bool api_is_service(const sockjs_service *service, const char *call);

#endif
