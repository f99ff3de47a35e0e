/*
 * sockjs.conf as the responder reads it: the [fcgi] section, and `socket` and
 * `command_folder` of [server]. sessiond
 * checks the [fcgi] section as well (config_read.h).
 */
#ifndef CONF_RESPONDER_OPTIONS_H
#define CONF_RESPONDER_OPTIONS_H

#include "conf/conf.h"
#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fcgi_options {
	char *listen;	   /* PATH or ADDR:PORT...; NULL: descriptor 0, as a web server passes it */
	char *socket_mode; /* of a Unix socket at listen, octal */
	char *socket_group; /* NULL: that of who makes it */
	char *user;	    /* whom it becomes if root starts it; NULL: it stays root */
	char *group;	    /* NULL: the user's own */
	bool streaming;
	bool autostart;
	bool show_reason;
	char *sessiond;		  /* program to start; NULL: found beside this one */
	uint64_t backend_timeout; /* ms */
	uint64_t request_timeout; /* ms */
	uint32_t connection_limit;
	char *log;	 /* "stderr", "syslog", or the path of a file */
	size_t log_size; /* bytes of that file; 0: no limit */
	int log_level;	 /* enum log_severity */
};

extern const struct conf_option fcgi_option_table[];
extern const size_t fcgi_option_count;

/* What the responder takes from a configuration. */
struct responder_config {
	struct fcgi_options options;
	char *conf_path;      /* absolute; for autostart */
	char *socket;	      /* of [server]: where sessiond listens */
	char *command_folder; /* of [server]; NULL: none */
};

/*
 * Reads the file at path; passes over what is not for the responder. socket, unless it is NULL, is
 * used in place of the file's. 0, or -1 and an error (EX_CONFIG) that begins with the path; *config
 * is empty then.
 */
int responder_config_read(
    const char *path, struct responder_config *config, const char *socket, struct error *err);

/* Frees what responder_config_read made. Safe a second time. */
void responder_config_clear(struct responder_config *config);

#endif
