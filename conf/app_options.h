/*
 * The options that an [app NAME] section has beside those of services: an application that speaks
 * the Pusher Channels protocol, without code of its own.
 */
#ifndef CONF_APP_OPTIONS_H
#define CONF_APP_OPTIONS_H

#include "conf/conf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	APP_NAME_MAX = 64,	    /* bytes of a name, and of a key */
	APP_ACTIVITY_TIMEOUT = 120, /* s of silence after which its clients ask */
};

struct app_options {
	char *key;    /* public: what clients name in their URL */
	char *secret; /* what signs; never NULL once the file is read */
	char *secret_file;
	bool client_events;
	uint32_t client_event_rate; /* a second, of a connection */
	bool subscription_count;
	uint32_t app_connection_limit; /* 0: none of its own */
	char *webhook;		       /* NULL: none */
};

extern const struct conf_option app_option_table[];
extern const size_t app_option_count;

/* True if that may be the name of an app, or its key: A-Z a-z 0-9 _ - */
bool app_name_is_valid(const char *name);

/*
 * The end of a section: reads secret_file (a path) into secret. 0, or -1 and an error (EX_CONFIG)
 * without a place: there is no key, not one secret, or a file that others may read.
 */
int app_options_finish(struct app_options *options, struct error *err);

#endif
