/*
 * The options of [server] and of services, and their tables. A program reads, checks and suggests
 * what is in the tables; the build makes the installed sockjs.conf of them.
 */
#ifndef CONF_CONFIG_OPTIONS_H
#define CONF_CONFIG_OPTIONS_H

#include "conf/conf.h"
#include "conf/service_option_table.h"
#include "sockjs/service_options.h"

#include <stddef.h>
#include <stdint.h>

struct server_options {
	char *listen;	      /* "ADDR:PORT ...", NULL: none */
	char *socket;	      /* path of a Unix socket, NULL: none */
	char *socket_mode;    /* octal, checked */
	char *socket_group;   /* NULL: none */
	char *socket_users;   /* who may speak on the socket; NULL: whom its permissions let */
	char *control;	      /* path of the control socket; "none"; NULL: beside socket */
	char *control_users;  /* who may use it beside root and the daemon's own; NULL: nobody */
	char *publish_users;  /* who may publish on it; NULL: nobody else */
	size_t publish_limit; /* bytes of a message that is published over HTTP */
	char *app_path;	      /* below which [app] sections are served; NULL: none */
	char *metrics_token;  /* with which the metrics are told elsewhere, too; NULL: not told */
	char *status_token;   /* with which the service "status" tells them; NULL: nobody is told */
	char *command_folder; /* in which files are commands; NULL: none */
	char *user, *group;   /* whom a daemon that root starts becomes, NULL: nobody; the user's */
	char *static_folder;  /* NULL: no files are served */
	char *module_path;  /* folder; NULL: beside the program, then where modules are installed */
	char *store;	    /* path of the session store; NULL: none */
	int store_sync;	    /* enum store_sync */
	size_t store_limit; /* bytes of the whole store */
	size_t store_session_limit, store_address_limit; /* of it; 0: parts of store_limit */
	char *log;	       /* "stderr", "syslog", or the path of a file */
	size_t log_size;       /* bytes of that file; 0: no limit */
	char *trusted_proxies; /* whose X-Forwarded-For and Forwarded are believed; checked */
	size_t engine_backlog; /* bytes that its server may owe answers for */
	char *engine;	       /* of the channels: conf/engine_address.h; checked */
	uint32_t channels_limit;
	uint32_t channels_per_connection;
	uint32_t members_per_channel;
	size_t member_limit;	 /* bytes */
	size_t histories_limit;	 /* bytes */
	uint32_t fcgid_max_held; /* polls held by processes that serve one request at a time */
	uint32_t daemons;	 /* that run on this configuration */
	uint32_t connection_limit;
	uint32_t local_peers; /* connections of the Unix socket that are not HTTP */
	size_t local_backlog; /* bytes that a responder may leave unread */
	uint32_t session_limit;
	uint32_t guesses_per_minute;	  /* 0: no limit */
	uint32_t sessions_per_address;	  /* 0: no limit */
	uint32_t connections_per_address; /* 0: no limit */
	size_t input_limit;		  /* bytes of unfinished messages and bodies */
	size_t queues_limit;		  /* bytes that wait for all clients together */
	uint32_t deflate_limit;		  /* websockets with compression */
	size_t memory_limit;	  /* bytes of the process; 0: three quarters of what there is */
	uint64_t message_timeout; /* ms for a websocket message to arrive */
	uint64_t slow_callback;	  /* ms that one may take before the log names it */
	uint32_t request_rate, send_rate, message_rate, ping_rate; /* a second; 0: no limit */
	uint32_t address_request_rate, address_send_rate, address_message_rate, address_ping_rate;
	uint64_t request_timeout;   /* ms for a whole request to arrive */
	uint64_t keepalive_timeout; /* ms between two requests of a connection */
	size_t connection_memory; /* bytes for one HTTP connection, which bound a request's head */
};

extern const struct conf_option server_option_table[];
extern const size_t server_option_count;

#endif
