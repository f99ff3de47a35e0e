/*
 * Starting sessiond when none is running, for accounts where nothing else can.
 */
#ifndef FCGI_AUTOSTART_H
#define FCGI_AUTOSTART_H

#include "common/error.h"
#include "conf/responder_options.h"

#include <stdbool.h>

#define AUTOSTART_REASON_SIZE 700

enum autostart_result {
	AUTOSTART_OFF,
	AUTOSTART_UNDERWAY, /* one was started, or lives: it may soon be there */
	AUTOSTART_FAILED,   /* none runs, and none is started for now */
};

/*
 * With `autostart = on`: starts sessiond with the same configuration, unless one that was started
 * this way still lives. Of many processes that try at once, one does it: a lock beside the socket
 * (start_record.h) is held by what it starts, the daemon and its supervisor (sockjs-sessiond
 * --supervise), for as long as one of them lives. Does not wait. Called whenever sessiond could not
 * be reached.
 *
 * After a start that has failed, the next one is made after 1 s, then after twice as long each
 * time, up to a minute; at once if the configuration, `command_folder` or the program has changed
 * since. Why it has failed is logged, once a minute at most by all processes together. Nothing is
 * started while `command_folder` has a file `stop`.
 */
enum autostart_result autostart(const struct responder_config *config);

/*
 * Why sessiond is not there, as far as autostart knows: a text without a point at its end. False if
 * nothing is known.
 */
bool autostart_reason(const struct responder_config *config, char reason[AUTOSTART_REASON_SIZE]);

/* With `autostart = on`: looks whether the program can be executed. -1 and an error (EX_CONFIG). */
int autostart_check(const struct responder_config *config, struct error *err);

#endif
