/*
 * The options of a service that the protocol's pure functions read (protocol: the options
 * sockjs-node has, by its names). Filled by the configuration; this file only says their shape.
 */
#ifndef SOCKJS_SERVICE_OPTIONS_H
#define SOCKJS_SERVICE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum jsessionid_mode {
	JSESSIONID_OFF,
	JSESSIONID_ON,	   /* echo the request's cookie, else "dummy" */
	JSESSIONID_MODULE, /* the application's callback decides */
};

/* The attribute SameSite of the JSESSIONID cookie. */
enum samesite {
	SAMESITE_OFF, /* no such attribute */
	SAMESITE_NONE,
	SAMESITE_LAX,
	SAMESITE_STRICT,
};

enum websocket_heartbeat {
	WEBSOCKET_HEARTBEAT_PING,  /* a WebSocket ping, whose pong is awaited */
	WEBSOCKET_HEARTBEAT_FRAME, /* an `h` frame, seen by the client's onheartbeat */
};

struct service_options {
	char *sockjs_url;
	char *base_url;	       /* NULL: none */
	size_t response_limit; /* bytes of wrapped frames after which a streaming response ends */
	unsigned transports;   /* bit 1 << enum transport_id for each enabled one */
	bool websocket;
	bool disable_cors;
	char *allowed_origins;	 /* as allowed_origins_parse takes it; NULL: any */
	uint32_t session_id_min; /* bytes of a session id, as it stands in the URL */
	int jsessionid;		 /* enum jsessionid_mode */
	int jsessionid_samesite; /* enum samesite */
	bool jsessionid_secure;
	bool jsessionid_httponly;
	char *jsessionid_path;	   /* NULL: "/" */
	char *websocket_protocols; /* names between blanks or commas, the best first; NULL: none */
	bool websocket_hixie76;
	bool websocket_deflate;
	int websocket_heartbeat;    /* enum websocket_heartbeat */
	char *headers;		    /* further names of headers that modules see; NULL: none */
	size_t headers_limit;	    /* bytes kept of a session's request, its id included */
	uint64_t heartbeat_delay;   /* ms */
	uint64_t disconnect_delay;  /* ms */
	uint64_t authorize_timeout; /* ms */
	bool resume;		    /* clients may outlive their connections */
	uint64_t resume_timeout;    /* ms that such a client may stay away */
	size_t body_limit;	    /* bytes of a request's body */
	size_t message_limit;	    /* bytes of one websocket message */
	uint32_t messages_limit;    /* messages in one array */
	size_t queue_limit;	    /* bytes queued for one session */
	size_t drain_mark; /* bytes queued for a session, after which an empty queue is an event */
	int log_level;	   /* enum log_severity */
	/* Of its channels. */
	uint32_t history;      /* messages that each keeps; 0: none */
	uint64_t history_ttl;  /* ms that a message is kept */
	size_t history_limit;  /* bytes that each keeps */
	bool channel_envelope; /* subscribers get the message's channel and offset too */
};

#endif
