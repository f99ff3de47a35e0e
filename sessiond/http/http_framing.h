/*
 * Where each request on a connection begins and ends, judged byte by byte as it is read, before
 * libmicrohttpd sees it. What two readers may understand differently is refused: such a doubt is
 * how one request is smuggled behind another through a proxy (RFC 9112 11.2). libmicrohttpd takes
 * a blank before a colon, folded lines, NUL, bare line feeds, several Hosts or lengths, and more.
 *
 * Pure: bytes in, a verdict out. It keeps at most one line of a request that came in pieces.
 */
#ifndef SESSIOND_HTTP_FRAMING_H
#define SESSIOND_HTTP_FRAMING_H

#include "common/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum http_framing_state {
	HTTP_FRAMING_REQUEST_LINE, /* between two requests, or within a request line */
	HTTP_FRAMING_FIELD,
	HTTP_FRAMING_BODY, /* of a known length */
	HTTP_FRAMING_CHUNK_SIZE,
	HTTP_FRAMING_CHUNK_DATA,
	HTTP_FRAMING_CHUNK_END, /* the line end behind a chunk's data */
	HTTP_FRAMING_TRAILER,
	HTTP_FRAMING_OFFERED, /* behind a head with Upgrade */
	HTTP_FRAMING_UNKNOWN, /* what followed it at once: a request, or what it upgrades to */
	HTTP_FRAMING_REFUSED,
	HTTP_FRAMING_ELSEWHERE, /* the request that begins is another daemon's to answer */
};

struct http_refusal {
	int status;	  /* 400, 413, 414, 431, 501 or 503 */
	const char *text; /* what is wrong, for the log */
};

struct http_framing {
	enum http_framing_state state;
	const struct http_refusal *refusal; /* of HTTP_FRAMING_REFUSED */
	uint64_t left;			    /* bytes of the body, or of its chunk */
	uint64_t heads;			    /* complete ones so far */
	size_t head_len;		    /* bytes of the present one */
	size_t head_max;		    /* more of them are refused; 0: none are */
	/*
	 * The part of a line that has come; of HTTP_FRAMING_ELSEWHERE, all of the request that has.
	 */
	struct buffer line;
	/* Whether the request with that target is another daemon's to answer. NULL: none is. */
	bool (*is_elsewhere)(const void *context, const char *target, size_t len);
	const void *context;
	bool stays; /* the next request, whatever it asks for: it was brought here */

	/* What the head says so far. */
	bool is_http11, has_length, is_chunked, has_encoding, has_host, offers_upgrade;
	uint64_t length;
};

/* All zero is a connection that has read nothing. Frees what it holds. */
void http_framing_clear(struct http_framing *framing);

/*
 * These bytes were read next. Returns how many of them libmicrohttpd may have: all of them, or, if
 * there is a refusal from now on, those of the requests before the one that is refused. Nothing may
 * be fed after a refusal. The same with a request that is another daemon's, but for the part of its
 * first line that libmicrohttpd had before.
 */
size_t http_framing_feed(struct http_framing *framing, const char *data, size_t len);

/* True if no byte of a request has come since the last one's end. */
bool http_framing_is_between(const struct http_framing *framing);

/* True if text is a token (RFC 9110 5.6.2): a method, or a field's name. */
bool http_is_token(const char *text);

#endif
