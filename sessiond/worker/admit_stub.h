/* Until sockjs.h and service.h have them. */
#ifndef SESSIOND_ADMIT_STUB_H
#define SESSIOND_ADMIT_STUB_H
#include "sessiond/service/service.h"
enum { SOCKJS_LATER = 1 };
static inline int
sockjs_admit(sockjs_connection connection, int status)
{
	(void)connection;
	(void)status;
	return SOCKJS_GONE;
}
static inline void
service_refuse_sends(struct sockjs_service *service, bool refuses)
{
	(void)service;
	(void)refuses;
}
#endif
