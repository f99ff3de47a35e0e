/*
 * The application interface of sockjs-sessiond.
 *
 * An application is a C module: a shared object that exports one `struct sockjs_module` and is named in sockjs.conf:
 *
 *	[service /echo]
 *	module = echo
 *
 * The names mirror sockjs-node's API: connection, data and close events; write, close, end; readyState, remoteAddress, ...
 * doc/sockjs-node.md has the whole table.
 *
 * Threads: the daemon has one, its event loop. Every callback runs on it and must not block: all connections wait for it. Every
 * function here must be called on it, but for sockjs_run, sockjs_log and sockjs_version, which any thread may call. A call from
 * another thread does nothing, returns SOCKJS_WRONG_THREAD (or NULL, 0, false, SOCKJS_CLOSED where it returns no result) and
 * writes a line to the log.
 *
 * Mistakes: each call checks its arguments. What it cannot do it refuses with an error code and a line in the log; a module's
 * mistake never ends the daemon. NULL is refused wherever a comment does not allow it.
 *
 * Handles: connections and requests are values that are never reused, so one that is held too long is always found out. The
 * pointers to services, groups and timers are looked up before they are followed: one that was destroyed is found out too, unless
 * a newer object of its kind has got the same address.
 *
 * Strings: messages are UTF-8 with a length; they may hold NUL bytes. Lone surrogates, which JavaScript strings may hold,
 * arrive and may be sent as three bytes (ED A0 80 .. ED BF BF). Everything a getter returns belongs to the daemon, is
 * NUL-terminated and stays valid until the callback that asked for it returns; what belongs to a service stays until its stop
 * returns. Everything a call is given, it copies.
 */
#ifndef SOCKJS_H
#define SOCKJS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this interface. A module built for another one is refused when the daemon starts. */
#define SOCKJS_ABI 2

#define SOCKJS_API		   __attribute__((visibility("default")))
#define SOCKJS_PRINTF(text, first) __attribute__((__format__(__printf__, text, first)))

/*
 * A connection: a value, to be copied freely. It is never reused: once the connection is gone, functions called with it
 * return SOCKJS_GONE (getters: NULL, 0 or SOCKJS_CLOSED) and do nothing.
 */
typedef struct sockjs_connection {
	uint64_t handle;
} sockjs_connection;

/* A request outside every service, given to the module of the [fallback] section. A value like sockjs_connection. */
typedef struct sockjs_request {
	uint64_t handle;
} sockjs_request;

/*
 * A section of sockjs.conf that names a module: `[service ...]`, a prefix with its options, or `[fallback]`. A module may be named
 * by several sections: each is a service of its own, with its own options, start, stop and user data. Lives from start to stop.
 */
typedef struct sockjs_service sockjs_service;

typedef struct sockjs_timer sockjs_timer;
typedef struct sockjs_group sockjs_group;

/* Results of the functions that do something. 0 is success, errors are negative. */
enum sockjs_result {
	SOCKJS_OK = 0,
	SOCKJS_GONE =
	    -1, /* no such connection, request, group or timer any more, or the connection is closing */
	SOCKJS_INVALID =
	    -2, /* an argument no call accepts: NULL, not UTF-8, a bad close code, a reason over 123 bytes */
	SOCKJS_FULL =
	    -3, /* the peer reads too slowly: its queue is over `queue_limit`; the connection is being closed */
	SOCKJS_UNSUPPORTED = -4,  /* a binary message to a connection that is not a raw websocket */
	SOCKJS_WRONG_THREAD = -5, /* called on another thread than the daemon's */
	SOCKJS_STOPPED = -6,	  /* the service has stopped, or stops */
};

/* As the WebSocket API's readyState. */
enum sockjs_ready_state {
	SOCKJS_CONNECTING = 0,
	SOCKJS_OPEN = 1,
	SOCKJS_CLOSING = 2,
	SOCKJS_CLOSED = 3,
};

