/*
 * Groups of connections: sockjs_group of sockjs.h. A group belongs to a service, and its members
 * are sessions (session/membership.h).
 */
#ifndef SESSIOND_API_GROUP_H
#define SESSIOND_API_GROUP_H

#include "sessiond/sockjs.h"

/* Destroys the groups that a service has left. */
void api_group_destroy_all(sockjs_service *service);

#endif
