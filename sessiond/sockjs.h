/*
 * The application interface of sockjs-sessiond.
 *
 * An application is a C module: a shared object that exports one `struct sockjs_module`, and that
 * `module = NAME` in a [service] of sockjs.conf names.
 *
 * The names are those of sockjs-node's API: connection, data and close events; write, close, end;
 * readyState, remoteAddress and so on. doc/sockjs-node.md has the whole table.
 *
 * Threads: the daemon has one thread, its event loop. Every callback runs on it and must not block,
 * because all connections wait meanwhile. Every function here must be called on that thread, except
 * sockjs_run, sockjs_log and sockjs_version, which any thread may call. A call on the wrong thread
 * does nothing, is logged and returns SOCKJS_WRONG_THREAD, or NULL, 0, false or SOCKJS_CLOSED.
 *
 * Mistakes: each call checks its arguments, NULL too unless a comment allows it, and refuses what
 * it cannot do with an error code and a line in the log. A module's mistake never ends the daemon.
 *
 * Handles: connections and requests are values that are never reused, so a handle that is held too
 * long is always noticed. Pointers to services, groups and timers are looked up before they are
 * followed. A destroyed one is noticed too, unless a newer object of its kind has the same address.
 *
 * Strings: messages are UTF-8 with a length and may hold NUL bytes. JavaScript strings may hold
 * lone surrogates: they arrive, and may be sent, as three bytes (ED A0 80 .. ED BF BF). What a
 * getter returns is the daemon's, NUL-terminated, and valid until the callback that asked for it
 * returns; what belongs to a service, until its stop returns. A call copies what it is given.
 */
#ifndef SOCKJS_H
#define SOCKJS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this interface. The daemon refuses a module that was built for another one. */
#define SOCKJS_ABI 3

#define SOCKJS_API		   __attribute__((visibility("default")))
#define SOCKJS_PRINTF(text, first) __attribute__((__format__(__printf__, text, first)))

/*
 * A connection: a value that may be copied freely and is never reused. Once the connection is gone,
 * functions that are called with it do nothing and return SOCKJS_GONE; getters return NULL, 0 or
 * SOCKJS_CLOSED.
 */
typedef struct sockjs_connection {
	uint64_t handle;
} sockjs_connection;

/* A request outside every service, for the module of [fallback]. A value like a connection. */
typedef struct sockjs_request {
	uint64_t handle;
} sockjs_request;

/*
 * A section of sockjs.conf that names a module: `[service PREFIX]` or `[fallback]`. Several
 * sections may name one module: each is a service of its own, with its own options, start, stop and
 * user data. A service lives from start to stop.
 */
typedef struct sockjs_service sockjs_service;

typedef struct sockjs_timer sockjs_timer;
typedef struct sockjs_group sockjs_group;

/* No connection. */
#ifdef __cplusplus
#define SOCKJS_NOBODY (sockjs_connection{0})
#else
#define SOCKJS_NOBODY ((sockjs_connection){0})
#endif

/* Results of the functions that do something. 0 is success, errors are negative. */
enum sockjs_result {
	SOCKJS_OK = 0,
	/* No such connection, request, group or timer any more; or the connection is closing. */
	SOCKJS_GONE = -1,
	/* A bad argument: NULL, not UTF-8, a bad close code, a reason of more than 123 bytes. */
	SOCKJS_INVALID = -2,
	/*
	 * The peer reads too slowly, and is being closed: its queue is over `queue_limit`, or over
	 * twice its share of the store. Or there is no memory for the message.
	 */
	SOCKJS_FULL = -3,
	/* A binary message to a connection that is not a raw websocket. */
	SOCKJS_UNSUPPORTED = -4,
	/* The call came on another thread than the daemon's. */
	SOCKJS_WRONG_THREAD = -5,
	/* The service has stopped, or is stopping. */
	SOCKJS_STOPPED = -6,
};

/* What authorize returns to answer later. */
enum sockjs_answer { SOCKJS_LATER = 1 };