/* Of lines in the log: sockjs-node's severities. Each includes those before it. */
enum sockjs_severity {
	SOCKJS_LOG_ERROR = 0, /* somebody should look at it */
	SOCKJS_LOG_INFO = 1,  /* what an operator wants to know of a day; a line for each request */
	SOCKJS_LOG_DEBUG = 2, /* what happened to each connection */
};

/* A message as it arrived. data belongs to the daemon, is not NUL-terminated, and is valid during the callback. */
typedef struct sockjs_message {
	const char *data;
	size_t len;  /* bytes */
	bool binary; /* only ever true on raw websockets; data is then any bytes, else UTF-8 */
} sockjs_message;

/*
 * What a module exports, by the name `sockjs_module`. Callbacks that are not needed are NULL. The struct must not change once the
 * module is loaded. Callbacks of one service never overlap: none is called from within a call that another one makes, but for log.
 */
struct sockjs_module {
	uint32_t abi;	  /* SOCKJS_ABI */
	const char *name; /* for people who look into the module; not NULL */

	/*
	 * The NAMEs of the module's own options, `module.NAME = VALUE` in sockjs.conf, ended by NULL: another one is refused with
	 * the place where it stands, also by `sockjs-sessiond --check`. NULL: every name is taken (sockjs_option).
	 */
	const char *const *options;

	/*
	 * Once for each service that names the module, before its first connection. Not 0: the daemon refuses to start (a reload
	 * goes on with the services as they were); sockjs_fail says why.
	 */
	int (*start)(sockjs_service *service);

	/*
	 * Once for each start that returned 0, when the service ends: with the daemon, or when a reload has taken its section away. Its
	 * connections have had their close event, what sockjs_run took has run, its timers are stopped. Threads of the module must
	 * have ended when it returns: the module is unloaded then.
	 */
	void (*stop)(sockjs_service *service);

	/* A new connection; it can be written to. */
	void (*connection)(sockjs_connection connection);

	/*
	 * A connection that this process has not seen, but a former one had: it goes on where it was when the daemon was started
	 * again. Its handle and user data are new, sockjs_id is what it was. NULL: connection is called instead.
	 */
	void (*resume)(sockjs_connection connection);

	/*
	 * The daemon stops, and the store keeps the connection, which the next one gives to resume: its last event here, in place of
	 * close. What it writes is kept as well. NULL: nothing is called, or, in a module without resume, close.
	 */
	void (*suspend)(sockjs_connection connection);

	/* A message. Messages of one connection arrive in the order they were sent. */
	void (*data)(sockjs_connection connection, const sockjs_message *message);

	/*
	 * Everything that was written has left, after more than `drain_mark` bytes of it had been waiting (sockjs_queued_bytes): who
	 * stopped writing then may go on. From the loop, never from within a write; not to a connection that is closing.
	 */
	void (*drain)(sockjs_connection connection);

	/* The connection is over, whoever ended it: exactly once, the last event. readyState is SOCKJS_CLOSED; getters and
	 * user data still work during the callback. */
	void (*close)(sockjs_connection connection);

	/*
	 * With `jsessionid = module`: the value of the JSESSIONID cookie to set. cookie is the request's own (NULL: none).
	 * Writes a NUL-terminated value of cookie octets to value[size] and returns true, or returns false to set none.
	 */
	bool (*jsessionid)(sockjs_service *service, const char *cookie, char *value, size_t size);

	/*
	 * A line of the log about this service or one of its connections, of a severity that `log_level` lets through; without
	 * newline, peer bytes escaped. Returns true if the daemon's own log is to go without it. Lines from other threads and those
	 * that the callback itself causes go to the daemon's log alone, and so do those of sockjs_log. Between start and stop only.
	 */
	bool (*log)(sockjs_service *service, enum sockjs_severity severity, const char *line);

	/*
	 * In a module of the [fallback] section: an HTTP request outside every service, for which `static` (GET and HEAD alone) has no
	 * file. Answered by sockjs_respond, now or later; until then its client waits. Of requests that reach the daemon itself:
	 * a web server passes on to sockjs.fcgi only what lies under a prefix. A module without this callback is
	 * refused in that section.
	 */
	void (*request)(sockjs_request request);
};

