/*
 * Where the daemons that share their channels meet, as the option `engine` says it:
 *
 *     memory                                           nowhere: this daemon has its own
 *     redis://[user[:password]@]HOST[:PORT][/DB]       a Redis or Valkey
 *     redis+unix://[user[:password]@]/PATH[?db=DB]     ... at a Unix socket
 *
 * An IPv6 address stands in brackets. User and password are percent-encoded; with a colon before
 * it, a password stands alone.
 */
#ifndef CONF_ENGINE_ADDRESS_H
#define CONF_ENGINE_ADDRESS_H

#include "common/error.h"

struct engine_address {
	char *host; /* a name or an address; NULL: it is at a path */
	char *path;
	char port[6];
	unsigned db;
	char *user, *password; /* NULL: none */
};

/*
 * Reads it. Returns 1; 0 if it is `memory`, and -1 and an error (EX_CONFIG), when *address is
 * empty. engine_address_clear in any case.
 */
int engine_address_read(const char *text, struct engine_address *address, struct error *err);

/* Frees what it has. */
void engine_address_clear(struct engine_address *address);

/* The same as option_checks.h has it. */
int engine_address_check(const char *option, const char *text, struct error *err);

/* "HOST:PORT" or a path, without user and password: for people. To be freed. */
char *engine_address_name(const struct engine_address *address);

#endif
