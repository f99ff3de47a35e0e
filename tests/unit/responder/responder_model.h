/*
 * For tests of the daemon's process: responders with their clients, behind the local socket
 * (doc/local-socket.md), in one thread. A responder does what sockjs.fcgi does: it has one
 * connection, tells in its HELLO how many frames it took on the one before, sends again what has no
 * answer, and confirms what was written. Its clients poll and send, and write down what comes.
 *
 * Messages are numbers, counted up by each client, so that what was lost, doubled or out of order
 * shows.
 */
#ifndef TESTS_RESPONDER_MODEL_H
#define TESTS_RESPONDER_MODEL_H

#include "wire/wire_messages.h"

#include <stdbool.h>
#include <stdint.h>

#define RESPONDERS	   2
#define CLIENT_NUMBERS_MAX 256

struct client {
	unsigned service; /* its place in SERVICES */
	const char *prefix, *session;
	unsigned said; /* the last number that was sent */
	bool is_acknowledged[CLIENT_NUMBERS_MAX];
	unsigned got[CLIENT_NUMBERS_MAX], got_count; /* in the order in which they came */
	unsigned opens, closes;			     /* frames */
};

struct call;

/*
 * Connects the responders to the socket. revive is called when a connection has broken: it starts
 * the daemon anew, and returns when that accepts connections.
 */
void responders_begin(const char *socket, void (*revive)(void));

/* Closes the connections and forgets what was going on. */
void responders_end(void);

/* Waits until something comes from the daemon, or it is gone, and takes that. */
void responders_wait(void);

/* Connections that broke since responders_begin, each with the end of a daemon. */
unsigned responders_broken(void);

/* What is asked of that responder between the two goes out in one write. */
void responder_hold(unsigned responder);
void responder_let_go(unsigned responder);

/* A new client, without a request. */
struct client client_make(unsigned service, const char *prefix, const char *session);

/* Polls until the session is open: other answers than a refusal and `o` fail the test. */
void client_open(struct client *client, unsigned responder);

/*
 * A poll. client_await waits for its answer, and says whether it is a frame (else: a refusal with
 * 503). With client_withhold the responder is slow to write the answer: it confirms it when
 * client_write says so, unless its connection has broken meanwhile.
 */
struct call *client_poll(struct client *client, unsigned responder);
bool client_await(struct call *call);
void client_withhold(struct call *call);
void client_write(struct call **call);

/* A send of that many new messages, and its answer. */
struct call *client_send(struct client *client, unsigned responder, unsigned count);
enum wire_sent_result client_answer(struct call *call);

/*
 * Sends until so many messages in one send are acknowledged; each time others. The session must be
 * there.
 */
void client_say(struct client *client, unsigned responder, unsigned count);

/* Polls until everything that was acknowledged has come. */
void client_collect(struct client *client, unsigned responder);

/* Fails unless it came once, and in order, in one session. */
void client_check(const struct client *client);

#endif
