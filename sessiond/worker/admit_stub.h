/* Until service.h has it. */
#ifndef SESSIOND_ADMIT_STUB_H
#define SESSIOND_ADMIT_STUB_H
#include "sessiond/service/service.h"
static inline void
service_refuse_sends(struct sockjs_service *service, bool refuses)
{
	(void)service;
	(void)refuses;
}
#endif