/* In a module: `SOCKJS_MODULE = { .abi = SOCKJS_ABI, .name = "echo", .data = on_data };` */
#ifdef __cplusplus
#define SOCKJS_MODULE extern "C" SOCKJS_API const struct sockjs_module sockjs_module
#else
#define SOCKJS_MODULE SOCKJS_API const struct sockjs_module sockjs_module
#endif

/* The daemon's version, as "0.1.0"; a constant string. Any thread. */
SOCKJS_API const char *sockjs_version(void);

/* --- a connection: what can be done ------------------------------------------------------------------------------- */

/*
 * Queues a text message of len bytes. It leaves at the end of the loop's turn, or when the client next polls. Errors: GONE (also once
 * sockjs_close was called), INVALID (data is NULL, not UTF-8), FULL.
 */
SOCKJS_API int sockjs_write(sockjs_connection connection, const char *data, size_t len);

/* The same for a binary message of any bytes; only on raw websockets (protocol "websocket-raw"), else UNSUPPORTED. */
SOCKJS_API int sockjs_write_binary(sockjs_connection connection, const void *data, size_t len);

/*
 * Closes the connection: what was written before is delivered, then the close frame. code: 1000, or 3000..4999 (0 means
 * 1000); reason: UTF-8, at most 123 bytes (NULL means "Normal closure"). The close event follows later, from the loop. Errors: GONE
 * (also the second time), INVALID.
 */
SOCKJS_API int sockjs_close(sockjs_connection connection, int code, const char *reason);

/* sockjs_write, unless data is NULL, then sockjs_close(1000, "Normal closure"). Their errors; after one of the write, no close. */
SOCKJS_API int sockjs_end(sockjs_connection connection, const char *data, size_t len);

/*
 * Bytes that were written and have not left: queued, and on the way to a peer that reads slowly; each queued message counts 64 bytes
 * more than its length. At `queue_limit` the connection is closed; once over `drain_mark`, the drain event tells when it is 0 again.
 * What a responder or a poll's answer has taken has left.
 */
SOCKJS_API size_t sockjs_queued_bytes(sockjs_connection connection);

/* A pointer of the application's, kept with the connection and never followed; NULL at first. Error: GONE. */
SOCKJS_API int sockjs_set_user_data(sockjs_connection connection, void *data);
SOCKJS_API void *sockjs_user_data(sockjs_connection connection);

/* --- a connection: what is known ---------------------------------------------------------------------------------- */

/* An identifier unlike any other connection's (36 characters, UUID form). Never the session id, which is a secret. */
SOCKJS_API const char *sockjs_id(sockjs_connection connection);

SOCKJS_API enum sockjs_ready_state sockjs_ready_state(sockjs_connection connection);
SOCKJS_API bool sockjs_readable(sockjs_connection connection);
SOCKJS_API bool sockjs_writable(sockjs_connection connection);

/* "websocket", "websocket-raw", "xhr-polling", "xhr-streaming", "eventsource", "htmlfile" or "jsonp-polling". */
SOCKJS_API const char *sockjs_protocol(sockjs_connection connection);

/* The part of the path that the service matched, as "/echo". */
SOCKJS_API const char *sockjs_prefix(sockjs_connection connection);

/* Path and query, and path alone, of the last receiving request; as sent, still percent-encoded. */
SOCKJS_API const char *sockjs_url(sockjs_connection connection);
SOCKJS_API const char *sockjs_pathname(sockjs_connection connection);

/* The peer's end ("127.0.0.1", 54321) and ours, as the last receiving request came. A Unix socket: "" and 0. */
SOCKJS_API const char *sockjs_remote_address(sockjs_connection connection);
SOCKJS_API int sockjs_remote_port(sockjs_connection connection);
SOCKJS_API const char *sockjs_address(sockjs_connection connection);
SOCKJS_API int sockjs_port(sockjs_connection connection);

