/*
 * Frames, server to client: `o`, `h`, `a["m1","m2"]`, `c[3000,"Go away!"]`, and the transports that
 * wrap them: what each one's path, headers and frames look like, as one const table. Which
 * request belongs to which transport is route.h's business. Source: sockjs-protocol 0.3.3.
 */
#ifndef SOCKJS_TRANSPORT_H
#define SOCKJS_TRANSPORT_H

#include "common/buffer.h"

#include <stdbool.h>
#include <stddef.h>

enum transport_id {
	TRANSPORT_EVENTSOURCE,
	TRANSPORT_HTMLFILE,
	TRANSPORT_JSONP_POLLING,
	TRANSPORT_WEBSOCKET,
	TRANSPORT_WEBSOCKET_RAW,
	TRANSPORT_XHR_POLLING,
	TRANSPORT_XHR_STREAMING,
	TRANSPORT_COUNT,
};

#define FRAME_OPEN	"o"
#define FRAME_HEARTBEAT "h"

/*
 * Appends a close frame, unwrapped. reason is WTF-8 of len bytes. Frames of messages are made in
 * session/message.c, which keeps what it has encoded.
 */
void frame_append_close(struct buffer *out, int code, const char *reason, size_t len);

#define TRANSPORTS_ALL ((1u << TRANSPORT_COUNT) - 1)

/*
 * Units of UTF-16 in the response of a stream, after which a client that is_resumable (reply.h)
 * leaves it, once it has read all of it. It begins with the prelude of xhr-streaming: some browsers
 * show nothing before they have read so many bytes.
 */
enum { TRANSPORT_CLIENT_BUFFER = 256 * 1024, TRANSPORT_XHR_PRELUDE = 2048 };

struct transport {
	enum transport_id id;
	const char *name; /* what the application and sockjs.conf call it */
	bool streaming;	  /* a response carries more than one frame */
	bool callback;	  /* the request names a JavaScript function to call */

	/*
	 * Appends what comes before the first frame; callback as wrap has it. NULL:
	 * nothing does.
	 */
	void (*prelude)(const char *callback, struct buffer *out);

	/*
	 * What follows the frame, if the frame itself is sent as it is: then it can be composed in
	 * place. NULL: its bytes change, and only wrap knows how.
	 */
	const char *plain_end;

	/* Appends the frame as this transport sends it. */
	void (*wrap)(const char *callback, const char *frame, size_t len, struct buffer *out);
};

/* Never NULL for an id below TRANSPORT_COUNT. */
const struct transport *transport_get(enum transport_id id);

/* The names in the order of enum transport_id; NULL-terminated. */
extern const char *const transport_names[TRANSPORT_COUNT + 1];

/* Longest JavaScript callback name that is accepted, bytes. */
#define TRANSPORT_CALLBACK_MAX 32

/* True for 1..32 characters of [a-zA-Z0-9-_.]. */
bool transport_callback_is_valid(const char *callback, size_t len);

#endif
