/*
 * Groups of connections, the daemon's side of sockjs_group (sockjs.h): a session knows its memberships, so that it leaves all
 * groups in one step when it ends.
 */
#ifndef SESSIOND_GROUP_H
#define SESSIOND_GROUP_H

#include "sessiond/sockjs.h"

struct session;

/* Takes the session out of every group it is in. */
void group_leave_all(struct session *session);

/* Destroys the groups that a service has left. */
void group_destroy_all(sockjs_service *service);

#endif
