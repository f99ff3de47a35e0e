/*
 * Groups of connections, the daemon's side of sockjs_group (sockjs.h): a session knows its memberships, so that it leaves all
 * groups in one step when it ends.
 */
#ifndef SESSIOND_GROUP_H
#define SESSIOND_GROUP_H

struct session;

/* Takes the session out of every group it is in. */
void group_leave_all(struct session *session);

#endif
