/*
 * Whose pages may use a service (the option allowed_origins), and what a request says of the page
 * that it comes from.
 *
 * A browser names the page in Origin where it sends that header; it does not with a script, an
 * image, a frame, an EventSource of the same origin, or a navigation. There Referer names it, and
 * Sec-Fetch-Site says whether it is foreign. No page can forge the three, it can only hide Referer.
 * Clients that are no browsers say what they like: this keeps pages out, not programs.
 *
 * Pure. Sources: RFC 6454; RFC 6455 10.2; the Fetch standard; W3C Fetch Metadata.
 */
#ifndef SOCKJS_ALLOWED_ORIGINS_H
#define SOCKJS_ALLOWED_ORIGINS_H

#include "common/buffer.h"
#include "common/error.h"
#include "sockjs/request_head.h"

#include <stdbool.h>
#include <stddef.h>

struct origin_pattern;

/* All zero bytes: every origin is allowed. The first two may be read, the others are private. */
struct allowed_origins {
	bool is_restricted; /* not every origin is allowed: the others count */
	bool null;	    /* pages without an origin are */
	bool same;	    /* pages of the request's own host are */
	bool only_same;	    /* whatever the list says */
	struct origin_pattern *patterns;
	size_t count, room;
	char *text; /* what the patterns point into */
};

/*
 * Reads a list, whose items are separated by blanks or commas: origins (https://example.org,
 * http://localhost:8080), origins whose first label is `*` (one or more labels, not the domain
 * itself), `null` (pages without an origin), `same` (the request's own host); or `any` alone, as
 * NULL. -1 and an error (EX_CONFIG); *origins is zero then.
 */
int allowed_origins_parse(struct allowed_origins *origins, const char *list, struct error *err);

/* Pages of the request's own host are allowed too. */
void allowed_origins_add_same(struct allowed_origins *origins);

/* Of those that the list allows, only pages of the request's own host are. */
void allowed_origins_keep_same(struct allowed_origins *origins);

/* Frees what it holds; it is zero then. */
void allowed_origins_clear(struct allowed_origins *origins);

/* What a request says of the page it comes from; borrowed from its head. */
struct origin_claim {
	enum origin_claim_kind {
		ORIGIN_CLAIM_NONE,
		ORIGIN_CLAIM_ORIGIN,  /* the page's origin, from the header Origin */
		ORIGIN_CLAIM_REFERER, /* the same, from Referer */
		ORIGIN_CLAIM_SITE,    /* only how near it is: Sec-Fetch-Site */
	} kind;
	const char *text;
	size_t len;
};

/*
 * Reads the claim of a request: of the three headers the first that was sent. is_websocket: it asks
 * for a websocket, whose Origin may have its name of version 8, Sec-WebSocket-Origin.
 */
struct origin_claim origin_claim_read(const struct request_head *head, bool is_websocket);

#define ORIGIN_CLAIM_MAX 200 /* bytes of a description, its NUL included */

/*
 * For the log: `origin https://example.org` and the like, cut, with bytes as they came. Of a
 * Referer only the page's origin.
 */
void origin_claim_describe(const struct origin_claim *claim, char text[ORIGIN_CLAIM_MAX]);

/*
 * True if the request may be served. is_optional: it may be served too if it says nothing, and so
 * if Sec-Fetch-Site says anything but cross-site.
 */
bool allowed_origins_admit(const struct allowed_origins *origins, const struct origin_claim *claim,
    bool is_optional, const struct request_head *head);

/* True if a value of the header Origin is allowed. */
bool allowed_origins_have(
    const struct allowed_origins *origins, const char *origin, const struct request_head *head);

/*
 * Appends the value of Content-Security-Policy by which only pages that are allowed may have ours
 * in a frame (CSP 3, frame-ancestors).
 */
void allowed_origins_append_policy(const struct allowed_origins *origins, struct buffer *out);

#endif
