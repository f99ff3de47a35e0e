/*
 * The options that a [service ...] section has whose application is written in any language:
 * processes that the daemon starts, processes that connect to it, or a FastCGI application.
 */
#ifndef CONF_WORKER_OPTIONS_H
#define CONF_WORKER_OPTIONS_H

#include "conf/conf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The daemon's own modules, which carry events to such applications. */
#define WORKER_MODULE	       "worker"	  /* processes that serve many connections */
#define WORKER_EACH_MODULE     "each"	  /* a process for each connection */
#define WORKER_CALLBACK_MODULE "callback" /* requests to a FastCGI application */

enum worker_accept {
	WORKER_ACCEPT_EVERYBODY,
	WORKER_ACCEPT_APPLICATION, /* it is asked about each client */
};

struct worker_options {
	char *program;		/* a command; NULL: none */
	char *processes;	/* a number, or "each" */
	uint32_t max_processes; /* with "each" */
	char *callback;		/* "fastcgi:ADDRESS SCRIPT"; NULL: none */
	uint32_t callback_concurrency;
	uint64_t callback_timeout; /* ms */
	bool ack;		   /* an event is handled once the application says so */
	uint64_t ack_timeout;	   /* ms; 0: none */
	int accept;		   /* enum worker_accept */
	uint64_t worker_timeout;   /* ms without an application before clients are refused */
	size_t worker_line_limit;  /* bytes, of what an application says at once */
	uint32_t worker_in_flight; /* events that a process may have and has not acknowledged */
	size_t worker_queue_limit; /* bytes of events that wait for a process */
	size_t worker_held_limit;  /* bytes of calls that wait for an ack */
	size_t worker_memory;	   /* bytes of address space that a process may have; 0: any */
	uint32_t worker_files;	   /* descriptors that it may have; 0: as many as the daemon */
};

extern const struct conf_option worker_option_table[];
extern const size_t worker_option_count;

/* Processes to be started, of a value that was read; 0: one for each connection. */
uint32_t worker_options_processes(const struct worker_options *options);

enum { WORKER_ADDRESS_SIZE = 108 }; /* NUL included; as a Unix socket's path */

/*
 * Takes a value of `callback` apart: "fastcgi:ADDRESS SCRIPT", the address a path or ADDR:PORT,
 * the script a path. False: it is not of that form.
 */
bool worker_options_split_callback(
    const char *value, char address[WORKER_ADDRESS_SIZE], const char **script);

/* The folder that a program is run in, that of a sockjs.conf (NULL: none), to be freed. */
char *worker_options_folder(const char *conf_path);

/*
 * The end of a section that names `module` (NULL: none): the module that it has. NULL and an error
 * (EX_CONFIG) without a place: there is none, or two things are named.
 */
const char *
worker_options_module(const struct worker_options *options, const char *module, struct error *err);

#endif