/* As the WebSocket API's readyState. */
enum sockjs_ready_state {
	SOCKJS_CONNECTING = 0,
	SOCKJS_OPEN = 1,
	SOCKJS_CLOSING = 2,
	SOCKJS_CLOSED = 3,
};

/* How much a line of the log matters, as sockjs-node has it. Each includes those before it. */
enum sockjs_severity {
	SOCKJS_LOG_ERROR = 0, /* somebody should look at it */
	SOCKJS_LOG_INFO = 1,  /* what an operator wants to know; a line for each request */
	SOCKJS_LOG_DEBUG = 2, /* what happened to each connection */
};

/*
 * A message as it arrived. data belongs to the daemon, is not NUL-terminated and is valid during
 * the callback.
 */
typedef struct sockjs_message {
	const char *data;
	size_t len;  /* bytes */
	bool binary; /* data is any bytes, on raw websockets only; false: data is UTF-8 */
} sockjs_message;

/*
 * What a module exports, under the name `sockjs_module`. A callback that is not needed is NULL. The
 * struct must not change once the module is loaded. Callbacks of one service never overlap: no
 * callback is called from within a call that another one makes, except log.
 */
struct sockjs_module {
	uint32_t abi;	  /* SOCKJS_ABI */
	const char *name; /* for people who look into the module; not NULL */

	/*
	 * The names of the module's own options (`module.NAME = VALUE` in sockjs.conf), ended by
	 * NULL. Another name is refused with the place where it stands, by `sockjs-sessiond
	 * --check` too. NULL: every name is accepted (sockjs_option).
	 */
	const char *const *options;

	/*
	 * Called once for each service that names the module, before its first connection. If it
	 * does not return 0, the daemon refuses to start; a reload goes on with the services as
	 * they were. sockjs_fail says why.
	 */
	int (*start)(sockjs_service *service);

	/*
	 * Called once for each start that returned 0, when the service ends: with the daemon, or
	 * when a reload has removed its section. Before it, its connections had their close event,
	 * the functions of sockjs_run have run and its timers were stopped. The module may be
	 * unloaded after it: threads of the module must have ended when it returns.
	 */
	void (*stop)(sockjs_service *service);

	/*
	 * Somebody wants to connect. Returns 0 to let them, or the HTTP status to refuse them with,
	 * 400 to 599: 401 if they have not said who they are, 403 if they may not. It is asked
	 * before anything is answered: the handshake of a websocket, the first request of another
	 * transport. What is known of a connection can be asked for (sockjs_header, sockjs_url with
	 * its query, sockjs_remote_address), sockjs_set_user_data keeps what the callback has found
	 * out for the connection event; readyState is SOCKJS_CONNECTING. One that is refused has no
	 * event, and its user data is left to the callback to free. One that is let in has its
	 * connection event and, though its client may go before that, its close event. Those that
	 * go on with a new daemon are not asked for again. NULL: everybody may connect.
	 *
	 * SOCKJS_LATER: the client waits for sockjs_admit, at most `authorize_timeout`. Such a
	 * connection always has its close event, as its only one if it is not let in, for whatever
	 * reason. A client that comes by sockjs.fcgi is asked for again, as another connection, if
	 * the daemon is started anew meanwhile.
	 */
	int (*authorize)(sockjs_connection connection);

	/* A new connection. It can be written to. */
	void (*connection)(sockjs_connection connection);

	/*
	 * A connection that a former daemon process had. It goes on where it was. Its handle and
	 * user data are new, its sockjs_id is the same. NULL: connection is called instead.
	 */
	void (*resume)(sockjs_connection connection);

	/*
	 * The daemon stops, and the store keeps the connection for the next daemon, which gives it
	 * to resume. This is its last event here, in place of close. What the callback writes is
	 * kept as well. NULL: nothing is called; in a module without resume, close is.
	 */
	void (*suspend)(sockjs_connection connection);

