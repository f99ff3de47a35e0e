/*
 * What the store keeps of a session, and the results that its calls have.
 */
#ifndef SESSIOND_STORE_TYPES_H
#define SESSIOND_STORE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The largest key and the largest position. Keys are not 0. Anything else is STORE_FAILED. */
#define STORE_NUMBER_MAX ((uint64_t)INT64_MAX)

struct store;

enum store_sync {
	STORE_SYNC_OFF,	   /* survives the end of the process */
	STORE_SYNC_NORMAL, /* the file is always whole; a power cut may lose the last ones */
	STORE_SYNC_FULL,   /* survives a power cut */
};

enum store_result {
	STORE_OK,
	STORE_FULL,    /* no room, on the disk or within the limit: works again when there is */
	STORE_DAMAGED, /* the file is broken, or gone: store_replace */
	STORE_FAILED,  /* anything else; store_error says what */
};

/*
 * A session as it is stored. Everything is borrowed and comes back as it was put; the store does
 * not look into it. Blobs may be NULL with length 0.
 */
struct stored_session {
	uint64_t key;	     /* never used again for another session */
	const char *service; /* the name of its section, NUL-terminated */
	const char *id;	     /* of the URL */
	size_t id_len;
	const char *uuid; /* NUL-terminated */
	int transport;	  /* enum transport_id */
	int state;	  /* enum session_state */
	int close_code;	  /* 0: not closed */
	const char *close_reason;
	size_t close_reason_len;
	const void *info; /* connection_info_bytes */
	size_t info_len;
};

/* The part of a session that changes often. A session without one is loaded with all zero. */
struct stored_delivery {
	const void *sent_ids; /* sent_ids_bytes, or a struct session_counted */
	size_t sent_ids_len;
	/*
	 * Messages at positions up to in_flight_last were given to a responder, as the frame of
	 * that index on that link. Only the responder knows whether the frame arrived.
	 * in_flight_link_id 0: none. Any 64 bits.
	 */
	uint64_t in_flight_link_id, in_flight_index, in_flight_last;
	bool owes_open; /* its open frame has not arrived */
};

/*
 * What others keep in the store beside sessions, each kind with numbers and bytes of its own. The
 * numbers of the kinds are in the file.
 */
enum store_kind {
	STORE_CHANNEL = 1,	/* number: the channel's; part 0 */
	STORE_PUBLICATION = 2,	/* number: the channel's; part: the offset */
	STORE_SUBSCRIPTION = 3, /* number: the session's key; part: the channel's number */
	STORE_MEMBER = 4,	/* number: the channel's; part: the member's number in it */
	STORE_WEBHOOK = 5,	/* number: the event's; part 0 */
	STORE_WORKER = 6,	/* number: the connection's of a worker; part 0 */
	STORE_WORKER_EVENT = 7, /* number: the same; part: the event's number in it */
};

/* Borrowed. Numbers and parts go to STORE_NUMBER_MAX. */
struct stored_record {
	enum store_kind kind; /* from the file: any number */
	uint64_t number, part;
	const char *data; /* may be NULL with length 0 */
	size_t len;
};

/*
 * Whom store_load tells. It calls session for each stored session in the order of keys, and after
 * each of these message for each of its messages in the order of positions; then record for each
 * record in the order of kind, number and part. What they are given is valid during the call. They
 * must not call the store.
 */
struct store_loader {
	void (*session)(void *context, const struct stored_session *session,
	    const struct stored_delivery *delivery);
	void (*message)(
	    void *context, uint64_t key, uint64_t position, const char *data, size_t len);
	void (*record)(void *context, const struct stored_record *record);
	void *context;
};

#endif
