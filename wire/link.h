/*
 * A link: one end of a Unix socket over which messages of the local socket travel (wire.h). Both
 * programs use it: sessiond for each responder, sockjs.fcgi for sessiond. It never blocks.
 *
 * What is read is cut into messages, which its owner gets one by one. What is to be written is
 * composed straight into the link's output by the encoders of wire_messages.h, and leaves when its
 * owner calls link_flush, once a turn of the loop. What the socket does not take then leaves as
 * soon as it can.
 */
#ifndef WIRE_LINK_H
#define WIRE_LINK_H

#include "common/buffer.h"
#include "wire/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

struct link;

struct link_calls {
	/*
	 * A message came, that the other end's role may send. Header and payload are valid during
	 * the call only. Returns 0; -1 if the message is not as it has to be: gone is called next.
	 */
	int (*message)(void *context, const struct wire_header *header, const char *payload);
	/* Every whole message of one read was given to message. NULL: nobody wants to know. */
	void (*taken)(void *context);
	/*
	 * A descriptor came with the first bytes. Returns false if it is not as it has to be: it is
	 * closed, and gone is called next. NULL: none is expected. After link_expect_descriptors
	 * they come at any time, each before the message that its bytes belong to is given, and are
	 * the owner's if it returns true.
	 */
	bool (*descriptor)(void *context, int fd);
	/*
	 * Nothing more will come: the other end closed the socket, the socket failed, or the other
	 * end broke the protocol (is_broken), which includes a descriptor that is not expected. why
	 * says it in words, and is valid during the call only. Called once at most, from the loop,
	 * never from a function of this header. The owner then destroys the link, in the call or
	 * later.
	 */
	void (*gone)(void *context, bool is_broken, const char *why);
};

/*
 * Takes fd, a connected non-blocking Unix stream socket, and begins to read. sender: the other
 * end's role. payload_max: bytes of the largest payload that it may send, at most
 * WIRE_PAYLOAD_MAX; this bounds what it can make the link keep. calls and context are borrowed.
 * Aborts if the loop cannot watch fd.
 */
struct link *link_create(uv_loop_t *loop, int fd, enum wire_role sender, size_t payload_max,
    const struct link_calls *calls, void *context);

/*
 * The socket of a link to whoever listens at path, which fits; -1 with errno. A Unix socket is
 * connected at once, or not at all.
 */
int link_connect(const char *path);

/*
 * Closes the socket and drops what was not written. No call is made any more. Safe in every call;
 * a payload that is being looked at stays valid until the loop goes on. Takes NULL, sets NULL. The
 * loop has to run until its handles are closed.
 */
void link_destroy(struct link **link);

void link_set_payload_max(struct link *link, size_t payload_max);

/*
 * The other end has another role than it was taken for, that of a daemon, which sends descriptors.
 */
void link_expect_descriptors(struct link *link);

/* What is to be written: to be appended to by whole messages only. */
struct buffer *link_output(struct link *link);

/*
 * Writes as much of the output as the socket takes. If the socket has failed, or there was no
 * memory for the output, the output is dropped, and the next read finds the end.
 */
void link_flush(struct link *link);

/* Nothing more will be appended: once the output is written, the other end is told so. */
void link_finish(struct link *link);

/*
 * The next bytes that are written carry a copy of that descriptor. fd stays the caller's, and has
 * to be open until then. -1: none.
 */
void link_send_descriptor(struct link *link, int fd);

/* The socket, which stays the link's. */
int link_socket(const struct link *link);

/* The descriptor that came with the first bytes; -1: none. It is closed with the link. */
int link_received_descriptor(const struct link *link);

/*
 * Finds out which user's process is at the other end of a Unix socket. Returns 0, or -1 if the
 * system cannot say.
 */
int link_peer_user(int fd, uid_t *user);

#endif