	/* A message. Messages of one connection arrive in the order in which they were sent. */
	void (*data)(sockjs_connection connection, const sockjs_message *message);

	/*
	 * Everything that was written has left, after more than `drain_mark` bytes had been waiting
	 * (sockjs_queued_bytes): an application that stopped writing then may go on. It is called
	 * from the loop, never from within a write, and not for a connection that is closing.
	 */
	void (*drain)(sockjs_connection connection);

	/*
	 * The connection is over, whoever ended it. This event comes exactly once and is the last.
	 * readyState is SOCKJS_CLOSED; getters and user data still work during the callback.
	 */
	void (*close)(sockjs_connection connection);

	/*
	 * With `jsessionid = module`: the value of the JSESSIONID cookie to set. cookie is the
	 * request's own cookie, NULL if there is none. The callback writes a NUL-terminated value
	 * of cookie octets to value, which has room for size bytes, and returns true; or it returns
	 * false to set no cookie. Behind the value may stand attributes, such as "; Path=/;
	 * SameSite=None; Secure", which then replace those of sockjs.conf.
	 */
	bool (*jsessionid)(sockjs_service *service, const char *cookie, char *value, size_t size);

	/*
	 * A line of the log about this service or one of its connections, if `log_level` lets its
	 * severity through. It has no newline, and bytes of peers are escaped. If the callback
	 * returns true, the daemon leaves the line out of its own log. The callback does not get
	 * lines from other threads, lines that it causes itself, or lines of sockjs_log: those go
	 * to the daemon's log alone. It is called between start and stop only.
	 */
	bool (*log)(sockjs_service *service, enum sockjs_severity severity, const char *line);

	/*
	 * In a module of the [fallback] section, which needs it: an HTTP request outside every
	 * service for which `static` (GET and HEAD alone) has no file. sockjs_respond answers it,
	 * now or later. Only requests that reach the daemon itself come here: a web server passes
	 * on to sockjs.fcgi only what lies under a prefix.
	 */
	void (*request)(sockjs_request request);
};

/* In a module: `SOCKJS_MODULE = { .abi = SOCKJS_ABI, .name = "echo", .data = on_data };` */
#ifdef __cplusplus
#define SOCKJS_MODULE extern "C" SOCKJS_API const struct sockjs_module sockjs_module
#else
#define SOCKJS_MODULE SOCKJS_API const struct sockjs_module sockjs_module
#endif

/* The daemon's version, such as "0.1.0", a constant. Any thread may call this. */
SOCKJS_API const char *sockjs_version(void);

/* --- a connection: what can be done ----------------------------------------------------------- */

/*
 * After SOCKJS_LATER: lets the client in (0), or refuses it (400 to 599). The event follows from
 * the loop. Errors: GONE (it has left, or was refused), INVALID (another status; it does not wait).
 */
SOCKJS_API int sockjs_admit(sockjs_connection connection, int status);

/*
 * Queues a text message of len bytes. It leaves at the end of the loop's turn, or when the client
 * next polls. Errors: GONE (also once sockjs_close was called), INVALID (data is NULL or not
 * UTF-8), FULL.
 */
SOCKJS_API int sockjs_write(sockjs_connection connection, const char *data, size_t len);

/*
 * The same for a binary message of any bytes. Errors: as sockjs_write; UNSUPPORTED unless the
 * connection is a raw websocket (protocol "websocket-raw").
 */
SOCKJS_API int sockjs_write_binary(sockjs_connection connection, const void *data, size_t len);

/*
 * Closes the connection: what was written before is delivered, then the close frame. code is 1000
 * or 3000..4999 (0 means 1000); reason is UTF-8 of at most 123 bytes (NULL means "Normal closure").
 * The close event follows later, from the loop. Errors: GONE (also the second time), INVALID.
 */
SOCKJS_API int sockjs_close(sockjs_connection connection, int code, const char *reason);

