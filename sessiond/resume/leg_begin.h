/*
 * A leg's first message: a session begins, or goes on.
 */
#ifndef SESSIOND_LEG_BEGIN_H
#define SESSIOND_LEG_BEGIN_H

#include "sessiond/resume/leg.h"
#include "sessiond/resume/leg_message.h"

/*
 * It is not the session's first message any more. The leg carries a session then, waits, or is
 * closed.
 */
void leg_begin(struct leg *leg, const struct leg_message *message);

#endif
