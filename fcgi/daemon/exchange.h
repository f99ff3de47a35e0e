/*
 * What the responder and sessiond say to each other: who greeted whom, and what each message means.
 * It encodes what it is asked to, and decodes what came; it has no socket, clock or log.
 *
 * What it keeps outlives a connection: the next HELLO tells sessiond how much of the last one was
 * taken.
 */
#ifndef FCGI_DAEMON_EXCHANGE_H
#define FCGI_DAEMON_EXCHANGE_H

#include "common/buffer.h"
#include "fcgi/daemon/calls.h"
#include "fcgi/daemon/known_services.h"
#include "wire/wire_daemons.h"
#include "wire/wire_messages.h"

#include <stdbool.h>
#include <stdint.h>

struct exchange {
	uint64_t
	    instance; /* random, for the life of this process; with a call's id it names a send */
	uint64_t link_id;	     /* in the last HELLO that came; 0: none has */
	uint64_t frames;	     /* messages FRAME that were taken on that connection */
	unsigned minor;		     /* version that both ends speak, of the last HELLO that came */
	struct known_api api;	     /* was told, and belongs to the services that come next */
	struct wire_daemons daemons; /* which of how many sessiond is, on the present connection */
	bool is_greeted;	     /* sessiond's HELLO has come, on the present connection */
	bool is_leaving;	     /* sessiond has said goodbye, on the present connection */
};

/* What a message means. Everything borrows from the message, but services. */
struct exchange_news {
	enum exchange_kind {
		EXCHANGE_GREETED,
		EXCHANGE_UNFIT, /* its HELLO does not fit: the connection is to be closed */
		EXCHANGE_SERVICES,
		EXCHANGE_STATE,
		EXCHANGE_API,	  /* is kept for exchange_move_api */
		EXCHANGE_DAEMONS, /* is kept in exchange->daemons */
		EXCHANGE_GOODBYE,
		EXCHANGE_FRAME,
		EXCHANGE_SENT,
		EXCHANGE_REFUSED,
		EXCHANGE_COOKIE,
		EXCHANGE_ANSWER,
	} kind;
	uint64_t call; /* the id of the call that it answers; 0: it is about the connection */
	union {
		struct {
			uint32_t pid;
			const char *why; /* constant */
		} unfit;
		struct wire_services
		    services; /* the receiver's, to be freed with wire_services_clear */
		struct wire_state state;
		struct wire_goodbye goodbye;
		struct wire_frame frame;
		enum wire_sent_result sent;
		struct wire_refused refused;
		struct wire_cookie cookie;
		struct wire_answer answer;
	};
};

void exchange_init(struct exchange *exchange, uint64_t instance);

/* Frees what it keeps. */
void exchange_clear(struct exchange *exchange);

/* Services have come: moves the API that belongs to them to *api, which holds none yet. */
void exchange_move_api(struct exchange *exchange, struct known_api *api);

/* True if the news may answer a call of that kind. */
bool exchange_is_answer_to(const struct exchange_news *news, enum call_kind kind);

/* A connection begins: appends the HELLO with which it does. pid: this process. */
void exchange_begin(struct exchange *exchange, uint32_t pid, struct buffer *out);

/* Decodes a message of sessiond's. Returns 0 and *news, or -1 if it breaks the protocol. */
int exchange_take(struct exchange *exchange, const struct wire_header *header, const char *payload,
    struct exchange_news *news);

/*
 * Appends RECEIVE or SEND for the call with that id. The send's instance and sequence are filled
 * in. Each returns 0; -1 if it is too large to be sent, out being as it was.
 */
int exchange_put_receive(struct buffer *out, uint64_t call, const struct wire_receive *receive,
    const struct connection_source *source);
int exchange_put_send(
    const struct exchange *exchange, struct buffer *out, uint64_t call, struct wire_send *send);

/* Appends ASK. Returns as the others do. sessiond must have told its API on this connection. */
int exchange_put_ask(struct buffer *out, uint64_t call, const struct wire_ask *ask);

/* Appends COUNTS; nothing if sessiond is one that does not know it. */
void exchange_put_counts(
    const struct exchange *exchange, struct buffer *out, const struct wire_counts *counts);

#endif