/*
 * sockjs_write, unless data is NULL, then sockjs_close(1000, "Normal closure"). The errors are
 * theirs. If the write fails, nothing is closed.
 */
SOCKJS_API int sockjs_end(sockjs_connection connection, const char *data, size_t len);

/*
 * Bytes that were written and have not left: queued, or on the way to a peer that reads slowly.
 * Each queued message counts 64 bytes more than its length. At `queue_limit` the connection is
 * closed. Once over `drain_mark`, the drain event tells when it is 0 again. What a responder or the
 * answer of a poll has taken has left.
 */
SOCKJS_API size_t sockjs_queued_bytes(sockjs_connection connection);

/*
 * A pointer of the application's, kept with the connection and never followed. NULL at first.
 * Error: GONE.
 */
SOCKJS_API int sockjs_set_user_data(sockjs_connection connection, void *data);
SOCKJS_API void *sockjs_user_data(sockjs_connection connection);

/* --- a connection: what is known -------------------------------------------------------------- */

/*
 * An identifier that no other connection has: 36 characters in the form of a UUID. It is not the
 * session id of the URL, which is a secret.
 */
SOCKJS_API const char *sockjs_id(sockjs_connection connection);

SOCKJS_API enum sockjs_ready_state sockjs_ready_state(sockjs_connection connection);
SOCKJS_API bool sockjs_readable(sockjs_connection connection);
SOCKJS_API bool sockjs_writable(sockjs_connection connection);

/*
 * "websocket", "websocket-raw", "xhr-polling", "xhr-streaming", "eventsource", "htmlfile" or
 * "jsonp-polling".
 */
SOCKJS_API const char *sockjs_protocol(sockjs_connection connection);

/*
 * The subprotocol of `websocket_protocols` that was agreed with the client of a websocket, such as
 * "v12.stomp"; "" if there is none.
 */
SOCKJS_API const char *sockjs_subprotocol(sockjs_connection connection);

/* The part of the path that the service matched, such as "/echo". */
SOCKJS_API const char *sockjs_prefix(sockjs_connection connection);

/* Of the last receiving request: path and query, and the path alone; still percent-encoded. */
SOCKJS_API const char *sockjs_url(sockjs_connection connection);
SOCKJS_API const char *sockjs_pathname(sockjs_connection connection);

/*
 * The client's end of the last receiving request ("127.0.0.1", 54321), and ours. If one of
 * trusted_proxies (sockjs.conf) has named the client, its port is 0. Addresses of IPv4 are plain,
 * also on a socket for IPv6. For a Unix socket they are "" and 0.
 */
SOCKJS_API const char *sockjs_remote_address(sockjs_connection connection);
SOCKJS_API int sockjs_remote_port(sockjs_connection connection);
SOCKJS_API const char *sockjs_address(sockjs_connection connection);
SOCKJS_API int sockjs_port(sockjs_connection connection);

/*
 * A header of the last receiving request by its lower-case name; NULL if it was not sent. Only
 * these are kept: origin, referer, x-client-ip, x-forwarded-for, x-forwarded-host,
 * x-forwarded-port, x-cluster-client-ip, via, x-real-ip, x-forwarded-proto, x-ssl, dnt, host,
 * user-agent, accept-language, and those that the option `headers` of the service lists. What they
 * say is the client's own claim.
 */
SOCKJS_API const char *sockjs_header(sockjs_connection connection, const char *name);

/* The service it belongs to; NULL for a connection that is gone. */
SOCKJS_API sockjs_service *sockjs_service_of(sockjs_connection connection);

/* --- a service -------------------------------------------------------------------------------- */

/* The prefix as sockjs.conf has it; "fallback" for the section of that name. */
SOCKJS_API const char *sockjs_service_prefix(const sockjs_service *service);

/* A pointer of the application's, which is never followed. NULL at first. Error: INVALID. */
SOCKJS_API int sockjs_service_set_user_data(sockjs_service *service, void *data);
SOCKJS_API void *sockjs_service_user_data(const sockjs_service *service);