/*
 * A header of the last receiving request by its lower-case name, NULL if it was not sent. Only these are kept: origin,
 * referer, x-client-ip, x-forwarded-for, x-forwarded-host, x-forwarded-port, x-cluster-client-ip, via, x-real-ip,
 * x-forwarded-proto, x-ssl, dnt, host, user-agent, accept-language. Never cookie: cookies are not safe with SockJS.
 */
SOCKJS_API const char *sockjs_header(sockjs_connection connection, const char *name);

/* The service it belongs to; NULL for a connection that is gone. */
SOCKJS_API sockjs_service *sockjs_service_of(sockjs_connection connection);

/* --- a service ---------------------------------------------------------------------------------------------------- */

/* The prefix as sockjs.conf has it, "fallback" for the section of that name. */
SOCKJS_API const char *sockjs_service_prefix(const sockjs_service *service);

/* A pointer of the application's, kept with the service and never followed; NULL at first. Error: INVALID. */
SOCKJS_API int sockjs_service_set_user_data(sockjs_service *service, void *data);
SOCKJS_API void *sockjs_service_user_data(const sockjs_service *service);

/*
 * Writes a line to the daemon's log, with the service's prefix before it, if the service's log_level lets that severity through. Bytes
 * that are not printable ASCII are escaped, long lines cut. Any thread, from start until stop returns; later it does nothing.
 */
SOCKJS_API void sockjs_log(const sockjs_service *service, enum sockjs_severity severity,
    const char *format, ...) SOCKJS_PRINTF(3, 4);

/* --- a module's own options --------------------------------------------------------------------------------------- */

/* The value of `module.NAME = VALUE` in the service's section; NULL if there is no such line. Never the section's other options. */
SOCKJS_API const char *sockjs_option(const sockjs_service *service, const char *name);

/*
 * The same, read as sockjs.conf's own options are: on/off; a whole number; bytes, with k, M or G; milliseconds, with ms, s or m.
 * min and max are both allowed, a max of 0 is the type's (ms: a year). Without such a line *value keeps what it has, the default.
 * A value that is none of the kind: INVALID, *value is unchanged, and, within start, the daemon refuses to start with the
 * file, the line and what is expected, whatever start returns; later there is only a line in the log.
 */
SOCKJS_API int sockjs_option_bool(sockjs_service *service, const char *name, bool *value);
SOCKJS_API int sockjs_option_uint(
    sockjs_service *service, const char *name, uint32_t min, uint32_t max, uint32_t *value);
SOCKJS_API int sockjs_option_size(
    sockjs_service *service, const char *name, size_t min, size_t max, size_t *value);
SOCKJS_API int sockjs_option_ms(
    sockjs_service *service, const char *name, uint64_t min, uint64_t max, uint64_t *value);

/*
 * Within start: why the service cannot start, shown after the file and the line of its section; the first call counts. The daemon
 * refuses to start whatever start returns. Returns SOCKJS_INVALID, for `return sockjs_fail(...)`. Elsewhere it is only logged.
 */
SOCKJS_API int sockjs_fail(sockjs_service *service, const char *format, ...) SOCKJS_PRINTF(2, 3);

/* --- groups: one write to many connections ------------------------------------------------------------------------ */

/*
 * A set of connections of any service. One that ends leaves by itself. The group belongs to the service given: one that is left
 * when it stops is destroyed. NULL: no such service.
 */
SOCKJS_API sockjs_group *sockjs_group_create(sockjs_service *service);

/* Frees *group and sets it NULL; a NULL in it is fine. Its connections are not touched. Errors: INVALID (group itself is NULL), GONE. */
SOCKJS_API int sockjs_group_destroy(sockjs_group **group);

/* OK also if it is a member already. Errors: INVALID (group is NULL), GONE (the group or the connection is). */
SOCKJS_API int sockjs_group_add(sockjs_group *group, sockjs_connection connection);

/* OK also if it is no member. The same errors, but a connection that is gone has left: OK. */
SOCKJS_API int sockjs_group_remove(sockjs_group *group, sockjs_connection connection);

