/*
 * For those who run the daemon, over HTTP:
 *
 *     GET /up                 200 "up", or 503 and why it serves nobody: on every way in
 *     GET /metrics            metrics.h: on the control socket, elsewhere with metrics_token alone
 *     POST /control/reload    reads the configuration again; 422 and why it was refused
 *     POST /control/reload-one  the same, and who asks also asks the other daemons
 *     POST /control/restart   checks it, then has the supervisor start the daemon anew
 *     POST /control/drain     takes no new sessions, and says so at /up; those that are there go on
 *     POST /control/undrain   takes new ones again; so does a daemon that is started anew
 *     GET /control/sessions   session_list.h
 *     GET /control/channels   channel_list.h
 *     GET /control/workers    worker_list.h
 *     GET /control/tail       tail.h
 *     POST /control/close     session_commands.h, as is POST /control/send
 *     POST /publish           publish.h
 *
 * All but the first two are on the control socket alone. Who may use that is decided by the
 * kernel's word about who is connected (SO_PEERCRED): root, the daemon's own user, and
 * control_users; and for /publish alone, publish_users.
 */
#ifndef SESSIOND_CONTROL_H
#define SESSIOND_CONTROL_H

#include "common/error.h"
#include "conf/config.h"
#include "sessiond/control/metrics.h"
#include "sessiond/control/tail.h"
#include "sessiond/http/http_handler.h"

/* What the daemon does when it is told to. Each returns 0, or -1 and an error: why not. */
struct control_calls {
	int (*reload)(void *owner, struct error *err);
	int (*reload_one)(void *owner, struct error *err); /* the others are not told */
	int (*restart)(void *owner, struct error *err);
};

struct control {
	const struct config *config;
	struct metrics_sources sources;
	struct tails tails;
	const struct control_calls *calls;
	void *owner; /* theirs */
};

/* For http_requests: the context is the struct control. */
extern const struct http_handler control_handlers[];

/* What the process at the other end of a Unix socket may do on the control socket. */
enum http_way control_way(const struct config *config, int fd);

/* Why the daemon serves nobody, a text without a line's end; NULL: it does. */
const char *control_unready(const struct metrics_sources *sources);

/*
 * True if len bytes are the secret, which is not empty. How long it takes tells nothing of what
 * it is.
 */
bool control_secret_is_right(const char *given, size_t len, const char *secret);

/* True if the header Authorization (NULL: none) has that token. How long it takes tells nothing. */
bool control_token_is_right(const char *authorization, const char *token);

#endif