/*
 * Writes a line to the daemon's log, with the service's prefix before it, if the service's
 * log_level lets that severity through. Bytes that are not printable ASCII are escaped, and long
 * lines are cut. Any thread may call this from start until stop returns; later it does nothing.
 */
SOCKJS_API void sockjs_log(const sockjs_service *service, enum sockjs_severity severity,
    const char *format, ...) SOCKJS_PRINTF(3, 4);

/* --- a module's own options ------------------------------------------------------------------- */

/* The value of `module.NAME = VALUE` in the service's section; NULL if there is no such line. */
SOCKJS_API const char *sockjs_option(const sockjs_service *service, const char *name);

/*
 * The same, read as sockjs.conf's own options are: on or off; a whole number; bytes, with k, M or
 * G; milliseconds, with ms, s or m. min and max themselves are allowed; a max of 0 stands for the
 * type's largest value (ms: a year). Without such a line *value keeps what it has, which is the
 * default.
 *
 * A value of another kind is INVALID and leaves *value as it was. Within start, the daemon then
 * refuses to start, whatever start returns, and names the file, the line and what is expected.
 * Later there is only a line in the log.
 */
SOCKJS_API int sockjs_option_bool(sockjs_service *service, const char *name, bool *value);
SOCKJS_API int sockjs_option_uint(
    sockjs_service *service, const char *name, uint32_t min, uint32_t max, uint32_t *value);
SOCKJS_API int sockjs_option_size(
    sockjs_service *service, const char *name, size_t min, size_t max, size_t *value);
SOCKJS_API int sockjs_option_ms(
    sockjs_service *service, const char *name, uint64_t min, uint64_t max, uint64_t *value);

/*
 * Within start: says why the service cannot start. The text is shown after the file and the line of
 * its section; the first call counts. The daemon refuses to start whatever start returns. Elsewhere
 * the text is only logged. Returns SOCKJS_INVALID, for `return sockjs_fail(...)`.
 */
SOCKJS_API int sockjs_fail(sockjs_service *service, const char *format, ...) SOCKJS_PRINTF(2, 3);

/* --- groups: one write to many connections ---------------------------------------------------- */

/*
 * A set of connections of any service. A connection that ends leaves by itself. The group belongs
 * to the given service, and is destroyed when that service stops. NULL: no such service.
 */
SOCKJS_API sockjs_group *sockjs_group_create(sockjs_service *service);

/*
 * Frees *group and sets it NULL; *group may be NULL already. Its connections are not touched.
 * Errors: INVALID (group itself is NULL), GONE.
 */
SOCKJS_API int sockjs_group_destroy(sockjs_group **group);

/* OK also if it is one already. Errors: INVALID (group is NULL), GONE (group or connection). */
SOCKJS_API int sockjs_group_add(sockjs_group *group, sockjs_connection connection);

/* OK also if it is no member, or gone. Errors: INVALID (group is NULL), GONE (the group). */
SOCKJS_API int sockjs_group_remove(sockjs_group *group, sockjs_connection connection);

SOCKJS_API size_t sockjs_group_size(const sockjs_group *group);

/*
 * sockjs_write to each member; the message is encoded once. A member that is closing is passed
 * over. A member that reads too slowly is closed, as by sockjs_write. Errors: INVALID (NULL or not
 * UTF-8), GONE (the group), FULL (no memory for the message).
 */
SOCKJS_API int sockjs_group_write(sockjs_group *group, const char *data, size_t len);

/* --- channels: what is published under a name ------------------------------------------------- */

/*
 * A channel is a name of a service: UTF-8, 1 to 200 bytes. It begins when somebody subscribes or
 * publishes to it, and needs no end. With the option `history` each channel keeps its last
 * messages, in the store too, and counts them: somebody who was away gets what was published
 * meanwhile. A subscription ends with its connection; what a store keeps of both goes on together.
 */

