/*
 * The application interface of sockjs-sessiond.
 *
 * An application is a C module: a shared object that exports one `struct sockjs_module` and is named in sockjs.conf:
 *
 *	[service /echo]
 *	module = echo
 *
 * The names mirror sockjs-node's API: connection, data and close events; write, close, end; readyState, remoteAddress, ...
 *
 * Threads: there is one, the daemon's event loop. Every callback runs on it and every function here must be called on it.
 * A callback must not block: all connections wait for it.
 *
 * Strings: messages are UTF-8 with a length; they may hold NUL bytes. Lone surrogates, which JavaScript strings may hold,
 * arrive and may be sent as three bytes (ED A0 80 .. ED BF BF). Everything a getter returns belongs to the daemon, is
 * NUL-terminated and stays valid until the callback that asked for it returns.
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
#define SOCKJS_ABI 1

#define SOCKJS_API __attribute__((visibility("default")))

/*
 * A connection: a value, to be copied freely. It is never reused: once the connection is gone, functions called with it
 * return SOCKJS_GONE (getters: NULL, 0 or SOCKJS_CLOSED) and do nothing.
 */
typedef struct sockjs_connection {
	uint64_t handle;
} sockjs_connection;

/* One `[service ...]` section of sockjs.conf: a prefix with its options and its module. Lives from start to stop. */
typedef struct sockjs_service sockjs_service;

typedef struct sockjs_timer sockjs_timer;
typedef struct sockjs_group sockjs_group;

/* Results of the functions that act on a connection. 0 is success, errors are negative. */
enum sockjs_result {
	SOCKJS_OK = 0,
	SOCKJS_GONE =
	    -1, /* no such connection any more, or it is closing: nothing can be written */
	SOCKJS_INVALID =
	    -2, /* an argument no call accepts: NULL data, not UTF-8, a bad close code, a reason over 123 bytes */
	SOCKJS_FULL =
	    -3, /* the peer reads too slowly: its queue is over `queue_limit`; the connection is being closed */
	SOCKJS_UNSUPPORTED = -4, /* a binary message to a connection that is not a raw websocket */
};

/* As the WebSocket API's readyState. */
enum sockjs_ready_state {
	SOCKJS_CONNECTING = 0,
	SOCKJS_OPEN = 1,
	SOCKJS_CLOSING = 2,
	SOCKJS_CLOSED = 3,
};

/* A message as it arrived. data belongs to the daemon, is not NUL-terminated, and is valid during the callback. */
typedef struct sockjs_message {
	const char *data;
	size_t len;  /* bytes */
	bool binary; /* only ever true on raw websockets; data is then any bytes, else UTF-8 */
} sockjs_message;

/*
 * What a module exports, by the name `sockjs_module`. Callbacks that are not needed are NULL.
 */
struct sockjs_module {
	uint32_t abi;	  /* SOCKJS_ABI */
	const char *name; /* for the log */

	/* Once for each service that names the module. Not 0: the daemon refuses to start. */
	int (*start)(sockjs_service *service);

	/* Once for each service, when the daemon ends; its connections have had their close event. */
	void (*stop)(sockjs_service *service);

	/* A new connection; it can be written to. */
	void (*connection)(sockjs_connection connection);

	/* A message. Messages of one connection arrive in the order they were sent. */
	void (*data)(sockjs_connection connection, const sockjs_message *message);

	/* The connection is over, whoever ended it: exactly once, the last event. readyState is SOCKJS_CLOSED; getters and
	 * user data still work during the callback. */
	void (*close)(sockjs_connection connection);

	/*
	 * With `jsessionid = module`: the value of the JSESSIONID cookie to set. cookie is the request's own (NULL: none).
	 * Writes a NUL-terminated value of cookie octets to value[size] and returns true, or returns false to set none.
	 */
	bool (*jsessionid)(sockjs_service *service, const char *cookie, char *value, size_t size);
};

/* In a module: `SOCKJS_MODULE = { .abi = SOCKJS_ABI, .name = "echo", .data = on_data };` */
#define SOCKJS_MODULE SOCKJS_API const struct sockjs_module sockjs_module

/* --- a connection: what can be done ------------------------------------------------------------------------------- */

/* Queues a text message of len bytes; copies it. It leaves at the end of the loop's turn, or when the client next polls. */
SOCKJS_API int sockjs_write(sockjs_connection connection, const char *data, size_t len);

/* The same for a binary message; only on raw websockets (protocol "websocket-raw"). */
SOCKJS_API int sockjs_write_binary(sockjs_connection connection, const void *data, size_t len);

/*
 * Closes the connection: what was written before is delivered, then the close frame. code: 1000, or 3000..4999 (0 means
 * 1000); reason: UTF-8, at most 123 bytes (NULL means "Normal closure"). The close event follows later, from the loop.
 */
SOCKJS_API int sockjs_close(sockjs_connection connection, int code, const char *reason);

/* sockjs_write, unless data is NULL, then sockjs_close(1000, "Normal closure"). */
SOCKJS_API int sockjs_end(sockjs_connection connection, const char *data, size_t len);

/* A pointer of the application's, kept with the connection; NULL at first. */
SOCKJS_API void sockjs_set_user_data(sockjs_connection connection, void *data);
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

SOCKJS_API sockjs_service *sockjs_service_of(sockjs_connection connection);

/* --- a service ---------------------------------------------------------------------------------------------------- */

/* The prefix as sockjs.conf has it, and a pointer of the application's (NULL at first). */
SOCKJS_API const char *sockjs_service_prefix(const sockjs_service *service);
SOCKJS_API void sockjs_service_set_user_data(sockjs_service *service, void *data);
SOCKJS_API void *sockjs_service_user_data(const sockjs_service *service);

/* --- groups: one write to many connections ------------------------------------------------------------------------ */

/* A set of connections. One that ends leaves by itself. A message to a group is encoded once. */
SOCKJS_API sockjs_group *sockjs_group_create(sockjs_service *service);
SOCKJS_API void sockjs_group_destroy(sockjs_group **group);
SOCKJS_API int sockjs_group_add(sockjs_group *group, sockjs_connection connection);
SOCKJS_API void sockjs_group_remove(sockjs_group *group, sockjs_connection connection);
SOCKJS_API size_t sockjs_group_size(const sockjs_group *group);

/* sockjs_write to each member; SOCKJS_INVALID if the message is not UTF-8. A member that is closing is passed over. */
SOCKJS_API int sockjs_group_write(sockjs_group *group, const char *data, size_t len);

/* --- timers ------------------------------------------------------------------------------------------------------- */

/*
 * Calls fire(data) after delay_ms, then every repeat_ms (0: only once). sockjs_timer_stop sets the pointer NULL; it may
 * be called from within fire. A timer that fired once and does not repeat must be stopped too, to free it. Timers that
 * are left are stopped with the daemon, before the module's stop.
 */
SOCKJS_API sockjs_timer *sockjs_timer_start(sockjs_service *service, uint64_t delay_ms,
    uint64_t repeat_ms, void (*fire)(void *data), void *data);
SOCKJS_API void sockjs_timer_stop(sockjs_timer **timer);

#ifdef __cplusplus
}
#endif

#endif
