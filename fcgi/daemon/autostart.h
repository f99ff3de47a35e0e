/*
 * Starting sessiond when none is running, for accounts where nothing else can.
 */
#ifndef FCGI_AUTOSTART_H
#define FCGI_AUTOSTART_H

#include "common/error.h"
#include "conf/responder_options.h"

/*
 * With `autostart = on`: starts sessiond with the same configuration, unless one that was started
 * this way still lives. Of many processes that try at once, one does it: a lock beside the socket
 * (SOCKET.lock) is held by what it starts, the daemon and its supervisor (sockjs-sessiond
 * --supervise), for as long as one of them lives. Does not wait. Called whenever sessiond could not
 * be reached.
 */
void autostart(const struct responder_config *config);

/* With `autostart = on`: looks whether the program can be executed. -1 and an error (EX_CONFIG). */
int autostart_check(const struct responder_config *config, struct error *err);

#endif