/* How much of a channel somebody has. */
typedef struct sockjs_position {
	uint64_t offset; /* of the last message; 0: none. The first that is published has 1 */
	/*
	 * 16 hexadecimal digits and a NUL. It is another one once offsets count anew; "" if there
	 * is no such channel.
	 */
	char epoch[17];
} sockjs_position;

/*
 * Subscribes: what is published to the channel of the connection's service from now on is written
 * to it, as by sockjs_write. OK also if it has subscribed already.
 *
 * from: what it has of the channel. If all that was published after that is still there, and is no
 * more than half of queue_limit, it is written at once, and *recovered is true; else nothing is,
 * and *recovered is false. NULL: nothing is recovered. recovered may be NULL.
 *
 * Errors: GONE, INVALID (no such name), FULL (`channels_per_connection`, `channels_limit`).
 */
SOCKJS_API int sockjs_channel_subscribe(
    sockjs_connection connection, const char *name, const sockjs_position *from, bool *recovered);

/* OK also if it has not subscribed, or is gone. Error: INVALID (name is NULL). */
SOCKJS_API int sockjs_channel_unsubscribe(sockjs_connection connection, const char *name);

/* Whom a subscriber is, for others who look at the channel. */
typedef struct sockjs_member {
	const char *id;	  /* UTF-8, NUL-terminated, not empty */
	const char *info; /* info_len bytes that mean something to the module; NULL with none */
	size_t info_len;
} sockjs_member;

/*
 * Subscribes as a member: several connections may be the same one, of which the first says what is
 * known of it. Two members with one id are one. With a store they survive the daemon: who is not
 * back after `disconnect_delay` is gone then. from and recovered: as sockjs_channel_subscribe.
 *
 * Errors: GONE, INVALID (no such name, no such id, more bytes than `member_limit`), FULL
 * (`members_per_channel`, `channels_per_connection`, `channels_limit`).
 */
SOCKJS_API int sockjs_channel_join(sockjs_connection connection, const char *name,
    const sockjs_member *member, const sockjs_position *from, bool *recovered);

/*
 * Calls each (NULL: nobody) for every member of a channel, in no order; it must not subscribe,
 * unsubscribe or close. Returns how many there are. What is given is valid during the call.
 */
SOCKJS_API size_t sockjs_channel_members(const sockjs_service *service, const char *name,
    void (*each)(const sockjs_member *member, void *data), void *data);

/*
 * Has the service told of members: is_there when the first connection of one has joined, and false
 * when the last is gone. It is called afterwards, from the loop; what it is given is valid during
 * the call. Of daemons that share channels, one is told. callback NULL: not any more. Error:
 * STOPPED.
 */
typedef void sockjs_presence_callback(
    sockjs_service *service, const char *channel, const sockjs_member *member, bool is_there);
SOCKJS_API int sockjs_on_presence(sockjs_service *service, sockjs_presence_callback *callback);

/*
 * Has the service told, in the same way, that a connection is in a channel. Where daemons share
 * them (`engine`), that is after sockjs_channel_subscribe has returned; only then members are
 * known, and whether it has recovered.
 */
typedef void
sockjs_subscribed_callback(sockjs_connection connection, const char *channel, bool recovered);
SOCKJS_API int sockjs_on_subscribed(sockjs_service *service, sockjs_subscribed_callback *callback);

/*
 * Publishes a message of len bytes to a channel of the service. It is encoded once. Subscribers
 * that are closing are passed over; one that reads too slowly is closed, as by sockjs_write. With
 * the option `channel_envelope` they get a JSON object with the message in it. except: a connection
 * that does not get it, or SOCKJS_NOBODY.
 *
 * Errors: INVALID (name or data is NULL, not UTF-8, no such name), STOPPED, FULL (no room in the
 * history, `channels_limit`, no memory; the store cannot be written now).
 */
SOCKJS_API int sockjs_publish(sockjs_service *service, const char *name, const char *data,
    size_t len, sockjs_connection except);

