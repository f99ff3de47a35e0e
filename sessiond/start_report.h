/*
 * For a daemon that `autostart` has started (fcgi/daemon/start_record.h): until it is ready, its
 * standard error is a file in which a responder finds why it has not become so. The variable
 * SOCKJS_STDERR says which descriptor is the real one, and the file's path.
 */
#ifndef SESSIOND_START_REPORT_H
#define SESSIOND_START_REPORT_H

/*
 * The daemon is ready: the standard error is the real one from now on. What the file has is written
 * there, and the file is removed. For the daemon and its supervisor, in either order. Does nothing
 * without that variable, and a second time.
 */
void start_report_end(void);

#endif
