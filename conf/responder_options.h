/*
 * The [fcgi] section of sockjs.conf, and the options of [server] that the responder reads too. sessiond checks the section as well,
 * so that `sockjs-sessiond -n` finds a mistake in it.
 */
#ifndef FCGI_OPTIONS_H
#define FCGI_OPTIONS_H

#include "conf/conf.h"
#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fcgi_options {
	char *listen; /* PATH or ADDR:PORT; NULL: descriptor 0, as a web server passes it */
	char *mode;   /* of a Unix socket at listen, octal */
	bool streaming;
	bool autostart;
	char *sessiond;		  /* program to start; NULL: found beside this one */
	uint64_t backend_timeout; /* ms */
	uint64_t request_timeout; /* ms */
	uint32_t connection_limit;
	int log;       /* enum log_target */
	int log_level; /* enum log_severity */
};

extern const struct conf_option fcgi_option_table[];
extern const size_t fcgi_option_count;

/* What the responder takes from a configuration. */
struct responder_config {
	struct fcgi_options options;
	char *conf_path; /* absolute; for autostart */
	char *socket;	 /* of [server]: where sessiond listens */
};

/*
 * Reads FILE; what is not for the responder is passed over. socket, unless it is NULL, is used in place of the file's. -1 and an error
 * (EX_CONFIG).
 */
int responder_config_read(
    const char *path, struct responder_config *config, const char *socket, struct error *err);

void responder_config_clear(struct responder_config *config);

#endif
