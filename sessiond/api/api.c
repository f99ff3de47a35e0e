/*
 * See api.h.
 */
#include "sessiond/api/api.h"

#include "common/log.h"
#include "sessiond/session/session.h"
#include "sessiond/session/session_set.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#define LINES_A_SECOND 50 /* about mistakes */

static struct sessions *bound;
static pthread_t loop_thread;
static bool has_thread; /* false only before the first api_bind: tests of what needs no sessions */
static _Atomic time_t second; /* of the latest line about a mistake */
static atomic_uint lines;     /* in that second */

void
api_bind(struct sessions *sessions)
{
	bound = sessions;
	loop_thread = pthread_self();
	has_thread = true;
	atomic_store(&lines, 0);
}

static struct {
	unsigned daemons;
	bool shares_channels;
	bool is_told[API_APART_KINDS];
} several = {.daemons = 1};

void
api_set_daemons(unsigned daemons, bool shares_channels)
{
	several.daemons = daemons;
	several.shares_channels = shares_channels;
}

void
api_use(const sockjs_service *service, enum api_apart what)
{
	static const char *const words[] = {
	    [API_GROUPS] =
		"groups: each daemon has its own, with its own connections; channels with "
		"an engine are shared",
	    [API_CHANNELS] =
		"channels: each daemon has its own; `engine = redis://HOST` in [server] "
		"makes them one",
	};

	if (several.daemons == 1 || several.is_told[what] ||
	    (what == API_CHANNELS && several.shares_channels))
		return;
	/* A module of the daemon's own knows. */
	if (what == API_GROUPS && service->image == NULL)
		return;
	several.is_told[what] = true;
	log_error(
	    "[service %s] uses, with %u daemons, %s", service->name, several.daemons, words[what]);
}

/* A module that goes wrong does so with every message; its lines must not be all the log has. */
static bool
is_worth_a_line(void)
{
	time_t now = time(NULL);
	unsigned before;

	if (atomic_exchange(&second, now) != now)
		atomic_store(&lines, 0);
	before = atomic_fetch_add(&lines, 1);
	if (before == LINES_A_SECOND)
		log_error("more mistakes of modules in this second are left out");
	return before < LINES_A_SECOND;
}

bool
api_is_loop(const char *call)
{
	if (!has_thread || pthread_equal(pthread_self(), loop_thread))
		return true;
	if (is_worth_a_line())
		log_error(
		    "%s: called on a thread that is not the daemon's (sockjs_run hands work over to it)",
		    call);
	return false;
}

int
api_find(sockjs_connection connection, const char *call, struct session **session)
{
	*session = NULL;
	if (!api_is_loop(call))
		return SOCKJS_WRONG_THREAD;
	if (bound != NULL)
		*session = handle_table_find(&bound->handles, connection.handle);
	if (*session == NULL || (*session)->is_forgotten)
		*session = NULL;
	return *session == NULL ? SOCKJS_GONE : SOCKJS_OK;
}

int
api_refuse_gone(const struct session *session, const char *call)
{
	if (is_worth_a_line()) {
		if (session == NULL)
			log_info("%s: the connection or request is gone", call);
		else
			session_log(session, SEVERITY_INFO, "%s: %s (the connection is %s)",
			    session->service->module_name, call,
			    session_ready_state(session) == SOCKJS_CLOSING ? "closing" : "closed");
	}
	return SOCKJS_GONE;
}

int
api_refuse(const struct session *session, const char *call, const char *why)
{
	if (is_worth_a_line()) {
		if (session == NULL)
			log_error("%s: %s", call, why);
		else
			session_log(session, SEVERITY_ERROR, "%s: %s (%s)",
			    session->service->module_name, call, why);
	}
	return SOCKJS_INVALID;
}

bool
api_is_service(const sockjs_service *service, const char *call)
{
	if (!api_is_loop(call))
		return false;
	if (service_is_live(service))
		return true;
	api_refuse(NULL, call,
	    service == NULL ? "service is NULL" : "there is no such service (any more)");
	return false;
}
