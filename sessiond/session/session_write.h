/*
 * Messages of the application to a client, with what bounds those that the client does not read.
 */
#ifndef SESSIOND_SESSION_WRITE_H
#define SESSIOND_SESSION_WRITE_H

struct message;
struct session;

/*
 * The application writes. The session takes a reference of its own, or is closed if queue_limit is
 * reached, or twice its share of the store (store_share.h). Returns an enum sockjs_result.
 */
int session_write(struct session *session, struct message *message);

#endif