/* Connections that have subscribed to a channel of the service. */
SOCKJS_API size_t sockjs_channel_subscribers(const sockjs_service *service, const char *name);

/* The position of the last message. Offset 0 and epoch "" if there is no such channel. */
SOCKJS_API sockjs_position sockjs_channel_position(const sockjs_service *service, const char *name);

/* --- timers ----------------------------------------------------------------------------------- */

/*
 * Calls fire(data) after delay_ms, then every repeat_ms (0: only once). A timer that does not
 * repeat must be stopped too, to free it. A service's timers are stopped before the module's stop
 * is called. NULL: no such service, or fire is NULL.
 */
SOCKJS_API sockjs_timer *sockjs_timer_start(sockjs_service *service, uint64_t delay_ms,
    uint64_t repeat_ms, void (*fire)(void *data), void *data);

/*
 * Stops *timer, frees it and sets it NULL; *timer may be NULL already. May be called from within
 * fire. Errors: INVALID (timer itself is NULL), GONE (it was stopped).
 */
SOCKJS_API int sockjs_timer_stop(sockjs_timer **timer);

/* --- threads ---------------------------------------------------------------------------------- */

/*
 * Hands a function to the daemon's loop, which calls run(data) in one of its next turns. So another
 * thread delivers what it has worked out, and a callback puts something off. Any thread may call
 * this. The number of functions that wait is not limited.
 *
 * OK: run is called exactly once, in the order in which its thread handed functions over. When a
 * service stops, the functions that wait run first, then stop is called; connections have had their
 * close event by then, so the result of sockjs_write says GONE. If start refuses, what was handed
 * over within it is dropped.
 *
 * STOPPED: the service has stopped or is about to. run is never called, and data stays the
 * caller's.
 * INVALID: service or run is NULL.
 */
SOCKJS_API int sockjs_run(sockjs_service *service, void (*run)(void *data), void *data);

/* --- requests outside every service ----------------------------------------------------------- */

/*
 * What the request says. Strings stay valid until it is answered or its client goes; after that all
 * are NULL or 0.
 */
SOCKJS_API const char *sockjs_request_method(sockjs_request request);
SOCKJS_API const char *sockjs_request_path(sockjs_request request);  /* still percent-encoded */
SOCKJS_API const char *sockjs_request_query(sockjs_request request); /* without `?`; NULL: none */
SOCKJS_API const char *sockjs_request_remote_address(sockjs_request request);
SOCKJS_API int sockjs_request_remote_port(sockjs_request request);
SOCKJS_API sockjs_service *sockjs_request_service(sockjs_request request);

/* A header by its name, in any case; the first of several. NULL: not sent. */
SOCKJS_API const char *sockjs_request_header(sockjs_request request, const char *name);

/*
 * The body and its length in *len (len may be NULL). It is not NUL-terminated. It has at most
 * `body_limit` bytes: a larger one was answered with 413.
 */
SOCKJS_API const char *sockjs_request_body(sockjs_request request, size_t *len);

/* A header of an answer. */
typedef struct sockjs_field {
	const char *name, *value;
} sockjs_field;

typedef struct sockjs_response {
	int status;		    /* 200..599 */
	const char *content_type;   /* NULL: no such header */
	const sockjs_field *fields; /* further headers, ended by a NULL name; NULL: none */
	const void *body;	    /* NULL: none */
	size_t len;		    /* bytes; 0 with status 204 and 304 */
} sockjs_response;

/*
 * Answers the request, once. Errors:
 * GONE: it was answered, its client has gone, or the daemon stops.
 * INVALID: the response cannot be sent, and the request still waits. A name is no token, a value
 * has control characters, or a header is the daemon's own: Connection, Content-Length, Date,
 * Transfer-Encoding, Upgrade.
 * FULL: there is no memory for the answer, and the client's connection ends.
 */
SOCKJS_API int sockjs_respond(sockjs_request request, const sockjs_response *response);

#ifdef __cplusplus
}
#endif

#endif
