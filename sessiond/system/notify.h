/*
 * Events that this process reports to the process that has started it. A service manager gets one
 * datagram each, as by sd_notify(3), if NOTIFY_SOCKET is in the environment. Our own supervisor
 * (supervise.h) gets one byte each instead. Without either, and if nobody takes it, nothing
 * happens: these functions never fail and never wait.
 */
#ifndef SESSIOND_NOTIFY_H
#define SESSIOND_NOTIFY_H

enum notify_event {
	NOTIFY_READY, /* connections are served; also after a reload */
	NOTIFY_RELOADING,
	NOTIFY_STOPPING,
	/*
	 * To our supervisor alone, before NOTIFY_READY: no other daemon is to reload because of
	 * this.
	 */
	NOTIFY_ALONE,
};

/* Reports it. errno is kept. */
void notify(enum notify_event event);

/*
 * From now on events go to this descriptor, as one byte each, the value of the event. It is
 * borrowed for good.
 */
void notify_set_descriptor(int fd);

#endif
