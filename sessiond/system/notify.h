/*
 * What this process tells the service manager that has started it: sd_notify(3), without its library. With NOTIFY_SOCKET in the
 * environment, one datagram each goes there; under our own supervisor (supervise.h), one byte goes to it instead. Without either, and
 * if nobody takes it, nothing happens: these never fail and never wait.
 */
#ifndef SESSIOND_NOTIFY_H
#define SESSIOND_NOTIFY_H

enum notify_event {
	NOTIFY_READY, /* connections are served; also after a reload */
	NOTIFY_RELOADING,
	NOTIFY_STOPPING,
};

/* Sends it. errno is kept. */
void notify(enum notify_event event);

/* From now on events go to this descriptor, as one byte each, the value of the event. It is borrowed for good. */
void notify_set_descriptor(int fd);

#endif