SOCKJS_API size_t sockjs_group_size(const sockjs_group *group);

/*
 * sockjs_write to each member, the message being encoded once. A member that is closing is passed over, one that reads too
 * slowly is closed as by sockjs_write. Errors: INVALID (NULL, not UTF-8), GONE (the group), FULL (no memory for the message).
 */
SOCKJS_API int sockjs_group_write(sockjs_group *group, const char *data, size_t len);

/* --- timers ------------------------------------------------------------------------------------------------------- */

/*
 * Calls fire(data) after delay_ms, then every repeat_ms (0: only once). A timer that fired once and does not repeat must be stopped
 * too, to free it. Timers that are left are stopped with their service, before the module's stop. NULL: no such service, or fire
 * is NULL.
 */
SOCKJS_API sockjs_timer *sockjs_timer_start(sockjs_service *service, uint64_t delay_ms,
    uint64_t repeat_ms, void (*fire)(void *data), void *data);

/*
 * Stops *timer, frees it and sets it NULL; a NULL in it is fine. May be called from within fire. Errors: INVALID (timer itself is
 * NULL), GONE (it was stopped).
 */
SOCKJS_API int sockjs_timer_stop(sockjs_timer **timer);

/* --- threads ------------------------------------------------------------------------------------------------------ */

/*
 * Hands a function to the daemon's loop, which calls run(data) in one of its next turns: how another thread delivers what it has
 * worked out, and how the loop's own thread puts something off. Any thread.
 *
 * OK: it will be called, exactly once, in the order in which its thread handed functions over. When a service stops, what it was
 * handed before is run first (connections have had their close event by then: check what sockjs_write returns), then stop is called.
 * STOPPED: the service is about to stop, or has; run is never called and data stays the caller's. INVALID: service or run is NULL.
 * If start refuses, what was handed over within it is dropped. The number of functions that wait is not limited.
 */
SOCKJS_API int sockjs_run(sockjs_service *service, void (*run)(void *data), void *data);

/* --- requests outside every service ------------------------------------------------------------------------------- */

/* What the request says. All are NULL or 0 once it was answered or its client has gone; until then strings stay valid. */
SOCKJS_API const char *sockjs_request_method(sockjs_request request);
SOCKJS_API const char *sockjs_request_path(sockjs_request request);  /* still percent-encoded */
SOCKJS_API const char *sockjs_request_query(sockjs_request request); /* without `?`; NULL: none */
SOCKJS_API const char *sockjs_request_remote_address(sockjs_request request);
SOCKJS_API int sockjs_request_remote_port(sockjs_request request);
SOCKJS_API sockjs_service *sockjs_request_service(sockjs_request request);

/* Any header, its name in any case; the first of several. NULL: not sent. */
SOCKJS_API const char *sockjs_request_header(sockjs_request request, const char *name);

/* The body, of at most `body_limit` bytes (a larger one was answered with 413), not NUL-terminated; *len: its bytes (NULL: not wanted). */
SOCKJS_API const char *sockjs_request_body(sockjs_request request, size_t *len);

/* A header of an answer. */
typedef struct sockjs_field {
	const char *name, *value;
} sockjs_field;

typedef struct sockjs_response {
	int status;		  /* 200..599 */
	const char *content_type; /* NULL: no such header */
	const sockjs_field
	    *fields;	  /* further headers, ended by one whose name is NULL; NULL: none */
	const void *body; /* NULL: none */
	size_t len;	  /* bytes; 0 with status 204 and 304 */
} sockjs_response;

/*
 * Answers the request, once. Errors: GONE (it was answered, its client has gone, or the daemon stops), INVALID (response or a part of it
 * is not what can be sent: a name that is no token, a value with control characters, a header that belongs to the daemon:
 * Connection, Content-Length, Date, Transfer-Encoding, Upgrade); the request then still waits. FULL: no memory for the answer, the
 * client's connection ends.
 */
SOCKJS_API int sockjs_respond(sockjs_request request, const sockjs_response *response);

#ifdef __cplusplus
}
#endif

#endif
